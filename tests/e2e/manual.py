# SPDX-License-Identifier: Apache-2.0
"""What the manual shows, taken out of its source."""

import re
import subprocess
from pathlib import Path

import lab
from tap import true

PAGES = lab.ROOT / "packaging" / "man"
PROBE = PAGES / "thermograf-probe.5"
METRICS = PAGES / "thermograf-metrics.7"


def block_after(mark, page=PROBE):
    """The literal block that follows a line of a page's source."""
    source = page.read_text(encoding="utf-8")
    found = re.compile(re.escape(mark) + r".*?^\.Bd -literal.*?$\n(.*?)^\.Ed$", re.S | re.M).search(source)
    true(found, f"{page.name} has no block after {mark}")
    return found[1].replace("\\e", "\\")


def names_of_item(line):
    """What an item of a list names, as patterns: "Va p Ns Ar Q Ns Va _us" is p[A-Za-z0-9_]+_us."""
    names, kind, joined = [], None, False
    for word in line.split():
        if word in ("Va", "Ar", "Cm"):
            kind = word
        elif word == "Ns":
            joined = True
        elif word not in ",;:.()":
            part = "[A-Za-z0-9_]+" if kind == "Ar" else re.escape(word)
            if joined:
                names[-1] += part
            else:
                names.append(part)
            joined = False
    return names


def metrics():
    """{measurement: patterns of its fields}, and the tags, as thermograf-metrics(7) lists them."""
    fields, tags, measurement = {}, {"host", "dc"}, None
    for line in METRICS.read_text(encoding="utf-8").splitlines():
        if line.startswith(".Ss "):
            measurement = line[4:]
            fields[measurement] = []
        elif line.startswith(".It Va ") and measurement:
            fields[measurement] += names_of_item(line[4:])
        elif line.startswith((".It Cm ", ".Cm ")):
            tags.update(names_of_item(line.removeprefix(".It").removeprefix(".").strip()))
    return fields, tags


def build(folder):
    """The example in folder/probe, with the headers of the source in the place of installed ones."""
    probe = Path(folder) / "probe"
    probe.mkdir()
    for name in ("issued.bpf.c", "issued.ini"):
        (probe / name).write_text(block_after(f".Pa {name} :"), encoding="utf-8")
    command = block_after("Compiled with").replace("/usr/include/thermograf", str(lab.ROOT / "bpf"))
    subprocess.run(["sh", "-ec", command], cwd=probe, check=True)
    return probe
