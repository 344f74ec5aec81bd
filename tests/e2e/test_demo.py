#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make run: it shows what arrived, and leaves nothing behind, however it ends."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import struct
import fcntl
import time
import uuid
from glob import glob
from pathlib import Path

import agent
import lab
import store
from tap import equal, main, true

DEMO = lab.ROOT / "tests" / "e2e" / "demo.py"


class Demo:
    """The demonstration with a mark in its environment, which all its children inherit."""

    def __init__(self):
        lab.need_root()
        store.find(lab.ROOT / "build" / "e2e")
        self.mark = uuid.uuid4().hex
        self.temporary = tempfile.TemporaryDirectory(prefix="thermograf-demo-")
        self.devices_before = self.devices()
        self.child = self.terminal = None
        self.seen = ""

    def start(self, *args, terminal=False):
        env = {**os.environ, "THERMOGRAF_MARK": self.mark, "TMPDIR": self.temporary.name, "COLORTERM": "truecolor"}
        env.pop("CI", None)
        command = [sys.executable, DEMO, "--build", agent.BUILD, *args]
        if not terminal:
            self.child = subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, start_new_session=True)
            return
        self.terminal, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("=HHHH", 24, 80, 0, 0))

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(command, env=env, stdin=other, stdout=other, stderr=other,
                                      start_new_session=True, preexec_fn=take_terminal)
        os.close(other)

    def read_until(self, pattern, timeout_s=60):
        """Reads the terminal until that was written to it; None: until the end."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and not (pattern and re.search(pattern, self.seen)):
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.terminal, 65536).decode(errors="replace")
                except OSError:  # EIO: the other side is closed
                    break
        if pattern:
            true(re.search(pattern, self.seen), f"waited {timeout_s} s for {pattern!r}; there was {self.seen[-2000:]!r}")

    @staticmethod
    def devices():
        return {path for path in glob("/sys/block/loop*/loop/backing_file")
                if "memfd:thermograf" in Path(path).read_text()}

    def processes(self):
        found = []
        for path in glob("/proc/[0-9]*/environ"):
            try:
                if self.mark.encode() in Path(path).read_bytes():
                    found.append(Path(path).with_name("cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                pass
        return found

    def check_nothing_left(self):
        # The kernel takes a loop device away a moment after its last user.
        try:
            lab.wait_for(lambda: not self.processes() and self.devices() <= self.devices_before, 10, "")
        except TimeoutError:
            pass
        equal(self.processes(), [], "processes left behind")
        equal(self.devices() - self.devices_before, set(), "loop devices left behind")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        if self.terminal:
            os.close(self.terminal)
        self.temporary.cleanup()


def test_without_a_terminal_it_prints_a_picture_of_what_arrived_and_ends():
    with Demo() as demo:
        demo.start("--seconds", "7")
        out = demo.child.communicate(timeout=120)[0]
        equal(demo.child.returncode, 0, f"exit code; it said:\n{out}")
        true("\x1b" not in out, "escape codes in a file")
        true(re.search(r"^ loop\d+ +read +[1-9]", out, re.M), f"throughput of reads in:\n{out}")
        true(len(re.findall(r"┤.*[░▒▓█]", out)) >= 3, f"a heatmap of three or more buckets in:\n{out}")
        equal(os.listdir(demo.temporary.name), [], "temporary folders left behind")
        demo.check_nothing_left()


def test_ctrl_c_leaves_no_process_no_device_no_folder_and_gives_the_screen_back():
    with Demo() as demo:
        demo.start(terminal=True)
        demo.read_until(r"┤.*\x1b\[38;2;\d+;\d+;\d+[;m]")
        os.write(demo.terminal, b"\x03")
        demo.read_until(None, 30)
        equal(demo.child.wait(30), 0, "exit code")
        true("\x1b[?1049h" in demo.seen, "the terminal's second screen was not used")
        last = demo.seen[demo.seen.rindex("\x1b[?1049l"):]
        true("\x1b[?25h" in demo.seen, "the cursor stays hidden")
        true("┤" in last, f"the last picture is not left on the screen: {last!r}")
        equal(os.listdir(demo.temporary.name), [], "temporary folders left behind")
        demo.check_nothing_left()


def test_ctrl_c_while_it_prepares_leaves_nothing_either():
    with Demo() as demo:
        demo.start(terminal=True)
        demo.read_until("disk ")
        os.write(demo.terminal, b"\x03\x03")
        demo.read_until(None, 30)
        demo.child.wait(30)
        equal(os.listdir(demo.temporary.name), [], "temporary folders left behind")
        demo.check_nothing_left()


def test_even_sigkill_leaves_no_process_and_no_device():
    with Demo() as demo:
        demo.start(terminal=True)
        demo.read_until("┤")
        true(len(demo.processes()) >= 4, f"processes of a running demonstration: {demo.processes()}")
        true(demo.devices() - demo.devices_before, "its loop device")
        demo.child.send_signal(signal.SIGKILL)
        demo.child.wait(30)
        demo.check_nothing_left()


if __name__ == "__main__":
    main(globals(), once="the demonstration is a script; its agent is that of test_influxdb")
