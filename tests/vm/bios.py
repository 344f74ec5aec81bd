# SPDX-License-Identifier: Apache-2.0
"""Judges what bios.sh left: a disk that takes bios as they are (dm) is counted by bio_io, once and by its own layer, and
a disk that hangs is told by block_inflight before its I/O ends."""

import result as guest
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "dm_mod")
TOOLS = ("dmsetup",)
TIMEOUT_S = 90

DISK = "dm-0"
HUNG = 3


class Result(guest.Result):
    pass


def a_stacked_disk_agrees_with_diskstats(result):
    """block_bio_queue to block_bio_complete is one I/O, also where dm works with clones and splits."""
    result.agree_with_diskstats([DISK])


def every_operation_is_seen_where_it_was_submitted(result):
    equal(set(result.ops(DISK)), {"read", "write", "commit"}, "operations")
    # Of O_DSYNC on a block device: 30 writes with FUA, and behind each an empty flush by blkdev_fsync().
    result.about(result.ops(DISK)["commit"], 60, "commits")


def each_disk_has_its_own_layer(result):
    equal(result.layers(DISK), {"stack"}, f"layers of {DISK}")
    equal(result.layers(result.notes["lower"]), {"disk"}, "layers of the disk below")


def outstanding(result):
    return [(fields["ios"], fields["oldest_ms"]) for name, tags, fields, _ in result.points
            if name == "block_inflight" and tags["device"] == DISK]


def a_hung_disk_is_told_while_it_hangs(result):
    """No completion event, no request, and nothing on the disk below: the bios wait in dm."""
    hung = [age for ios, age in outstanding(result) if ios == HUNG][int(result.notes["loaded"]):]
    true(len(hung) >= 3, f"windows with {HUNG} outstanding: {len(hung)}, of {outstanding(result)}")
    true(all(a < b for a, b in zip(hung, hung[1:])), f"the age does not grow: {hung}")
    true(hung[-1] >= 1000, f"{hung[-1]} ms in the third window")
    equal(outstanding(result)[-1][0], 0, "outstanding after the disk was resumed")
    equal(result.notes["told_while_hung"], "ios=0i", "writes told as ended in the last window of the hang")


def the_hang_is_in_the_histogram_once_it_is_over(result):
    slow = max(age for ios, age in outstanding(result) if ios == HUNG) * 1000
    true(result.max_us(DISK, "write") >= slow, f"the slowest write took {result.max_us(DISK, 'write')} us, of {slow}")


def nothing_is_lost(result):
    for reason in ("set_full", "pair_full", "map_full"):
        equal(result.drops(reason), 0, reason)


TESTS = (a_stacked_disk_agrees_with_diskstats, every_operation_is_seen_where_it_was_submitted, each_disk_has_its_own_layer,
         a_hung_disk_is_told_while_it_hangs, the_hang_is_in_the_histogram_once_it_is_over, nothing_is_lost)
