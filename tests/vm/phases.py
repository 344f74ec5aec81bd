# SPDX-License-Identifier: Apache-2.0
"""Judges what phases.sh left: time in the queue and time in the device are told apart, and add up."""

from collections import defaultdict

import lab
from agent import parse_lines
from tap import equal, true

MODULES = ("virtio_pci", "virtio_blk", "null_blk", "mq-deadline")
TIMEOUT_S = 90  # 20 s where nothing else runs

DEVICE_US = 20000  # of each I/O of the slow device
SLACK_US = 12768  # of an emulation that does other things, too: to the end of the bucket
PHASES = ("total", "queue", "device")


class Result:
    """The files of the guest."""

    def __init__(self, folder):
        self.slow, self.data = (folder / "disks").read_text(encoding="ascii").split()
        self.after, self.before = lab.diskstats(folder / "after"), lab.diskstats(folder / "before")
        self.points = parse_lines((folder / "lines").read_text(encoding="utf-8"))
        # Runs that the kernel left out, see smoke.py.
        self.missed = sum(fields["missed"] for name, _, fields, _ in self.points if name == "thermograf_probe")

    def sums(self, measurement, field, *keys):
        """{the tags' values: sum over all windows}"""
        sums = defaultdict(int)
        for name, tags, fields, _ in self.points:
            if name == measurement and field in fields:
                sums[tuple(tags[key] for key in keys)] += fields[field]
        return sums

    def drops(self, reason):
        return sum(fields.get(f"drops_{reason}", 0) for name, _, fields, _ in self.points if name == "thermograf_probe")


def counts_agree_with_diskstats_with_all_phases(result):
    ios = result.sums("block_io", "ios", "device", "op")
    for name in (result.slow, result.data):
        kernel = lab.less(result.after[name], result.before[name])
        writes = sum(ios[name, op] for op in ("write", "writeback", "commit"))
        for kind, ours, theirs in (("reads", ios[name, "read"], kernel.reads), ("writes", writes, kernel.writes),
                                   ("flushes", ios[name, "flush"], kernel.flushes)):
            true(theirs - result.missed <= ours <= theirs, f"{name}: {kind}: {ours}, of {theirs}; missed: {result.missed}")


def every_io_is_split_or_counted_as_not_split(result):
    counts = result.sums("block_io_latency_summary", "count", "phase")
    ios = sum(result.sums("block_io", "ios").values())
    equal(sum(result.sums("block_io", "untimed").values()), 0, "untimed")
    equal(counts["total",], ios, "slots of total")
    lost = result.drops("unsplit_lost")
    # An issue that the program did not see left no stamp.
    true(lost <= result.missed, f"stamps lost: {lost}; missed: {result.missed}")
    for phase in ("queue", "device"):
        equal(counts[phase,] + result.drops("unsplit_unissued") + lost, ios, f"slots of {phase} and what was not split")


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


def what_waits_for_others_is_queue_and_not_device(result):
    buckets = defaultdict(lambda: defaultdict(int))
    for name, tags, fields, _ in result.points:
        if name == "block_io_latency" and tags["device"] == result.slow and tags["op"] == "read":
            buckets[tags["phase"]][tags["le"]] += fields["count"]
    # 16.4 ms < t <= 32.8 ms: the device took as long for each, however many waited.
    equal(set(buckets["device"]), {"32768"}, "buckets of the device's time")
    # Of 100 that came four at once most waited for three others: 32.8 ms < t <= 65.5 ms; 20 came alone.
    true(buckets["queue"]["65536"] >= 50, f"buckets of the queue's time: {dict(buckets['queue'])}")
    true(sum(count for le, count in buckets["queue"].items() if int(le) <= 4096) >= 15,
         f"buckets of the queue's time: {dict(buckets['queue'])}")


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
            true(DEVICE_US <= fields["max_us"] <= DEVICE_US + SLACK_US, f"{tags}: maximum {fields['max_us']}")
    true(seen > 10, "summaries")


TESTS = (counts_agree_with_diskstats_with_all_phases, every_io_is_split_or_counted_as_not_split,
         only_empty_flushes_are_not_split, queue_and_device_add_up_to_total,
         what_waits_for_others_is_queue_and_not_device, the_maximum_is_of_each_window_and_in_its_highest_bucket)
