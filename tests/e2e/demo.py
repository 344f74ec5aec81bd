#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make run: the agent at work, seen from the far end of the wire.

A private database of the distribution on the loopback, the agent with windows of 1 s, a disk in memory with
something to do, and a picture drawn from what the database answers. Ctrl-C ends it and leaves nothing behind.
Without a terminal, or with CI=true, it runs for 15 s and prints the last picture.
"""

import argparse
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.error
from contextlib import ExitStack, suppress
from pathlib import Path

import agent
import lab
import picture
import store
from tap import Failure, Skip

SECONDS_IN_CI = 15
DEVICE_BYTES = 256 << 20
REDRAW_S = 0.5

ENTER_SCREEN = "\x1b[?1049h\x1b[?25l"
LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l"


# ---- something to do for a disk: a process of its own, so that it does not slow the drawing down


def worker(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()


def load(path, size):
    """Mixed I/O with a rhythm, for ever."""
    direct, buffered = lab.areas(lab.Area(path, 0, size), 2)
    start = time.monotonic()

    def since(period_s):
        return (time.monotonic() - start) % period_s / period_s

    def tide(period_s, size):
        """Reads that come and go."""
        while True:
            strength = 0.5 + 0.5 * math.sin(2 * math.pi * since(period_s))
            if strength > 0.15:
                lab.direct_reads(direct, int(1 + 12 * strength), size)
            time.sleep(random.expovariate(1) * 0.02 / (0.1 + strength))

    def commits():
        """A database's log: small, durable, one after the other; now and then a larger one."""
        while True:
            lab.buffered_commits(buffered, 1, random.choice((4096, 8192, 8192, 65536)))
            time.sleep(random.uniform(0.01, 0.05))

    def writers():
        while True:
            lab.direct_writes(direct, random.randrange(1, 40), random.choice((4096, 16384)))
            time.sleep(random.uniform(0.05, 0.4))

    def writeback():
        while True:
            time.sleep(random.uniform(1.5, 3))
            lab.written_back(buffered, random.randrange(1, 9) << 20)

    def discards():
        while True:
            time.sleep(4)
            for _ in range(20):
                lab.block_range(direct, lab.BLKDISCARD, lab.place(direct, 1 << 20), 1 << 20)

    def storm():
        """More at once than the disk can do: they wait in its queue, and the heatmap shows it."""
        while True:
            if 0.55 < since(12) < 0.7:
                lab.direct_reads(direct, 2, 1 << 20)
            else:
                time.sleep(0.05)

    for function in (lambda: tide(7, 4096), lambda: tide(7, 4096), lambda: tide(11, 65536), commits, writers,
                     writeback, discards, *[storm] * 48):
        worker(function)
    signal.pause()


# ---- the show


class Screen:
    """The terminal's second screen; on leaving it the first one is as it was."""

    def __enter__(self):
        sys.stdout.write(ENTER_SCREEN)
        return self

    def __exit__(self, *_):
        sys.stdout.write(LEAVE_SCREEN)
        sys.stdout.flush()

    @staticmethod
    def show(lines):
        # Each line clears its rest, and the end what was below: no flicker.
        sys.stdout.write("\x1b[H" + "\x1b[K\r\n".join(lines) + "\x1b[K\x1b[J")
        sys.stdout.flush()


def colours():
    if os.environ.get("NO_COLOR"):
        return "none"
    return "truecolor" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256"


def step(name, text):
    print(f"  {name:<9} {text}", flush=True)


