# SPDX-License-Identifier: Apache-2.0
"""Judges what service.sh left: the installed unit under a real systemd, from start to stop."""

import json
import os
import shutil
import subprocess

import lab
from agent import BUILD, parse_lines
from tap import at_most, equal, true

# The oldest: BPF memory counts to RLIMIT_MEMLOCK there, and bpf(2) as a whole wants CAP_BPF. And Debian 12's own.
KERNELS = ("5.10", "6.1")
MODULES = ("virtio_pci", "virtio_blk", "overlay")
ROOT = ("dbus", "kmod", "python3", "systemd", "systemd-sysv", "udev")
APPEND = ("systemd.show_status=no",)
TIMEOUT_S = 240

CAP_PERFMON, CAP_BPF = 38, 39
NEEDED = 1 << CAP_PERFMON | 1 << CAP_BPF
EXPOSURE_MAX = 2.0
WORK = 60  # reads and writes of work() in service.sh


def payload(folder):
    """What make install puts there, and what the test brings."""
    subprocess.run(["make", "-s", "-C", lab.ROOT, f"O={os.path.relpath(BUILD, lab.ROOT)}", f"DESTDIR={folder}", "install"],
                   check=True)
    shutil.copy(lab.ROOT / "tests/vm/receiver.py", folder / "receiver.py")


def status(text):
    """The pairs of /proc/PID/status, or of systemctl show."""
    return dict(line.replace(":\t", "=", 1).split("=", 1) for line in text.splitlines() if "=" in line or ":\t" in line)


class Result:
    """The files of the guest."""

    def __init__(self, folder):
        def read(name):
            return (folder / name).read_text(encoding="utf-8")

        self.points = parse_lines(read("received"))
        self.shown = {name: status(read(f"show.{name}")) for name in ("started", "restarted", "reloaded", "stopped", "wrong")}
        self.process = status(read("process"))
        self.journal = [json.loads(line) for line in read("journal").splitlines()]
        self.exposure, self.exposure_text = float(read("exposure").split()[0]), read("security")
        self.refused = read("refused") if (folder / "refused").exists() else ""
        self.after, self.before = (lab.diskstats(folder / name) for name in ("after", "before"))
        self.disk = read("disk").strip()
        self.times = status(read("times"))
        self.before_return, self.spool = int(read("before_return")), read("spool")
        self.folder = folder

    def said(self, text):
        """The entries of the journal that hold the text."""
        return [entry for entry in self.journal if text in str(entry["MESSAGE"])]

    def ios(self, op):
        return sum(fields["ios"] for name, tags, fields, _ in self.points
                   if name == "block_io" and tags["device"] == self.disk and tags["op"] == op)


def it_is_active_and_says_how_it_is(result):
    show = result.shown["started"]
    equal((show["Type"], show["ActiveState"], show["SubState"]), ("notify", "active", "running"), "state of the unit")
    true(show["StatusText"].endswith("store: delivering") and "probe" in show["StatusText"],
         f"status text is {show['StatusText']!r}")


