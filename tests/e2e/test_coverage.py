#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent says itself how much of each disk's I/O it saw: thermograf_coverage beside /proc/diskstats."""

import os
from collections import defaultdict
from contextlib import ExitStack, contextmanager

import agent
import lab
from tap import Failure, Skip, equal, main, true

CONFIG = """[agent]
interval = 500ms
{agent}
[output.here]
type = file
path = {path}
{more}
"""
ZRAM_CONTROL = "/sys/class/zram-control"
HIDDEN_MAX = 0.001  # of I/Os that a kernel may show to no BPF program at all (diskcheck.py)


@contextmanager
def running(more=""):
    lab.need_root()
    with agent.Agent("") as one:
        lab.stop(one.process)
        one.lines = one.folder / "lines"
        one.config.write_text(CONFIG.format(agent="", path=one.lines, more=more))
        one.start()
        wait(one, lambda points: points, "a first window")
        yield one


def points_of(one):
    return agent.file_points(one.lines)


def wait(one, question, what):
    def there():
        one.check_alive()
        return question(points_of(one))

    try:
        return lab.wait_for(there, 30, what)
    except TimeoutError as late:
        raise Failure(f"{late}\n{one.messages()[-2000:]}") from late


def coverage(points, device):
    return [fields for name, tags, fields, _ in points
            if name == "thermograf_coverage" and tags["device"] == device and tags["measurement"] == "block_io"]


def sums(rows):
    total = defaultdict(int)
    for fields in rows:
        total["counted"] += fields["counted"]
        total["reference"] += fields["reference"]
    return total["counted"], total["reference"]


@contextmanager
def zram():
    """A disk that takes bios as they are, as dm and md do."""
    try:
        with open(f"{ZRAM_CONTROL}/hot_add", encoding="ascii") as file:
            number = file.read().strip()
    except OSError as error:
        raise Skip(f"no zram here: {error.strerror}") from error
    try:
        with open(f"/sys/block/zram{number}/disksize", "w", encoding="ascii") as file:
            file.write("16M")
        yield lab.Area(f"/dev/zram{number}", 0, 16 << 20)
    finally:
        with open(f"{ZRAM_CONTROL}/hot_remove", "w", encoding="ascii") as file:
            file.write(number)


def work(area):
    lab.direct_writes(area, 100, 4096)
    lab.direct_reads(area, 150, 8192)


def ios_of(disk):
    return disk.reads + disk.writes + disk.discards + disk.flushes


def test_the_whole_of_a_disks_io_is_covered_and_told_so():
    with ExitStack() as stack:
        device = stack.enter_context(lab.LoopDevice())
        name = device.name
        one = stack.enter_context(running())
        before = lab.at_rest([name])[name]
        told = sums(coverage(points_of(one), name))[1]
        lab.mixed(device, 20, 1)
        ios = ios_of(lab.at_rest([name])[name]) - ios_of(before)
        wait(one, lambda points: sums(coverage(points, name))[1] - told >= ios, f"all I/Os of {name} told")
        one.stop()
        rows = coverage(points_of(one), name)
        counted, reference = sums(rows)
        equal(reference, ios + told, "I/Os by the kernel")
        true(reference - HIDDEN_MAX * ios <= counted <= reference, f"{counted} counted, {reference} by the kernel")
        for fields in rows:
            if fields["reference"]:
                equal(round(fields["coverage_pct"], 3), round(100 * fields["counted"] / fields["reference"], 3), "coverage_pct")


def test_a_disk_with_iostats_off_is_told_to_be_unknown():
    with ExitStack() as stack:
        device = stack.enter_context(lab.LoopDevice(new=True))
        with open(f"/sys/block/{device.name}/queue/iostats", "w", encoding="ascii") as file:
            file.write("0")
        one = stack.enter_context(running())
        work(lab.Area(device.path, 0, device.size))
        wait(one, lambda points: sums(coverage(points, device.name))[0] >= 250, "250 I/Os counted")
        one.stop()
        for fields in coverage(points_of(one), device.name):
            equal((fields["reference"], "coverage_pct" in fields), (0, False), "what there is nothing to compare with")
        text = f"disk {device.name} has no counts in /proc/diskstats (its queue/iostats is 0); its coverage is not known"
        equal(one.messages().count(text), 1, "messages about it")


def test_a_disk_that_makes_no_requests_is_covered_by_bio_io_and_else_told_as_missing():
    with ExitStack() as stack:
        area = stack.enter_context(zram())
        name = os.path.basename(area.path)
        for more, wanted in (("", 0), ("[probe.bio_io]\nenabled = yes", 250)):
            with running(more) as one:
                lab.at_rest([name])
                before = sums(coverage(points_of(one), name))
                work(area)
                wait(one, lambda points: sums(coverage(points, name))[1] - before[1] >= 250, "250 I/Os by the kernel")
                one.stop()
                counted, reference = sums(coverage(points_of(one), name))
                equal((counted - (before[0] if wanted else 0), reference - before[1]), (wanted, 250), f"{name}: counted, by the kernel")


if __name__ == "__main__":
    main(globals())
