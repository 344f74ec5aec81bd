# SPDX-License-Identifier: Apache-2.0
"""Judges what stack.sh left: each layer is counted once, and a path that fails shows where people look for it.

Of the events of block_rq_complete, which is the first statement of blk_update_request(), this proves the rows

- "no bio, nr_bytes 0, an operation with data, on request-based dm": the echo. end_clone_bio() completed the original with all
  its bytes already, then dm_end_request() ends it once more. Nothing is counted;
- "a bio, nr_bytes 0, __data_len > 0, on request-based dm": the phantom. A path failed before any byte was done, the
  request is put back and tried again. Nothing is counted, and the time runs on.
"""

import re

import result as guest
from tap import Skip, equal, true

MODULES = ("virtio_pci", "virtio_blk", "nvme", "null_blk", "dm_mod", "dm-crypt", "xts?", "aes_generic?",
           "dm-multipath", "dm-round-robin", "raid1")
TOOLS = ("dmsetup", "mdadm")
DISKS = ("shared",)
# Two controllers, one namespace: a head with two hidden paths.
DEVICES = ("nvme-subsys,id=both,nqn=both", "nvme,id=one,serial=shared,subsys=both", "nvme,id=two,serial=shared,subsys=both",
           "nvme-ns,drive=shared,bus=two,nsid=1,shared=on")
TIMEOUT_S = 150  # 20 s where nothing else runs

PAGE = 4096
STALL_US = 1500000
STALL_LE = 1 << 21  # the bucket that holds it
STACKED = ("linear", "crypt", "md", "requests", "bios")
BELOW = ("linear_below", "crypt_below", "leg1", "leg2", "path1", "path2", "bio_path1", "bio_path2")

COMPLETION = re.compile(r"block_rq_complete: (\S+) (\S+) \(.*?\) (\d+) \+ (\d+)")


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        for name in (*STACKED, *BELOW, "nvme"):
            setattr(self, name, self.notes[name])
        self.stacked = [self.notes[name] for name in STACKED]
        self.below = [self.notes[name] for name in BELOW]

    def events(self, when):
        """[(operation, sectors)] of the request-based multipath device, as the kernel's own trace has them."""
        found = COMPLETION.findall((self.folder / f"trace-{when}").read_text(encoding="utf-8", errors="replace"))
        return [(kind, int(sectors)) for number, kind, _, sectors in found if number == self.notes["number"]]


def every_layer_agrees_with_diskstats(result):
    others = (result.md, result.path1, result.path2)
    result.agree_with_diskstats([name for name in (*result.stacked, *result.below) if name not in others])


def a_path_of_request_based_dm_agrees_with_diskstats_but_for_flushes(result):
    """The flush that dm hands down is no flush of this disk's own, and so the kernel accounts it as a read."""
    flushes = 0
    for name in (result.path1, result.path2):
        ops, kernel = result.ops(name), result.kernel(name)
        flushes += ops.get("flush", 0)
        result.about(ops["read"] + ops.get("flush", 0), kernel.reads + kernel.flushes, f"{name}: reads and flushes: {ops}")
        if not result.missed:
            equal(result.ops(name, "bytes").get("read", 0), kernel.read_sectors * 512, f"{name}: bytes read")
    true(flushes > 0, "flushes of the paths")


def md_agrees_with_diskstats_but_for_empty_flushes(result):
    """Since its accounting moved into md_account_bio(), md counts no bio without data; they are somebody's fsync."""
    counted, kernel = result.kinds(result.md), result.kernel(result.md)
    true(kernel.writes in (40, 50), f"{result.md}: 30 writes, 10 with FUA, 10 empty ones: {kernel}")
    if not result.missed:
        equal(counted, {"read": (kernel.reads, kernel.read_sectors * 512), "write": (50, kernel.write_sectors * 512),
                        "discard": (0, 0), "flush": (0, 0)}, result.md)


def what_stands_on_disks_is_layer_stack_and_they_are_layer_disk(result):
    for name in result.stacked:
        equal(result.layers(name), {"stack"}, f"{name}: layer")
    for name in (*result.below, result.nvme):
        equal(result.layers(name), {"disk"}, f"{name}: layer")


