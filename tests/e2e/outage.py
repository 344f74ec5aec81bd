# SPDX-License-Identifier: Apache-2.0
"""What outages are made with: agents on one spool, one after the other, and the truth about what they collected.

A life is from a start of the agent to its end, however that comes. Each has a file output of its own: the truth.
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from pathlib import Path

import agent
import lab
import ledger
import mounts
import wire
from tap import Failure, at_most, equal, note, true

INTERVAL_S = 0.2
# Above what a busy machine of two cores does to us, below every time that a blocked loop would wait for.
LATE_MOST_US = 1_000_000
ANONYMOUS_MOST_KIB = 6 << 10
OLD_PER_INTERVAL = 10  # PUSH_OLD_PER_INTERVAL
ROWS = 512  # of tests/e2e/probes/crowd.bpf.c
# At the end of a file of truth: some windows of a crowd.
TAIL_BYTES = 1 << 20

CONFIG = """[agent]
interval = 200ms
probe_dirs = {probes}
hostname = {host}
[global_tags]
dc = lab
[output.truth]
type = file
path = {truth}
{probe}
"""

# As many lines as a host of many disks has, beside those of the shipped probe.
CROWD = """[probe.control]
enabled = no
[probe.crowd]
enabled = yes
"""

# As large as they are: what waits shall not fit into memory.
PLAIN = "content_encoding = identity\n"


def is_sanitized():
    """Whether the program is built with ASan, whose own memory is many times ours."""
    return b"__asan_init" in agent.program().read_bytes()


class Memory(threading.Thread):
    """The most anonymous memory that any of the processes had."""

    def __init__(self):
        super().__init__(daemon=True)
        self.pid, self.most_kib, self.ending = None, 0, threading.Event()

    def run(self):
        while not self.ending.wait(0.02):
            try:
                status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
            except OSError:
                continue
            found = re.search(r"RssAnon:\s+(\d+)", status)  # not of one that has ended
            self.most_kib = max(self.most_kib, int(found[1]) if found else 0)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()


class Lives:
    """Agents, one after the other. `outputs` are sections of the configuration."""

    def __init__(self, stack, outputs, crowd=False, host="one", environment=None):
        if crowd:
            lab.need_root()
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-outage-")))
        self.probes = self.folder / "empty"
        self.probes.mkdir()
        if crowd:
            self.probes = f"{agent.BUILD}/probes {agent.BUILD}/tests/e2e/probes"
        self.outputs, self.crowd, self.host, self.number = outputs, crowd, host, 0
        self.agent = agent.Agent("", environment)
        stack.callback(self.agent.__exit__)
        self.memory = stack.enter_context(Memory())

    @property
    def process(self):
        return self.agent.process

    def truth(self, number=None):
        return self.folder / f"truth-{self.number if number is None else number}"

    def text(self):
        """The configuration."""
        return CONFIG.format(probes=self.probes, host=self.host, truth=self.truth(),
                             probe=CROWD if self.crowd else "") + self.outputs

    def start(self):
        self.number += 1
        self.agent.config.write_text(self.text())
        self.memory.pid = None  # until the first window: loading probes takes more, and gives it back
        self.agent.start()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.agent.process = None

    def stop(self):
        self.agent.stop()

    def points(self, number=None):
        """Of whole lines: a kill may tear the last one."""
        return agent.file_points(self.truth(number))

    def everything(self):
        """wire.as_map() of all that all lives collected."""
        return wire.as_map(point for number in range(1, self.number + 1) for point in self.points(number))

    def latest(self):
        """{output: fields} of its latest line."""
        self.agent.check_alive()
        if not self.truth().exists():
            return {}
        with open(self.truth(), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            text = file.read().decode()
        lines = [line for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("thermograf,")]
        if lines:
            self.memory.pid = self.process.pid
        return {tags["output"]: fields for _, tags, fields, _ in agent.parse_lines("\n".join(lines))
                if "output" in tags}

    def wait_for(self, question, what, timeout_s=60):
        """question({output: fields}) is true."""
        try:
            lab.wait_for(lambda: (found := self.latest()) and question(found), timeout_s, what, 0.05)
        except TimeoutError as late:
            raise Failure(f"{late}; {self.latest()}\n{self.agent.messages()[-3000:]}") from late

    def wait_for_sent(self, name, windows=3):
        """That many more are sent, each of them whole."""
        before = self.latest().get(name, {}).get("verdict_sent_total", 0)
        self.wait_for(lambda last: last[name]["verdict_sent_total"] >= before + windows and
                      (not self.crowd or last[name]["lines_collected_total"] > windows * ROWS), f"{name} has sent")

    def wait_for_queued(self, name, windows):
        self.wait_for(lambda last: last[name]["batches_queued"] >= windows, f"{windows} windows of {name} wait")

    def deliver(self, *names):
        """Nothing waits any more; the agent ends."""
        self.wait_for(lambda last: not any(last[name]["lines_queued"] for name in names), "all is delivered", 90)
        self.stop()

    def check_books(self):
        """Every line of every life. Returns those of the last."""
        return [ledger.check(self.points(number)) for number in range(1, self.number + 1)][-1]

    def tell(self, what):
        """The figures by which it is done, checked and told."""
        points = [point for number in range(1, self.number + 1) for point in self.points(number)]
        late = ledger.lateness_us(points)
        at_most(late, LATE_MOST_US, f"{what}: us that a window was cut late")
        memory = "memory is ASan's"
        if not is_sanitized():
            true(self.memory.most_kib, f"{what}: anonymous memory was never read")
            at_most(self.memory.most_kib, ANONYMOUS_MOST_KIB, f"{what}: KiB of anonymous memory")
            memory = f"at most {self.memory.most_kib} KiB of anonymous memory"
        note(f"{what}: the latest window was cut {late} us late; {memory}")


def missing(got, wanted, what):
    """Which points of wire.as_map() are not in the other; there must not be any other, or one with other fields."""
    true(wanted, f"{what}: nothing was collected")
    more = [key for key in got if key not in wanted]
    other = [(key, got[key], wanted[key]) for key in got if key in wanted and not wire.alike(got[key], wanted[key])]
    if more or other:
        raise Failure(f"{what}: {len(more)} points that nobody collected {more[:3]}, {len(other)} other {other[:3]}")
    return [key for key in wanted if key not in got]


def same(got, wanted, what):
    gone = missing(got, wanted, what)
    if gone:
        stamps = Counter(stamp for *_, stamp in gone)
        raise Failure(f"{what}: {len(gone)} of {len(wanted)} points are missing, of {len(stamps)} windows "
                      f"{list(stamps.items())[:5]}; {gone[:2]}")


def only_last_windows(got, lives, killed, what):
    """
    What is missing is of the window that was cut last when a kill came. What an output got is in the file whole, which
    is written before the window is given to anybody else.
    @param lives   the points of each
    @param killed  of those that were, the same
    @return how many windows the kills cost
    """
    wanted = wire.as_map(point for points in lives for point in points)
    lasts = {points[-1][3] for points in killed if points}
    cost = {stamp for *_, stamp in missing(got, wanted, what)}
    true(cost <= lasts, f"{what}: windows {sorted(cost - lasts)} are missing, which no kill explains")
    return len(cost)


def spool_in_memory(stack):
    """A folder that no disk delays: what a kill costs is measured, not what a busy disk does."""
    parent = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = tempfile.mkdtemp(prefix="thermograf-outage-", dir=parent)
    stack.callback(shutil.rmtree, folder, True)
    return folder


class Arrivals(threading.Thread):
    """Which windows InfluxDB has, again and again: [{stamp, ...}]."""

    def __init__(self, db, since_ns):
        super().__init__(daemon=True)
        self.db, self.since_ns = db, since_ns
        self.seen, self.ending = [], threading.Event()

    def run(self):
        text = f"SELECT windows_total FROM thermograf WHERE time >= {self.since_ns}"
        while not self.ending.wait(0.02):
            try:
                self.seen.append({row[0] for _, _, rows in self.db.query(text) for row in rows})
            except OSError:
                pass  # it is not up yet

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()


def check_order(seen, from_ns, to_ns):
    """Wherever a window of the outage is, a newer one was before."""
    showing = [stamps for stamps in seen if any(from_ns < stamp < to_ns for stamp in stamps)]
    true(showing, "InfluxDB never showed a window of the outage")
    early = [stamps for stamps in showing if max(stamps) < to_ns]
    equal(early, [], "windows of the outage that came before any newer one")


def check_rate(rows):
    """Windows sent from one cut to the next: a fresh one, so many old, and one that was under way at the cut."""
    sent = [fields["verdict_sent_total"] for _, fields in rows]
    true(len(sent) > 5, "too few windows to tell how fast they follow")
    at_most(max(b - a for a, b in zip(sent, sent[1:])), OLD_PER_INTERVAL + 2, "windows sent in an interval")
    at_most(max(b - a for a, b in zip(sent, sent[4:])), 4 * OLD_PER_INTERVAL + 5, "windows sent in four intervals")
    return max(b - a for a, b in zip(sent, sent[1:]))


AWAY = """[output.{name}]
urls = {url}
database = {name}
spool_dir = {disk}/spool
"""


class Disks:
    """A crowd with three outputs: one whose InfluxDB is well, two whose is away. The first two have spools on a disk
    that freezes, the last on a small one that gets full."""

    WELL, FROZEN, FULL = "well", "frozen", "full"

    def __init__(self, stack):
        mounts.private()
        self.there, self.gone = (stack.enter_context(wire.influxdb()) for _ in range(2))
        self.lives = Lives(stack, "", crowd=True, environment=agent.NO_LEAK_CHECK)
        self.frozen = stack.enter_context(mounts.Freezable(self.lives.folder / "freezes"))
        self.small = stack.enter_context(mounts.Freezable(self.lives.folder / "small", 8 << 20))
        for disk in (self.frozen, self.small):
            stack.callback(lambda path=disk.path: subprocess.run(["umount", "-l", path], check=False))
        self.dbs = {self.WELL: self.there, self.FROZEN: self.gone, self.FULL: self.gone}
        for name, db in self.dbs.items():
            disk = self.small if name == self.FULL else self.frozen
            self.lives.outputs += AWAY.format(name=name, url=db.url, disk=disk.path) + PLAIN
            db.execute(f'CREATE DATABASE "{name}"')

    def wait_for_unsaved(self, windows):
        """Until so many windows wait that the frozen disk did not take."""
        self.lives.wait_for(lambda last: last[self.FROZEN]["lines_unsaved"] > windows * ROWS, "windows wait in memory")

    def thaw(self):
        self.frozen.thaw()
        self.lives.wait_for(lambda last: last[self.FROZEN]["lines_unsaved"] < 2 * ROWS, "they are on disk")

    def fill(self):
        """Until what waits in memory is more than may."""
        self.lives.wait_for(lambda last: last[self.FULL]["spool_bytes"], "some is on the small disk")
        self.small.fill()
        self.lives.wait_for(lambda last: last[self.FULL]["lines_dropped_spool_total"], "the oldest are dropped")
        true(self.lives.latest()[self.FULL]["spool_failing"], "the full disk is not told")
        self.small.empty()
        self.lives.wait_for(lambda last: last[self.FULL]["lines_unsaved"] < 2 * ROWS, "the rest is on disk")

    def lost_at_end(self, name):
        """Lines, as the log has it."""
        return sum(map(int, re.findall(f"output {name}: lost ([0-9]+) lines", self.lives.agent.messages())))

    def dropped(self, name, number):
        rows = wire.as_map(self.lives.points(number))
        return max(fields["lines_dropped_total"] for (_, tags, _), fields in rows.items()
                   if dict(tags).get("output") == name)

    def stored(self, name):
        return wire.stored(self.dbs[name], name)
