# SPDX-License-Identifier: Apache-2.0
"""Judges what hooks.sh left: every kind of program is attached and counts the same; what is refused is told and left out."""

import json

import result
from tap import Skip, equal, true

MODULES = ("virtio_pci", "virtio_blk")
PROBES = ("hooks",)
TIMEOUT_S = 90

FOLDERS = 20  # that were read


class Result:
    """The files of the guest."""

    def __init__(self, folder):
        self.sums = result.Lines(folder / "lines").sums("hooks", "runs", "hook")
        self.programs = {}
        for name in ("closed", "open", "kallsyms"):
            probes = json.loads((folder / name).read_text())["probes"]
            (hooks,) = (probe for probe in probes if probe["name"] == "hooks")
            self.programs[name] = {program["name"]: program for program in hooks["programs"]}
        notes = dict(line.split(" ", 1) for line in (folder / "notes").read_text().splitlines())
        self.paranoid = int(notes["paranoid"])

    def chosen(self, when, name):
        return self.programs[when][name]["chosen"]

    def why(self, when, name):
        return self.programs[when][name]["why"] or ""


def every_kind_of_program_counts_the_same(found):
    folders = {found.sums[f"dir_{kind}"] for kind in ("kprobe", "kretprobe", "fentry", "fexit")}
    equal(len(folders), 1, f"folders that were read, by kind of program: {dict(found.sums)}")
    true(min(folders) >= FOLDERS, f"{folders} folders were read, and {FOLDERS} were by us")
    runs = {found.sums[f"exec_{kind}"] for kind in ("tp_btf", "raw_tp", "core", "tracepoint")}
    equal(len(runs), 1, f"programs that were run, by kind of program: {dict(found.sums)}")
    true(min(runs) >= FOLDERS, f"{runs} programs were run")


def what_the_verifier_or_the_kernel_refuses_is_left_out_with_its_reason(found):
    true("invalid func unknown#9999" in found.why("open", "refused_by_verifier"), found.programs["open"])
    equal(found.why("open", "refused_at_attach"), "not attached: this kernel has no tracepoint no_such_tracepoint", "why")
    true("refused" not in found.sums, f"what is refused does not count: {dict(found.sums)}")


def of_a_group_the_first_that_can_be_attached_runs(found):
    ways = [name for name in found.programs["open"] if name.startswith("way_")]
    chosen = [name for name in ways if found.chosen("open", name)]
    equal(len(chosen), 1, f"of the group: {chosen}")
    if chosen != ["way_fentry"]:
        # Seven arguments, and trampolines for six: seen on 6.1.
        true("not supported (ENOTSUPP)" in found.why("open", "way_fentry"), found.programs["open"])
        equal(chosen, ["way_raw_tp"], "the last of the group: no kernel has the function of the second")
        true("no_such_function" in found.why("open", "way_kprobe"), found.programs["open"])


def perf_events_that_are_closed_are_told_with_the_sysctl(found):
    if found.paranoid <= 2:
        raise Skip(f"this kernel has kernel.perf_event_paranoid = {found.paranoid}: they are open")
    for name in ("dir_kprobe", "dir_kretprobe", "exec_tracepoint"):
        equal(found.why("closed", name),
              f"not attached: kernel.perf_event_paranoid = {found.paranoid} keeps perf events from this process", name)
        true(found.chosen("open", name), f"{name} with the sysctl at 2: {found.why('open', name)}")


def uprobes_run_or_the_kernel_keeps_them_for_another_capability(found):
    for name in ("cut_uprobe", "cut_uretprobe"):
        if found.chosen("open", name):
            true(found.sums[name] >= 2, f"{name}: the agent's own function was entered: {dict(found.sums)}")
        else:
            equal(found.why("open", name), "not attached: this kernel attaches uprobes for CAP_SYS_ADMIN only", name)


def without_tracefs_kallsyms_says_which_functions_there_are(found):
    true(found.chosen("kallsyms", "dir_kprobe"), f"a function that is there: {found.why('kallsyms', 'dir_kprobe')}")


TESTS = (every_kind_of_program_counts_the_same, what_the_verifier_or_the_kernel_refuses_is_left_out_with_its_reason,
         of_a_group_the_first_that_can_be_attached_runs, perf_events_that_are_closed_are_told_with_the_sysctl,
         uprobes_run_or_the_kernel_keeps_them_for_another_capability, without_tracefs_kallsyms_says_which_functions_there_are)
