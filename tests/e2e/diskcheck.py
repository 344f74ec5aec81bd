# SPDX-License-Identifier: Apache-2.0
"""Whether what was told is what the kernel counted in /proc/diskstats: to the I/O and to the byte."""

import agent
import bpfmap
import lab
from tap import Failure, Skip, note

# How an operation of ours is counted in /proc/diskstats; passthrough is not in it.
KINDS = {"read": "read", "write": "write", "writeback": "write", "commit": "write", "discard": "discard",
         "flush": "flush"}

# Of the kernel's completions, this many may be shown to no BPF program at all: see agrees().
UNSEEN_SHARE = 1e-3
UNSEEN_FEW = 3


def as_diskstats(disk):
    """{kind: (ios, bytes)} of a lab.Disk."""
    return {"read": (disk.reads, disk.read_sectors * lab.SECTOR),
            "write": (disk.writes, disk.write_sectors * lab.SECTOR),
            "discard": (disk.discards, disk.discard_sectors * lab.SECTOR),
            "flush": (disk.flushes, 0)}


def start_control(stack):
    """A second opinion that lives as long as `stack`, or None where it cannot be read."""
    control = stack.enter_context(agent.control())
    lab.wait_for(lambda: control.check_alive() or "control: runs" in control.messages(), 30, "the probe control")
    try:
        return bpfmap.Control(control.process.pid)
    except Skip as why:
        note(f"no second opinion: {why}")
        return None


def unseen(control, devices, wanted):
    """{device: {kind: (ios, bytes)}} that the kernel counted and showed to no BPF program."""
    lost = {}
    for device in devices:
        seen = control.read(device) if control else wanted[device.name]
        lost[device.name] = {kind: tuple(a - b for a, b in zip(wanted[device.name][kind], seen.get(kind, (0, 0))))
                             for kind in wanted[device.name]}
    return lost


def agrees(got, wanted, control, devices):
    """
    Whether {device: {kind: (ios, bytes)}} that was told is what the kernel counted, to the I/O and to the byte.

    One thing is forgiven: a completion that no BPF program was run for. Kernels exist that run none on top of
    certain threads (seen: a guest's own agent; ftrace had the event, three programs on it did not). It is
    proven by the probe control, which shares nothing with the probe under test, and must be rare.
    """
    if got == wanted:
        return True
    lost = unseen(control, devices, wanted)
    for name, kinds in lost.items():
        for kind, (ios, size) in kinds.items():
            rare = ios <= max(UNSEEN_FEW, UNSEEN_SHARE * wanted[name][kind][0])
            if not rare or (wanted[name][kind][0] - ios, wanted[name][kind][1] - size) != got[name][kind]:
                return False
    total = sum(ios for kinds in lost.values() for ios, _ in kinds.values())
    note(f"this kernel ran no BPF program for {total} of "
         f"{sum(ios for kinds in wanted.values() for ios, _ in kinds.values())} completed I/Os")
    return True


def check(got, wanted, control, devices, what):
    if not agrees(got, wanted, control, devices):
        raise Failure(f"(ios, bytes) {what}: told {got}, in /proc/diskstats {wanted}, shown to no BPF program "
                      f"{unseen(control, devices, wanted)}")
