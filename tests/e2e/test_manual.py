#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the manual shows works: its probe, compiled and described as it says, counts on this kernel."""

import subprocess
import tempfile

import agent
import lab
import manual
from tap import equal, main, true


def test_its_probe_compiles_and_binds():
    with tempfile.TemporaryDirectory(prefix="thermograf-manual-") as folder:
        done = subprocess.run([agent.program(), "check", "--set", f"agent/probe_dirs={manual.build(folder)}"],
                              capture_output=True, text=True, check=False)
        equal(done.returncode, 0, f"exit code of check, which says {done.stdout}{done.stderr}")
        true("program block_rq_issue: " in done.stdout, f"its program is not in {done.stdout}")


def test_its_probe_counts():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-manual-") as folder, lab.LoopDevice() as device:
        once = agent.once("--set", "agent/interval=2s", "--set", f"agent/probe_dirs={manual.build(folder)}")
        try:
            while once.poll() is None:
                lab.direct_reads(device, 5, 4096)
            out, err = once.communicate(timeout=10)
        finally:
            lab.stop(once)
        equal(once.returncode, 0, f"exit code of once ({err.strip()})")
        seen = [fields["ios"] for name, tags, fields, _ in agent.parse_lines(out)
                if name == "issued" and tags["device"] == device.name]
        true(seen and seen[0] > 0, f"it counted nothing of {device.name}:\n{out}")


if __name__ == "__main__":
    main(globals())
