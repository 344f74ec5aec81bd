# SPDX-License-Identifier: Apache-2.0
"""Debian packages of any suite and architecture: fetched from the mirror that this machine uses, unpacked and never
installed.

apt gets a state of its own for it: its lists, cache and sources are in a folder of ours, and the machine's are only
read. Proxies, keyrings and the mirror itself come from the machine's configuration.
"""

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tap import Skip

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_TIMEOUT_S = 300  # an index of a suite or a kernel, over a slow line


def run(*argv, **more):
    """What the command says; Skip, with its own reason, where it fails."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=APT_TIMEOUT_S, check=False,
                          **more)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg"))] or ["no reason given"]
        raise Skip(f"{argv[0]}: {said[0]}")
    return done.stdout


@functools.cache
def codename():
    """Of this machine's release: bookworm."""
    return run("sh", "-c", '. /etc/os-release && printf %s "$VERSION_CODENAME"')


@functools.cache
def native():
    """This machine's architecture in Debian's words: amd64."""
    if not shutil.which("dpkg"):
        raise Skip("dpkg is not installed")
    return run("dpkg", "--print-architecture").strip()


def mirrors():
    """{"": address of the release's suite, "-security": address of its security suite, ...}, as apt has them."""
    # Release is what the source says, and may be "stable" as well; Codename is there once the lists are.
    targets = run("apt-get", "indextargets", "--format", "$(RELEASE) $(CODENAME) $(COMPONENT) $(REPO_URI)",
                  "Created-By: Packages")
    mirrors = {}
    for line in targets.splitlines():
        release, known_as, component, address = line.split()
        for name in (release, known_as):
            if component == "main" and name.startswith(codename()):
                mirrors.setdefault(name[len(codename()):], address)
    if "" not in mirrors:
        raise Skip(f"apt has no source of the suite {codename() or 'of this distribution'}")
    # Backports stand beside the release in every mirror, also where apt does not ask for them.
    mirrors.setdefault("-backports", mirrors[""])
    return mirrors


class Apt:
    """apt with a state of its own in `folder`, for these suites of Debian; the lists are fetched anew."""

    def __init__(self, folder, suites, arch=None):
        if not shutil.which("apt-get") or not KEYRING.exists():
            raise Skip("packages of other suites come from Debian's mirror, and this is not Debian")
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        addresses = mirrors()
        sources = folder / "sources.list"
        with open(sources, "w", encoding="utf-8") as file:
            for suite in suites:
                base, dash, rest = suite.partition("-")
                address = addresses.get(dash + rest)
                if not address:
                    raise Skip(f"apt has no source whose name ends in {dash}{rest}, so {base}{dash}{rest} is out of reach")
                # check-valid-until: a suite that is no longer maintained keeps its last date.
                file.write(f"deb [signed-by={KEYRING} check-valid-until=no] {address} {suite} main\n")
        # Nothing counts as installed.
        (folder / "status").touch()
        self.options = ["-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null",
                        "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
                        "-o", f"Dir::State::status={folder}/status", "-o", f"APT::Architecture={arch or native()}",
                        "-o", f"APT::Architectures={arch or native()}",
                        # apt's own user may not be let into this folder.
                        "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]
        self._get("-o", "APT::Update::Error-Mode=any", "update")

    def _get(self, *argv, **more):
        return run("apt-get", "-qq", *self.options, *argv, **more)

    def newest(self, pattern):
        """[(name, version)] of the packages whose whole name matches: only those of the newest version."""
        names = run("apt-cache", *self.options, "search", "--names-only", f"^({pattern})$")
        found = []
        for line in names.splitlines():
            name = line.split()[0]
            shown = run("apt-cache", *self.options, "show", "--no-all-versions", name)
            found.append((name, re.search(r"^Version: (.+)$", shown, re.MULTILINE)[1]))
        if not found:
            raise Skip(f"the mirror has no package {pattern}")
        _, newest = max(found, key=functools.cmp_to_key(_by_version))
        return [(name, version) for name, version in found if version == newest]

    def unpack(self, packages, folder):
        """These (name, version) into the folder."""
        words = [f"{name}={version}" for name, version in packages]
        self._unpack(folder, lambda temporary: self._get("download", *words, cwd=temporary))

    def unpack_with_dependencies(self, names, folder):
        """These packages and all that they need, as on a machine that has nothing yet."""
        self._unpack(folder, lambda temporary: self._get(
            "-o", f"Dir::Cache::archives={temporary}", "--no-install-recommends", "--download-only", "-y", "install", *names))

    @staticmethod
    def _unpack(folder, download):
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            (Path(temporary) / "partial").mkdir()
            download(temporary)
            for deb in sorted(Path(temporary).glob("*.deb")):
                run("dpkg", "-x", deb, folder)


def _by_version(a, b):
    newer = subprocess.run(["dpkg", "--compare-versions", a[1], "gt", b[1]], check=False).returncode == 0
    return 1 if newer else -1


def unpacked(folder, suites, fill, arch=None):
    """The folder, filled once by fill(apt, an empty folder); apt's state stands in a folder "apt" beside its parent."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        apt = Apt(folder.parent.parent / "apt" / folder.name, suites, arch)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            files = Path(temporary) / "files"
            files.mkdir()
            fill(apt, files)
            files.rename(folder)
    return folder
