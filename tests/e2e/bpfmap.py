# SPDX-License-Identifier: Apache-2.0
"""Maps of a running agent, read by another program: bpftool. Offsets come from the object's BTF."""

import json
import os
import shutil
import struct
import subprocess
import sys
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


def need_bpftool():
    if not shutil.which("bpftool"):
        raise Skip("no bpftool (Debian: package bpftool)")


def kernel_dev(device):
    """The number of a device as the kernel has it."""
    number = os.stat(device.path).st_rdev
    return os.major(number) << 20 | os.minor(number)


def _dump(number):
    """[(key bytes, value bytes)] of a small map."""
    return [(_bytes(row["key"]), _bytes(row["value"])) for row in _bpftool("map", "dump", "id", number)]


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


def of_programs(programs, name):
    """The number of the map of that name that these programs use."""
    for program in programs:
        for number in _bpftool("prog", "show", "id", program).get("map_ids", ()):
            if _bpftool("map", "show", "id", number)["name"] == name:
                return number
    raise Failure(f"programs {programs} use no map {name}")


def fill_array(number, value):
    """Writes the same bytes into every element of an array."""
    hexes = " ".join(f"{byte:02x}" for byte in value)
    entries = _bpftool("map", "show", "id", number)["max_entries"]
    with tempfile.NamedTemporaryFile("w", suffix=".bpftool") as file:
        for i in range(entries):
            key = " ".join(f"{byte:02x}" for byte in struct.pack("=I", i))
            file.write(f"map update id {number} key hex {key} value hex {hexes}\n")
        file.flush()
        done = subprocess.run(["bpftool", "batch", "file", file.name], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"bpftool batch: {done.stdout[-500:]}{done.stderr[-500:]}")


class Types:
    """Structures and enums of a probe's object."""

    def __init__(self, path):
        self.types = _bpftool("btf", "dump", "file", path)["types"]

    def _find(self, kind, name):
        return next(t for t in self.types if t["kind"] == kind and t["name"] == name)

    def member(self, name, member, data):
        """The number in that member of a struct."""
        members = sorted(self._find("STRUCT", name)["members"], key=lambda m: m["bits_offset"])
        offset = next(m["bits_offset"] for m in members if m["name"] == member) // 8
        (kind,) = (m["type_id"] for m in members if m["name"] == member)
        return int.from_bytes(data[offset:offset + self._size(kind)], sys.byteorder)

    def _size(self, number):
        found = next(t for t in self.types if t["id"] == number)
        return found["size"] if "size" in found else self._size(found["type_id"])

    def text(self, enum, value):
        """The name of a value, the common prefix stripped, lower case."""
        names = {v["val"]: v["name"] for v in self._find("ENUM", enum)["values"]}
        prefix = os.path.commonprefix(list(names.values())).rfind("_") + 1
        return names[value][prefix:].lower()


class BlockIo:
    """The maps of the probe block_io: an index from key to row, and a row's copies of the value one after another."""

    def __init__(self, pid):
        need_bpftool()
        maps, self.types = _maps(pid), Types(agent.BUILD / "probes" / "block_io.bpf.o")
        if "block_io" not in maps or "block_io_index" not in maps:
            raise Failure(f"process {pid} has the maps {sorted(maps)}")
        self.index, self.values = (maps[name]["id"] for name in ("block_io_index", "block_io"))
        self.shards = maps["block_io"]["max_entries"] // maps["block_io_index"]["max_entries"]

    def read(self, device):
        """{op: (ios, bytes)} of one device, its copies added up."""
        types = self.types
        wanted = [(types.text("block_op", types.member("block_io_key", "op", key)), row * self.shards + shard)
                  for key, (row,) in ((key, struct.unpack("=I", value)) for key, value in _dump(self.index))
                  if types.member("block_io_key", "dev", key) == kernel_dev(device) for shard in range(self.shards)]
        sums = {}
        for (op, _), value in zip(wanted, self._look_up([place for _, place in wanted])):
            ios, size = sums.get(op, (0, 0))
            sums[op] = (ios + types.member("block_io_value", "ios", value),
                        size + types.member("block_io_value", "bytes", value))
        return sums

    def _look_up(self, places):
        """All with one start of bpftool: the map is being written meanwhile."""
        with tempfile.NamedTemporaryFile("w", suffix=".batch") as batch:
            for place in places:
                key = " ".join(map(str, struct.pack("=I", place)))
                batch.write(f"map lookup id {self.values} key {key}\n")
            batch.flush()
            return [_bytes(found["output"]["value"]) for found in _bpftool("batch", "file", batch.name)]


class Control:
    """The map of the probe control (tests/e2e/probes), which an agent of its own has loaded."""

    def __init__(self, pid):
        need_bpftool()
        self.map = _maps(pid)["control"]["id"]
        self.types = Types(agent.BUILD / "tests" / "e2e" / "probes" / "control.bpf.o")

    def read(self, device):
        """{kind: (ios, bytes)} of one device."""
        types = self.types
        return {types.text("control_kind", types.member("control_key", "kind", key)):
                (types.member("control_value", "ios", value), types.member("control_value", "bytes", value))
                for key, value in _dump(self.map)
                if types.member("control_key", "dev", key) == kernel_dev(device)}
