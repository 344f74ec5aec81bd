# SPDX-License-Identifier: Apache-2.0
"""Kernels out of Debian packages, of whatever suite: fetched from the mirror that this machine uses, unpacked below
build/vm and never installed.

apt gets a state of its own for it: its lists, cache and sources are below build/vm/apt, and the machine's are only
read. Proxies, keyrings and the mirror itself come from the machine's configuration.
"""

import functools
import re
import shutil
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from tap import Skip

HERE = Path(__file__).resolve().parent
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_TIMEOUT_S = 300  # an index of a suite or a kernel, over a slow line

Row = namedtuple("Row", "key suites patterns")
Kernel = namedtuple("Kernel", "key version image modules")  # modules: the folder that holds lib/modules/VERSION


def table():
    """The rows of kernels.txt by their key."""
    rows = {}
    for line in (HERE / "kernels.txt").read_text(encoding="ascii").splitlines():
        words = line.split("#")[0].split()
        if words:
            rows[words[0]] = Row(words[0], words[1].split(","), words[2:])
    return rows


def _run(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=APT_TIMEOUT_S, check=False,
                          **more)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg"))] or ["no reason given"]
        raise Skip(f"{argv[0]}: {said[0]}")
    return done.stdout


def _mirrors():
    """{"": address of the release's suite, "-security": address of its security suite, ...}, as apt has them."""
    codename = _run("sh", "-c", '. /etc/os-release && printf %s "$VERSION_CODENAME"')
    # Release is what the source says, and may be "stable" as well; Codename is there once the lists are.
    targets = _run("apt-get", "indextargets", "--format", "$(RELEASE) $(CODENAME) $(COMPONENT) $(REPO_URI)",
                   "Created-By: Packages")
    mirrors = {}
    for line in targets.splitlines():
        release, known_as, component, address = line.split()
        for name in (release, known_as):
            if component == "main" and name.startswith(codename):
                mirrors.setdefault(name[len(codename):], address)
    if "" not in mirrors:
        raise Skip(f"apt has no source of the suite {codename or 'of this distribution'}")
    return mirrors


class Apt:
    """apt with a state of its own in `folder`, for these suites of Debian."""

    def __init__(self, folder, suites):
        if not shutil.which("apt-get") or not KEYRING.exists():
            raise Skip("other kernels come from Debian's packages, and this is not Debian")
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        mirrors = _mirrors()
        sources = folder / "sources.list"
        with open(sources, "w", encoding="utf-8") as file:
            for suite in suites:
                base, dash, rest = suite.partition("-")
                address = mirrors.get(dash + rest)
                if not address:
                    raise Skip(f"apt has no source whose name ends in {dash}{rest}, so {base}{dash}{rest} is out of reach")
                # check-valid-until: a suite that is no longer maintained keeps its last date.
                file.write(f"deb [signed-by={KEYRING} check-valid-until=no] {address} {suite} main\n")
        self.options = ["-qq", "-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null",
                        "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
                        # apt's own user may not be let into this folder.
                        "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]
        _run("apt-get", *self.options, "-o", "APT::Update::Error-Mode=any", "update")

    def newest(self, pattern):
        """(name, version) of the newest package whose whole name matches."""
        names = _run("apt-cache", *self.options[1:], "search", "--names-only", f"^{pattern}$")
        found = []
        for line in names.splitlines():
            name = line.split()[0]
            shown = _run("apt-cache", *self.options[1:], "show", "--no-all-versions", name)
            found.append((name, re.search(r"^Version: (.+)$", shown, re.MULTILINE)[1]))
        if not found:
            raise Skip(f"the mirror has no package {pattern}")
        return max(found, key=functools.cmp_to_key(_by_version))

    def unpack(self, name, version, folder):
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            _run("apt-get", *self.options, "download", f"{name}={version}", cwd=temporary)
            (deb,) = Path(temporary).glob("*.deb")
            _run("dpkg", "-x", deb, folder)


def _by_version(a, b):
    newer = subprocess.run(["dpkg", "--compare-versions", a[1], "gt", b[1]], check=False).returncode == 0
    return 1 if newer else -1


def _find(key, folder):
    (modules,) = (p for usr in ("lib", "usr/lib") for p in folder.glob(f"{usr}/modules/*"))
    version = modules.name
    # Up to 7.1 beside the other kernels in /boot, since then with its modules.
    image = next(p for p in (folder / f"boot/vmlinuz-{version}", modules / "vmlinuz") if p.exists())
    return Kernel(key, version, image, modules.parent.parent.parent)


def fetch(row, folder):
    """The kernel of this row, unpacked below `folder` once; Skip says why it cannot be had."""
    files = folder / "kernels" / row.key
    if not files.exists():
        if not shutil.which("depmod"):
            raise Skip("depmod is not installed (package kmod)")
        apt = Apt(folder / "apt" / row.key, row.suites)
        arch = _run("dpkg", "--print-architecture").strip()
        files.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=files.parent) as temporary:
            unpacked = Path(temporary) / "files"
            for pattern in row.patterns:
                apt.unpack(*apt.newest(pattern.format(arch=arch)), unpacked)
            kernel = _find(row.key, unpacked)
            _run("depmod", "-b", kernel.modules, kernel.version)
            unpacked.rename(files)
    return _find(row.key, files)
