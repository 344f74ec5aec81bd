# SPDX-License-Identifier: Apache-2.0
"""Judges what smoke.sh left: the agent's lines agree with /proc/diskstats, to the I/O and to the byte."""

from collections import defaultdict

import lab
from agent import parse_lines
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "null_blk", "loop")
TIMEOUT_S = 90  # 10 s where nothing else runs

# In one second of emulation without KVM; idle hosts make three times as many.
LOAD_IOS = 1000

MISSED_MAX = 0.03

# How an operation of ours is counted there.
KINDS = {"read": "read", "write": "write", "writeback": "write", "commit": "write", "discard": "discard",
         "flush": "flush"}
# What the workload must have made of each disk, lest the comparison be one of zeros.
WANTED = {"data": {"read", "write", "writeback", "commit", "flush"}, "nullb0": {"read", "write", "writeback"},
          "loop0": {"read", "write", "writeback", "commit", "flush", "discard"}}


class Result:
    """The files of the guest."""

    def __init__(self, folder):
        self.data, *_ = self.disks = (folder / "disks").read_text(encoding="ascii").split()
        after, before = lab.diskstats(folder / "after"), lab.diskstats(folder / "before")
        self.kernel = {name: lab.less(after[name], before[name]) for name in self.disks}
        self.points = parse_lines((folder / "lines").read_text(encoding="utf-8"))
        # Runs that the kernel left out, because the program ran on that CPU: from 6.2, and what was back-ported.
        self.missed = sum(fields["missed"] for name, _, fields, _ in self.points if name == "thermograf_probe")

    def sums(self, measurement, field):
        """{(device, op): sum over all windows}"""
        sums = defaultdict(int)
        for name, tags, fields, _ in self.points:
            if name == measurement:
                sums[tags["device"], tags["op"]] += fields[field]
        return sums

    def kinds(self, device):
        """{kind: (ios, bytes)} as the agent counted."""
        kinds = {kind: [0, 0] for kind in KINDS.values()}
        for index, field in enumerate(("ios", "bytes")):
            for (name, op), value in self.sums("block_io", field).items():
                if name == device:
                    kinds[KINDS[op]][index] += value
        return {kind: tuple(counts) for kind, counts in kinds.items()}


def agrees_with_diskstats(result):
    """To the I/O and to the byte; where the kernel left runs of the program out, but for as many events."""
    less = 0
    for name, disk in result.kernel.items():
        wanted = {"read": (disk.reads, disk.read_sectors * lab.SECTOR),
                  "write": (disk.writes, disk.write_sectors * lab.SECTOR),
                  "discard": (disk.discards, disk.discard_sectors * lab.SECTOR),
                  "flush": (disk.flushes, 0)}
        counted = result.kinds(name)
        if not result.missed:
            equal(counted, wanted, f"{name}: (ios, bytes)")
        less += sum(wanted[kind][0] - counted[kind][0] for kind in wanted)
    true(0 <= less <= result.missed, f"{less} I/Os are not counted, and the kernel says that it left out {result.missed} runs")
    # Emulation makes a program's run a hundred times as long as on a machine, and with it the chance of meeting it.
    ios = sum(result.sums("block_io", "ios").values())
    true(result.missed <= ios * MISSED_MAX, f"{result.missed} runs left out of {ios}")


def knows_every_operation(result):
    ios = result.sums("block_io", "ios")
    for name in result.disks:
        seen = {op for (device, op), count in ios.items() if device == name and count}
        equal(seen, WANTED["data" if name == result.data else name], f"{name}: operations")


def every_io_is_in_a_bucket_or_untimed(result):
    untimed, buckets = result.sums("block_io", "untimed"), result.sums("block_io_latency", "count")
    all_ios = result.sums("block_io", "ios")
    true(sum(all_ios.values()), "no I/O at all was counted")
    for key, ios in all_ios.items():
        equal(buckets[key] + untimed[key], ios, f"{key}: bucket counts + untimed")
        equal(untimed[key], 0, f"{key}: untimed")


def counts_in_several_windows(result):
    windows = {stamp for name, tags, fields, stamp in result.points
               if name == "block_io" and tags["device"] == result.data and fields["ios"]}
    true(len(windows) > 1, f"I/O of {result.data} is in {len(windows)} window(s)")


def counted_under_load(result):
    """What the comparison above was made of: all disks busy at once, on more than one CPU."""
    busiest = defaultdict(int)
    for name, _, fields, stamp in result.points:
        if name == "block_io":
            busiest[stamp] += fields["ios"]
    true(max(busiest.values()) >= LOAD_IOS, f"the busiest window has {max(busiest.values())} I/Os only")


TESTS = (agrees_with_diskstats, knows_every_operation, every_io_is_in_a_bucket_or_untimed, counts_in_several_windows,
         counted_under_load)
