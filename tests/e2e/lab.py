# SPDX-License-Identifier: Apache-2.0
"""What tests and the demonstration stand on: processes, loop devices, /proc/diskstats, I/O.

Everything here is tied to the process that made it: a child dies with its parent, a loop device leaves with the
last descriptor on it, and its bytes are in a memfd that has no name. So nothing is left behind, not even after
SIGKILL. Only the Python standard library.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import namedtuple
from contextlib import contextmanager, suppress
from pathlib import Path

from tap import Skip

ROOT = Path(__file__).resolve().parent.parent.parent

# A server starts within seconds; more than 30 were seen where nine scenarios began at once on two busy cores.
SERVER_START_S = 120
SECTOR = 512  # of /proc/diskstats, whatever the device's own sectors are

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root: BPF and loop devices")
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        raise Skip("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)")


def wait_for(question, timeout_s, what, pause_s=0.05):
    """Asks until the answer is true, and gives it; TimeoutError says what was waited for."""
    end = time.monotonic() + timeout_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout_s} s: {what}")
        time.sleep(pause_s)


# ---- processes


SPAWNED = []  # all of them, for stop_all()
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_held():
    """What asks us to end waits until the block is done: nothing is made that nobody knows of."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_child():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def spawn(argv, **more):
    """A process in its own group, so that Ctrl-C reaches only us, and which dies with this thread."""
    with signals_held():
        process = subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.DEVNULL, start_new_session=True,
                                   preexec_fn=_in_child, **more)
        SPAWNED.append(process)
    return process


def stop(process, timeout_s=15):
    """SIGTERM, and SIGKILL for who does not hear, and for its children; returns the exit code."""
    if process.returncode is None:
        os.kill(process.pid, signal.SIGTERM)
        end = time.monotonic() + timeout_s
        # WNOWAIT: until it is reaped, nobody else can have its number.
        while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def stop_all():
    for process in SPAWNED:
        stop(process)


def free_port():
    """
    A TCP port of the loopback that nobody listens on now, and below those that the kernel gives to connections (ip(7),
    ip_local_port_range): while a server is away, nobody's connection takes its port, not even one to that port itself.
    """
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


# ---- loop devices

LOOP_CTL_ADD, LOOP_CTL_REMOVE, LOOP_CTL_GET_FREE = 0x4C80, 0x4C81, 0x4C82
LOOP_CONFIGURE = 0x4C0A  # one step instead of two since Linux 5.8
LO_FLAGS_AUTOCLEAR = 4
# struct loop_config: fd, block_size, struct loop_info64 (up to lo_flags, lo_file_name, rest), reserved.
LOOP_CONFIG = struct.Struct("=II QQQQQ IIII 64s 64s 32s QQ 64s")
BLKDISCARD = 0x1277
BLKZEROOUT = 0x127F


class LoopDevice:
    """
    A block device in memory: loop on a memfd. Discards work and give the memory back. Or, where it is given, on the
    file `backing`, of its size. new: a disk that was never there before, and is gone afterwards; a number that is free may
    be of one that has counted already. Or the number that it is to have.
    """

    def __init__(self, size=64 << 20, name="thermograf", backing=None, new=False):
        self.start, self.size, self.new = 0, os.path.getsize(backing) if backing else size, new
        backing = os.open(backing, os.O_RDWR | os.O_CLOEXEC) if backing else os.memfd_create(name)
        try:
            os.truncate(backing, self.size)
            self.fd, self.path = self._attach(backing, name, new)
        finally:
            os.close(backing)
        self.name = os.path.basename(self.path)
        if shutil.which("udevadm"):  # udev reads what is new
            subprocess.run(["udevadm", "settle", "--timeout=5"], check=False, capture_output=True)

    @staticmethod
    def _attach(backing, name, new):
        try:
            control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise Skip(f"no loop devices: /dev/loop-control: {error.strerror}") from error
        try:
            while True:
                # Those that the kernel makes by itself have low numbers.
                wanted = random.randrange(1000, 100000) if new is True else new
                number = fcntl.ioctl(control, LOOP_CTL_ADD, wanted) if new else fcntl.ioctl(control, LOOP_CTL_GET_FREE)
                path = f"/dev/loop{number}"
                try:
                    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                except OSError as error:
                    raise Skip(f"no loop devices: {path}: {error.strerror}") from error
                config = LOOP_CONFIG.pack(backing, 0, 0, 0, 0, 0, 0, 0, 0, 0, LO_FLAGS_AUTOCLEAR,
                                          name.encode(), b"", b"", 0, 0, b"")
                try:
                    fcntl.ioctl(fd, LOOP_CONFIGURE, config)
                    return fd, path
                except OSError as error:
                    os.close(fd)
                    if error.errno != errno.EBUSY:  # EBUSY: somebody else was faster
                        raise Skip(f"no loop devices: {path}: {error.strerror}") from error
        finally:
            os.close(control)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            if self.new:
                self._remove()

    def _remove(self):
        """What is detached may be busy for a moment; after a while it stays, unused."""
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            for _ in range(50):
                try:
                    fcntl.ioctl(control, LOOP_CTL_REMOVE, int(self.name.removeprefix("loop")))
                    return
                except OSError:
                    time.sleep(0.1)
        finally:
            os.close(control)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- /proc/diskstats

Disk = namedtuple("Disk", "reads read_sectors writes write_sectors in_flight discards discard_sectors flushes")


