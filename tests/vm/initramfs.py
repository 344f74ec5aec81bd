# SPDX-License-Identifier: Apache-2.0
"""The guest's whole world: busybox, the modules of a test, the agent that was built with its libraries, a script."""

import lzma
import re
import shutil
import subprocess
from pathlib import Path

from tap import Failure, Skip

HERE = Path(__file__).resolve().parent

# Programs of the host that busybox has no equal of: its dd knows no oflag=dsync. In /tools, and only found there:
# busybox's shell takes its own applets before those of PATH. A pair has more in TOOLS.
TOOLS = ("dd",)


def _modules(kernel, names):
    """The files of these modules and of what they need, in the order of loading; built-in ones have none.

    A name with ? is left out where the kernel does not know it."""
    files = []
    for name in names:
        done = subprocess.run(["modprobe", "-d", kernel.modules, "-S", kernel.version, "--show-depends", name.rstrip("?")],
                              capture_output=True, text=True, check=False)
        if done.returncode and not name.endswith("?"):
            raise Failure(f"{kernel.key}: module {name}: {done.stderr.strip()}")
        files += [Path(path) for path in re.findall(r"^insmod (\S+)", done.stdout, re.MULTILINE)]
    return list(dict.fromkeys(files))


def _copy_modules(kernel, test, root):
    """MODULES into /modules, numbered: they need each other in this order, and the guest has no modules.dep.

    LATER into /later, for load() in guest.sh; what they need is loaded at the start."""
    later = getattr(test, "LATER", ())
    files = _modules(kernel, (*test.MODULES, *later))
    own = {path: _name(path) for path in files if _name(path) in later}
    places = {path: f"modules/{number:03}-{_name(path)}.ko" for number, path in enumerate(files)}
    for path, place in {**places, **{path: f"later/{name}.ko" for path, name in own.items()}}.items():
        data = path.read_bytes()
        (root / place).write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)


def _name(path):
    return path.name.split(".")[0]


def _copy(source, root, target):
    target = root / str(target).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


class Host:
    """This machine as the place that programs come from; cross.Sysroot is another one."""

    find = staticmethod(shutil.which)

    @staticmethod
    def libraries(program):
        """{where the guest's loader looks: the file} of the libraries that a program needs, and of its loader."""
        done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        if "not found" in done.stdout:
            raise Failure(f"ldd {program}: {done.stdout}")
        return {path: path for path in re.findall(r"(/\S+) \(0x", done.stdout)}


def _copy_program(source, program, root, target):
    """With its libraries, at the places where its loader looks for them."""
    _copy(program, root, target)
    for place, path in source.libraries(program).items():
        _copy(path, root, place)


def make(root, kernel, test, build, source):
    """Fills the empty folder `root` and packs it; returns the archive beside it. source: a Host, or what has its methods."""
    if not source.find("busybox") or source.libraries(source.find("busybox")):
        raise Skip("there is no static busybox (package busybox-static)")
    if not shutil.which("cpio"):
        raise Skip("cpio is not installed")
    for name in ("proc", "sys", "dev", "tmp", "bin", "sbin", "usr/bin", "usr/sbin", "modules", "later"):
        (root / name).mkdir(parents=True)
    _copy(source.find("busybox"), root, "/bin/busybox")
    for name in (*TOOLS, *getattr(test, "TOOLS", ())):
        if not source.find(name):
            raise Skip(f"{name} is not installed")
        _copy_program(source, source.find(name), root, f"/tools/{name}")
    _copy_program(source, build / "thermograf", root, "/agent/thermograf")
    shutil.copytree(build / "probes", root / "agent/probes")
    for name in getattr(test, "PROBES", ()):  # of the end-to-end tests
        for suffix in ("bpf.o", "ini"):
            _copy(build / "tests/e2e/probes" / f"{name}.{suffix}", root, f"/agent/probes/{name}.{suffix}")
    _copy_modules(kernel, test, root)
    _copy(HERE / ("init.systemd" if hasattr(test, "ROOT") else "init"), root, "/init")
    _copy(HERE / "guest.sh", root, "/guest.sh")
    if hasattr(test, "ROOT"):
        test.payload(root / "payload")
    _copy(HERE / f"{test.__name__}.sh", root, "/test.sh")

    archive = root.with_suffix(".cpio")
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))) + "\n"
    with open(archive, "wb") as file:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names.encode(), stdout=file,
                       cwd=root, check=True)
    return archive