def a_sum_over_layer_disk_counts_nothing_twice(result):
    """Reads from above: what the disks read is what all readers got. Of two legs of a mirror, one reads."""
    disks = result.sums("block_io", "bytes", "layer", "op")["disk", "read"] // PAGE
    failed = sum(result.ops(name, "errors").get("read", 0) for name in result.below)
    by_device = {name: result.ops(name, "bytes").get("read", 0) // PAGE for name in (*result.stacked, *result.below)}
    true(failed > 0, "tries that failed are the disks' I/O, too")
    if not result.missed:
        # 60 reads of each of six, 6 more of two, 300 more of the NVMe disk.
        equal(disks - failed, 6 * 60 + 2 * 6 + 300, f"pages read by layer=disk; of each device: {by_device}")


def an_echo_of_request_based_dm_is_no_io(result):
    """The kernel's own trace has two events of each read there, and the agent counts one."""
    reads = [sectors for kind, sectors in result.events("healthy") if kind.startswith("R")]
    equal((reads.count(8), reads.count(0)), (60, 60), "events of 60 reads: with bytes, without")
    result.about(result.ops(result.requests)["read"], 66, "reads")
    if not result.missed:
        equal(result.ops(result.requests, "bytes")["read"], 66 * PAGE, "bytes")


def a_phantom_of_a_failed_path_is_no_io(result):
    """More events than an end with bytes and an echo of each read: those of tries that came to nothing."""
    reads = [sectors for kind, sectors in result.events("failing") if kind.startswith("R")]
    equal(reads.count(8), 6, "events with bytes")
    true(reads.count(0) > 6, f"events without bytes: {reads}")
    equal(result.ops(result.requests, "errors"), {}, "errors above")
    for name in (result.path1, result.path2):
        equal(result.ops(name, "errors"), {"read": 1}, f"{name}: errors of the path that failed")


def the_stall_of_a_failover_is_in_the_histogram_of_the_multipath_disk(result):
    for name in (result.requests, result.bios):
        buckets = result.buckets(name, "read")
        # On a busy machine somebody else may wait as long.
        true(sum(count for le, count in buckets.items() if le >= STALL_LE) >= 1, f"{name}: {buckets}")
        true(STALL_US <= result.max_us(name, "read"), f"{name}: the longest took {result.max_us(name, 'read')} us")
    for name in (result.path1, result.path2, result.bio_path1, result.bio_path2):
        buckets = result.buckets(name, "read")
        true(max(buckets) < STALL_LE, f"{name}: no path waited for itself: {buckets}")


def an_nvme_disk_with_paths_has_the_name_that_people_know(result):
    if result.notes["nvme_paths"] != "2":
        raise Skip(f"this kernel shows {result.notes['nvme_paths']} hidden paths of an NVMe disk that has two")
    names = {name for name in result.sums("block_io", "ios", "device", "op") if name[0].startswith(("nvme", "259"))}
    equal({name for name, _ in names}, {result.nvme}, "devices")
    result.about(result.ops(result.nvme)["read"], 360, "reads by both paths")
    equal(result.ops(result.nvme, "errors"), {}, "errors")


def an_nvme_disk_with_paths_agrees_with_diskstats(result):
    """The head accounts an fsync as one read, where we have an empty commit and the flush for it."""
    kernel, counted = result.kernel(result.nvme), result.kinds(result.nvme)
    if not kernel.reads:
        raise Skip("this kernel keeps no statistics of NVMe disks with several paths")
    result.about(counted["read"][0] + counted["write"][0], kernel.reads + kernel.writes, "reads and writes")
    if not result.missed:
        equal((counted["read"][1], counted["write"][1]), (kernel.read_sectors * 512, kernel.write_sectors * 512), "bytes")


TESTS = (every_layer_agrees_with_diskstats, a_path_of_request_based_dm_agrees_with_diskstats_but_for_flushes, md_agrees_with_diskstats_but_for_empty_flushes,
         what_stands_on_disks_is_layer_stack_and_they_are_layer_disk,
         a_sum_over_layer_disk_counts_nothing_twice, an_echo_of_request_based_dm_is_no_io,
         a_phantom_of_a_failed_path_is_no_io, the_stall_of_a_failover_is_in_the_histogram_of_the_multipath_disk,
         an_nvme_disk_with_paths_has_the_name_that_people_know, an_nvme_disk_with_paths_agrees_with_diskstats)