def diskstats(path="/proc/diskstats"):
    """Every block device's counters by name."""
    disks = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            _, _, name, *rest = line.split()
            n = [int(word) for word in rest] + [0] * 17
            disks[name] = Disk(n[0], n[2], n[4], n[6], n[8], n[11], n[13], n[15])
    return disks


def less(after, before):
    """What was counted in between."""
    return Disk(*(a - b for a, b in zip(after, before)))


def at_rest(names, quiet_s=0.4, timeout_s=30):
    """Waits until no I/O of these devices is under way or comes, and gives their counters."""
    end = time.monotonic() + timeout_s
    while True:
        before = diskstats()
        time.sleep(quiet_s)
        after = diskstats()
        if all(after[name] == before[name] and not after[name].in_flight for name in names):
            return {name: after[name] for name in names}
        if time.monotonic() > end:
            raise TimeoutError(f"{', '.join(names)}: still busy after {timeout_s} s")


class DiskstatsReader(threading.Thread):
    """A second reader of the counters: every few milliseconds, with the wall clock before and after."""

    def __init__(self, names, pause_s=0.01):
        super().__init__(daemon=True)
        self.names, self.pause_s = names, pause_s
        self.readings = []  # (before_ns, after_ns, {name: Disk})
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            before = time.time_ns()
            disks = diskstats()
            self.readings.append((before, time.time_ns(), {name: disks[name] for name in self.names}))
            time.sleep(self.pause_s)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()


# ---- I/O

SYNC_FILE_RANGE_WRITE = 2

# Where on a device an I/O may go. Direct and buffered I/O must not meet, nor two writers that go both ways: the
# kernel then fails the later fsync ("Page cache invalidation failure on direct I/O").
Area = namedtuple("Area", "path start size")


def areas(device, count):
    """A device cut into equal areas."""
    size = device.size // count // 4096 * 4096
    return [Area(device.path, device.start + n * size, size) for n in range(count)]


def direct_buffer(size, byte=0x5A):
    """Memory as O_DIRECT wants it: whole pages."""
    buffer = mmap.mmap(-1, max(size, mmap.PAGESIZE))
    buffer.write(bytes([byte]) * size)
    return memoryview(buffer)[:size]


@contextmanager
def opened(area, flags):
    fd = os.open(area.path, flags | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def place(area, size, rng=random):
    """A random offset for `size` bytes, aligned to 4 KiB."""
    return area.start + rng.randrange((area.size - size) // 4096 + 1) * 4096


def direct_reads(area, count, size, rng=random):
    buffer = direct_buffer(size)
    with opened(area, os.O_RDONLY | os.O_DIRECT) as fd:
        for _ in range(count):
            os.preadv(fd, [buffer], place(area, size, rng))


def direct_writes(area, count, size, rng=random, flags=0):
    buffer = direct_buffer(size)
    with opened(area, os.O_WRONLY | os.O_DIRECT | flags) as fd:
        for _ in range(count):
            os.pwritev(fd, [buffer], place(area, size, rng))


def buffered_commits(area, count, size, rng=random):
    """Through the page cache, and durable each time."""
    with opened(area, os.O_WRONLY) as fd:
        for _ in range(count):
            os.pwrite(fd, bytes(size), place(area, size, rng))
            os.fdatasync(fd)


def written_back(area, size, rng=random):
    """Through the page cache, and nobody waits: sync_file_range(SYNC_FILE_RANGE_WRITE) is WB_SYNC_NONE."""
    with opened(area, os.O_WRONLY) as fd:
        offset = place(area, size, rng)
        os.pwrite(fd, bytes(size), offset)
        LIBC.sync_file_range(fd, ctypes.c_int64(offset), ctypes.c_int64(size), SYNC_FILE_RANGE_WRITE)


def block_range(area, request, offset, size):
    """BLKDISCARD or BLKZEROOUT."""
    with opened(area, os.O_WRONLY) as fd:
        fcntl.ioctl(fd, request, struct.pack("=QQ", offset, size))


def mixed(where, rounds, seed):
    """A bit of everything that a disk can be asked for, on a device or an area of one."""
    rng = random.Random(seed)
    direct, buffered = areas(where, 2)
    for _ in range(rounds):
        direct_reads(direct, 20, rng.choice((4096, 16384, 131072)), rng)
        direct_writes(direct, 10, rng.choice((4096, 65536)), rng)
        direct_writes(direct, 3, 4096, rng, os.O_DSYNC)
        buffered_commits(buffered, 3, rng.choice((4096, 100 * 1024)), rng)
        written_back(buffered, 1 << 20, rng)
        block_range(direct, BLKDISCARD, place(direct, 1 << 20, rng), 1 << 20)
        # Memory does not know how to: the request fails, once, and the kernel then writes zeros itself.
        block_range(direct, BLKZEROOUT, place(direct, 1 << 18, rng), 1 << 18)


@contextmanager
def heavy(devices, workers=2):
    """Mixed I/O on every device, by processes of their own, until the block ends."""
    # The same module again: python3 lab.py PATH START SIZE.
    busy = [spawn([sys.executable, __file__, *area]) for device in devices for area in areas(device, workers)]
    try:
        yield
    finally:
        for process in busy:
            stop(process)
        for device in devices:
            os.fsync(device.fd)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        mixed(Area(sys.argv[1], *map(int, sys.argv[2:])), 1, time.time_ns())
