# SPDX-License-Identifier: Apache-2.0
"""Judges what hung.sh left: with its own root disk and spool hung, the agent collects and pushes on time, says which disk it
is, and has lost nothing when the disk is back."""

import result as guest
from agent import parse_lines
from tap import at_most, equal, true

MODULES = ("virtio_pci", "virtio_blk", "dm_mod")
TOOLS = ("dmsetup", "mkfs.ext4")
TIMEOUT_S = 120

WINDOW_MS = 500
HUNG_WINDOWS = 8
LATE_MS = 500     # emulation, on a machine that may have more to do


class Result(guest.Result):
    def __init__(self, folder):
        super().__init__(folder)
        self.pushed = parse_lines((folder / "pushed").read_text(encoding="utf-8"))

    def agent(self, points):
        """[fields] about the agent, window by window."""
        return [fields for name, tags, fields, _ in points if name == "thermograf" and "output" not in tags]

    def output(self, name):
        return [fields for measurement, tags, fields, _ in self.pushed
                if measurement == "thermograf" and tags.get("output") == name]


def windows_are_cut_and_pushed_on_time_while_the_root_hangs(result):
    first, last = int(result.notes["suspended_after"]), int(result.notes["resumed_after"])
    hung = result.agent(result.pushed)[first:last]
    true(len(hung) >= HUNG_WINDOWS, f"{len(hung)} windows were pushed while the disk hung")
    at_most(max(fields["late_us"] for fields in hung) // 1000, LATE_MS, "ms late")
    equal([fields["missed_boundaries"] for fields in hung], [0] * len(hung), "boundaries missed")


def the_disk_that_hangs_is_told(result):
    ages = [fields["oldest_ms"] for name, tags, fields, _ in result.pushed
            if name == "block_inflight" and tags["device"] == "dm-0"]
    true(max(ages, default=0) >= WINDOW_MS * (HUNG_WINDOWS - 4), f"the oldest I/O of the root disk: {ages} ms")


def what_waits_for_the_spool_is_told_and_saved_when_the_disk_is_back(result):
    unsaved = [fields["lines_unsaved"] for fields in result.output("away")]
    true(max(unsaved) > 0, f"lines that only memory has, while the disk hangs: {unsaved}")
    for name in ("away", "there"):
        for fields in result.output(name):
            equal(fields["lines_dropped_total"], 0, f"{name}: lines dropped")
    last = result.output("away")[-1]
    true(last["lines_unsaved"] < max(unsaved), f"lines that only memory has, with the disk back: {unsaved}")
    true(int(result.notes["spool_bytes"]) >= last["spool_bytes"] > 0, f"{result.notes['spool_bytes']} bytes in files at the end")


TESTS = (windows_are_cut_and_pushed_on_time_while_the_root_hangs, the_disk_that_hangs_is_told,
         what_waits_for_the_spool_is_told_and_saved_when_the_disk_is_back)
