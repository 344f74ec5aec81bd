# SPDX-License-Identifier: Apache-2.0
"""An agent that writes to files, beside loop devices at rest; its configuration may change on the way."""

import os
import signal
import time
from collections import defaultdict
from contextlib import ExitStack

import agent
import diskcheck
import lab
from diskcheck import KINDS, as_diskstats

NS = 1_000_000_000
MS = 1_000_000
DONE, REFUSED = "the configuration was reloaded", "the configuration was not reloaded"


class Run:
    """An agent that writes to files in its folder, beside loop devices at rest. Its sections may change on the way."""

    def __init__(self, n_devices=1, interval_ms=250, **sections):
        lab.need_root()
        agent.program()
        self.stack, self.n_devices = ExitStack(), n_devices
        self.agent = agent.Agent("")
        self.sections = {}
        self.write(agent=f"interval = {interval_ms}ms", global_tags="dc = lab",
                   output_here="type = file\npath = {folder}/here", **sections)

    def __enter__(self):
        with self.stack as stack:
            self.devices = [stack.enter_context(lab.LoopDevice()) for _ in range(self.n_devices)]
            self.names = [device.name for device in self.devices]
            self.before = lab.at_rest(self.names)
            self.control = diskcheck.start_control(stack)
            stack.enter_context(self.agent)
            self.wait_for_window(0)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def write(self, **sections):
        """Other sections; None: the section is gone. output_here is [output.here]."""
        for name, text in sections.items():
            self.sections[name if name == "global_tags" else name.replace("_", ".", 1)] = text
        text = "".join(f"[{name}]\n{body}\n" for name, body in self.sections.items() if body is not None)
        self.agent.configure(text.replace("{folder}", str(self.agent.folder)))

    def answers(self):
        messages = self.agent.messages()
        return messages.count(DONE), messages.count(REFUSED)

    def reload(self, **sections):
        """Writes, signals, and waits until it took effect or was refused: (it took effect, what was said meanwhile)."""
        self.write(**sections)
        before, said = self.answers(), len(self.agent.messages())
        os.kill(self.agent.process.pid, signal.SIGHUP)
        lab.wait_for(lambda: self.agent.check_alive() or self.answers() != before, 60,
                     "an answer to SIGHUP", pause_s=0.01)
        return self.answers()[0] > before[0], self.agent.messages()[said:]

    def points(self, file="here"):
        path = self.agent.folder / file
        text = path.read_text() if path.exists() else ""
        return agent.parse_lines(text[:text.rfind("\n") + 1])

    def windows(self, file="here"):
        """The agent's own line of each window: [(tags, fields, stamp)]."""
        return [(tags, fields, at) for name, tags, fields, at in self.points(file)
                if name == "thermograf" and "output" not in tags]

    def wait_for_window(self, after_ns, file="here"):
        lab.wait_for(lambda: self.agent.check_alive() or any(at > after_ns for *_, at in self.windows(file)), 60,
                     f"a window after {after_ns} in {file}; the agent says:\n{self.agent.messages()[-2000:]}")

    def settle(self):
        """At rest, and all of it written: {device: {kind: (ios, bytes)}} as the kernel has it."""
        after = lab.at_rest(self.names)
        self.wait_for_window(time.time_ns())
        return {name: as_diskstats(lab.less(after[name], self.before[name])) for name in self.names}

    def told(self, file="here"):
        """{device: {kind: (ios, bytes)}} of all windows in the file."""
        sums = {name: defaultdict(lambda: [0, 0]) for name in self.names}
        for name, tags, fields, _ in self.points(file):
            if name == "block_io" and tags["device"] in sums and tags["op"] in KINDS and "ios" in fields:
                sums[tags["device"]][KINDS[tags["op"]]][0] += fields["ios"]
                sums[tags["device"]][KINDS[tags["op"]]][1] += fields["bytes"]
        return {name: {kind: tuple(kinds[kind]) for kind in set(KINDS.values())} for name, kinds in sums.items()}

    def check(self, wanted, what):
        diskcheck.check(self.told(), wanted, self.control, self.devices, what)

    def probe_windows(self, file="here"):
        return [fields for name, tags, fields, _ in self.points(file)
                if name == "thermograf_probe" and tags["probe"] == "block_io"]


def totals(points, device, since_ns=0):
    """Of style prometheus, of one device: [(stamp, {op: ios})]."""
    windows = defaultdict(dict)
    for name, tags, fields, at in points:
        if name == "block_io" and tags["device"] == device and at > since_ns:
            windows[at][tags["op"]] = fields["ios_total"]
    return sorted(windows.items())
