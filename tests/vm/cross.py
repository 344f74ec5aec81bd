# SPDX-License-Identifier: Apache-2.0
"""The agent for another architecture: built by Debian's cross-compiler against that architecture's packages, which are
unpacked and never installed. Also the programs that a guest of that architecture wants."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import debian
from lab import ROOT
from tap import Failure, Skip

# What the agent and its unit tests are built against, and what the guest runs.
PACKAGES = ("libc6-dev", "libbpf-dev", "libelf-dev", "libcurl4-openssl-dev", "libinih-dev", "zlib1g-dev", "libcmocka-dev",
            "coreutils", "busybox-static")
COMPILERS = {"arm64": "aarch64-linux-gnu-gcc", "amd64": "x86_64-linux-gnu-gcc"}
BUILD_TIMEOUT_S = 900  # 60 s on an idle machine
FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin")


class Sysroot:
    """A file system of another architecture, that nothing runs in."""

    def __init__(self, arch, cache):
        self.arch = arch
        self.compiler = COMPILERS.get(arch, "")
        if not shutil.which(self.compiler):
            raise Skip(f"no cross-compiler for {arch} is installed (package gcc-{self.compiler.removesuffix('-gcc')})")
        self.triplet = self.compiler.removesuffix("-gcc")
        release = debian.codename()
        self.root = debian.unpacked(cache / "sysroots" / f"{release}-{arch}", [release, f"{release}-security"], self._fill,
                                    arch)

    @staticmethod
    def _fill(apt, files):
        apt.unpack_with_dependencies(PACKAGES, files)
        # Links from / would lead out of it.
        for path in files.rglob("*"):
            if path.is_symlink() and os.readlink(path).startswith("/"):
                inside = files / os.readlink(path).lstrip("/")
                path.unlink()
                path.symlink_to(os.path.relpath(inside, path.parent))

    def find(self, name):
        """The path of a program; None if there is none."""
        return next((path for folder in FOLDERS if (path := self.root / folder / name).exists()), None)

    def libraries(self, program):
        """{where the guest's loader looks: the file} of the libraries that a program needs, and of that loader."""
        files, todo = {}, [Path(program)]
        while todo:
            said = subprocess.run(["readelf", "-dl", todo.pop()], capture_output=True, text=True, check=True).stdout
            for name in re.findall(r"\(NEEDED\).*\[(.+)\]", said):
                place = next((f"{folder}/{name}" for folder in (f"/lib/{self.triplet}", f"/usr/lib/{self.triplet}")
                              if (self.root / folder.lstrip("/") / name).exists()), None)
                if not place:
                    raise Failure(f"{program} needs {name}, which is not in {self.root}")
                if place not in files:
                    files[place] = self.root / place.lstrip("/")
                    todo.append(files[place])
            for place in re.findall(r"program interpreter: (\S+)\]", said):
                files[place] = self.root / place.lstrip("/")
        return files

    def make(self, native):
        """Builds all of it, and the unit tests, for that architecture; the folder that holds it."""
        folder = ROOT / "build" / self.arch
        libraries = [self.root / path / "pkgconfig" for path in (f"usr/lib/{self.triplet}", "usr/share")]
        environment = {**os.environ, "PKG_CONFIG_LIBDIR": ":".join(map(str, libraries)), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}
        wrapper = os.environ.get("CC", "").split()
        ccache = wrapper[:1] if wrapper and wrapper[0].endswith("ccache") else []
        compiler = " ".join([*ccache, self.compiler, f"--sysroot={self.root}"])
        # The keys in the manual come from a program that runs here.
        done = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "-C", ROOT, f"O={folder.relative_to(ROOT)}", f"CC={compiler}",
                               f"AR={self.triplet}-ar", f"SYSROOT={self.root}", f"PRINTER={native.resolve() / 'thermograf'}", "all", "unit"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_TIMEOUT_S, check=False,
                              env=environment)
        if done.returncode:
            raise Failure("\n".join([f"the build for {self.arch} failed:", *done.stdout.splitlines()[-30:]]))
        return folder
