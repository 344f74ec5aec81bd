# SPDX-License-Identifier: Apache-2.0
"""The agent under test: a configuration of its own in a temporary folder, and its messages."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import lab
from tap import Failure

# For those that end while a disk hangs: LeakSanitizer waits for every thread.
NO_LEAK_CHECK = {"ASAN_OPTIONS": ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "detect_leaks=0")))}

BUILD = Path(os.environ.get("THERMOGRAF_BUILD", lab.ROOT / "build"))

CONFIG = """[agent]
interval = {interval}
{agent}
[global_tags]
dc = lab
[output.store]
type = influx1
urls = {url}
database = telegraf
{output}
"""


def program():
    path = BUILD / "thermograf"
    if not path.exists():
        raise Failure(f"{path} is not built")
    return path


def config(url, interval="1s", agent="", output=""):
    return CONFIG.format(url=url, interval=interval, agent=agent, output=output)


# Counts the same in another way, and tells nobody: its map is read with bpftool.
CONTROL = """[agent]
interval = 10s
probe_dirs = {probes}
[output.nobody]
type = file
path = /dev/null
"""


def control():
    """The probe of tests/e2e/probes in an agent of its own."""
    probes = BUILD / "tests" / "e2e" / "probes"
    if not (probes / "control.bpf.o").exists():
        raise Failure(f"{probes} is not built: make e2e-probes")
    return Agent(CONTROL.format(probes=probes))


def with_spools_in(folder, text):
    """The configuration with a spool_dir for each output over HTTP that has none: not the one of this machine."""
    head, *sections = re.split(r"^(?=\[)", text, flags=re.M)
    for i, section in enumerate(sections):
        if section.startswith("[output.") and not re.search(r"^(type\s*=\s*(file|stdout)|spool_dir)\b", section, re.M):
            first, rest = section.split("\n", 1)
            sections[i] = f"{first}\nspool_dir = {folder}/spool\n{rest}"
    return head + "".join(sections)


class Agent:
    """thermograf run, from __enter__ to stop() or __exit__."""

    def __init__(self, text, environment=None, before=()):
        """@param before  a command that starts it: unshare, for one"""
        self.environment, self.before = {**os.environ, **(environment or {})}, before
        self.temporary = tempfile.TemporaryDirectory(prefix="thermograf-agent-")
        self.folder = Path(self.temporary.name)
        self.config = self.folder / "thermograf.ini"
        self.configure(text)
        self.process = None

    def configure(self, text):
        """Writes its configuration, with spools in its own folder."""
        self.config.write_text(with_spools_in(self.folder, text))

    def start(self):
        self.configure(self.config.read_text())
        with open(self.folder / "log", "ab") as log:
            self.process = lab.spawn([*self.before, program(), "run", "--config", self.config], stdout=log, stderr=log,
                                     env=self.environment)

    def messages(self):
        return (self.folder / "log").read_text(errors="replace")

    def check_alive(self):
        code = self.process.poll()
        if code is not None:
            raise Failure(f"the agent ended with {code}:\n{self.messages()[-4000:]}")

    def stop(self):
        """Ends it as systemd would; anything but a clean end is a failure (a leak, under ASan)."""
        self.check_alive()
        code = lab.stop(self.process)
        if code:
            raise Failure(f"the agent ended with {code} after SIGTERM:\n{self.messages()[-4000:]}")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process:
            lab.stop(self.process)
        self.temporary.cleanup()


def once(*args, timeout_s=60):
    """Starts `thermograf once`; the lines are on its standard output."""
    return lab.spawn([program(), "once", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def parse_lines(text):
    """[(measurement, tags, fields, time_ns)] of line protocol without escapes."""
    points = []
    for line in text.splitlines():
        head, fields, stamp = line.split(" ")
        measurement, *tags = head.split(",")
        values = {}
        for pair in fields.split(","):
            key, value = pair.split("=")
            values[key] = int(value[:-1]) if value.endswith("i") else float(value)
        points.append((measurement, dict(tag.split("=") for tag in tags), values, int(stamp)))
    return points


def file_points(path):
    """The same of an output of type file, also while it is written: whole lines only; none where there is no file yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return parse_lines(text[:text.rfind("\n") + 1])
