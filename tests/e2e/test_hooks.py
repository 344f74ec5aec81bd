#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that this kernel takes and does not take: what is attached counts, what is refused is told in words."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import agent
import lab
from tap import Skip, equal, main, true

CONFIG = """[agent]
interval = 1s
log_level = {level}
probe_dirs = {probes}
{btf_path}
[global_tags]
dc = lab
[probe.control]
enabled = no
[probe.hooks]
enabled = yes
required = yes
[output.here]
type = file
path = {folder}/lines
"""

EXECS = 20  # programs that are run within one test


def probes():
    folder = agent.BUILD / "tests" / "e2e" / "probes"
    true((folder / "hooks.bpf.o").exists(), f"{folder} is not built: make e2e-probes")
    return folder


class Run:
    """An agent with the probe; its sums by hook."""

    def __init__(self, level="info"):
        lab.need_root()
        self.agent = agent.Agent("")
        self.lines = self.agent.folder / "lines"
        self.agent.config.write_text(CONFIG.format(level=level, probes=probes(), btf_path="", folder=self.agent.folder))

    def __enter__(self):
        self.agent.start()
        self.wait_for_windows(1)
        return self

    def __exit__(self, *_):
        self.agent.__exit__()

    def points(self):
        return agent.parse_lines(self.lines.read_text()) if self.lines.exists() else []

    def wait_for_windows(self, count):
        def there():
            self.agent.check_alive()
            return len([1 for name, tags, _, _ in self.points() if name == "thermograf" and "output" not in tags]) >= count

        lab.wait_for(there, 30, f"{count} window(s); the agent says:\n{self.agent.messages()[-2000:]}")

    def sums(self):
        sums = {}
        for name, tags, fields, _ in self.points():
            if name == "hooks":
                sums[tags["hook"]] = sums.get(tags["hook"], 0) + fields["runs"]
        return sums

    def said(self, *words):
        """The one message that has all these words."""
        found = [line for line in self.agent.messages().splitlines() if all(word in line for word in words)]
        equal(len(found), 1, f"messages with {words} in:\n{self.agent.messages()}")
        return found[0]


def without_btf(*argv):
    """A command where /sys/kernel/btf is empty, as on a kernel that was built without it."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        raise Skip("unshare makes no mounts of its own here: it is not installed, or this is a chroot")
    return ["unshare", "-m", "sh", "-ec", 'mount -t tmpfs none /sys/kernel/btf; exec "$0" "$@"', *argv]


def test_what_the_kernel_takes_counts_and_the_rest_is_left_out_with_its_reason():
    with Run() as run:
        for _ in range(EXECS):
            subprocess.run(["true"], check=True)
        run.agent.stop()
        sums = run.sums()
        true(sums["exec_raw_tp"] >= EXECS, f"programs that were run: {sums}")
        for hook in ("exec_tp_btf", "exec_core"):
            equal(sums[hook], sums["exec_raw_tp"], f"{hook}, as against exec_raw_tp")
        if "cut_uprobe" in sums:
            true(sums["cut_uprobe"] >= 2, f"the agent's own function was entered: {sums}")
        else:
            run.said("program cut_uprobe: not attached: this kernel attaches uprobes for CAP_SYS_ADMIN only")
        true("refused" not in sums, f"no refused program counts: {sums}")
        run.said("program refused_by_verifier: not loaded: the verifier refuses it: invalid func unknown#9999",
                 "; the probe runs without it")
        run.said("program refused_at_attach: not attached: this kernel has no tracepoint no_such_tracepoint",
                 "; the probe runs without it")
        # Of the group the first that this kernel takes, by the order of the description.
        ways = [hook for hook in sums if hook.startswith("way_")]
        if ways:
            equal(ways, ["way_raw_tp"], "of the group way runs")
            run.said("program way_fentry: not ", "; trying the next of group way")
            run.said("program way_kprobe: not attached: ", "; trying the next of group way")


def test_the_verifiers_log_is_only_in_the_debug_log():
    for level, wanted in (("info", False), ("debug", True)):
        with Run(level) as run:
            equal("call unknown#9999" in run.agent.messages(), wanted, f"the log with log_level = {level}")


def test_a_required_program_that_is_refused_is_told_with_a_remedy():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-hooks-") as folder:
        mine = Path(folder) / "probes"
        mine.mkdir()
        shutil.copy(probes() / "hooks.bpf.o", mine)
        text = (probes() / "hooks.ini").read_text()
        text = text.replace("[program refused_by_verifier]\ngroup = optional", "[program refused_by_verifier]")
        (mine / "hooks.ini").write_text(text)
        config = Path(folder) / "thermograf.ini"
        config.write_text(CONFIG.format(level="info", probes=mine, btf_path="", folder=folder).replace(
            "[probe.control]\nenabled = no\n", ""))
        done = subprocess.run([agent.program(), "run", "--config", config], capture_output=True, text=True, check=False,
                              timeout=60)
        lines = done.stderr.splitlines()
        mark = "probe hooks: program refused_by_verifier: "
        about = [line.split(mark)[1] for line in lines if mark in line]
        equal(about, ["not loaded: the verifier refuses it: invalid func unknown#9999",
                      "it calls a helper, which this kernel does not have, or not for programs of its kind; a `when` in "
                      "its section leaves it out here"], f"two lines, in\n{done.stderr}")
        true(done.returncode, "an agent that lacks a required probe does not start")


def test_without_btf_the_agent_says_in_one_sentence_what_would_help():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-hooks-") as folder:
        config = Path(folder) / "thermograf.ini"
        config.write_text(CONFIG.format(level="info", probes=probes(), btf_path="", folder=folder))
        done = subprocess.run(without_btf(agent.program(), "run", "--config", config), capture_output=True, text=True,
                              check=False, timeout=60)
        true("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF), without which probes do not run; [agent] btf_path can "
             "name a file" in done.stderr, f"it said:\n{done.stderr}")
        true("probe hooks: not loaded: this kernel has no BTF" in done.stderr, f"it said:\n{done.stderr}")


def test_btf_of_a_file_serves_programs_that_are_not_attached_by_the_kernels_own():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-hooks-") as folder:
        btf = Path(folder) / "vmlinux.btf"
        shutil.copyfile("/sys/kernel/btf/vmlinux", btf)
        config = Path(folder) / "thermograf.ini"
        config.write_text(CONFIG.format(level="info", probes=probes(), btf_path=f"btf_path = {btf}", folder=folder))
        once = lab.spawn(without_btf(agent.program(), "once", "--config", config), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
        try:
            while once.poll() is None:
                subprocess.run(["true"], check=True)
            out, err = once.communicate(timeout=10)
        finally:
            lab.stop(once)
        equal(once.returncode, 0, f"exit code of once ({err.strip()})")
        sums = {tags["hook"]: fields["runs"] for name, tags, fields, _ in agent.parse_lines(out) if name == "hooks"}
        true(sums.get("exec_core"), f"a program that asks BTF where a member is counts: {sums}, {err}")
        equal(sums["exec_core"], sums["exec_raw_tp"], "with that and without")
        true("exec_tp_btf" not in sums, f"what is attached by the kernel's BTF is left out: {sums}")


if __name__ == "__main__":
    main(globals())
