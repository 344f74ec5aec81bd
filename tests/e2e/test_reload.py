#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: what did not change goes on and loses nothing, the rest changes at a boundary, and what is wrong changes nothing."""

import os
import pty
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import agent
import diskcheck
import lab
import store
from badreceiver import BadReceiver
from filerun import MS, NS, Run, totals
from tap import Skip, at_most, equal, main, note, true

STYLES = ("influx", "prometheus", "fields", "bcc2telegraf")


def check_row(windows, interval_ns):
    """No window is missing but those that the agent tells."""
    stamps = [at for *_, at in windows]
    for (before, _, last), (_, fields, at) in zip(windows, windows[1:]):
        equal(at - last, (fields["missed_boundaries"] + 1) * interval_ns, f"from window {last} to the next")
    equal(len(set(stamps)), len(stamps), "windows with a stamp of their own")


def test_twenty_reloads_under_load_lose_no_count_of_a_probe_that_did_not_change():
    with Run(n_devices=2) as run:
        with lab.heavy(run.devices):
            for n in range(20):
                other = f"type = file\npath = {{folder}}/other\nstyle = {STYLES[n % 4]}" if n % 3 else None
                done, said = run.reload(
                    agent=f"interval = 250ms\nlog_level = {'debug' if n % 2 else 'info'}\nseries_ttl = {n + 1}h",
                    global_tags=f"dc = d{n}",
                    output_other=other,
                    output_here=f"type = file\npath = {{folder}}/here\nquantiles = 0.{n + 10}",
                    probe_block_io=f"max_series = {n + 1000}\nalias = a{n}\nrequired = yes")
                true(done, f"reload {n} was refused:\n{said}")
        wanted = run.settle()
        run.check(wanted, "over 20 reloads")
        at_most(10_000, sum(ios for kinds in wanted.values() for ios, _ in kinds.values()), "I/Os of the load")
        windows, probe = run.windows(), run.probe_windows()
        check_row(windows, 250 * MS)
        equal(windows[-1][1]["reloads_total"], 20, "reloads that the agent counted")
        equal(len({tags["dc"] for tags, *_ in windows}), 21, "values of a tag that each reload changed")
        equal(sum(fields["gap_us"] + fields["failed_reads_total"] for fields in probe), 0, "gaps and failed reads")
        equal(run.agent.messages().count("probe block_io: runs"), 1, "times that the probe was loaded")


