# SPDX-License-Identifier: Apache-2.0
"""Four hosts in two data centres out of one agent's run: what it wrote, under other names and at other times.

The run has windows of a second with I/O, windows without, an agent that is away, and buckets that no window had before.
Each host has it some seconds later than the one before, so that no two say the same at the same time. All stamps
lie hours back: VictoriaMetrics holds back what is younger than 30 s.
"""

import re
import threading
import time
from collections import defaultdict, namedtuple
from contextlib import contextmanager
from functools import lru_cache

import agent
import lab
import wire
from tap import true

NS = 10**9
AWAY_S = 3

Host = namedtuple("Host", "dc name late_s devices ails")
# A dot that is taken for any character would make one of the first two.
HOSTS = (
    Host("east.1", "db1.east", 0, ("sda", "sdb"), False),
    Host("east.1", "db1xeast", 2, ("sda", "sdb"), False),
    # Has a disk below a device that stands on others: that one's I/O must not count twice.
    Host("west", "db2", 1, ("nvme0n1", "dm-7"), False),
    Host("west", "db3", 3, ("sda", "sdb"), True),
)
DISKS = {device: "stack" if device.startswith("dm-") else "disk" for host in HOSTS for device in host.devices}
AILS_FROM_S = 6
AILS = {"failing": 1, "lines_dropped_total": 7, "probes_failed": 2, "drops": 3, "missed": 4, "oldest_ms": 4321}

PROBES = """const.phases = total queue device
[probe.block_inflight]
enabled = yes
"""


@contextmanager
def storm(devices, threads=8):
    """More at once than the disks can do: it reaches buckets that nothing before did."""
    ending = threading.Event()

    def work(device):
        while not ending.is_set():
            lab.direct_reads(device, 1, 4 << 20)
            lab.direct_writes(device, 1, 4 << 20)

    workers = [threading.Thread(target=work, args=(device,)) for device in devices for _ in range(threads)]
    try:
        for worker in workers:
            worker.start()
        yield
    finally:
        ending.set()
        for worker in workers:
            worker.join()


def record():
    """What the agent writes: {name of an output: lines}, and the names of its two devices."""
    outputs = {"influx": wire.Wire.as_file("influx"),
               "prometheus": wire.Wire.as_file("prometheus", "style = prometheus")}
    with wire.Wire(outputs, devices=2, settings="hostname = HOST", probe=PROBES) as run:
        run.work(4)
        run.wait_for_window(run.points()[-1][3] + NS)
        run.agent.stop()
        time.sleep(AWAY_S)
        run.agent.start()
        again_ns = time.time_ns()
        run.wait_for_window(again_ns)
        with storm(run.devices):
            # Until a window has ended with I/O of both that was under way.
            lab.wait_for(lambda: set(run.names) <= {tags["device"] for name, tags, _, stamp in run.points()
                                                    if name == "block_inflight" and stamp > again_ns},
                         30, "a window that ends with I/O outstanding")
        lab.mixed(run.devices[0], 3, seed=5)
        run.end()
        return {name: (run.folder / name).read_text() for name in ("truth", *outputs)}, run.names


def ailing(line):
    """The same line of a host in trouble."""
    for field, value in AILS.items():
        line = re.sub(rf"([ ,]){field}=\d+i", rf"\g<1>{field}={value}i", line)
    return line


class Fleet:
    """All that the hosts sent. start_s: no window ends before; end_s: the last one's."""

    def __init__(self):
        self.recorded, self.devices = record()
        first_ns = min(int(line.rsplit(" ", 1)[1]) for line in self.recorded["truth"].splitlines())
        # Windows of any length that Grafana takes here begin at whole minutes.
        self.start_s = int(time.time()) // 60 * 60 - 7200
        self.move_ns = self.start_s * NS - first_ns // NS * NS
        self.points = agent.parse_lines(self.lines("truth"))
        self.end_s = max(stamp for _, _, _, stamp in self.points) // NS

    @lru_cache(maxsize=None)
    def lines(self, output):
        """What all hosts sent in that output's style."""
        return "".join(f"{line}\n" for host in HOSTS for line in self._of(host, output))

    def _of(self, host, output):
        for line in self.recorded[output].splitlines():
            found = re.search(r",device=([^, ]+)", line)
            if found and found[1] not in self.devices:
                continue
            if found:
                device = host.devices[self.devices.index(found[1])]
                line = line.replace(found[0], f",device={device}").replace("layer=disk", f"layer={DISKS[device]}")
            line = line.replace(",dc=lab,", f",dc={host.dc},").replace(",host=HOST", f",host={host.name}")
            line, stamp = line.rsplit(" ", 1)
            stamp = int(stamp) + self.move_ns + host.late_s * NS
            if host.ails and stamp >= (self.start_s + AILS_FROM_S) * NS:
                line = ailing(line)
            yield f"{line} {stamp}"

    def of(self, measurement, **tags):
        """[(tags, fields, second)] of the points with these tags; a value may be a list of values."""
        def fits(found):
            return all(found.get(key) in (value if isinstance(value, (list, tuple)) else [value])
                       for key, value in tags.items())

        return [(found, fields, stamp // NS) for name, found, fields, stamp in self.points
                if name == measurement and fits(found)]

    def heat(self, **tags):
        """{second: {upper bound in us: count}}, in octaves."""
        fine = defaultdict(lambda: defaultdict(int))
        for found, fields, second in self.of("block_io_latency", **tags):
            fine[second][float(found["le"])] += fields["count"]
        return {second: wire.octaves(buckets) for second, buckets in fine.items()}


@lru_cache(maxsize=None)
def fleet():
    """The one of this program; it has what a page must show right."""
    made = Fleet()
    windows = {second for _, _, second in made.of("thermograf", host="db1.east")}
    busy = made.heat(host="db1.east", op="read", phase="total")
    true(len(set(range(min(windows), max(windows))) - windows) >= AWAY_S, f"the agent was away: {sorted(windows)}")
    true(windows - set(busy), "windows without I/O")
    for device in made.devices:
        ops = re.findall(rf"^block_io_latency_seconds,.*,device={device},.*,op=(\w+),phase=total bucket",
                         made.recorded["prometheus"], re.M)
        true({"read", "write", "commit"} <= set(ops), f"{device} has I/O of {set(ops)}; devices are "
             f"{set(re.findall(',device=([^, ]+)', made.recorded['prometheus']))}")
    return made
