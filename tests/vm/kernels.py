# SPDX-License-Identifier: Apache-2.0
"""The table of kernels, and a kernel out of Debian's packages: unpacked below build/vm, never installed."""

import shutil
from collections import namedtuple
from pathlib import Path

import debian
from tap import Skip

HERE = Path(__file__).resolve().parent

Row = namedtuple("Row", "key arch suites patterns")  # arch: Debian's word
Kernel = namedtuple("Kernel", "key arch version image modules")  # modules: the folder that holds lib/modules/VERSION


def table():
    """The rows of kernels.txt by their key."""
    rows = {}
    for line in (HERE / "kernels.txt").read_text(encoding="ascii").splitlines():
        words = line.split("#")[0].split()
        if words:
            key, arch, suites, *patterns = words
            arch = debian.native() if arch == "native" else arch
            rows[key] = Row(key, arch, suites.split(","), [p.format(arch=arch) for p in patterns])
    return rows


def _find(row, folder):
    (modules,) = (p for usr in ("lib", "usr/lib") for p in folder.glob(f"{usr}/modules/*"))
    version = modules.name
    # Up to 7.1 beside the other kernels in /boot, since then with its modules.
    image = next(p for p in (folder / f"boot/vmlinuz-{version}", modules / "vmlinuz") if p.exists())
    return Kernel(row.key, row.arch, version, image, modules.parent.parent.parent)


def fetch(row, folder):
    """The kernel of this row, unpacked below `folder` once; Skip says why it cannot be had."""

    def fill(apt, files):
        for pattern in row.patterns:
            apt.unpack(apt.newest(pattern), files)
        kernel = _find(row, files)
        debian.run("depmod", "-b", kernel.modules, kernel.version)

    if not shutil.which("depmod"):
        raise Skip("depmod is not installed (package kmod)")
    return _find(row, debian.unpacked(folder / "kernels" / row.key, row.suites, fill, row.arch))
