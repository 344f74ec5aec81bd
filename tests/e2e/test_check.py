#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""thermograf check and thermograf probes: what they say is true, for a person and for a program, with root and without."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import agent
import badreceiver
import lab
import store
from authority import authority
from tap import Skip, at_most, equal, main, true

NOBODY = 65534

HEAD = """[agent]
interval = 1s
[global_tags]
dc = lab
"""


@contextmanager
def written(text):
    with tempfile.TemporaryDirectory(prefix="thermograf-check-") as folder:
        path = Path(folder) / "thermograf.ini"
        path.write_text(text)
        yield path


def check(path, *options, program=None, user=None):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([program or agent.program(), "check", "--config", path, *options], capture_output=True, text=True,
                          check=False, timeout=60, user=user, group=user, extra_groups=[] if user else None)
    return done.returncode, done.stdout, done.stderr


def check_json(path, *options):
    code, out, _ = check(path, "--json", *options)
    return code, json.loads(out)


def probes_json(*options):
    done = subprocess.run([agent.program(), "probes", "--json", *options], capture_output=True, text=True, check=False)
    return done.returncode, {probe["name"]: probe for probe in json.loads(done.stdout)}


def test_text_and_json_say_the_same_and_the_exit_code_is_by_severity():
    broken = "[output.f]\ntype = file\npath = /nonexistent/folder/lines\n[probe.nope]\n"
    for text, wanted in ((HEAD + "[output.f]\ntype = stdout\n", 0), (HEAD + broken, 2), (HEAD + "[output.f]\ntipe = x\n", 2)):
        with written(text) as path:
            code, out, err = check(path)
            equal(code, wanted, f"exit code, saying\n{out}{err}")
            code, found = check_json(path)
            equal(code, wanted, "exit code with --json")
            equal(found["files"], [str(path)], "files")
            equal(found["errors"] > 0, wanted == 2, f"errors in {found['findings']}")
            for finding in found["findings"]:
                true(finding["text"] in out + err, f"{finding} is not in\n{out}{err}")
            if out:
                true(f"errors: {found['errors']}, warnings: {found['warnings']}\n" in out, f"the sum in\n{out}")
                for probe in found["probes"]:
                    true(f"probe {probe['name']}\n" in out, f"{probe['name']} is not in\n{out}")


def test_without_root_it_works_and_says_what_it_could_not_know():
    with tempfile.TemporaryDirectory(prefix="thermograf-check-") as folder, written(HEAD) as path:
        os.chmod(folder, 0o755)
        os.chmod(path.parent, 0o755)
        shutil.copy(agent.program(), folder)
        shutil.copytree(agent.program().parent / "probes", Path(folder) / "probes")
        code, out, err = check(path, "--load", program=Path(folder) / "thermograf", user=None if os.geteuid() else NOBODY)
        equal(code, 0, f"exit code, saying\n{out}{err}")
        true("capabilities none; not enough to load programs" in out, f"it said\n{out}")
        true("probe block_io: not loaded: this needs root, or CAP_BPF and CAP_PERFMON" in err, f"it said\n{err}")
        if not os.path.exists("/sys/kernel/btf/vmlinux"):
            raise Skip("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)")
        true("program block_rq_complete: " in out, f"it said\n{out}")


# Stands in for the user that the unit brings, in a mount namespace of its own.
SERVICE_UID = 64321


def check_beside_the_service(path, passwd):
    done = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/passwd || exit 77; exec "$2" check --config "$3"',
                           "sh", passwd, agent.program(), path], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 77 or "unshare" in done.stderr:
        raise Skip(f"no mount namespaces here: {done.stderr.strip()}")
    return done.returncode, done.stdout + done.stderr


def test_as_root_it_tells_of_a_secret_that_the_service_could_not_read():
    lab.need_root()
    with written(HEAD + "[output.o]\ntoken_file = TOKEN\n") as path:
        folder = path.parent
        token, passwd = folder / "token", folder / "passwd"
        path.write_text(path.read_text().replace("TOKEN", str(token)))
        others = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("thermograf:")]
        passwd.write_text("\n".join([*others, f"thermograf:x:{SERVICE_UID}:{SERVICE_UID}::/:/usr/sbin/nologin", ""]))
        passwd.chmod(0o644)
        token.write_text("not-a-secret\n")
        for folder_mode, mode, group, wanted in ((0o755, 0o600, 0, True), (0o755, 0o640, 0, True), (0o755, 0o640, SERVICE_UID, False),
                                                 (0o700, 0o640, SERVICE_UID, True)):
            folder.chmod(folder_mode)
            token.chmod(mode)
            os.chown(token, 0, group)
            code, said = check_beside_the_service(path, passwd)
            equal(code, 0, f"exit code, saying\n{said}")
            equal(f"token_file: {token} cannot be read by the service's user, thermograf: Permission denied; it should have owner root, "
                  "group thermograf, mode 0640" in said, wanted, f"whether it warns of {mode:o}, group {group}, in {folder_mode:o}:\n{said}")


