# SPDX-License-Identifier: Apache-2.0
"""Judges what limits.sh left: what does not fit is counted, and never lost in silence."""

import result as guest
from result import Lines
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "null_blk")
TIMEOUT_S = 90  # 8 s where nothing else runs

ROWS, CAP = 5, 6
READS = 20  # of each disk


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.disks = self.notes["disks"].split()
        self.capped = Lines(folder / "capped")


def disks_beyond_the_kernels_map_are_counted_as_dropped(result):
    ours = {name: ops["read"] for name in result.disks if (ops := result.ops(name))}
    # The guest's own disk may have taken one.
    true(ROWS - 1 <= len(ours) <= ROWS, f"disks with rows: {ours}")
    for name, ios in ours.items():
        result.about(ios, READS, name)
    result.about(result.drops("map_full"), (len(result.disks) - len(ours)) * READS, "drops_map_full")


def what_is_counted_and_what_is_dropped_is_all_there_was(result):
    counted = sum(result.ops(name).get("read", 0) for name in result.disks)
    there = sum(result.kernel(name).reads for name in result.disks)
    equal(there, READS * len(result.disks), "reads of the kernel")
    result.about(counted + result.drops("map_full"), there, "counted and dropped")


def series_beyond_the_cap_are_told_as_other(result):
    ops = result.capped.sums("block_io", "ios", "device")
    true(ops["_other"] >= READS, f"I/Os by device: {dict(ops)}")
    true(len(ops) <= CAP + 1, f"devices: {dict(ops)}")
    total = sum(ios for name, ios in ops.items() if name in (*result.disks, "_other"))
    true(READS * len(result.disks) - result.capped.missed <= total <= READS * len(result.disks) + 8,
         f"all of them: {dict(ops)}")
    true(result.capped.of_probe("overflow") > 0, "the agent tells how many rows it put together")


TESTS = (disks_beyond_the_kernels_map_are_counted_as_dropped, what_is_counted_and_what_is_dropped_is_all_there_was,
         series_beyond_the_cap_are_told_as_other)
