#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the manual says is so: its probe works, its metrics are those that are sent, its commands those that are taken."""

import configparser
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict

import agent
import lab
import manual
import wire
from tap import equal, main, true

STYLES = ("influx", "fields", "prometheus", "bcc2telegraf")


def assert_binds(folder, *words):
    done = subprocess.run([agent.program(), "check", "--set", f"agent/probe_dirs={folder}"], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, f"exit code of check, which says {done.stdout}{done.stderr}")
    for word in words:
        true(word in done.stdout, f"no {word!r} in {done.stdout}")


def test_its_probe_compiles_and_binds():
    with tempfile.TemporaryDirectory(prefix="thermograf-manual-") as folder:
        assert_binds(manual.build(folder), "program block_rq_issue: ")


def description(text):
    parser = configparser.ConfigParser(delimiters="=", comment_prefixes=";", interpolation=None, strict=False)
    parser.read_string(text)
    return parser


def test_its_examples_of_block_io_are_what_that_probe_has_and_bind():
    shipped = description((lab.ROOT / "bpf" / "block_io.ini").read_text(encoding="utf-8"))
    with_one_hook, phase = (manual.block_after(mark) for mark in ("which counts in one hook:", "with a map of its own:"))
    for shown in (with_one_hook, f"{with_one_hook}\n{phase}"):
        parsed = description(shown)
        wrong = [f"[{section}] {key} = {value}" for section in parsed.sections() for key, value in parsed[section].items()
                 if shipped.get(section, key, fallback=None) != value]
        equal(wrong, [], "what bpf/block_io.ini does not have so")
        with tempfile.TemporaryDirectory(prefix="thermograf-manual-") as folder:
            shutil.copy(agent.BUILD / "probes" / "block_io.bpf.o", folder)
            with open(f"{folder}/block_io.ini", "w", encoding="utf-8") as file:
                parsed.write(file)
            assert_binds(folder, "program block_rq_complete: ", "map block_io:")


def test_its_probe_counts():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-manual-") as folder, lab.LoopDevice() as device:
        once = agent.once("--set", "agent/interval=2s", "--set", f"agent/probe_dirs={manual.build(folder)}")
        try:
            while once.poll() is None:
                lab.direct_reads(device, 5, 4096)
            out, err = once.communicate(timeout=10)
        finally:
            lab.stop(once)
        equal(once.returncode, 0, f"exit code of once ({err.strip()})")
        seen = [fields["ios"] for name, tags, fields, _ in agent.parse_lines(out)
                if name == "issued" and tags["device"] == device.name]
        true(seen and seen[0] > 0, f"it counted nothing of {device.name}:\n{out}")


def sent():
    """{measurement: names of fields} and names of tags, of all shipped probes in all styles."""
    outputs = {style: wire.Wire.as_file(style, f"style = {style}") for style in STYLES}
    probes = [path.stem for path in sorted((agent.BUILD / "probes").glob("*.ini"))]
    more = "".join(f"\n[probe.{name}]\nenabled = yes" for name in probes if name != "block_io")
    fields, tags = defaultdict(set), set()
    with wire.Wire(outputs, probe=f"const.phases = total queue device{more}") as run:
        # What is outstanding at a cut must be there, too.
        with lab.heavy(run.devices):
            for _ in range(3):
                run.wait_for_window(time.time_ns())
        run.end()
        for style in STYLES:
            for measurement, of_point, values, _ in run.points(style):
                fields[measurement].update(values)
                tags.update(of_point)
    return fields, tags


def test_the_metrics_of_its_page_are_those_that_are_sent():
    listed, listed_tags = manual.metrics()
    fields, tags = sent()
    unlisted = [f"{measurement}: {name}" for measurement, names in fields.items() for name in sorted(names)
                if not any(re.fullmatch(pattern, name) for pattern in listed.get(measurement, ()))]
    equal(unlisted, [], f"fields that are sent and are not in {manual.METRICS.name}")
    equal(tags - listed_tags, set(), f"tags that are sent and are not in {manual.METRICS.name}")
    # What this run had no reason to send is at least a name in the code, or a reason in a probe's.
    code, programs = ("".join(path.read_text(encoding="utf-8") for path in (lab.ROOT / folder).glob("*.c"))
                      for folder in ("lib", "bpf"))

    reasons = {f"drops_{name.lower()}" for name in re.findall(r"\b[A-Z]+_DROP_([A-Z_]+)\b", programs) if name != "MAX"}

    def is_known(pattern):
        return f'"{pattern}"' in code or pattern in reasons

    unknown = [f"{measurement}: {pattern}" for measurement, patterns in listed.items() for pattern in patterns
               if not any(re.fullmatch(pattern, name) for name in fields[measurement]) and not is_known(pattern)]
    equal(unknown, [], f"fields that are in {manual.METRICS.name}, and neither sent nor in the code")
    equal(listed_tags - tags, set(), f"tags that are in {manual.METRICS.name} and are not sent")
    equal(reasons - set(listed["Reasons of drops"]), set(), "reasons of shipped probes that it does not have")


def test_its_commands_and_options_are_those_of_help():
    page = (manual.PAGES / "thermograf.8").read_text(encoding="utf-8")

    def said(*args):
        return subprocess.run([agent.program(), *args], capture_output=True, text=True, check=True).stdout

    commands = re.findall(r"^  ([a-z]+)  ", said("--help"), re.M)
    listed = page[page.index(".Sh COMMANDS"):page.index(".Sh OPTIONS")]
    equal(sorted(re.findall(r"^\.It Cm ([a-z]+)", listed, re.M)), sorted(commands), "commands of the page, and of --help")
    options = {option for command in commands for option in re.findall(r"^  --([a-z-]+)", said(command, "--help"), re.M)}
    listed = page[page.index(".Sh OPTIONS"):page.index(".Sh SIGNALS")]
    equal(set(re.findall(r"^\.It Fl -([a-z-]+)", listed, re.M)), options | {"help", "version"}, "options of the page, and of --help")


def keys(text):
    """[(section, key)] of a configuration, also of one whose lines are commented out."""
    found, section = [], None
    for line in re.findall(r"^;?(\[.+\]|[a-z][\w.-]* =)", text, re.M | re.A):
        if line.startswith("["):
            section = line
        else:
            found.append((section, line.removesuffix(" =")))
    return found


def test_every_key_of_the_defaults_is_in_a_seed_of_the_fuzzer():
    defaults = subprocess.run([agent.program(), "check", "--defaults"], capture_output=True, text=True, check=True).stdout
    seed = (lab.ROOT / "tests" / "fuzz" / "seeds" / "config" / "all-keys.ini").read_text(encoding="utf-8")
    true(len(keys(defaults)) > 40, f"keys of the defaults: {keys(defaults)}")
    equal(keys(seed), keys(defaults), "keys of the seed, and of the defaults")


if __name__ == "__main__":
    main(globals(), once="pages and names")
