#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent below a service manager and with the rights that it keeps, on the running kernel. tests/vm/service.py has
systemd itself."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import agent
import lab
from tap import Failure, Skip, equal, main, true

CONFIG = """[agent]
interval = 200ms
{agent}
[global_tags]
dc = lab
[output.lines]
type = file
path = {path}
"""
WATCHDOG_S = 0.5
HEAR_S = 20  # on a busy machine, with a kernel's BTF to read first

CAP_PERFMON, CAP_BPF = 38, 39
NEEDED = 1 << CAP_PERFMON | 1 << CAP_BPF
NOBODY = 65534


class Manager:
    """A service manager: a socket, and what came through it with its time."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.address = address

    def environment(self):
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}

    def hear(self, timeout_s=HEAR_S):
        """The next message as {name: value}; None when none comes."""
        self.socket.settimeout(timeout_s)
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.splitlines())

    def hear_until(self, name, timeout_s=HEAR_S):
        """The first message that has this name."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            message = self.hear(max(end - time.monotonic(), 0.01))
            if message and name in message:
                return message
        raise Failure(f"no {name}= within {timeout_s} s")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def config(folder, settings=""):
    return CONFIG.format(path=Path(folder) / "lines", agent=settings)


def test_a_manager_hears_of_start_life_and_end_and_not_of_an_agent_that_hangs():
    with tempfile.TemporaryDirectory(prefix="thermograf-service-") as folder, Manager(f"{folder}/notify") as manager, \
            agent.Agent(config(folder), manager.environment()) as running:
        equal(manager.hear(), {"READY": "1"}, f"first message, while it says {running.messages()}")
        heard = []
        for _ in range(4):
            message = manager.hear_until("WATCHDOG")
            heard.append(time.monotonic())
        true(re.fullmatch(r"(no probe runs.*|\d+ probes? runs?.*); lines: delivering", message["STATUS"]),
             f"status is {message['STATUS']!r}")
        # At half of the time; a busy machine takes its share of the other half.
        true(heard[-1] - heard[0] < 3 * WATCHDOG_S, f"signs of life at {heard}")
        os.kill(running.process.pid, signal.SIGSTOP)
        try:
            while manager.hear(2 * WATCHDOG_S):
                pass  # until the queue is empty: then it is silent for longer than the watchdog waits
        finally:
            os.kill(running.process.pid, signal.SIGCONT)
        manager.hear_until("WATCHDOG")
        os.kill(running.process.pid, signal.SIGTERM)
        manager.hear_until("STOPPING")
        equal(running.process.wait(timeout=HEAR_S), 0, "exit code")


def status(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def running_lines(folder):
    path = Path(folder) / "lines"
    return agent.parse_lines(path.read_text()) if path.exists() else []


def wait_for_count(folder, device):
    """Makes I/O until the agent has told of it."""
    def told():
        lab.direct_writes(device, 5, 4096)
        return any(name == "block_io" and tags["device"] == device.name and fields["ios"]
                   for name, tags, fields, _ in running_lines(folder))
    lab.wait_for(told, HEAR_S, "a window with I/O of the device")


def test_root_keeps_two_capabilities_in_every_thread_and_counts():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-service-") as folder, lab.LoopDevice() as device, \
            agent.Agent(config(folder)) as running:
        wait_for_count(folder, device)
        for task in Path(f"/proc/{running.process.pid}/task").iterdir():
            now = status(task.name)
            kept = {name: int(now[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd")}
            equal(kept, {"CapPrm": NEEDED, "CapEff": NEEDED, "CapInh": 0, "CapAmb": 0, "CapBnd": 0},
                  f"capabilities of thread {task.name}")
            equal(now["NoNewPrivs"], "1", "no_new_privs")
        equal(running.messages().count("privileges: root with CAP_PERFMON and CAP_BPF only"), 1,
              f"what was kept is told once in {running.messages()}")


def run_as_nobody(folder, *capabilities):
    """The agent as a user of no rights but these; its messages once it runs."""
    os.chmod(folder, 0o755)
    ini = Path(folder) / "thermograf.ini"
    ini.write_text(config("/nonexistent").replace("/nonexistent/lines", "/dev/null"))
    names = ",".join(f"+{name}" for name in capabilities)
    argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    argv += [f"--inh-caps={names}", f"--ambient-caps={names}"] if capabilities else []
    log = Path(folder) / "log"
    with open(log, "wb") as file:
        process = lab.spawn([*argv, agent.program(), "run", "--config", ini], stdout=file, stderr=file)
    try:
        lab.wait_for(lambda: re.search("probe runs|: runs", log.read_text()), HEAR_S, "a start")
        return status(process.pid), log.read_text()
    finally:
        lab.stop(process)


def readable_by_all(path):
    return all(parent.stat().st_mode & 1 for parent in path.resolve().parents) and path.stat().st_mode & 4


def need_nobody():
    lab.need_root()
    if not readable_by_all(agent.program()):
        raise Skip("the build is in a folder that only root may look into")
    if subprocess.run(["setpriv", "--help"], capture_output=True, text=True, check=False).stdout.find("ambient") < 0:
        raise Skip("setpriv is not installed (package util-linux)")


def test_a_user_with_two_ambient_capabilities_counts():
    need_nobody()
    with tempfile.TemporaryDirectory(prefix="thermograf-service-") as folder:
        now, said = run_as_nobody(folder, "bpf", "perfmon")
        equal((now["Uid"].split()[0], int(now["CapPrm"], 16), int(now["CapAmb"], 16)), (str(NOBODY), NEEDED, 0),
              "user, permitted and ambient capabilities")
        true(f"privileges: user {NOBODY} with CAP_PERFMON and CAP_BPF\n" in said, f"it says {said}")
        true("probe block_io: runs" in said, f"it says {said}")


def test_a_missing_capability_is_told_in_one_clear_line():
    need_nobody()
    with tempfile.TemporaryDirectory(prefix="thermograf-service-") as folder:
        _, said = run_as_nobody(folder, "bpf")
        equal(said.count("privileges: without CAP_PERFMON probes cannot be loaded; start as root, or with "
                         "AmbientCapabilities=CAP_BPF CAP_PERFMON in the unit\n"), 1, f"the line in {said}")


def test_root_without_its_capabilities_is_told_why_a_file_of_another_user_is_closed():
    lab.need_root()
    with tempfile.TemporaryDirectory(prefix="thermograf-service-") as folder:
        closed = Path(folder) / "closed"
        closed.mkdir(mode=0o700)
        os.chown(closed, NOBODY, NOBODY)
        with agent.Agent(config(closed)) as running:
            wanted = f"output lines: {closed}/lines: Permission denied"
            lab.wait_for(lambda: wanted in running.messages(), HEAR_S, f"{wanted} in the log")
            true("files of other users are open to it as to everybody" in running.messages(), running.messages())


if __name__ == "__main__":
    main(globals())
