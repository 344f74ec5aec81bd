# SPDX-License-Identifier: Apache-2.0
"""QEMU without KVM: which one, its command for a guest, a boot."""

import os
import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import debian
from tap import Skip

# Without KVM, 7.2 with two CPUs loses one boot in ten of 6.12 (int3 and double faults in the guest); of 10.0 none did.
GOOD_VERSION = 10
MEMORY_MIB = 1024

Machine = namedtuple("Machine", "program package options console")
MACHINES = {"amd64": Machine("qemu-system-x86_64", "qemu-system-x86", ["-machine", "q35", "-cpu", "max"], "ttyS0"),
            "arm64": Machine("qemu-system-aarch64", "qemu-system-arm", ["-machine", "virt", "-cpu", "cortex-a76"], "ttyAMA0")}
# Where the firmware of its machines lies that QEMU's own package does not bring.
FIRMWARE = ("/usr/share/seabios", "/usr/lib/ipxe/qemu")

Qemu = namedtuple("Qemu", "command environment text")


def _version(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _unpack(machine, cache):
    """QEMU of the release's backports, which needs no other libraries than the release's own."""
    suite = f"{debian.codename()}-backports"

    def fill(apt, files):
        apt.unpack(apt.newest(f"{re.escape(machine.package)}|qemu-system-(common|data)"), files)

    folder = debian.unpacked(cache / "qemu" / machine.package, [suite], fill)
    modules, = folder.glob("usr/lib/*/qemu")
    command = [folder / "usr/bin" / machine.program, "-L", folder / "usr/share/qemu"]
    for path in FIRMWARE:
        command += ["-L", path]
    return Qemu(command, {"QEMU_MODULE_DIR": str(modules)}, "")


def find(arch, cache):
    """The installed QEMU, or a better one, unpacked below `cache`."""
    machine = MACHINES.get(arch)
    if not machine:
        raise Skip(f"no QEMU is known for {arch}")
    installed = shutil.which(machine.program)
    if installed and _version(installed) >= (GOOD_VERSION, 0):
        return Qemu([installed], {}, f"QEMU {_version(installed)[0]}")
    try:
        found = _unpack(machine, cache)
        version = _version(found.command[0])
        if version >= (GOOD_VERSION, 0):
            return found._replace(text=f"QEMU {version[0]}.{version[1]}, unpacked")
        why = f"{debian.codename()}-backports has {version[0]}.{version[1]}"
    except Skip as skip:
        why = str(skip)
    if not installed:
        raise Skip(f"{machine.program} is not installed (package {machine.package}), and not to be had: {why}")
    return Qemu([installed], {}, f"QEMU {_version(installed)[0]}, some boots may fail: {why}")


def command(qemu, kernel, archive, devices, append):
    """Of one boot. `devices` are options of QEMU for the guest's disks."""
    machine = MACHINES[kernel.arch]
    return [*qemu.command, *machine.options, "-accel", "tcg,thread=multi", "-m", str(MEMORY_MIB),
            "-smp", "2", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-nic", "none",
            "-kernel", kernel.image, "-initrd", archive,
            "-append", " ".join([f"console={machine.console} panic=-1 loglevel=4", *append]), *devices]


def drive(path):
    """A backing file that devices name by its file's name. writeback: the guest sees a volatile cache, and flushes."""
    return ["-drive", f"file={path},if=none,id={Path(path).name},format=raw,cache=writeback"]


def boot(qemu, argv, timeout_s):
    """What the console said."""
    try:
        done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout_s, check=False,
                              env={**os.environ, **qemu.environment})
        return done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return f"{(late.stdout or b'').decode(errors='replace')}\nQEMU did not end within {timeout_s} s"
