# SPDX-License-Identifier: Apache-2.0
"""File systems that misbehave: full, read-only, frozen. Only this process and its children see them.

They are mounted in a namespace of our own and go with it; a frozen one is thawed by a process that notices our end.
"""

import ctypes
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import lab
from tap import Skip

CLONE_NEWNS = 0x20000
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878


def need_ext4():
    if not shutil.which("mkfs.ext4"):
        raise Skip("no mkfs.ext4: package e2fsprogs")


def private():
    """What is mounted from here on is seen by this thread alone, and what it starts."""
    lab.need_root()
    if lab.LIBC.unshare(CLONE_NEWNS):
        raise Skip(f"no mount namespaces here: {os.strerror(ctypes.get_errno())}")
    mount("--make-rprivate", "/")


def mount(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"mount {' '.join(map(str, args))}: {done.stderr.strip()}")


class Disk:
    """A file system that somebody else fills."""

    def __init__(self, path):
        self.path, self.filling = Path(path), Path(path) / "somebody-elses"
        self.path.mkdir()

    def fill(self):
        try:
            with open(self.filling, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass

    def empty(self):
        self.filling.unlink()


class Small(Disk):
    """In memory."""

    def __init__(self, path, size="512k"):
        super().__init__(path)
        mount("-t", "tmpfs", "-o", f"size={size},mode=755", "small", path)

    def read_only(self, yes):
        mount("-o", f"remount,{'ro' if yes else 'rw'}", self.path)


class Freezable(Disk):
    """ext4 on a loop device in memory."""

    def __init__(self, path, size=64 << 20):
        need_ext4()
        super().__init__(path)
        self.device = lab.LoopDevice(size, name="thermograf-spool")
        subprocess.run(["mkfs.ext4", "-q", self.device.path], check=True)
        mount("-t", "ext4", self.device.path, path)
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.guard()

    def guard(self):
        """Whoever waits for a frozen file system cannot be killed: it must be thawed, also when we are."""
        ours, self.alive = os.pipe()
        os.set_inheritable(self.alive, False)
        if os.fork():
            os.close(ours)
            return
        os.close(self.alive)
        os.setsid()
        os.read(ours, 1)
        self.thaw()
        os._exit(0)

    def freeze(self):
        fcntl.ioctl(self.fd, FIFREEZE, 0)

    def thaw(self):
        try:
            fcntl.ioctl(self.fd, FITHAW, 0)
        except OSError:
            pass  # it was not frozen

    def close(self):
        self.thaw()
        os.close(self.alive)
        os.close(self.fd)
        self.device.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
