# SPDX-License-Identifier: Apache-2.0
"""A map of a running agent, read by another program: bpftool. Offsets come from the object's BTF."""

import json
import os
import shutil
import struct
import subprocess

import agent
from tap import Failure, Skip


def _bpftool(*args):
    done = subprocess.run(["bpftool", "-j", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"bpftool {' '.join(map(str, args))}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def _bytes(cells):
    return bytes(int(cell, 16) for cell in cells)


class Reader:
    """The map of that name among the open descriptors of that process."""

    def __init__(self, pid, name):
        if not shutil.which("bpftool"):
            raise Skip("no bpftool (Debian: package bpftool)")
        self.id = None
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                info = dict(line.split(":", 1) for line in file if ":" in line)
            if "map_id" in info and _bpftool("map", "show", "id", info["map_id"].strip())["name"] == name:
                self.id = int(info["map_id"])
        if self.id is None:
            raise Failure(f"process {pid} has no map {name}")

    def rows(self):
        """[(key bytes, value bytes)]"""
        return [(_bytes(row["key"]), _bytes(row["value"])) for row in _bpftool("map", "dump", "id", self.id)]


class Types:
    """Structures and enums of a probe's object."""

    def __init__(self, probe):
        self.types = _bpftool("btf", "dump", "file", agent.BUILD / "probes" / f"{probe}.bpf.o")["types"]

    def _find(self, kind, name):
        return next(t for t in self.types if t["kind"] == kind and t["name"] == name)

    def size(self, name):
        return self._find("STRUCT", name)["size"]

    def offset(self, name, member):
        return next(m["bits_offset"] for m in self._find("STRUCT", name)["members"] if m["name"] == member) // 8

    def enum(self, name):
        """{value: name}, the common prefix stripped, lower case."""
        names = {v["val"]: v["name"] for v in self._find("ENUM", name)["values"]}
        prefix = os.path.commonprefix(list(names.values())).rfind("_") + 1
        return {value: text[prefix:].lower() for value, text in names.items()}


def block_io(rows, device):
    """[(op, ios, bytes)] of one device out of the rows of the map block_io: a value's copies added up."""
    types = Types("block_io")
    ops, stride = types.enum("block_op"), types.size("block_io_value")
    number = os.stat(device.path).st_rdev
    dev = os.major(number) << 20 | os.minor(number)
    found = []
    for key, value in rows:
        if struct.unpack_from("=I", key, types.offset("block_io_key", "dev"))[0] != dev:
            continue
        op = ops[struct.unpack_from("=I", key, types.offset("block_io_key", "op"))[0]]
        ios, size = (sum(struct.unpack_from("=Q", value, copy + types.offset("block_io_value", member))[0]
                         for copy in range(0, len(value), stride)) for member in ("ios", "bytes"))
        found.append((op, ios, size))
    return found
