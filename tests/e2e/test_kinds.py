#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What no shipped probe has all of: gauges, maxima, exp2, tags of bytes, words, maps that are read when asked for."""

import ctypes
import subprocess
import time
from contextlib import contextmanager

import agent
import lab
from tap import Failure, equal, main, true

# Bursts are made in the middle of a window, so that a machine as busy as ours may be late by half of that.
INTERVAL_S = 2
NS = 10**9

PR_SET_NAME, PR_GET_NAME = 15, 16
PROGRAM = "tg-kinds"

CONFIG = """[agent]
interval = {interval}s
probe_dirs = {probes}
[global_tags]
dc = lab
[probe.control]
enabled = no
[probe.kinds]
enabled = yes
const.parts = {parts}
[output.here]
type = file
path = {path}
"""


def probes():
    folder = agent.BUILD / "tests" / "e2e" / "probes"
    if not (folder / "kinds.bpf.o").exists():
        raise Failure(f"{folder} is not built: make e2e-probes")
    return folder


@contextmanager
def named(name):
    """This thread, for the kernel."""
    before = ctypes.create_string_buffer(16)
    lab.LIBC.prctl(PR_GET_NAME, before)
    lab.LIBC.prctl(PR_SET_NAME, name.encode())
    try:
        yield
    finally:
        lab.LIBC.prctl(PR_SET_NAME, before)


class Run:
    """An agent with the probe, a loop device at rest, and the lines that the agent wrote."""

    def __init__(self, parts="ios size"):
        lab.need_root()
        self.device = lab.LoopDevice()
        self.agent = agent.Agent("")
        self.lines = self.agent.folder / "lines"
        self.agent.config.write_text(CONFIG.format(interval=INTERVAL_S, probes=probes(), parts=parts, path=self.lines))

    def __enter__(self):
        self.agent.start()
        self.wait_for_window(0)
        lab.at_rest([self.device.name])
        return self

    def __exit__(self, *_):
        self.agent.__exit__()
        self.device.close()

    def points(self):
        return agent.parse_lines(self.lines.read_text()) if self.lines.exists() else []

    def wait_for_window(self, stamp_ns):
        def there():
            self.agent.check_alive()
            return any(name == "thermograf" and at >= stamp_ns for name, _, _, at in self.points())

        lab.wait_for(there, 60, f"a window that ends at {stamp_ns}; the agent says:\n{self.agent.messages()[-2000:]}")

    def read(self, sizes):
        """Direct reads of these sizes in the middle of one window; gives its stamp."""
        for _ in range(5):
            time.sleep((INTERVAL_S / 2 - time.time()) % INTERVAL_S)
            stamp = (time.time_ns() // NS // INTERVAL_S + 1) * INTERVAL_S * NS
            with named(PROGRAM):
                for size in sizes:
                    lab.direct_reads(lab.Area(self.device.path, 0, self.device.size), 1, size)
            if time.time_ns() < stamp:
                return stamp
        raise Failure("this machine is too busy for a few reads within a second")

    def rows(self, measurement, stamp):
        """[(tags, fields)] of our device in that window."""
        return [(tags, fields) for name, tags, fields, at in self.points()
                if name == measurement and at == stamp and tags.get("device") == self.device.name]

    def row(self, measurement, stamp):
        rows = self.rows(measurement, stamp)
        equal(len(rows), 1, f"rows of {measurement} in window {stamp}")
        return rows[0]


def test_gauges_leave_as_they_are_and_maxima_are_of_one_window():
    with Run() as run:
        first = run.read([4096, 131072, 8192])
        second = run.read([16384, 4096])
        third = second + INTERVAL_S * NS
        run.wait_for_window(third)
        for stamp, ios, newest, largest, size in ((first, 3, 8192, 131072, 143360), (second, 2, 4096, 16384, 20480),
                                                  (third, 0, 4096, 0, 0)):
            tags, fields = run.row("kinds", stamp)
            equal(fields, {"ios": ios, "newest": newest, "largest": largest}, f"fields in window {stamp}")
            equal((tags["program"], tags["op"]), (PROGRAM, "0001"), "tags of bytes")
            equal(run.row("kinds_ios", stamp)[1], {"ios": ios}, f"counter by disk in window {stamp}")
            equal(run.row("kinds_size", stamp)[1], {"bytes": size, "largest": largest},
                  f"the map beside it in window {stamp}")


def test_an_exp2_histogram_has_all_events_on_its_own_bounds():
    with Run() as run:
        stamp = run.read([4096] * 20)
        run.wait_for_window(stamp)
        buckets = {tags["le"]: fields["count"] for tags, fields in run.rows("kinds_wait", stamp)}
        equal(sum(buckets.values()), 20, "events")
        bounds = [str(10 << n) for n in range(11)] + ["+Inf"]
        true(set(buckets) <= set(bounds), f"bounds: {sorted(buckets)}")
        greatest = max(bounds.index(le) for le in buckets)
        longest = run.row("kinds_wait_summary", stamp)[1]["max_us"]
        lower = float(bounds[greatest - 1]) if greatest else -1
        true(lower < longest <= float(bounds[greatest]), f"a maximum of {longest} us in the slot le={bounds[greatest]}")


def test_a_map_that_the_configuration_does_not_ask_for_is_not_read():
    with Run(parts="ios") as run:
        stamp = run.read([4096])
        run.wait_for_window(stamp)
        equal(run.row("kinds_ios", stamp)[1], {"ios": 1}, "counter by disk")
        equal(run.rows("kinds_size", stamp), [], "rows of the map that is not asked for")
        said = subprocess.run([agent.program(), "check", "--config", run.agent.config], capture_output=True, text=True,
                              check=False).stdout
        true("  map kinds_size: not read: parts = ios\n" in said, f"check says so; it said:\n{said}")


if __name__ == "__main__":
    main(globals())