def test_more_settings_than_there_may_be_are_told():
    for times, wanted in ((64, 0), (65, 2)):
        code, _, err = check("/dev/null", *["--set", "global_tags/dc=lab"] * times)
        equal((code, "--set may be given 64 times" in err), (wanted, wanted == 2), f"exit code with {times}, and whether it says so: {err}")


def test_load_proves_that_this_kernel_takes_the_probes_and_leaves_nothing():
    lab.need_root()
    with written(HEAD) as path:
        code, found = check_json(path, "--load")
        equal(code, 0, f"exit code; it found {found['findings']}")
        states = {probe["name"]: probe["state"] for probe in found["probes"]}
        equal(states["block_io"], "runs", "state of block_io")
        equal(found["process"]["capabilities"], "CAP_PERFMON and CAP_BPF", "as the agent has after its start")
        equal({probe["state"] for probe in check_json(path)[1]["probes"]}, {"off", "fit"}, "states without --load")


class Missing(store.InfluxDB):
    create = False


def test_connect_explains_what_a_real_influxdb_answers():
    login = ("agent", "s3cret")
    with Missing(store.of(store.InfluxDB), login=login) as db:
        output = HEAD + f"[output.store]\nurls = {db.url}\n"
        with written(output) as path:
            code, out, _ = check(path, "--connect")
            true(code == 2 and "answers 401" in out and "; set token, or username and password, in [output.store]" in out, out)
        output += "username = agent\npassword = {}\n"
        with written(output.format("wrong")) as path:
            code, out, _ = check(path, "--connect")
            true(code == 2 and "answers 401" in out and "; check username and password of [output.store]" in out, out)
        with written(output.format("s3cret")) as path:
            path.chmod(0o600)
            code, out, _ = check(path, "--connect")
            true(code == 2 and 'answers 404 "database not found: telegraf"; create it with: CREATE DATABASE "telegraf"' in out, out)
            db.execute('CREATE DATABASE "telegraf"')
            code, found = check_json(path, "--connect")
            equal(code, 0, f"exit code; it found {found['findings']}")
            (receiver,) = found["outputs"][0]["receivers"]
            equal((receiver["taken"], receiver["status"], receiver["url"]), (True, 204, db.url), "the answer")
            ((tags, _, value),) = db.samples("thermograf_check", "ok")
            equal((tags["dc"], value), ("lab", 1), "the point that was written")


def serving(ca):
    context = badreceiver.context(*ca.issue("server"))
    return badreceiver.BadReceiver(tls=lambda: context)


def test_connect_asks_all_receivers_at_once_and_tells_tls_names_and_ports_apart():
    with authority() as ca, serving(ca) as server:
        outputs = HEAD + f"""[output.tls]
urls = {server.url}
[output.name]
urls = http://no.such.host.invalid
[output.port]
urls = http://127.0.0.1:{lab.free_port()} {server.url}
tls_ca = {ca.certificate}
[output.plain]
urls = {server.url.replace("https", "http")}
timeout = 2s
"""
        with written(outputs) as path:
            began = time.monotonic()
            code, found = check_json(path, "--connect")
            at_most(time.monotonic() - began, 6, "seconds for receivers with timeouts of 5 and 2")
    equal(code, 2, "exit code")
    receivers = {output["name"]: output["receivers"] for output in found["outputs"]}
    true("tls_ca must hold the authority that signed its certificate" in receivers["tls"][0]["answer"], receivers["tls"])
    true("no.such.host.invalid" in receivers["name"][0]["answer"], receivers["name"])
    equal([receiver["taken"] for receiver in receivers["port"]], [False, True], "the first of urls fails, the second takes")
    true(not receivers["plain"][0]["taken"], receivers["plain"])
    # Of several urls one is enough.
    equal({(finding["severity"], finding["about"]) for finding in found["findings"] if finding["about"].startswith("output")},
          {("error", "output tls"), ("error", "output name"), ("warning", "output port"), ("error", "output plain")}, "severities")


