# SPDX-License-Identifier: Apache-2.0
"""Judges what missed.sh left: runs of a program that the kernel left out, because an interrupt found it running on that
CPU, are told, and are all that is missing."""

import result as guest
from tap import Skip, equal, true

MODULES = ("virtio_pci", "virtio_blk", "configfs", "null_blk")
PROBES = ("losses",)
DEVICES = ("virtio-blk-pci,drive=data,serial=data,num-queues=2",)
TIMEOUT_S = 120


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.disks = self.notes["disks"].split()
        self.counted = sum(self.ops(name).get("read", 0) for name in self.disks)
        self.of_kernel = sum(self.kernel(name).reads for name in self.disks)


def what_is_not_counted_is_told_as_missed(result):
    true(result.of_kernel >= 8000, f"{result.of_kernel} reads")
    true(0 <= result.of_kernel - result.counted <= result.missed,
         f"{result.of_kernel - result.counted} of {result.of_kernel} are not counted, {result.missed} are told as missed")


def a_kernel_that_leaves_runs_out_is_seen_to(result):
    if result.notes["guarded"] == "0":
        equal(result.missed, 0, "runs left out by a kernel that does not leave any out")
        return
    if not result.missed:
        raise Skip("no interrupt came into a run of the program in this boot")
    true(result.counted < result.of_kernel, f"{result.missed} runs were left out, and every I/O is counted")


TESTS = (what_is_not_counted_is_told_as_missed, a_kernel_that_leaves_runs_out_is_seen_to)
