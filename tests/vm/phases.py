# SPDX-License-Identifier: Apache-2.0
"""Judges what phases.sh left: time in the queue and time in the device are told apart, and add up."""

from collections import defaultdict

import result as guest
from result import PHASES
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "null_blk", "mq-deadline", "sd_mod", "scsi_debug")
TIMEOUT_S = 90  # 20 s where nothing else runs

DEVICE_US = 20000  # of each I/O of the slow device
HICCUPS = 3  # I/Os that an emulation that does other things, too, may hold up


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.slow, self.data, self.half = self.notes["disks"].split()


def counts_agree_with_diskstats_with_all_phases(result):
    result.agree_with_diskstats((result.slow, result.data, result.half))


def every_io_is_split_or_counted_as_not_split(result):
    counts = result.sums("block_io_latency_summary", "count", "phase")
    ios = sum(result.sums("block_io", "ios", "device").values())
    equal(sum(result.sums("block_io", "untimed", "device").values()), 0, "untimed")
    equal(counts["total"], ios, "slots of total")
    lost = result.drops("unsplit_lost")
    # An issue that the program did not see left no stamp.
    true(lost <= result.missed, f"stamps lost: {lost}; missed: {result.missed}")
    for phase in ("queue", "device"):
        equal(counts[phase] + result.drops("unsplit_unissued") + lost, ios, f"slots of {phase} and what was not split")


def only_empty_flushes_are_not_split(result):
    counts = result.sums("block_io_latency_summary", "count", "device", "op", "phase")
    missing = {key: counts[key] - counts[(*key[:2], "queue")] for key in list(counts)
               if key[2] == "total" and counts[key] != counts[(*key[:2], "queue")]}
    if not result.missed:
        equal(list(missing), [(result.data, "commit", "total")], "operations with I/Os that are not split")
    true(counts[result.data, "commit", "queue"] >= 45, "commits with data are split")
    equal(sum(missing.values()), result.drops("unsplit_unissued") + result.drops("unsplit_lost"), "not split")


def queue_and_device_add_up_to_total(result):
    sums = result.sums("block_io_latency_summary", "sum_us", "device", "op", "phase")
    windows = len({stamp for *_, stamp in result.points})
    for device, op in {key[:2] for key in sums}:
        if op == "commit" or result.drops("unsplit_lost"):
            continue  # empty flushes, and what lost its stamp, have a total only
        total, queue, device_sum = (sums[device, op, phase] for phase in PHASES)
        # Each of the three is rounded to a microsecond once a window.
        true(abs(total - queue - device_sum) <= 2 * windows, f"{device} {op}: {total} = {queue} + {device_sum}")


def above(buckets, limit):
    return sum(count for le, count in buckets.items() if le > limit)


def what_waits_for_others_is_queue_and_not_device(result):
    buckets = {phase: result.buckets(result.slow, "read", phase=phase) for phase in PHASES}
    # 16.4 ms < t <= 32.8 ms: the device took as long for each, however many waited.
    equal(min(buckets["device"]), 32768, f"the shortest of the device's times: {buckets}")
    true(buckets["device"].get(32768, 0) >= 120 - HICCUPS, f"the device's time: {buckets}")
    # Of 100 that came four at once most waited for three others, 60 ms and a bit; 20 came alone.
    true(above(buckets["queue"], 32768) >= 50, f"the queue's time: {buckets}")
    true(120 - above(buckets["queue"], 4096) >= 15, f"the queue's time: {buckets}")


def an_io_that_is_issued_twice_is_in_the_device_from_the_first_time_on(result):
    buckets = {phase: result.buckets(result.half, "read", phase=phase) for phase in PHASES}
    equal(sum(buckets["device"].values()), 20, f"reads: {buckets}")
    # Those done by halves, about every third, took 20 ms twice; their second half waited for nobody.
    true(4 <= above(buckets["device"], 32768) <= 8 + HICCUPS, f"the device's time of reads by halves: {buckets}")
    true(above(buckets["queue"], 16384) <= HICCUPS, f"the queue's time of reads by halves: {buckets}")


def the_maximum_is_of_each_window_and_in_its_highest_bucket(result):
    highest = defaultdict(int)
    for name, tags, fields, stamp in result.points:
        if name == "block_io_latency" and fields["count"]:
            key = (tags["device"], tags["op"], tags["phase"], stamp)
            highest[key] = max(highest[key], int(tags["le"]))
    seen = 0
    for name, tags, fields, stamp in result.points:
        if name == "block_io_latency_summary":
            le = highest[tags["device"], tags["op"], tags["phase"], stamp]
            true(le / 2 < fields["max_us"] <= le or le == 1, f"{tags}: maximum {fields['max_us']} in bucket {le}")
            seen += 1
        if name == "block_io_latency_summary" and tags["device"] == result.slow and tags["phase"] == "device":
            true(fields["max_us"] >= DEVICE_US, f"{tags}: maximum {fields['max_us']}")
    true(seen > 10, "summaries")


TESTS = (counts_agree_with_diskstats_with_all_phases, every_io_is_split_or_counted_as_not_split,
         only_empty_flushes_are_not_split, queue_and_device_add_up_to_total,
         what_waits_for_others_is_queue_and_not_device,
         an_io_that_is_issued_twice_is_in_the_device_from_the_first_time_on,
         the_maximum_is_of_each_window_and_in_its_highest_bucket)
