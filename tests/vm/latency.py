# SPDX-License-Identifier: Apache-2.0
"""Judges what latency.sh left: an I/O is in the bucket that holds the time that its device was told to take.

The devices wait by a timer of the kernel, which is never early, or by its ticks (dm-delay), so nothing may lie below. What
the emulation adds, for the guest has no KVM, may be as much as the time itself where that is short: so much is told.
"""

import result as guest
from result import PHASES
from tap import equal, note, true

MODULES = ("virtio_pci", "virtio_blk", "null_blk", "mq-deadline", "sd_mod", "dm-delay")
LATER = ("scsi_debug",)
TOOLS = ("dmsetup",)
TIMEOUT_S = 120  # 15 s where nothing else runs

# In the bucket itself; the others came later, on a machine that does other things, too.
SHARE = 0.5
TICK_US = 4000  # HZ=250: a wait in ticks begins somewhere in the first one


def bucket_of(us):
    """The upper bound of the octave that holds the time."""
    return 1 << (us - 1).bit_length()


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.devices = [(name, int(us), int(count)) for name, us, count in
                        (words.split(":") for words in self.notes["devices"].split())]


def told_us(result, name):
    """All latencies of a disk's reads together."""
    return result.sums("block_io_latency_summary", "sum_us", "device", "phase", "op")[name, "total", "read"]


def no_io_is_faster_than_its_device(result):
    for name, us, count in result.devices:
        buckets = result.buckets(name, "read")
        equal(min(buckets), bucket_of(us), f"{name}: the shortest of {us} us: {buckets}")
        result.about(sum(buckets.values()), count, f"{name}: reads in buckets")


def ios_are_in_the_bucket_that_holds_the_devices_time(result):
    late = []
    for name, us, count in result.devices:
        buckets = result.buckets(name, "read")
        inside = buckets[bucket_of(us)]
        mean_us = told_us(result, name) / sum(buckets.values())
        late.append(f"{us} us: +{mean_us - us:.0f}")
        true(inside >= count * SHARE or mean_us > bucket_of(us), f"{name}: {us} us: {buckets}")
    note(f"{result.notes['kernel']}: what emulation and driver add to a read, us: {', '.join(late)}")


def all_latencies_together_are_what_user_space_waited(result):
    """One at a time: their sum is at least the devices' time, and within what dd says that all of it took."""
    for name, us, count in result.devices:
        all_us = told_us(result, name)
        took_us = float(result.notes[f"seconds-{name}"]) * 1e6
        least_us = us - TICK_US if name.startswith("dm-") else us
        true((count - result.missed) * least_us <= all_us <= took_us, f"{name}: {count} of {us} us: {all_us} us, dd: {took_us} us")


def the_time_is_the_devices_and_not_the_queues(result):
    for name, us, _ in result.devices:
        if result.layers(name) == {"disk"}:
            device = result.buckets(name, "read", phase="device")
            equal(min(device), bucket_of(us), f"{name}: the device's time: {device}")


def what_a_depth_of_one_holds_back_is_the_queues(result):
    """Four at once on a LUN that takes one command of 6 ms: most wait for three others, above the driver."""
    buckets = {phase: result.buckets(result.notes["shallow"], "read", phase=phase) for phase in PHASES}
    result.about(sum(buckets["device"].values()), 60, "reads")
    equal(min(buckets["device"]), 8192, f"the device's time: {buckets}")
    above = {phase: sum(count for le, count in counts.items() if le > 16384) for phase, counts in buckets.items()}
    true(above["queue"] >= 30, f"the queue's time: {buckets}")
    true(above["device"] <= 10, f"the device's time: {buckets}")


def a_delay_above_a_disk_is_the_stacks_and_not_the_disks(result):
    equal(result.layers("dm-0"), {"stack"}, "dm-0: layer")
    below = result.notes["below"]
    equal(result.layers(below), {"disk"}, f"{below}: layer")
    equal(result.ops(below), result.ops("dm-0"), "I/Os of the disk and of dm-delay on it")
    buckets = result.buckets(below, "read")
    true(sum(count for le, count in buckets.items() if le <= 8192) >= 15, f"{below}: {buckets}")


TESTS = (no_io_is_faster_than_its_device, ios_are_in_the_bucket_that_holds_the_devices_time,
         all_latencies_together_are_what_user_space_waited, the_time_is_the_devices_and_not_the_queues,
         what_a_depth_of_one_holds_back_is_the_queues, a_delay_above_a_disk_is_the_stacks_and_not_the_disks)