def test_a_changed_constant_makes_the_probe_anew_and_the_gap_is_told():
    with Run() as run:
        with lab.heavy(run.devices):
            done, said = run.reload(probe_block_io="const.phases = total queue device")
            true(done and "runs anew, because its constants changed" in said, said)
            time.sleep(1)
            done, said = run.reload(probe_block_io="const.phases = total sideways")
            true(done and "sideways" in said and "probe block_io: goes on as it was" in said, said)
            run.wait_for_window(time.time_ns())
            done, said = run.reload(probe_block_io="const.phases = total sideways\nrequired = yes")
            true(not done, f"a probe with required = yes that cannot be had was taken:\n{said}")
            time.sleep(1)
            done, said = run.reload(probe_block_io=None)
            true(done and "runs anew" in said, said)
        wanted, told = run.settle(), run.told()
        probe, windows = run.probe_windows(), run.windows()
        gaps = [fields["gap_us"] for fields in probe if fields["gap_us"]]
        equal(len(gaps), 2, "windows with a gap before them")
        note(f"gaps of {gaps} us under load")
        for kind, (ios, size) in wanted[run.names[0]].items():
            got_ios, got_size = told[run.names[0]][kind]
            at_most(got_ios, ios, f"{kind}: I/Os that were told, to those of the kernel")
            at_most(got_size, size, f"{kind}: bytes that were told, to those of the kernel")
            # What completes in a gap is lost: some milliseconds of several seconds.
            at_most(ios - got_ios, max(diskcheck.UNSEEN_FEW, ios // 50), f"{kind}: I/Os that were lost")
        check_row(windows, 250 * MS)
        equal(min(fields["running"] for fields in probe), 1, "running, in every window")
        failed = [fields["probes_failed"] for _, fields, _ in windows]
        true(1 in failed, "no window tells that the probe is not as configured")
        equal(failed[-1], 0, "probes_failed, once it was mended")
        split = [at for name, tags, _, at in run.points()
                 if name == "block_io_latency" and tags["device"] == run.names[0] and tags["phase"] == "queue"]
        at_most(windows[0][2], min(split), "the first window with phases")
        at_most(max(split), windows[-1][2] - 1, "the last window with phases")


def test_a_probe_that_comes_and_goes_is_told_from_boundary_to_boundary():
    with Run() as run:
        (device,) = run.devices
        lab.direct_reads(device, 5, 4096)
        done, said = run.reload(probe_block_io="enabled = no")
        true(done and "probe block_io: removed" in said, said)
        run.wait_for_window(time.time_ns())  # the file is written by a thread
        equal(run.told()[device.name]["read"][0], 5, "reads before it was removed")
        lab.direct_reads(device, 100, 4096)
        run.wait_for_window(time.time_ns())
        done, said = run.reload(probe_block_io=None)
        true(done and "probe block_io: runs" in said, said)
        lab.direct_reads(device, 7, 4096)
        run.settle()
        equal(run.told()[device.name]["read"][0], 12, "reads while it ran")
        equal(sum(fields["gap_us"] for fields in run.probe_windows()), 0, "gaps")


def test_a_bad_configuration_changes_nothing_and_says_what_is_wrong():
    with Run() as run:
        (device,) = run.devices
        done, said = run.reload(agent="intervall = 1s", global_tags="dc = other")
        true(not done and 'did you mean "interval"?' in said and "thermograf.ini:2:" in said, said)
        os.rename(run.agent.config, f"{run.agent.config}.away")
        os.kill(run.agent.process.pid, signal.SIGHUP)
        lab.wait_for(lambda: run.answers()[1] == 2, 10, "the second refusal")
        lab.direct_reads(device, 5, 4096)
        wanted = run.settle()
        run.check(wanted, "after two bad reloads")
        windows = run.windows()
        check_row(windows, 250 * MS)
        equal({tags["dc"] for tags, *_ in windows}, {"lab"}, "values of dc")
        equal((windows[-1][1]["reloads_total"], windows[-1][1]["reloads_refused_total"]), (0, 2), "reloads, refused ones")


def test_a_folder_of_probes_that_cannot_be_read_prevents_no_start_but_a_reload():
    run = Run()
    unreadable = run.agent.folder / "more"
    unreadable.symlink_to(unreadable)
    run.write(agent=f"interval = 250ms\nprobe_dirs = {unreadable} {agent.program().resolve().parent}/probes")
    with run:
        why = f"{unreadable}: cannot be read: Too many levels of symbolic links; its probes are not known"
        true(why in run.agent.messages(), run.agent.messages())

        def counts():
            fields = run.windows()[-1][1]
            return fields["probes"], fields["probes_failed"]

        equal(counts(), (1, 1), "probes that run, and that do not")
        done, said = run.reload()
        true(not done and why in said, f"a reload took what runs there for gone:\n{said}")
        unreadable.unlink()
        done, said = run.reload()
        true(done, f"a reload was refused:\n{said}")
        run.wait_for_window(time.time_ns())
        equal(counts(), (1, 0), "probes that run, and that do not")


def test_outputs_come_change_and_go_and_the_counts_stay():
    more = "type = file\npath = {folder}/more\nstyle = prometheus"
    with Run() as run:
        (device,) = run.devices
        with lab.heavy(run.devices, workers=1):
            run.reload(output_more=more)
            run.wait_for_window(time.time_ns(), "more")
            # The style of the one changes, the other stays as it is.
            run.reload(output_here="type = file\npath = {folder}/here\nstyle = fields")
            run.wait_for_window(time.time_ns(), "more")
            run.reload(output_more=more.replace("/more", "/elsewhere"))
            run.wait_for_window(time.time_ns(), "elsewhere")
            done, said = run.reload(output_more=None)
            true(done and "output more: removed" in said, said)
            run.wait_for_window(time.time_ns())
        wanted = run.settle()
        run.check(wanted, "while outputs changed")
        equal(run.agent.messages().count("probe block_io: runs"), 1, "times that the probe was loaded")

        stamps, here = [at for *_, at in run.windows()], run.points()
        both = run.points("more") + run.points("elsewhere")
        theirs = sorted(at for *_, at in run.windows("more") + run.windows("elsewhere"))
        equal(theirs, [at for at in stamps if theirs[0] <= at <= theirs[-1]], "windows of the output that came and went")
        # It begins with 0, a millisecond after its first window's start, and ends with what was counted since.
        start = stamps[stamps.index(theirs[0]) - 1]
        counted = defaultdict(int)
        for name, tags, fields, at in here:
            if name == "block_io" and tags["device"] == device.name and start < at <= theirs[-1]:
                counted[tags["op"]] += fields["ios"]
        rows = totals(both, device.name)
        equal(rows[0][0], start + MS, "the first point")
        true(not any(rows[0][1].values()), f"the first totals: {rows[0][1]}")
        equal(rows[-1][1], dict(counted), "totals of the last window, to the increments elsewhere")
        own = [fields for name, tags, fields, _ in here if name == "thermograf" and tags.get("output") == "more"]
        equal(own[-1]["lines_collected_total"] - own[-1]["lines_sent_total"] - own[-1]["lines_queued"], 0,
              "lines of the output that were lost")
        last = [fields["lines_collected_total"] for fields in own]
        equal(last, sorted(last), "lines_collected_total over its changes of path")


def test_what_waits_for_a_wrong_url_is_delivered_when_a_reload_mends_it():
    with ExitStack() as stack:
        kind, program = store.find(lab.ROOT / "build" / "e2e")
        db = stack.enter_context(kind(program))
        section = "type = influx1\nurls = {}\ndatabase = telegraf"
        run = stack.enter_context(Run(output_store=section.format(f"http://127.0.0.1:{lab.free_port()}")))
        (device,) = run.devices
        lab.direct_reads(device, 5, 4096)
        run.wait_for_window(time.time_ns())
        run.reload(output_store=section.format(db.url))
        lab.direct_reads(device, 5, 4096)
        run.settle()

        def reads():
            return sum(value for tags, _, value in db.samples("block_io", "ios")
                       if (tags["device"], tags["op"]) == (device.name, "read"))

        lab.wait_for(lambda: reads() == 10, 30, f"all reads in the database; the agent says:\n{run.agent.messages()}")
        # And what is removed goes with all that it has.
        lab.direct_reads(device, 3, 4096)
        run.reload(output_store=None)
        lab.wait_for(lambda: reads() == 13, 10, "the last window of an output that was removed")
        true("lost" not in run.agent.messages(), run.agent.messages())


def test_interval_tags_and_host_change_at_a_boundary_and_stamps_never_go_back():
    with Run(interval_ms=1000) as run:
        run.reload(agent="interval = 300ms\nhostname = other", global_tags="dc = elsewhere\nrack = r1")
        changed = time.time_ns()
        run.wait_for_window(changed + NS)
        run.reload(agent="interval = 2s\nomit_hostname = yes")
        run.wait_for_window(time.time_ns() + NS)
        windows = run.windows()
        stamps = [at for *_, at in windows]
        equal(stamps, sorted(set(stamps)), "stamps, rising")
        kinds = [(tags.get("dc"), tags.get("rack"), tags.get("host")) for tags, *_ in windows]
        host = kinds[0][2]
        equal(sorted(set(kinds), key=kinds.index), [("lab", None, host), ("elsewhere", "r1", "other"),
                                                    ("elsewhere", "r1", None)], "tags, in the order of time")
        for (tags, fields, at), interval in zip(windows, [{"other": 300 * MS, host: NS}.get(kind[2], 2 * NS)
                                                          for kind in kinds]):
            equal(at % interval, 0, f"window {at}: a boundary of {interval} ns")
        elapsed = sum(fields["window_us"] for _, fields, _ in windows[1:])
        late = windows[-1][1]["late_us"] - windows[0][1]["late_us"]
        at_most(abs(elapsed - late - (stamps[-1] - stamps[0]) // 1000), 50_000, "us that are in no window")


# db1, whose resolver knows what is in a file.
KNOWS_HOSTS = """echo db1 >/proc/sys/kernel/hostname
for name in hosts nsswitch.conf; do mount --bind "$0/$name" "/etc/$name"; done
exec "$@"
"""


def test_a_full_name_that_the_resolver_could_not_tell_is_asked_for_at_each_reload_until_it_does():
    with tempfile.TemporaryDirectory(prefix="thermograf-names-") as folder, Run(interval_ms=200) as run:
        hosts = Path(folder) / "hosts"
        (hosts.parent / "nsswitch.conf").write_text("hosts: files\n")
        hosts.write_text("127.0.0.1 localhost\n")
        run.agent.stop()
        run.agent.before = ["unshare", "--mount", "--uts", "sh", "-ec", KNOWS_HOSTS, folder]
        run.write(agent="interval = 200ms\nhostname = fqdn", probe_block_io="enabled = no")
        run.agent.start()

        def wait_for_host(name):
            lab.wait_for(lambda: run.agent.check_alive() or run.windows()[-1][0]["host"] == name, 30,
                         f"host={name}; the agent says:\n{run.agent.messages()}")

        wait_for_host("db1")
        true("hostname = fqdn: the resolver tells no full name of this host; the tag host is db1," in run.agent.messages(),
             run.agent.messages())
        checked = subprocess.run([*run.agent.before, agent.program(), "check", "--config", run.agent.config],
                                 capture_output=True, text=True, check=False)
        true("the tag host would be db1\n" in checked.stdout, f"check says\n{checked.stdout}{checked.stderr}")
        hosts.write_text("127.0.0.1 localhost\n127.0.1.1 db1.example.com db1\n")
        done, said = run.reload()
        true(done and "hostname = fqdn" not in said, said)
        wait_for_host("db1.example.com")
        # And what it has told is not asked again.
        hosts.write_text("127.0.0.1 localhost\n")
        done, said = run.reload()
        true(done and "hostname = fqdn" not in said, said)
        run.wait_for_window(time.time_ns())
        wait_for_host("db1.example.com")


def test_a_reload_far_from_the_boundary_cuts_the_window_early_and_loses_nothing():
    with Run(interval_ms=1000) as run:
        (device,) = run.devices
        run.reload(agent="interval = 1h")
        if NS * 3600 - time.time_ns() % (NS * 3600) < 45 * NS:
            raise Skip("the hour ends too soon: nothing is far from the boundary")
        lab.direct_reads(device, 5, 4096)
        lab.at_rest(run.names)
        before = time.monotonic()
        run.reload(agent="interval = 500ms")
        at_most(time.monotonic() - before, 20, "seconds until it took effect")
        lab.direct_reads(device, 5, 4096)
        wanted = run.settle()
        run.check(wanted, "over an early cut")
        stamps = [at for *_, at in run.windows()]
        equal(stamps, sorted(set(stamps)), "stamps, rising")
        at_most(stamps[-1], time.time_ns() + 500 * MS, "the newest stamp, to the clock")


def test_an_output_that_was_about_to_come_back_when_the_agent_ends_is_seen_off_like_the_others():
    with BadReceiver(deaf_s=3600) as receiver:
        section = f"urls = {receiver.url}\ntimeout = 1m"
        with Run(output_gone=section) as run:
            done, said = run.reload(agent="interval = 4s", output_gone=None)
            true(done and "output gone: removed" in said, said)
            run.write(output_gone=section)
            before = len(run.agent.messages())
            os.kill(run.agent.process.pid, signal.SIGHUP)
            lab.wait_for(lambda: "the configuration takes effect in" in run.agent.messages()[before:], 20, "another reload")
            run.agent.stop()
            equal(run.answers(), (1, 0), "reloads: the second was not to take effect before the end")
            said = run.agent.messages()
            true("output gone: " in said.rsplit("Terminated", 1)[1], f"what the receiver did not take is not told in\n{said}")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_a_hundred_reloads_that_change_everything_leave_no_descriptor_and_no_memory_behind():
    with Run(interval_ms=100) as run:
        pid, seen = run.agent.process.pid, []
        for n in range(100):
            run.reload(output_other=f"urls = http://127.0.0.1:9\ntimeout = {n + 1}s\nstyle = {STYLES[n % 4]}"
                       if n % 2 else None,
                       output_here=f"type = file\npath = {{folder}}/here\nstyle = {STYLES[n % 3]}",
                       probe_block_io="const.phases = total queue device" if n % 4 == 0 else None,
                       probe_block_inflight=f"enabled = {'yes' if n % 5 == 0 else 'no'}")
            if n % 20 == 19:
                time.sleep(0.3)  # an output that was removed has gone
                seen.append((descriptors(pid), run.windows()[-1][1]["rss_bytes"]))
        files, memory = zip(*seen)
        at_most(max(files) - min(files), 1, f"descriptors, every 20 reloads: {files}")
        if agent.BUILD.name != "debug":  # there nothing that was freed is given back
            at_most(memory[-1] - memory[0], 1 << 20, f"growth of resident memory: {memory}")
        run.agent.stop()


def test_a_terminal_that_is_closed_ends_the_agent_that_runs_in_it():
    lab.need_root()
    path = agent.program()
    with tempfile.TemporaryDirectory(prefix="thermograf-terminal-") as folder:
        config = f"{folder}/thermograf.ini"
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[agent]\ninterval = 1s\nprobe_dirs = {folder}\n[output.here]\ntype = file\npath = {folder}/here\n")
        pid, terminal = pty.fork()
        if not pid:
            os.execv(path, [str(path), "run", "--config", config])
        try:
            lab.wait_for(lambda: os.path.exists(f"{folder}/here"), 20, "the first window")
            # One that is there reloads.
            os.kill(pid, signal.SIGHUP)
            seen = b""
            while b"was reloaded" not in seen:
                seen += os.read(terminal, 4096)
        finally:
            os.close(terminal)
        try:
            lab.wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0], 20, "the end of an agent whose terminal was closed")
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise


if __name__ == "__main__":
    main(globals())
