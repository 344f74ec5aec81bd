# SPDX-License-Identifier: Apache-2.0
"""What the manual shows, taken out of its source."""

import re
import subprocess
from pathlib import Path

import lab
from tap import true

MANUAL = lab.ROOT / "packaging" / "man" / "thermograf-probe.5"


def block_after(mark):
    """The literal block that follows a line of the page's source."""
    source = MANUAL.read_text(encoding="utf-8")
    found = re.compile(re.escape(mark) + r".*?^\.Bd -literal.*?$\n(.*?)^\.Ed$", re.S | re.M).search(source)
    true(found, f"{MANUAL.name} has no block after {mark}")
    return found[1].replace("\\e", "\\")


def build(folder):
    """The example in folder/probe, beside the headers as the page has it."""
    probe = Path(folder) / "probe"
    probe.mkdir()
    (Path(folder) / "bpf").symlink_to(lab.ROOT / "bpf")
    for name in ("issued.bpf.c", "issued.ini"):
        (probe / name).write_text(block_after(f".Pa {name} :"), encoding="utf-8")
    subprocess.run(["sh", "-ec", block_after("Compiled with")], cwd=probe, check=True)
    return probe
