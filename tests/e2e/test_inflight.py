#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that hangs is seen while it hangs: a loop device on a file of a frozen file system."""

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import agent
import lab
from tap import Failure, Skip, equal, main, true

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
MNT_DETACH = 2
HUNG = 3  # writes that hang at once
WINDOWS = 4

CONFIG = """[agent]
interval = 500ms
[probe.block_inflight]
enabled = yes
[output.here]
type = file
path = {path}
"""


def freezer(folder, request):
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, request, struct.pack("i", 0))
    finally:
        os.close(fd)


@contextmanager
def mounted(device, folder):
    """An ext4 on the device, which is thawed at the end, whatever happened."""
    if not shutil.which("mkfs.ext4"):
        raise Skip("no mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", "-F", device.path], check=True, capture_output=True)
    if lab.LIBC.mount(device.path.encode(), str(folder).encode(), b"ext4", 0, None):
        raise Skip("this kernel mounts no ext4 here")
    try:
        yield
    finally:
        try:
            freezer(folder, FITHAW)
        except OSError:
            pass  # it is thawed
        lab.LIBC.umount2(str(folder).encode(), MNT_DETACH)


class Rig:
    """An agent, and a loop device whose writes end in a file system that can be frozen."""

    def __init__(self, stack):
        lab.need_root()
        below = stack.enter_context(lab.LoopDevice(name="below"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-hung-")))
        self.folder = folder / "mnt"
        self.folder.mkdir()
        stack.enter_context(mounted(below, self.folder))
        file = self.folder / "disk"
        file.write_bytes(bytes(8 << 20))
        self.device = stack.enter_context(lab.LoopDevice(name="hung", backing=file))
        self.agent = stack.enter_context(agent.Agent(""))
        lab.stop(self.agent.process)
        self.lines = self.agent.folder / "lines"
        self.agent.config.write_text(CONFIG.format(path=self.lines))
        self.agent.start()
        self.wait(lambda points: points, "a first window")

    def points(self):
        return agent.file_points(self.lines)

    def wait(self, question, what):
        def there():
            self.agent.check_alive()
            return question(self.points())

        try:
            return lab.wait_for(there, 30, what)
        except TimeoutError as late:
            raise Failure(f"{late}\n{self.agent.messages()[-2000:]}") from late

    def outstanding(self, points):
        """[(ios, oldest_ms)] of the device, window by window."""
        return [(fields["ios"], fields["oldest_ms"]) for name, tags, fields, _ in points
                if name == "block_inflight" and tags["device"] == self.device.name]

    def completed(self):
        return sum(fields["ios"] for name, tags, fields, _ in self.points()
                   if name == "block_io" and tags["device"] == self.device.name and tags["op"] == "write")

    def slowest_ms(self):
        return max((fields["max_us"] for name, tags, fields, _ in self.points()
                    if name == "block_io_latency_summary" and tags["device"] == self.device.name), default=0) // 1000


def test_a_hung_disk_is_told_before_its_ios_end():
    with ExitStack() as stack:
        rig = Rig(stack)
        equal([n for n, _ in rig.outstanding(rig.points()) if n], [], "outstanding before anything was written")
        freezer(rig.folder, FIFREEZE)
        writers = [threading.Thread(target=lab.direct_writes, args=(area, 1, 4096))
                   for area in lab.areas(rig.device, HUNG)]
        for writer in writers:
            writer.start()
        rig.wait(lambda points: len([n for n, _ in rig.outstanding(points) if n == HUNG]) >= WINDOWS, "windows of a hung disk")
        found = [row for row in rig.outstanding(rig.points()) if row[0] == HUNG]
        ages = [age for _, age in found]
        equal(rig.completed(), 0, "writes that are told as ended while they hang")
        freezer(rig.folder, FITHAW)
        for writer in writers:
            writer.join()
        rig.wait(lambda points: rig.outstanding(points)[-1] == (0, 0), "a window without anything outstanding")
        rig.agent.stop()
        # A window is as long as the age grows in it, on a machine that may be late.
        true(all(a < b for a, b in zip(ages, ages[1:])), f"the age does not grow: {ages}")
        true(ages[-1] - ages[0] >= 500 * (WINDOWS - 2), f"the age grows too slowly: {ages}")
        equal(rig.completed(), HUNG, "writes that ended")
        true(rig.slowest_ms() >= ages[-1], f"the slowest took {rig.slowest_ms()} ms and was {ages[-1]} ms old while it hung")


if __name__ == "__main__":
    main(globals())