class Show:
    """All the parts, each put away by the stack when it ends."""

    def __init__(self, stack):
        lab.need_root()
        agent.program()
        self.started = time.time_ns()
        kind, program = store.find(lab.ROOT / "build" / "e2e", lambda text: step("database", text))
        self.db = stack.enter_context(kind(program))
        step("database", f"{kind.TITLE} on {self.db.url}, its data in {self.db.folder}")
        self.device = stack.enter_context(lab.LoopDevice(DEVICE_BYTES))
        step("disk", f"{self.device.path}, {DEVICE_BYTES >> 20} MB in memory")
        self.agent = stack.enter_context(agent.Agent(agent.config(self.db.url)))
        step("agent", f"{agent.program()} run, a window each second")
        self.load = lab.spawn([sys.executable, __file__, "--load", self.device.path, DEVICE_BYTES])
        stack.callback(lab.stop, self.load)
        step("load", "reads that come and go, commits, writeback, discards, and a storm every 12 s")

    def data(self, seconds, rate_seconds, note):
        """Asks the database for the last seconds."""
        since = max(self.started, time.time_ns() - (seconds + 2) * store.NS)
        by = ("device", "op")
        return picture.Data(
            title=f"what {self.db.TITLE} holds  {note}", device=self.device.name, rate_seconds=rate_seconds,
            ios=self.db.sums("block_io", "ios", by, since), bytes=self.db.sums("block_io", "bytes", by, since),
            heat=self.db.sums("block_io_latency", "count", ("le",), since, {"device": self.device.name}))

    def check(self):
        self.agent.check_alive()
        if self.load.poll() is not None:
            raise Failure(f"the load ended with {self.load.returncode}")


def watch(show, seconds):
    """Draws until it is over."""
    begin = time.monotonic()
    with Screen() as screen:
        while not seconds or time.monotonic() - begin < seconds:
            show.check()
            width, height = shutil.get_terminal_size()
            data = show.data(width, 2, f"after {time.monotonic() - begin:.0f} s; Ctrl-C ends")
            view = picture.View(max(width, 60), max(height, 20), colours())
            screen.show(picture.draw(data, view)[:height])
            time.sleep(REDRAW_S)


def wait(show, seconds):
    """Without a terminal: a line now and then."""
    begin = time.monotonic()
    while (elapsed := time.monotonic() - begin) < seconds:
        show.check()
        windows = len(show.db.times("thermograf"))
        step("arrived", f"{windows} windows after {elapsed:.0f} s")
        time.sleep(min(5, seconds - elapsed))


def last_picture(show):
    """Printed at the end, so that something stays on the screen."""
    data = show.data(60, 60, "")
    print("\n".join(picture.draw(data, picture.View(80, 0, "none"))))
    return any(any(series.values()) for series in data.heat.values())


def explain(show):
    print("\n The agent's whole configuration:\n")
    for line in show.agent.config.read_text().splitlines():
        if line:
            print(f"     {line}")


def run(args):
    interactive = sys.stdout.isatty() and os.environ.get("CI") != "true"
    with ExitStack() as stack:
        # Whatever a signal interrupts: all files are in one folder, and go when no process is left.
        with lab.signals_held():
            tempfile.tempdir = stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-"))
        stack.callback(lab.stop_all)
        show = Show(stack)
        with suppress(KeyboardInterrupt):
            if interactive:
                watch(show, args.seconds)
            else:
                wait(show, args.seconds or SECONDS_IN_CI)
        arrived = last_picture(show)
        explain(show)
    if not arrived:
        print("thermograf: nothing arrived in the database", file=sys.stderr)
        return 1
    return 0


def interrupted(number, _frame):
    """The first signal ends the show; more of them must not end the putting away."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser(prog="demo.py", description="The agent at work, drawn from what it delivered.")
    parser.add_argument("--build", type=lambda text: Path(text).resolve(), help="folder with what make built")
    parser.add_argument("--seconds", type=float, help="end by itself after that long")
    parser.add_argument("--load", nargs=2, metavar=("DEVICE", "BYTES"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        load(args.load[0], int(args.load[1]))
    if args.build:
        agent.BUILD = args.build
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return run(args)
    except KeyboardInterrupt:
        return 130
    except (Skip, Failure, TimeoutError, urllib.error.URLError) as error:
        print(f"thermograf: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
