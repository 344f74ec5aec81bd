# SPDX-License-Identifier: Apache-2.0
"""What a guest left: the agent's lines, and the kernel's own counters before and after."""

from collections import defaultdict

import lab
from agent import parse_lines
from tap import equal, true

# How an operation of ours is counted in /proc/diskstats.
KINDS = {"read": "read", "write": "write", "writeback": "write", "commit": "write", "discard": "discard",
         "flush": "flush"}
PHASES = ("total", "queue", "device")

# Emulation makes a program's run a hundred times as long as on a machine, and with it the chance that an interrupt
# finds it running. 0.2 % is common; on a busy machine two probes had 4 %.
MISSED_MAX = 0.06


class Lines:
    """The points of one run of the agent."""

    def __init__(self, path):
        self.points = parse_lines(path.read_text(encoding="utf-8"))
        # Runs that the kernel left out, because the program ran on that CPU: from 6.2, and what was back-ported.
        self.missed = self.of_probe("missed")

    def of_probe(self, field):
        """The sum over all windows of a field of thermograf_probe."""
        return sum(fields.get(field, 0) for name, _, fields, _ in self.points if name == "thermograf_probe")

    def drops(self, reason):
        return self.of_probe(f"drops_{reason}")

    def sums(self, measurement, field, *keys):
        """{the tags' values, a tuple if there are several: sum over all windows}"""
        sums = defaultdict(int)
        for name, tags, fields, _ in self.points:
            if name == measurement and field in fields:
                place = tuple(tags[key] for key in keys)
                sums[place if len(keys) > 1 else place[0]] += fields[field]
        return sums

    def ops(self, device, field="ios"):
        """{op: sum} of a device, without operations that never were."""
        return {op: n for (name, op), n in self.sums("block_io", field, "device", "op").items() if name == device and n}

    def buckets(self, device, *ops, phase="total"):
        """{le in us: count} of a device's latency, of these operations together."""
        buckets = defaultdict(int)
        for name, tags, fields, _ in self.points:
            if name == "block_io_latency" and tags["device"] == device and tags["op"] in ops and tags["phase"] == phase:
                buckets[int(tags["le"])] += fields["count"]
        return dict(buckets)

    def max_us(self, device, *ops, phase="total"):
        """The slowest I/O of all windows."""
        return max((fields["max_us"] for name, tags, fields, _ in self.points
                    if name == "block_io_latency_summary" and tags["device"] == device and tags["op"] in ops
                    and tags["phase"] == phase), default=0)

    def layers(self, device):
        return {tags["layer"] for name, tags, _, _ in self.points if name == "block_io" and tags["device"] == device}


class Result(Lines):
    """The files of a guest: the lines, `before` and `after` of /proc/diskstats, and what test.sh told with note()."""

    def __init__(self, folder):
        super().__init__(folder / "lines")
        self.folder = folder
        self.after, self.before = lab.diskstats(folder / "after"), lab.diskstats(folder / "before")
        notes = folder / "notes"
        self.notes = dict(line.split(" ", 1) for line in notes.read_text(encoding="utf-8").splitlines()) if notes.exists() else {}

    def kernel(self, device):
        """What the kernel counted; a device that came later began with zeros."""
        before = self.before.get(device, lab.Disk(*[0] * len(lab.Disk._fields)))
        return lab.less(self.after[device], before)

    def merges(self, device):
        """Bios that became part of a request that was there already: reads and writes together."""

        def field(name):
            for line in (self.folder / name).read_text(encoding="ascii").splitlines():
                words = line.split()
                if words[2] == device:
                    return int(words[4]) + int(words[8])
            return 0

        return field("after") - field("before")

    def kinds(self, device):
        """{kind of /proc/diskstats: (ios, bytes)} as the agent counted."""
        kinds = {kind: [0, 0] for kind in KINDS.values()}
        for index, field in enumerate(("ios", "bytes")):
            for op, value in self.ops(device, field).items():
                if op in KINDS:
                    kinds[KINDS[op]][index] += value
        return {kind: tuple(counts) for kind, counts in kinds.items()}

    def agree_with_diskstats(self, devices):
        """To the I/O and to the byte; where the kernel left runs of the program out, but for as many events."""
        less = 0
        for name in devices:
            disk = self.kernel(name)
            wanted = {"read": (disk.reads, disk.read_sectors * lab.SECTOR),
                      "write": (disk.writes, disk.write_sectors * lab.SECTOR),
                      "discard": (disk.discards, disk.discard_sectors * lab.SECTOR),
                      "flush": (disk.flushes, 0)}
            counted = self.kinds(name)
            if not self.missed:
                equal(counted, wanted, f"{name}: (ios, bytes)")
            less += sum(wanted[kind][0] - counted[kind][0] for kind in wanted)
        true(0 <= less <= self.missed,
             f"{less} I/Os are not counted, and the kernel says that it left out {self.missed} runs")
        ios = sum(self.sums("block_io", "ios", "device").values())
        true(self.missed <= ios * MISSED_MAX, f"{self.missed} runs left out of {ios}")

    def about(self, got, wanted, what):
        """Equal, but for as many as the kernel left out."""
        true(wanted - self.missed <= got <= wanted, f"{what}: {got}, of {wanted}; left out by the kernel: {self.missed}")
