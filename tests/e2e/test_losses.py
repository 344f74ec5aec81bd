#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What cannot be counted is itself counted: each reason provoked, and nothing missing beside it.

Stamps that found no place are in test_phases.py; runs that the kernel leaves out in tests/vm/missed.py.
"""

import shutil
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import agent
import lab
from tap import Failure, equal, main, true

CONFIG = """[agent]
interval = 500ms
probe_dirs = {probes}
[output.here]
type = file
path = {path}
{more}
"""

class Run:
    """An agent with probes of a folder, and loop devices at rest."""

    def __init__(self, probes, more="", devices=1):
        lab.need_root()
        self.devices = [lab.LoopDevice() for _ in range(devices)]
        self.agent = agent.Agent("")
        self.lines = self.agent.folder / "lines"
        self.agent.config.write_text(CONFIG.format(probes=probes, path=self.lines, more=more))

    def __enter__(self):
        self.agent.start()
        self.wait(lambda points: points, "a first window")
        self.before = lab.at_rest(self.names())
        return self

    def __exit__(self, *_):
        self.agent.__exit__()
        for device in self.devices:
            device.close()

    def names(self):
        return [device.name for device in self.devices]

    def wait(self, question, what):
        def there():
            self.agent.check_alive()
            return question(agent.file_points(self.lines))

        try:
            return lab.wait_for(there, 30, what)
        except TimeoutError as late:
            raise Failure(f"{late}\n{self.agent.messages()[-2000:]}") from late

    def settle(self):
        """At rest, and all of it told; gives {device: what the kernel counted meanwhile}."""
        after = lab.at_rest(self.names())
        now_ns = time.time_ns()
        self.wait(lambda points: any(at > now_ns for *_, at in points), "a window after the I/O")
        return {name: lab.less(after[name], self.before[name]) for name in self.names()}

    def ios(self, field="ios"):
        """{device: sum}"""
        sums = defaultdict(int)
        for name, tags, fields, _ in agent.file_points(self.lines):
            if name == "block_io":
                sums[tags["device"]] += fields[field]
        return sums

    def told(self, field):
        return sum(fields.get(field, 0) for name, _, fields, _ in agent.file_points(self.lines) if name == "thermograf_probe")


def whole(device):
    return lab.Area(device.path, 0, device.size)


def losses(lie):
    folder = agent.BUILD / "tests" / "e2e" / "probes"
    if not (folder / "losses.bpf.o").exists():
        raise Failure(f"{folder} is not built: make e2e-probes")
    return folder, f"[probe.control]\nenabled = no\n[probe.losses]\nenabled = yes\nconst.lie = {lie}\n"


@contextmanager
def small_map(keys):
    """The shipped probe with room for so many keys: what an administrator would change in a copy of its INI."""
    with tempfile.TemporaryDirectory(prefix="thermograf-small-") as temporary:
        folder = Path(temporary)
        shutil.copy(agent.BUILD / "probes" / "block_io.bpf.o", folder)
        text = (agent.BUILD / "probes" / "block_io.ini").read_text()
        true("max_keys      = 1920" in text, "block_io.ini has another max_keys")
        (folder / "block_io.ini").write_text(text.replace("max_keys      = 1920", f"max_keys = {keys}")
                                             .replace("max_keys    = 1920", f"max_keys = {keys}"))
        yield folder


def test_ios_of_more_keys_than_the_map_holds_are_told_as_drops():
    with small_map(2) as folder, Run(folder, devices=4) as run:
        for _ in range(3):
            for device in run.devices:
                lab.direct_reads(whole(device), 10, 4096)
        kernel = sum(disk.reads for disk in run.settle().values())
        counted = sum(run.ios()[name] for name in run.names())
        equal(kernel, 120, "reads by the kernel")
        true(counted < kernel, f"the map held all {counted}")
        # Other disks of this machine may be at work, and take rows or are dropped as well.
        true(run.told("drops_map_full") >= kernel - counted, f"{run.told('drops_map_full')} told, of {kernel - counted}")
        equal(run.told("drops"), run.told("drops_map_full"), "the sum of drops")


def test_an_io_that_ended_before_it_began_is_untimed_and_told_as_negative():
    with Run(*losses("backwards")) as run:
        lab.direct_reads(whole(run.devices[0]), 40, 4096)
        run.settle()
        name = run.devices[0].name
        equal((run.ios()[name], run.ios("untimed")[name]), (40, 40), "reads, and those without latency")
        true(run.told("drops_negative") >= 40, f"{run.told('drops_negative')} told as negative")
        equal(run.told("drops"), 0, "the sum of drops: they are counted all the same")


if __name__ == "__main__":
    main(globals())
