# SPDX-License-Identifier: Apache-2.0
"""A map of a running agent, read by another program: bpftool. Offsets come from the object's BTF."""

import json
import os
import shutil
import struct
import subprocess
import tempfile

import agent
from tap import Failure, Skip


def _bpftool(*args):
    done = subprocess.run(["bpftool", "-j", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"bpftool {' '.join(map(str, args))}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def _bytes(cells):
    return bytes(int(cell, 16) for cell in cells)


def _words(numbers):
    """Numbers as the bytes of u32s, as bpftool wants them."""
    return [str(byte) for byte in struct.pack(f"={len(numbers)}I", *numbers)]


def _maps(pid):
    """{name: id} of the maps that this process holds."""
    maps = {}
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
            info = dict(line.split(":", 1) for line in file if ":" in line)
        if "map_id" in info:
            found = _bpftool("map", "show", "id", info["map_id"].strip())
            maps[found["name"]] = found
    return maps


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


class BlockIo:
    """The maps of the probe block_io: an index from key to row, and a row's copies of the value one after another."""

    def __init__(self, pid):
        if not shutil.which("bpftool"):
            raise Skip("no bpftool (Debian: package bpftool)")
        maps, self.types = _maps(pid), Types("block_io")
        if "block_io" not in maps or "block_io_index" not in maps:
            raise Failure(f"process {pid} has the maps {sorted(maps)}")
        self.index, self.values = (maps[name]["id"] for name in ("block_io_index", "block_io"))
        self.shards = maps["block_io"]["max_entries"] // maps["block_io_index"]["max_entries"]
        self.ops = self.types.enum("block_op")

    def read(self, device):
        """{op: (ios, bytes)} of one device, its copies added up."""
        number = os.stat(device.path).st_rdev
        dev = os.major(number) << 20 | os.minor(number)
        wanted = []
        for row in _bpftool("map", "dump", "id", self.index):
            key = _bytes(row["key"])
            if struct.unpack_from("=I", key, self.types.offset("block_io_key", "dev"))[0] == dev:
                op = struct.unpack_from("=I", key, self.types.offset("block_io_key", "op"))[0]
                (place,) = struct.unpack("=I", _bytes(row["value"]))
                wanted += [(op, place * self.shards + shard) for shard in range(self.shards)]
        sums = {}
        for (op, _), value in zip(wanted, self._look_up([place for _, place in wanted])):
            ios, size = sums.get(self.ops[op], (0, 0))
            sums[self.ops[op]] = (ios + self._member(value, "ios"), size + self._member(value, "bytes"))
        return sums

    def _look_up(self, places):
        """All with one start of bpftool: the map is being written meanwhile."""
        with tempfile.NamedTemporaryFile("w", suffix=".batch") as batch:
            for place in places:
                batch.write(f"map lookup id {self.values} key {' '.join(_words([place]))}\n")
            batch.flush()
            return [_bytes(found["output"]["value"]) for found in _bpftool("batch", "file", batch.name)]

    def _member(self, value, name):
        return struct.unpack_from("=Q", value, self.types.offset("block_io_value", name))[0]
