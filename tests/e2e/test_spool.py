#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The spool on disk: kills, and disks that are full, read-only or hang; nothing that was collected is lost uncounted.

Beside the output that is tested a file output is the truth. The agents need no probe for it: their own metrics go the
same way.
"""

import os
import random
import re
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import agent
import lab
import ledger
import mounts
import outage
from badreceiver import STORED, BadReceiver, Step
from tap import Failure, at_most, equal, main, note, true

INTERVAL_S = 0.2
KILLS = 20
LATE_MOST_US = 1_000_000  # what a busy machine of two cores does to us
ANONYMOUS_MOST_KIB = 6144
AWAY = Step(503, headers=("Retry-After: 1",))

CONFIG = """[agent]
interval = 200ms
probe_dirs = {folder}/empty
[output.truth]
type = file
path = {truth}
"""


class Receiver(BadReceiver):
    """One that is away until the test says otherwise."""

    def __init__(self):
        self.away = True
        super().__init__(lambda receiver, number, lines: AWAY if receiver.away else STORED)

    def stored(self):
        with self.lock:
            return dict(self.account.stored)


class Lives:
    """Agents on one spool, one after the other, each with a truth of its own."""

    def __init__(self, stack, outputs, environment=None):
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-spool-")))
        (self.folder / "empty").mkdir()
        self.outputs, self.number = outputs, 0
        self.agent = agent.Agent("", environment)
        stack.callback(self.agent.__exit__)
        self.anonymous_kib = 0

    def truth(self, number=None):
        return self.folder / f"truth-{self.number if number is None else number}"

    def start(self):
        self.number += 1
        self.agent.configure(CONFIG.format(folder=self.folder, truth=self.truth()) + self.outputs)
        self.agent.start()

    def kill(self):
        self.agent.process.kill()
        self.agent.process.wait()
        self.agent.process = None

    def lines(self, number=None):
        """Whole lines: a kill may tear the last one."""
        path = self.truth(number)
        text = path.read_text() if path.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def points(self):
        return agent.parse_lines("".join(f"{line}\n" for line in self.lines()))

    def last(self):
        """{output: fields} of the latest window."""
        self.agent.check_alive()
        status = Path(f"/proc/{self.agent.process.pid}/status").read_text(encoding="ascii")
        self.anonymous_kib = max(self.anonymous_kib, int(re.search(r"RssAnon:\s+(\d+)", status)[1]))
        return {tags["output"]: fields for name, tags, fields, _ in self.points() if "output" in tags}

    def wait_for(self, question, timeout_s, what):
        """question({output: fields}) of the latest window."""
        try:
            lab.wait_for(lambda: self.last() and question(self.last()), timeout_s, what, 0.1)
        except TimeoutError as late:
            raise Failure(f"{late}; {self.last()}\n{self.agent.messages()[-3000:]}") from late

    def wait_for_text(self, text, timeout_s=30):
        lab.wait_for(lambda: self.agent.check_alive() or text in self.agent.messages(), timeout_s,
                     f"{text!r} in\n{self.agent.messages()[-2000:]}", 0.1)

    def deliver(self, names):
        """Waits until nothing waits but the window that tells so, and ends the agent."""
        most = 2 * (len(names) + 2)
        self.wait_for(lambda last: all(last[name]["lines_queued"] <= most for name in names), 60, "all is delivered")
        self.agent.stop()


def stamp_of(line):
    return int(line.rsplit(" ", 1)[1])


def check_life(lives, number, stored):
    """What a kill may cost: the window that was just cut. Returns how many it did."""
    lines = lives.lines(number)
    missing = {stamp_of(line) for line in lines if line not in stored}
    last = max(map(stamp_of, lines), default=0)
    true(missing <= {last}, f"life {number}: windows {sorted(missing)} are missing, the last one is {last}")
    return len(missing)


def test_twenty_kills_at_any_moment_cost_the_window_just_cut_at_most():
    rng = random.Random(6)
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        lives = Lives(stack, f"[output.store]\nurls = {receiver.url}\n")
        for _ in range(KILLS):
            lives.start()
            time.sleep(rng.uniform(0.2, 0.8))
            receiver.away = rng.random() < 0.7
            time.sleep(rng.uniform(0.0, 0.7))
            lives.kill()
        receiver.away = False
        lives.start()
        lives.deliver(["store"])
        receiver.stop()
        stored = receiver.stored()
        equal(receiver.account.faults, [], "requests that could not be understood")
        cost = [check_life(lives, number, stored) for number in range(1, lives.number + 1)]
        equal(cost[-1], 0, "windows that the last agent lost")
        recovered = sum(int(count) for count in re.findall(r"(\d+) lines of \d+ windows from before wait",
                                                           lives.agent.messages()))
        true(recovered > 100, f"only {recovered} lines were found by later agents")
        twice = sum(count - 1 for count in stored.values())
        # A window here is three lines. The batch on its way, and one that was taken and not yet marked.
        at_most(twice, 2 * 3 * KILLS, "lines that came twice")
        ledger.check(lives.points())
        note(f"{KILLS} kills cost {sum(cost)} windows; {twice} of {len(stored)} lines came twice")


def test_the_end_during_an_outage_loses_nothing_and_the_next_start_delivers_it():
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        lives = Lives(stack, f"[output.store]\nurls = {receiver.url}\n")
        lives.start()
        lives.wait_for(lambda last: last["store"]["lines_queued"] > 20, 30, "some windows wait")
        lives.agent.stop()
        true("lines of " in lives.agent.messages() and "for the next start" in lives.agent.messages(),
             f"what is kept is not told:\n{lives.agent.messages()}")
        listed = subprocess.run([agent.program(), "spool", "--config", lives.agent.config], capture_output=True,
                                text=True, check=True).stdout
        waiting = int(re.search(r"sum: .*?(\d+) lines, ", listed)[1])
        equal(waiting, len(lives.lines()), f"lines that `thermograf spool` lists\n{listed}")
        receiver.away = False
        lives.start()
        lives.deliver(["store"])
        receiver.stop()
        truth = {line for number in (1, 2) for line in lives.lines(number)}
        equal(set(receiver.stored()), truth, "lines stored")
        equal(set(receiver.stored().values()), {1}, "how often")
        last = ledger.check(lives.points())["store"][-1][1]
        equal(last["lines_recovered_total"], waiting, "lines_recovered_total")


OUTPUT = """[output.{name}]
urls = {url}
spool_dir = {folder}/{name}/spool
"""
BROKEN = {"full": "No space left on device", "readonly": "Read-only file system", "frozen": "gives no answer for 10 s"}
MENDED = {"full": "works again after", "readonly": "works again after", "frozen": "answers again after"}


def broken_disks(stack):
    """An agent with three spools, on three disks, for a receiver each."""
    mounts.need_ext4()
    mounts.private()
    receivers = {name: stack.enter_context(Receiver()) for name in BROKEN}
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-disks-")))
    disks = {"full": mounts.Small(folder / "full"), "readonly": mounts.Small(folder / "readonly"),
             "frozen": stack.enter_context(mounts.Freezable(folder / "frozen"))}
    lives = Lives(stack, "".join(OUTPUT.format(name=name, url=receiver.url, folder=folder)
                                 for name, receiver in receivers.items()), agent.NO_LEAK_CHECK)
    stack.callback(disks["frozen"].thaw)  # before the agent's end is waited for
    for disk in disks.values():
        stack.callback(lambda path=disk.path: subprocess.run(["umount", "-l", path], check=False))
    return receivers, disks, lives


def are_away(receivers, yes):
    for receiver in receivers.values():
        receiver.away = yes


def test_disks_that_are_full_read_only_or_hang_delay_nothing_and_lose_nothing():
    with ExitStack() as stack:
        receivers, disks, lives = broken_disks(stack)
        lives.start()
        lives.wait_for(lambda last: all(last[name]["spool_bytes"] for name in BROKEN), 30, "all spools are in use")
        disks["full"].fill()
        disks["readonly"].read_only(True)
        disks["frozen"].freeze()
        for name, why in BROKEN.items():
            lives.wait_for_text(f"output {name}: spool {disks[name].path}/spool/{name}")
            lives.wait_for_text(why)
        lives.wait_for(lambda last: all(last[name]["spool_failing"] and last[name]["lines_unsaved"] > 20
                                        for name in BROKEN), 30, "all spools wait in memory")
        # What waits in memory goes out meanwhile, also where the disk hangs.
        are_away(receivers, False)
        lives.wait_for(lambda last: not any(last[name]["failing"] for name in BROKEN), 30, "all deliver")
        are_away(receivers, True)
        lives.wait_for(lambda last: all(last[name]["failing"] for name in BROKEN), 30, "none delivers")
        disks["full"].empty()
        disks["readonly"].read_only(False)
        disks["frozen"].thaw()
        for name, text in MENDED.items():
            lives.wait_for_text(f"output {name}: spool {disks[name].path}/spool/{name} {text}")
        lives.wait_for(lambda last: all(last[name]["lines_unsaved"] <= 5 for name in BROKEN), 30, "all is on disk")
        are_away(receivers, False)
        lives.deliver(BROKEN)
        books = ledger.check(lives.points())
        for name, receiver in receivers.items():
            equal(books[name][-1][1]["lines_dropped_total"], 0, f"lines dropped by {name}")
            equal(receiver.stored(), {line: 1 for line in lives.lines()}, f"lines stored of {name}")
        late = ledger.lateness_us(lives.points())
        at_most(late, LATE_MOST_US, "us that a window was cut late")
        if not outage.is_sanitized():  # ASan's own memory is several times that
            at_most(lives.anonymous_kib, ANONYMOUS_MOST_KIB, "KiB of anonymous memory")
        for name, why in BROKEN.items():
            at_most(lives.agent.messages().count(why), 2, f"times that {name} is told")
        note(f"three dead disks: the latest window was cut {late} us late; {lives.anonymous_kib} KiB of anonymous memory")


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]


def test_a_disk_that_hangs_does_not_keep_the_agent_from_its_end():
    with ExitStack() as stack:
        receivers, disks, lives = broken_disks(stack)
        lives.start()
        lives.wait_for(lambda last: last["frozen"]["spool_bytes"], 30, "the spool is in use")
        # The lines of the window that tells so are in memory; all before are on disk.
        lives.wait_for(lambda last: last["frozen"]["lines_unsaved"] <= len(BROKEN) + 2, 30, "all is on disk")
        saved = max(map(stamp_of, lives.lines()))
        disks["frozen"].freeze()
        process = lives.agent.process
        lives.wait_for(lambda last: last["frozen"]["lines_unsaved"] > 5, 30, "windows wait for the disk")
        os.kill(process.pid, signal.SIGTERM)
        start = time.monotonic()
        # The kernel keeps the rest of a process as long as a thread of it waits for a disk.
        lab.wait_for(lambda: state_of(process.pid) == "Z", 20, "the agent's end")
        took = time.monotonic() - start
        disks["frozen"].thaw()
        equal(process.wait(10), 0, "exit code")
        lives.agent.process = None
        at_most(took, 10, "seconds that the end took")
        log = lives.agent.messages()
        true(re.search("output frozen: lost [0-9]+ lines", log), f"what is lost is not told:\n{log}")
        true(re.search("output full: [0-9]+ lines of [0-9]+ windows wait in", log), f"what is kept is not told:\n{log}")
        # What was on the disk before it hung is there.
        are_away(receivers, False)
        lives.start()
        lives.deliver(BROKEN)
        early = {line for line in lives.lines(1) if stamp_of(line) < saved}
        equal(early - set(receivers["frozen"].stored()), set(), "lines that were on disk and are missing")
        note(f"the end took {took:.1f} s")


if __name__ == "__main__":
    main(globals())
