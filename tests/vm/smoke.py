# SPDX-License-Identifier: Apache-2.0
"""Judges what smoke.sh left: the agent's lines agree with /proc/diskstats, to the I/O and to the byte."""

from collections import defaultdict

import result as guest
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "null_blk", "loop")
TIMEOUT_S = 90  # 10 s where nothing else runs

# In one second of emulation without KVM; idle hosts make three times as many.
LOAD_IOS = 1000

# What the workload must have made of each disk, lest the comparison be one of zeros.
WANTED = {"data": {"read", "write", "writeback", "commit", "flush"}, "nullb0": {"read", "write", "writeback"},
          "loop0": {"read", "write", "writeback", "commit", "flush", "discard"}}


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.data, *_ = self.disks = self.notes["disks"].split()


def agrees_with_diskstats(result):
    result.agree_with_diskstats(result.disks)


def knows_every_operation(result):
    for name in result.disks:
        equal(set(result.ops(name)), WANTED["data" if name == result.data else name], f"{name}: operations")


def every_io_is_in_a_bucket_or_untimed(result):
    untimed, all_ios = (result.sums("block_io", field, "device", "op") for field in ("untimed", "ios"))
    buckets = result.sums("block_io_latency", "count", "device", "op")
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
