#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Phases of block I/O on this kernel: queue and device add up to total, and what cannot be split is counted."""

import os
import struct
import subprocess
import time
from collections import defaultdict

import agent
import bpfmap
import lab
from tap import Failure, at_most, equal, main, note, true

INTERVAL_S = 2
NS = 10**9
ALL = "total queue device"
WRITES = ("write", "writeback", "commit")

CONFIG = """[agent]
interval = {interval}s
[global_tags]
dc = lab
[output.here]
type = file
path = {path}
[probe.block_io]
const.phases = {phases}
"""


class Run:
    """An agent that writes lines to a file, and a loop device at rest."""

    def __init__(self, phases=ALL):
        lab.need_root()
        self.device = lab.LoopDevice()
        self.agent = agent.Agent("")
        self.lines = self.agent.folder / "lines"
        self.agent.config.write_text(CONFIG.format(interval=INTERVAL_S, phases=phases, path=self.lines))
        self.before = None

    def __enter__(self):
        self.agent.start()
        self.wait_for_window(0)
        self.before = lab.at_rest([self.device.name])[self.device.name]
        return self

    def __exit__(self, *_):
        self.agent.__exit__()
        self.device.close()

    def points(self):
        return agent.parse_lines(self.lines.read_text()) if self.lines.exists() else []

    def wait_for_window(self, after_ns):
        def there():
            self.agent.check_alive()
            return any(name == "thermograf" and at > after_ns for name, _, _, at in self.points())

        lab.wait_for(there, 60, f"a window after {after_ns}; the agent says:\n{self.agent.messages()[-2000:]}")

    def settle(self):
        """At rest, and all of it written; gives what the kernel counted meanwhile."""
        after = lab.at_rest([self.device.name])[self.device.name]
        self.wait_for_window(time.time_ns())
        return lab.less(after, self.before)

    def rows(self, measurement):
        """[(tags, fields, stamp)] of our device."""
        return [(tags, fields, at) for name, tags, fields, at in self.points()
                if name == measurement and tags.get("device") == self.device.name]

    def sums(self, measurement, field, *keys):
        """{the tags' values: sum over all windows}"""
        sums = defaultdict(int)
        for tags, fields, _ in self.rows(measurement):
            sums[tuple(tags[key] for key in keys)] += fields[field]
        return sums

    def agent_sum(self, field):
        """What the probe says about itself, over all windows and devices."""
        return sum(fields.get(field, 0) for name, _, fields, _ in self.points() if name == "thermograf_probe")

    def start_middle(self):
        """Waits for the middle of a window, so that what follows is in one; gives the window's stamp."""
        time.sleep((INTERVAL_S / 4 - time.time()) % INTERVAL_S)
        return (time.time_ns() // NS // INTERVAL_S + 1) * INTERVAL_S * NS


def unsplit(run):
    """{op: (ios, of these not split)}; queue and device have the same counts."""
    counts = run.sums("block_io_latency_summary", "count", "op", "phase")
    result = {}
    for (op, phase), count in counts.items():
        if phase == "total":
            equal(counts[op, "queue"], counts[op, "device"], f"{op}: counts of queue and of device")
            result[op] = (count, count - counts[op, "queue"])
    return result


def test_queue_and_device_add_up_to_total_for_every_operation():
    with Run() as run:
        # No empty flushes: what has no split adds to total alone.
        for seed in range(4):
            direct, buffered = lab.areas(run.device, 2)
            lab.direct_reads(direct, 200, 4096)
            lab.direct_writes(direct, 100, 65536)
            lab.direct_writes(direct, 10, 4096, flags=os.O_DSYNC)
            lab.written_back(buffered, 1 << 20)
            lab.block_range(direct, lab.BLKDISCARD, seed << 20, 1 << 20)
        run.settle()
        counts = unsplit(run)
        sums = run.sums("block_io_latency_summary", "sum_us", "op", "phase")
        windows = len({at for *_, at in run.rows("block_io")})
        compared = 0
        for op, (_, missing) in counts.items():
            if missing:
                continue
            total, queue, device = (sums[op, phase] for phase in ALL.split())
            # Each of the three is rounded to a microsecond once a window.
            at_most(abs(total - queue - device), 2 * windows, f"{op}: {total} = {queue} + {device} us, but for rounding")
            compared += 1
        at_most(4, compared, f"operations compared ({counts})")


def test_a_write_that_is_made_durable_is_split_and_an_empty_flush_is_not():
    with Run() as run:
        direct, buffered = lab.areas(run.device, 2)
        lab.direct_writes(direct, 20, 4096, flags=os.O_DSYNC)
        run.settle()
        before = unsplit(run)
        unissued = run.agent_sum("drops_unsplit_unissued")
        lab.buffered_commits(buffered, 7, 4096)
        run.settle()
        after = unsplit(run)
        empty = after["commit"][1] - before["commit"][1]
        equal(empty, 7, "commits that are not split, of 7 times pwrite and fdatasync")
        # Of all devices: others may be at work.
        at_most(7, run.agent_sum("drops_unsplit_unissued") - unissued, "drops_unsplit_unissued of these 7")
        equal(run.agent_sum("drops"), run.agent_sum("drops_map_full"), "the sum of drops: what is not split is counted all the same")
        for op, (ios, missing) in after.items():
            if op != "commit":
                equal(missing, 0, f"{op}: not split, of {ios}")
        # A direct write with O_DSYNC is a flush sequence with data, and an empty flush where the device keeps that apart.
        true(before["commit"][0] >= 20, f"commits of 20 durable writes: {before}")
        true(before["commit"][0] - before["commit"][1] >= 20 or before["write"][0] >= 20,
             f"writes with data are split: {before}")


def test_with_all_phases_under_heavy_io_every_io_of_diskstats_is_there_and_split():
    with Run() as run:
        with lab.heavy([run.device]):
            time.sleep(6)
        kernel = run.settle()
        ios = {op: n for (op,), n in run.sums("block_io", "ios", "op").items()}
        size = {op: n for (op,), n in run.sums("block_io", "bytes", "op").items()}
        sums = {"reads": (ios["read"], kernel.reads), "writes": (sum(ios[op] for op in WRITES), kernel.writes),
                "discards": (ios["discard"], kernel.discards), "flushes": (ios["flush"], kernel.flushes)}
        # Kernels exist that show some completions to no BPF program (diskcheck.py, agrees()); here only how many.
        lost = sum(theirs - ours for ours, theirs in sums.values())
        at_most(lost, max(3, sum(theirs for _, theirs in sums.values()) // 1000), f"not seen, of {sums}")
        for kind, (ours, theirs) in sums.items():
            at_most(ours, theirs, f"{kind} of ours, of the kernel's")
        if lost:
            note(f"this kernel ran no BPF program for {lost} completed I/Os")
        else:
            equal(size["read"], kernel.read_sectors * lab.SECTOR, "bytes read")
            equal(sum(size[op] for op in WRITES), kernel.write_sectors * lab.SECTOR, "bytes written")
        untimed = sum(run.sums("block_io", "untimed", "op").values())
        counts = unsplit(run)
        equal(sum(n for n, _ in counts.values()) + untimed, sum(ios.values()), "slots of total and untimed")
        gone = sum(missing for op, (_, missing) in counts.items() if op != "commit")
        # An issue that no program saw leaves no stamp, nor does one whose place two others took.
        at_most(gone, max(3, sum(ios.values()) // 1000), f"not split though issued: {counts}")
        true(sum(ios.values()) > 1000, f"the load made {ios}: this proves little")


def test_a_maximum_is_of_its_window_and_no_longer_than_the_reader_waited():
    with Run() as run:
        area = lab.Area(run.device.path, 0, run.device.size)
        waited = {}
        for _ in range(3):
            stamp, longest = run.start_middle(), 0
            for _ in range(30):
                began = time.monotonic_ns()
                lab.direct_reads(area, 1, 131072)
                longest = max(longest, time.monotonic_ns() - began)
            if time.time_ns() < stamp:
                waited[stamp] = longest // 1000 + 1
        if not waited:
            raise Failure("this machine is too busy for 30 reads within a second")
        run.settle()
        seen = 0
        for tags, fields, stamp in run.rows("block_io_latency_summary"):
            if tags["op"] != "read" or stamp not in waited:
                continue
            at_most(fields["max_us"], waited[stamp], f"maximum of phase {tags['phase']}, and the longest read in us")
            slots = [int(t["le"]) for t, f, at in run.rows("block_io_latency")
                     if at == stamp and t["op"] == "read" and t["phase"] == tags["phase"] and f["count"]]
            true(max(slots) / 2 < fields["max_us"] <= max(slots) or max(slots) == 1,
                 f"{tags['phase']}: a maximum of {fields['max_us']} us, the highest bucket is le={max(slots)}")
            at_most(fields["count"], 30, f"reads of phase {tags['phase']}")
            seen += 1
        equal(seen, 3 * len(waited), "maxima of reads")


def check_says(run):
    """What `thermograf check` says of the same configuration."""
    return subprocess.run([agent.program(), "check", "--config", run.agent.config], capture_output=True, text=True,
                          check=False).stdout


def programs(run):
    """Numbers of the BPF programs that the agent holds."""
    held, folder = set(), f"/proc/{run.agent.process.pid}/fdinfo"
    for fd in os.listdir(folder):
        with open(f"{folder}/{fd}", encoding="ascii") as file:
            held |= {line.split()[1] for line in file if line.startswith("prog_id:")}
    return held


def test_what_is_not_asked_for_has_no_hook_and_no_series():
    for phases, hooks, left in (("total", 1, ("queue", "device")), ("total device", 2, ("queue",)),
                                ("queue", 2, ("device",))):
        with Run(phases) as run:
            lab.direct_reads(lab.Area(run.device.path, 0, run.device.size), 20, 4096)
            run.settle()
            said = check_says(run)
            equal(len(programs(run)), hooks, f"programs for phases = {phases}")
            seen = {tags["phase"] for tags, _, _ in run.rows("block_io_latency_summary")}
            equal(seen, set(phases.split()), f"phases sent for phases = {phases}")
            for name in left:
                true(f"map block_io_{name}: not read" in said, f"check says that {name} is not read; it said:\n{said}")
            equal(run.sums("block_io", "ios", "op")["read",], 20, f"reads for phases = {phases}")


def test_the_stamp_of_an_io_that_hangs_stays_and_that_of_one_long_gone_gives_way():
    bpfmap.need_bpftool()
    long_ago = time.clock_gettime(time.CLOCK_MONOTONIC) > 600
    with Run() as run:
        area = lab.Area(run.device.path, 0, run.device.size)
        stamps = bpfmap.of_programs(programs(run), "block_io_stamps")
        split = 0
        for made_ns, wanted in ((time.clock_gettime_ns(time.CLOCK_MONOTONIC), 0), (1, 20)):
            if wanted and not long_ago:
                continue
            # In every place that of a request that nobody has: address ^ time, and time.
            bpfmap.fill_array(stamps, struct.pack("=QQ", 0x1234 ^ made_ns, made_ns) * 2)
            lab.direct_reads(area, 20, 4096)
            run.settle()
            split += wanted
            counts = run.sums("block_io_latency_summary", "count", "op", "phase")
            equal(counts["read", "device"], split, f"reads that are split, beside stamps of {made_ns} ns")
        equal(counts["read", "total"], 40 if long_ago else 20, "reads")


if __name__ == "__main__":
    main(globals())
