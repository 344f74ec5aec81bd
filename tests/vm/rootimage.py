# SPDX-License-Identifier: Apache-2.0
"""Root file systems for guests: this machine's release of Debian with some packages more, made by debootstrap from the
mirror that apt uses here, as an image of ext4 that is made once and then only read."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import debian
from tap import Failure, Skip

DEBOOTSTRAP_TIMEOUT_S = 900  # 90 s on an idle machine
# mkfs.ext4 -d wants to be told a size: the files, and a quarter for what ext4 keeps beside them.
SPARE_PERCENT, SPARE_BYTES = 25, 32 << 20
# Of no use in a guest without a network.
LITTER = ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*")


def proxies():
    """debootstrap fetches by itself: apt's proxy is told in the way that it understands."""
    said = subprocess.run(["apt-config", "shell", "http_proxy", "Acquire::http::Proxy", "https_proxy",
                           "Acquire::https::Proxy"], capture_output=True, text=True, check=False).stdout
    return dict(re.findall(r"^(\w+)='(.*)'$", said, re.MULTILINE))


def debootstrap(root, packages, codename, mirror):
    done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", codename, root, mirror],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=DEBOOTSTRAP_TIMEOUT_S, check=False, env={**os.environ, **proxies()})
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:"))] or done.stdout.splitlines()
        raise Skip(f"debootstrap: {' '.join(said[-3:])}")
    for pattern in LITTER:
        for path in root.glob(pattern):
            path.unlink()


def _pack(root, image):
    used = int(subprocess.run(["du", "-s", "-B1", root], capture_output=True, text=True, check=True).stdout.split()[0])
    size_kib = (used + used * SPARE_PERCENT // 100 + SPARE_BYTES) >> 10
    # Without a journal nothing is to be replayed: it can be read from a disk that takes no writes.
    done = subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", root, image, f"{size_kib}k"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"mkfs.ext4: {done.stderr.strip()}")


def packages_of(program):
    """The packages that hold the shared libraries of a program that runs here."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    packages = set()
    for path in re.findall(r"(/\S+) \(0x", said):
        # dpkg knows a file by the name that its package has it under, which may be from before /lib became /usr/lib.
        for name in (path, os.path.realpath(path), os.path.realpath(path).removeprefix("/usr")):
            found = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False).stdout
            if found:
                packages.add(found.split(":")[0])
                break
        else:
            raise Skip(f"no package of this machine holds {path}")
    return sorted(packages)


def fetch(folder, packages):
    """The image with these packages, made below `folder` once; Skip says why it cannot be had."""
    if not shutil.which("debootstrap") or not shutil.which("mkfs.ext4"):
        raise Skip("debootstrap or mkfs.ext4 is not installed")
    if os.geteuid():
        raise Skip("debootstrap needs root")
    codename = debian.codename()
    words = " ".join([codename, *sorted(packages)])
    image = folder / "roots" / f"{codename}-{hashlib.sha256(words.encode()).hexdigest()[:12]}.ext4"
    if not image.exists():
        image.parent.mkdir(exist_ok=True)
        mirror = debian.mirrors()[""]
        with tempfile.TemporaryDirectory(dir=image.parent) as temporary:
            root, packed = Path(temporary) / "root", Path(temporary) / "image"
            debootstrap(root, packages, codename, mirror)
            _pack(root, packed)
            packed.rename(image)
    return image
