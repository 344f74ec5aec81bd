# SPDX-License-Identifier: Apache-2.0
"""Judges what durability.sh left: a write until it is durable is one `commit`, with all the time that it took.

Of the events of block_rq_complete, which is the first statement of blk_update_request(), this proves the rows

- "a bio, nr_bytes >= __data_len > 0, RQF_FLUSH_SEQ set: data phase of a PREFLUSH or FUA sequence, written and not yet
  durable": bytes, no I/O (the data of such a write, before blk_flush_complete_seq() goes on to the flush);
- "a bio, nr_bytes = __data_len = 0, RQF_FLUSH_SEQ clear: the end of that sequence, after blk_flush_restore_request(), or an
  empty flush parent that blk_insert_flush() consumed": one I/O, the time until durable;
- "no bio, REQ_OP_FLUSH, RQF_FLUSH_SEQ set: the shared flush request, one device flush that serves many": `flush`.
"""

import result as guest
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "nvme", "null_blk", "ext4")
TOOLS = ("mkfs.ext4",)
DISKS = ("data", "nvme")
DEVICES = ("virtio-blk-pci,drive=data,serial=data", "nvme,drive=nvme,serial=nvme")
APPEND = ("nvme_core.multipath=N",)
TIMEOUT_S = 120  # 15 s where nothing else runs

PAGE = 4096


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        for name in ("cached", "journal", "shared", "plain", "data", "nvme"):
            setattr(self, name, self.notes[name])


def nothing_is_counted_twice(result):
    result.agree_with_diskstats((result.cached, result.journal, result.shared, result.plain, result.data, result.nvme))


def with_fua_a_durable_write_is_one_commit(result):
    ops, sizes = result.ops(result.cached), result.ops(result.cached, "bytes")
    # 10 by FUA, 10 empty ones after them, 5 empty ones after 5 plain writes.
    result.about(ops["commit"], 25, "commits")
    result.about(ops["flush"], 15, "flushes")
    result.about(ops["write"], 5, "writes")
    if not result.missed:
        equal((sizes["commit"], sizes["write"]), (10 * PAGE, 5 * PAGE), "bytes")


def without_fua_a_durable_write_is_one_commit(result):
    """virtio: a sequence of data, flush and end. NVMe: FUA. Both: an empty commit each, by the block device's fsync."""
    for name in (result.data, result.nvme):
        ops, sizes = result.ops(name), result.ops(name, "bytes")
        equal(ops.get("write", 0), 0, f"{name}: writes of another kind")
        result.about(ops["commit"], 40, f"{name}: commits")
        if not result.missed:
            equal(sizes["commit"], 20 * PAGE, f"{name}: bytes")


def without_a_cache_a_durable_write_is_a_write(result):
    equal(set(result.ops(result.plain)), {"write"}, "operations")
    result.about(result.ops(result.plain)["write"], 21, "writes")


def the_latency_of_a_commit_is_the_time_until_durable(result):
    """20 ms: the write itself with FUA, or the flush that an empty one waits for."""
    buckets = result.buckets(result.cached, "commit")
    equal(min(buckets), 32768, f"the shortest: {buckets}")
    true(buckets[32768] >= 20, f"20 ms each: {buckets}")


def a_commit_with_preflush_and_fua_takes_both_times(result):
    """The record that ends a journal's transaction: a flush of 20 ms, then the write of 20 ms, in one."""
    buckets = result.buckets(result.journal, "commit")
    true(sum(count for le, count in buckets.items() if le >= 65536) >= 3, f"40 ms each: {buckets}")
    flushes = result.buckets(result.journal, "flush")
    true(flushes.get(32768, 0) >= 3, f"the device's own flushes, 20 ms each: {flushes}")


def one_flush_serves_many_commits(result):
    """Each of those that wait for one flush has the time from its own beginning."""
    ops = result.ops(result.shared)
    # Of each of four writers 20 by FUA, and 20 empty ones after them.
    result.about(ops["commit"], 160, "commits")
    true(ops["flush"] < 80, f"flushes: {ops}")
    buckets = result.buckets(result.shared, "commit")
    true(min(buckets) >= 32768 and sum(count for le, count in buckets.items() if le >= 65536) >= 3,
         f"some wait for a flush that is under way, and then for theirs: {buckets}, {ops}")


TESTS = (nothing_is_counted_twice, with_fua_a_durable_write_is_one_commit, without_fua_a_durable_write_is_one_commit,
         without_a_cache_a_durable_write_is_a_write, the_latency_of_a_commit_is_the_time_until_durable,
         a_commit_with_preflush_and_fua_takes_both_times, one_flush_serves_many_commits)