def it_runs_as_its_user_with_two_capabilities(result):
    process = result.process
    user = (result.folder / "user").read_text(encoding="ascii").strip()
    equal(process["Uid"].split(), [user] * 4, "user of the process")
    true(user != "0", "the user is not root")
    sets = {name: int(process[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")}
    equal(sets, {"CapPrm": NEEDED, "CapEff": NEEDED, "CapBnd": NEEDED, "CapInh": 0, "CapAmb": 0}, "capabilities")
    equal((process["NoNewPrivs"], process["Seccomp"]), ("1", "2"), "no_new_privs, and seccomp by a filter")
    equal(len(result.said("with CAP_PERFMON and CAP_BPF")), 3, "times that it told, once for each start")


def it_counts_io_and_the_last_window_is_delivered_by_a_stop(result):
    kernel = lab.less(result.after[result.disk], result.before[result.disk])
    equal((result.ios("read"), sum(result.ios(op) for op in ("write", "writeback", "commit"))),
          (kernel.reads, kernel.writes), "reads and writes that were delivered, to those of the kernel")
    equal((kernel.reads, kernel.writes), (4 * WORK, 2 * WORK), "I/O of the test")


def what_nobody_took_is_in_its_folder_and_follows_after_a_start(result):
    show = result.shown["stopped"]
    equal(show["StateDirectory"], "thermograf", "folder of the unit")
    files = [line.split() for line in result.spool.splitlines() if line.endswith(".spool")]
    true(files and all(words[2:4] == ["thermograf", "thermograf"] for words in files), f"the spool: {result.spool}")
    true(result.before_return < len(result.points), "nothing came after the start")
    true(result.said("from before wait in"), "the journal tells of no windows from before")


def a_reload_takes_effect_in_the_same_process_and_a_wrong_one_does_not(result):
    before, after = result.shown["restarted"], result.shown["reloaded"]
    equal((after["ActiveState"], after["MainPID"], after["NRestarts"]), ("active", before["MainPID"], "1"), "after two reloads")
    equal(len(result.said("the configuration was reloaded")), 1, "reloads told")
    refused = result.said("was not reloaded")
    equal([entry["PRIORITY"] for entry in refused], ["3"], "priority of the refusal")
    places = [tags["dc"] for name, tags, _, _ in result.points if name == "thermograf" and "output" not in tags]
    equal(sorted(set(places)), ["elsewhere", "guest"], "values of the tag")


def a_stop_is_clean(result):
    show = result.shown["stopped"]
    equal((show["ActiveState"], show["Result"], show["ExecMainStatus"]), ("inactive", "success", "0"), "after the stop")


def an_agent_that_hangs_is_killed_by_the_watchdog_and_started_anew(result):
    true(result.said("Watchdog timeout"), "the journal tells of no watchdog")
    show = result.shown["restarted"]
    equal((show["ActiveState"], show["NRestarts"]), ("active", "1"), "after the watchdog")
    true(show["MainPID"] != result.shown["started"]["MainPID"], "the process is another one")


def a_wrong_configuration_is_not_tried_again(result):
    show = result.shown["wrong"]
    equal((show["ActiveState"], show["ExecMainStatus"], show["NRestarts"]), ("failed", "2", "0"), "with a wrong configuration")


def the_journal_has_priorities_and_no_prefix(result):
    agent = [entry for entry in result.journal if entry.get("SYSLOG_IDENTIFIER") == "thermograf"]
    levels = {entry["PRIORITY"] for entry in agent}
    true({"3", "4", "6"} <= levels, f"priorities of the agent's entries: {levels}")
    prefixed = [entry["MESSAGE"] for entry in agent if str(entry["MESSAGE"]).startswith("<")]
    equal(prefixed, [], "entries whose priority was not taken")


def a_credential_of_systemd_is_the_token_and_nowhere_told(result):
    equal(result.refused, "", "requests without the token")
    equal(result.said("a-secret-of-the-guest"), [], "entries of the journal with the token")


def variables_of_its_file_are_in_the_configuration(result):
    equal({tags.get("floor") for _, tags, _, _ in result.points}, {"seven"}, "values of a tag that a variable has")


def the_unit_is_hardened_below_two(result):
    at_most(result.exposure, EXPOSURE_MAX - 0.1, f"exposure level:\n{result.exposure_text}")


TESTS = [it_is_active_and_says_how_it_is, it_runs_as_its_user_with_two_capabilities,
         it_counts_io_and_the_last_window_is_delivered_by_a_stop, what_nobody_took_is_in_its_folder_and_follows_after_a_start,
         a_reload_takes_effect_in_the_same_process_and_a_wrong_one_does_not, a_stop_is_clean,
         an_agent_that_hangs_is_killed_by_the_watchdog_and_started_anew, a_wrong_configuration_is_not_tried_again,
         the_journal_has_priorities_and_no_prefix, a_credential_of_systemd_is_the_token_and_nowhere_told,
         variables_of_its_file_are_in_the_configuration,
         the_unit_is_hardened_below_two]