def windows_of(lines):
    """{stamp: lines of that window}"""
    windows = defaultdict(list)
    for line in lines:
        windows[line.rsplit(" ", 1)[1]].append(line)
    return windows


def test_the_reckoned_worst_is_never_passed_by_a_busy_agent():
    lab.need_root()
    with lab.LoopDevice() as one, lab.LoopDevice() as two, tempfile.TemporaryDirectory(prefix="thermograf-check-") as folder:
        lines = Path(folder) / "lines"
        text = HEAD + f"[output.lines]\ntype = file\npath = {lines}\n"
        with written(text) as path, agent.Agent(text) as running:
            with lab.heavy([one, two]):
                lab.wait_for(lambda: lines.exists() and len(windows_of(lines.read_text().splitlines())) > 3, 60, "4 windows")
            # Loop devices that others made meanwhile must not be missing in what is reckoned.
            (output,) = check_json(path)[1]["outputs"]
            running.stop()
        windows = windows_of(lines.read_text().splitlines()).values()
    longest = max(windows, key=len)
    at_most(len(longest), output["busy"]["lines_per_window"], "lines of the longest window, and at worst")
    at_most(len({line.rsplit(" ", 2)[0] for window in windows for line in window}), output["busy"]["series"], "series, and at worst")
    real = sum(len(line) + 1 for line in longest) / len(longest)
    reckoned = output["busy"]["bytes_per_window"] / output["busy"]["lines_per_window"]
    at_most(abs(real - reckoned) / reckoned, 0.35, f"a line has {real:.0f} bytes, and was reckoned to have {reckoned:.0f}")


def test_probes_tells_what_is_measured_and_which_file_stands_in_for_which():
    code, found = probes_json()
    equal(code, 0, "exit code")
    block_io = found["block_io"]
    measures = {(m["measurement"], h["name"], h["phase"]): m for m in block_io["measures"] for h in m["histograms"]}
    equal(set(measures), {("block_io", "latency", phase) for phase in ("total", "queue", "device")}, "histograms")
    total, queue = (measures["block_io", "latency", phase] for phase in ("total", "queue"))
    equal(total["tags"], ["device", "layer", "op"], "tags")
    equal([field["name"] for field in total["fields"]], ["ios", "bytes", "errors", "untimed"], "fields")
    equal((total["left_out"], queue["left_out"]), (None, "phases = total"), "what is left out")
    true("ns an I/O" in block_io["cost"], f"its cost: {block_io['cost']}")
    equal(found["bio_io"]["state"], "off", "state of what is off by default")
    with tempfile.TemporaryDirectory(prefix="thermograf-check-") as folder:
        shipped = agent.program().parent / "probes"
        for name in ("block_io.ini", "block_io.bpf.o"):
            shutil.copy(shipped / name, folder)
        code, found = probes_json("--set", f"agent/probe_dirs={folder} {shipped}")
        equal(found["block_io"]["file"], f"{folder}/block_io.ini", "the file in use")
        equal(found["block_io"]["stands_in_for"], [f"{shipped}/block_io.ini"], "the file that it overrides")
        Path(folder, "block_io.ini").write_text("[probe]\nversion = 1\nobject = gone.bpf.o\n")
        code, found = probes_json("--set", f"agent/probe_dirs={folder} {shipped}")
        equal((code, found["block_io"]["state"]), (2, "broken"), "a description that is wrong")


def test_the_members_of_json_are_those_of_the_manual():
    page = (lab.ROOT / "packaging" / "man" / "thermograf.8").read_text()
    section = re.search(r"^\.Sh JSON$(.*?)^\.Sh ", page, re.M | re.S)[1]
    known = {name for words in re.findall(r"^\.(?:It )?Va (.*)", section, re.M) for name in re.findall(r"[a-z_]+", words)}
    seen = set()

    def walk(value, free):
        if isinstance(value, dict):
            for name, inner in value.items():
                if not free:
                    seen.add(name)
                walk(inner, name == "tags")
        elif isinstance(value, list):
            for inner in value:
                walk(inner, False)

    with written(HEAD + "[output.f]\ntype = stdout\n[output.s]\nurls = http://127.0.0.1:1\n") as path:
        walk(check_json(path, "--connect")[1], False)
    walk(list(probes_json()[1].values()), False)
    equal(sorted(seen ^ known), [], "members that are written or listed in thermograf(8), and not both")


if __name__ == "__main__":
    main(globals())
