# SPDX-License-Identifier: Apache-2.0
"""Judges what errors.sh left: parts, requeues, timeouts, failures and commands past the block layer.

Of the events of block_rq_complete, which is the first statement of blk_update_request(), this proves the rows

- "a bio, 0 < nr_bytes < __data_len: partial completion": bytes, no I/O (scsi_end_request() of half a command);
- "no bio, a passthrough operation: a SCSI command without data": `other`, and not in what /proc/diskstats counts.
"""

import result as guest
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "mq-deadline", "sd_mod", "sg")
LATER = ("scsi_debug",)
TOOLS = ("sg_turs", "sg_inq")
TIMEOUT_S = 120  # 15 s where nothing else runs

KIB = 1024
TIMEOUT_US = 1000000  # of a command to the disk `late`
TURS = 7


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        for name in ("halves", "busy", "late", "bad", "commands", "mute", "slow"):
            setattr(self, name, self.notes[name])


def whatever_went_wrong_counts_agree_with_diskstats(result):
    result.agree_with_diskstats((result.halves, result.busy, result.late, result.bad))


def an_io_done_by_halves_is_one_io_with_all_its_bytes(result):
    for op in ("read", "write"):
        result.about(result.ops(result.halves)[op], 20, op)
        if not result.missed:
            equal(result.ops(result.halves, "bytes")[op], 20 * 64 * KIB, f"{op}: bytes")
    equal(result.ops(result.halves, "errors"), {}, "errors")


def an_io_that_was_requeued_is_one_io(result):
    result.about(result.ops(result.busy)["read"], 20, "reads")
    equal(result.ops(result.busy, "errors"), {}, "errors")


def an_io_whose_command_timed_out_takes_all_that_time(result):
    """The abort and the second try are in it: it was issued once more, and is one I/O that succeeded."""
    result.about(result.ops(result.late)["read"], 4, "reads")
    equal(result.ops(result.late, "errors"), {}, "errors")
    for phase in ("total", "device"):
        buckets = result.buckets(result.late, "read", phase=phase)
        true(sum(n for le, n in buckets.items() if le >= 1 << 20) >= 1, f"{phase}: {buckets}")
        longest = result.max_us(result.late, "read", phase=phase)
        true(longest >= TIMEOUT_US, f"{phase}: the longest took {longest} us")


def an_io_that_failed_is_one_io_and_one_error(result):
    equal(result.notes.get("refused"), "64k", "the read of the bad sector that failed")
    result.about(result.ops(result.bad)["read"], 21, "reads")
    equal(result.ops(result.bad, "errors"), {"read": 1}, "errors")


def commands_past_the_block_layer_are_kept_apart(result):
    ops = result.ops(result.commands)
    true(set(ops) == {"other"} and ops["other"] > TURS - result.missed, f"{TURS} of one command, some of another: {ops}")
    # INQUIRY has some bytes of data, TEST UNIT READY none.
    true(0 < result.ops(result.commands, "bytes")["other"] < 64 * KIB, f"bytes: {result.ops(result.commands, 'bytes')}")


def commands_of_the_kernel_itself_are_no_io(result):
    """A rescan reads the disk's capacity and pages, with commands that some kernels give no disk."""
    ops = result.ops(result.mute)
    true(set(ops) <= {"other"}, f"operations: {ops}")
    true(ops.get("other", 0) + result.drops("no_disk") > 0, f"commands: {ops}, without a disk: {result.drops('no_disk')}")
    equal(result.of_probe("drops"), 0, "the sum of drops: what is no disk's is no loss")


def commands_are_no_gap_in_the_coverage(result):
    """5.10 counts these, later kernels do not: neither is a disk that no probe sees."""
    told = [fields for name, tags, fields, _ in result.points
            if name == "thermograf_coverage" and tags["device"] == result.commands]
    counted, reference = (sum(fields[key] for fields in told) for key in ("counted", "reference"))
    result.about(counted, reference, f"in the coverage of {result.commands}")


def a_command_that_takes_long_is_not_told_as_outstanding(result):
    """Its request was that of a read, which is in the table of block_inflight still."""
    start, end = (float(seconds) for seconds in result.notes["command_s"].split())
    true(end - start >= 1.5, f"the command took {end - start} s: no window ended in it")
    reading = {stamp for name, tags, fields, stamp in result.points
               if name == "block_io" and tags["device"] == result.slow and tags["op"] == "read" and fields["ios"]}
    told = {fields["ios"] for name, tags, fields, stamp in result.points
            if name == "block_inflight" and tags["device"] == result.slow and stamp not in reading}
    true(told <= {0}, f"outstanding on {result.slow} when the reads were over: {told}")


TESTS = (whatever_went_wrong_counts_agree_with_diskstats, an_io_done_by_halves_is_one_io_with_all_its_bytes,
         an_io_that_was_requeued_is_one_io, an_io_whose_command_timed_out_takes_all_that_time,
         an_io_that_failed_is_one_io_and_one_error, commands_past_the_block_layer_are_kept_apart,
         commands_of_the_kernel_itself_are_no_io, commands_are_no_gap_in_the_coverage,
         a_command_that_takes_long_is_not_told_as_outstanding)
