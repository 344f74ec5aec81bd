#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disks that come and go while the agent runs: each is told from its first count until it goes, and disturbs no other."""

import time

import lab
from filerun import MS, Run, totals
from tap import at_most, equal, main, true

PROMETHEUS = "type = file\npath = {folder}/totals\nstyle = prometheus"


def ios(run, device, op="read", file="here"):
    """[(stamp, I/Os)] of the windows that tell the series."""
    return [(at, fields["ios"]) for name, tags, fields, at in run.points(file)
            if name == "block_io" and (tags["device"], tags["op"]) == (device, op)]


def test_a_disk_is_told_from_its_first_count_until_it_goes_and_its_totals_begin_anew():
    with Run(n_devices=0, output_totals=PROMETHEUS) as run:
        with lab.LoopDevice(new=True) as device:
            name, number = device.name, int(device.name.removeprefix("loop"))
            lab.direct_reads(device, 5, 4096)
            run.wait_for_window(time.time_ns() + 500 * MS)
        # It goes at the end of the block.
        gone = time.time_ns()
        run.wait_for_window(gone + 500 * MS, "totals")
        first = ios(run, name)
        equal(sum(n for _, n in first), 5, "reads of its first life")
        at_most(2, len(first), "windows that tell it, also without counts")
        at_most(first[-1][0], gone + 250 * MS, "the last window that tells it, to the one in which it went")

        with lab.LoopDevice(new=number) as device:
            equal(device.name, name, "name of the disk with the same number")
            lab.direct_reads(device, 7, 4096)
            run.wait_for_window(time.time_ns())
        run.wait_for_window(time.time_ns(), "totals")
        equal(sum(n for _, n in ios(run, name)), 12, "reads of both")
        lives = [n for _, ops in totals(run.points("totals"), name) for op, n in ops.items() if op == "read"]
        equal(lives, sorted(lives[:lives.index(5) + 1]) + [5] * (lives.count(5) - 1) + [0] +
              [7] * (len(lives) - lives.count(5) - lives.index(5) - 1),
              "totals of both lives: each from a starting point of 0 to what it counted")


def test_a_disk_that_goes_and_comes_back_within_a_window_loses_no_count():
    with Run(n_devices=0, interval_ms=3000) as run:
        while time.time() % 3 > 0.5:  # a window has just begun
            time.sleep(0.05)
        start = time.time_ns()
        with lab.LoopDevice(new=True) as device:
            name, number = device.name, int(device.name.removeprefix("loop"))
            lab.direct_reads(device, 3, 4096)
        with lab.LoopDevice(new=number) as device:
            lab.direct_reads(device, 4, 4096)
        run.wait_for_window(time.time_ns())
        at_most(time.time_ns() - start, 8 * 1000 * MS, "ns")
        equal(sum(n for _, n in ios(run, name)), 7, "reads of both lives")


def test_disks_that_come_and_go_under_load_disturb_no_count_of_another():
    with Run(n_devices=1) as run:
        with lab.heavy(run.devices):
            others = {}
            for n in range(12):
                with lab.LoopDevice(new=True, size=1 << 20) as device:
                    lab.direct_writes(device, n + 1, 4096)
                    others[device.name] = n + 1
        wanted = run.settle()
        run.check(wanted, "beside disks that came and went")
        told = {name: sum(n for _, n in ios(run, name, "write")) for name in others}
        equal(told, others, "writes of the disks that came and went")
        last = [at for _, tags, _, at in run.points() if tags.get("device") in others]
        true(max(last) < run.windows()[-1][2], "the last of them is still told")
        # A disk that went has no line in /proc/diskstats, and nothing is wrong with that.
        true("its coverage is not known" not in run.agent.messages(), run.agent.messages())
        probe = run.probe_windows()
        equal(sum(fields["failed_reads_total"] + fields["failed_merges_total"] for fields in probe), 0, "failed reads")


if __name__ == "__main__":
    main(globals())
