# SPDX-License-Identifier: Apache-2.0
"""Judges what counts.sh left: on disks of all kinds the agent counts what /proc/diskstats counts, to the I/O and to the
byte; and what the kernel does not account is counted all the same.

Of the events of block_rq_complete, which is the first statement of blk_update_request(), this proves the row "a bio,
nr_bytes >= __data_len > 0, RQF_FLUSH_SEQ clear: data complete, the normal end": bytes and one I/O.
"""

import result as guest
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "nvme", "null_blk", "loop", "mq-deadline", "kyber-iosched", "bfq", "sd_mod")
LATER = ("scsi_debug",)
TOOLS = ("blkdiscard", "blkzone")
DISKS = ("data", "wide", "small", "large")
DEVICES = ("virtio-blk-pci,drive=data,serial=data,discard=off",
           "virtio-blk-pci,drive=wide,serial=wide,logical_block_size=4096,physical_block_size=4096,discard=off",
           "nvme,drive=small,serial=small",
           "nvme,drive=large,serial=large,logical_block_size=4096,physical_block_size=4096")
# Paths to an NVMe disk that the kernel hides are another pair's.
APPEND = ("nvme_core.multipath=N",)
TIMEOUT_S = 120  # 15 s where nothing else runs

SILENT_READS, SILENT_WRITES, SILENT_COMMITS = 50, 30, 10


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.disks = self.notes["disks"].split()


def agrees_with_diskstats_on_every_kind_of_disk(result):
    result.agree_with_diskstats(result.disks)


def every_disk_did_what_it_can(result):
    """Lest the comparison be one of zeros."""
    for name in result.disks:
        wanted = result.notes[f"ops-{name}"]
        true(set(wanted.split()) <= set(result.ops(name)), f"{name}: wanted {wanted}, got {result.ops(name)}")


def io_of_partitions_is_the_disks(result):
    name = result.notes["scsi"]
    parts = [result.kernel(f"{name}{number}") for number in (1, 2)]
    true(all(part.reads and part.writes for part in parts), f"I/O of the partitions: {parts}")
    equal({device for device, *_ in result.sums("block_io", "ios", "device", "op") if device.startswith(name)}, {name},
          "devices that were told")


def merged_requests_are_one_io(result):
    """A bio that is merged into a request never completes by itself; the request completes once, with all bytes."""
    name = result.notes["merging"]
    merged = result.merges(name)
    true(merged > 0, f"{name}: nothing was merged")
    ops = result.ops(name)
    result.about(sum(ops[op] for op in ("write", "writeback")), result.kernel(name).writes, f"writes, with {merged} merged")


def operations_of_zones_are_writes_and_no_commits(result):
    """They have no bytes, as the end of a flush sequence has none; diskstats has them among the writes."""
    name = result.notes["zoned"]
    ops, kernel = result.ops(name), result.kernel(name)
    result.agree_with_diskstats([name])
    equal(kernel.writes, 40 + 10, f"{name}: writes and operations of zones, by the kernel")
    true("commit" not in ops, f"{name}: {ops}")


def every_io_of_these_has_a_latency(result):
    untimed, buckets = (result.sums(measurement, field, "device", "op") for measurement, field in
                        (("block_io", "untimed"), ("block_io_latency", "count")))
    for (name, op), ios in result.sums("block_io", "ios", "device", "op").items():
        if name in result.disks and op != "other":
            equal((untimed[name, op], buckets[name, op]), (0, ios), f"{name} {op}: (untimed, in buckets)")


def with_iostats_off_ios_are_counted_and_untimed(result):
    name = result.notes["silent"]
    kernel = result.kernel(name)
    equal((kernel.reads, kernel.writes), (0, 0), "what the kernel accounts")
    for op, wanted in (("read", SILENT_READS), ("write", SILENT_WRITES)):
        ios = result.ops(name)[op]
        result.about(ios, wanted, f"{name} {op}")
        equal(result.ops(name, "untimed")[op], ios, f"{name} {op}: untimed")
        equal(result.buckets(name, op), {}, f"{name} {op}: in buckets")


def with_iostats_off_flushes_have_a_time(result):
    """The flush of the device has its start all the same; the writes that waited for it have none."""
    name = result.notes["silent_cache"]
    # Of each O_DSYNC write: the write itself by FUA, and the empty flush by which the block device's fsync ends.
    commits = result.ops(name)["commit"]
    result.about(commits, 2 * SILENT_COMMITS, f"{name} commit")
    equal(result.ops(name, "untimed"), {"commit": commits}, f"{name}: untimed")
    flushes = result.ops(name)["flush"]
    equal(sum(result.buckets(name, "flush").values()), flushes, f"{name} flush: in buckets")
    longest = result.max_us(name, "flush")
    true(0 < longest < TIMEOUT_S * 1000000, f"{name} flush: the longest took {longest} us")


TESTS = (agrees_with_diskstats_on_every_kind_of_disk, every_disk_did_what_it_can, io_of_partitions_is_the_disks,
         merged_requests_are_one_io, operations_of_zones_are_writes_and_no_commits, every_io_of_these_has_a_latency,
         with_iostats_off_ios_are_counted_and_untimed, with_iostats_off_flushes_have_a_time)
