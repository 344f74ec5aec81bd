# SPDX-License-Identifier: Apache-2.0
"""Judges what devices.sh left: each disk has its own counts, whoever had its number before."""

import lab
import result as guest
from tap import Skip, equal, true

MODULES = ("virtio_pci", "virtio_blk", "nvme", "null_blk", "dm_mod")
TOOLS = ("dmsetup",)
DISKS = ("data", "shared", "solo")
# One disk with two hidden paths, and one with one.
DEVICES = ("virtio-blk-pci,drive=data,serial=data",
           "nvme-subsys,id=both,nqn=both", "nvme,id=one,serial=shared,subsys=both", "nvme,id=two,serial=shared,subsys=both",
           "nvme-ns,drive=shared,bus=two,nsid=1,shared=on",
           "nvme-subsys,id=alone,nqn=alone", "nvme,id=three,serial=solo,subsys=alone", "nvme-ns,drive=solo,bus=three,nsid=1,shared=on")
TIMEOUT_S = 120  # 20 s where nothing else runs


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.first, self.second = self.notes["first"], self.notes["second"]
        # What was counted of those that are gone by the end.
        self.of_first = lab.diskstats(folder / "first")[self.first]
        self.of_renamed = lab.less(lab.diskstats(folder / "renamed")[self.notes["dm"]], self.before[self.notes["dm"]])


def a_disk_with_the_number_of_one_that_went_has_its_own_counts(result):
    former, number = result.notes["numbers"].split()
    equal(number, former, "number of the second disk")
    if result.first == result.second:
        raise Skip(f"this kernel calls both {result.first}")
    result.about(result.ops(result.first).get("read", 0), result.of_first.reads, f"reads of {result.first}")
    result.about(result.ops(result.first).get("write", 0), result.of_first.writes, f"writes of {result.first}")
    result.about(result.ops(result.second).get("read", 0), result.kernel(result.second).reads, f"reads of {result.second}")
    true(result.of_first.reads >= 30 and result.kernel(result.second).reads >= 20, "there is nothing to compare")


def its_series_do_not_begin_before_it_counts(result):
    """The first one wrote, the second one did not."""
    if result.first == result.second:
        raise Skip(f"this kernel calls both {result.first}")
    told = {tags["op"] for name, tags, _, _ in result.points if name == "block_io" and tags["device"] == result.second}
    equal(told, {"read"}, f"operations of {result.second}")


def no_count_is_lost_when_a_disk_goes(result):
    """Also where both have one name."""
    names = {result.first, result.second}
    counted = sum(result.ops(name).get("read", 0) for name in names)
    result.about(counted, result.of_first.reads + result.after[result.second].reads, "reads of both disks")


def a_dm_device_keeps_its_name_when_it_is_renamed(result):
    dm = result.notes["dm"]
    equal(result.notes["dm_again"], dm, "the kernel's name of the dm device that came later")
    equal(result.layers(dm), {"stack"}, f"{dm}: layer")
    counted = result.ops(dm)["read"]
    result.about(counted, result.of_renamed.reads + result.after[dm].reads, f"reads of {dm} under both names, and of its successor")
    true(result.of_renamed.reads >= 15 and result.after[dm].reads >= 3, "there is nothing to compare")
    others = {tags["device"] for name, tags, _, _ in result.points if name == "block_io" and tags["layer"] == "stack"}
    equal(others, {dm}, "devices that stand on others")


def a_path_with_the_number_of_one_that_went_counts_for_its_own_disk(result):
    if result.notes["paths"] != "3":
        raise Skip(f"this kernel shows {result.notes['paths']} hidden paths of two NVMe disks that have three")
    shared, solo, again = (result.notes[name] for name in ("shared", "solo", "solo_again"))
    result.about(result.ops(shared)["read"], 30, f"reads of {shared}")
    reads = sum(result.ops(name).get("read", 0) for name in {solo, again})
    # The kernel looks for partitions by itself.
    true(reads + result.missed >= 20 + 50, f"reads of {solo}, later {again}: {reads}")


TESTS = (a_disk_with_the_number_of_one_that_went_has_its_own_counts, its_series_do_not_begin_before_it_counts,
         no_count_is_lost_when_a_disk_goes, a_dm_device_keeps_its_name_when_it_is_renamed,
         a_path_with_the_number_of_one_that_went_counts_for_its_own_disk)
