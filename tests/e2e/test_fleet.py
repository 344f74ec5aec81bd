#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A thousand hosts, played by the agent's own code, against one real Telegraf that is restarted meanwhile.

It stops for longer than a window, while all of them send, and comes back. Nothing is lost, and neither the windows of every day
nor the return of a thousand backlogs is a burst.
"""

import os
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import agent
import lab
import telegraf
from tap import Failure, at_most, equal, main, note, true

HOSTS, LINES, WINDOWS = 1000, 30, 6
INTERVAL_S, OFFSETS_S = 4, 2.0  # half of it bounds the offsets of sending
AWAY_S = 5
SLICE_S = 0.1
TOKEN = "not-a-secret"

# The first lines belong to its file output: what it has taken and not delivered must have room there, or it is lost.
PLUGINS = f"""metric_buffer_limit = 60000
metric_batch_size = 5000
[[inputs.influxdb_v2_listener]]
service_address = "127.0.0.1:{{port}}"
token = "{TOKEN}"
max_undelivered_metrics = 50000
"""

CONFIG = """[agent]
interval = {interval}s
[output.fleet]
type = influx2
urls = {url}
token = {token}
bucket = telegraf
spool_dir =
"""


def cpu_s(pid):
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Fleet:
    """The hosts, from start to end; one of them for all tests of this file."""

    run = None

    def __init__(self):
        self.windows, self.posts, self.sums, self.lines, self.back_ns = [], [], {}, Counter(), 0
        self.cpu = 0.0
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-fleet-")))
            relay = stack.enter_context(telegraf.Telegraf(PLUGINS))
            (folder / "fleet.ini").write_text(CONFIG.format(interval=INTERVAL_S, url=relay.url, token=TOKEN))
            (folder / "fleet.ini").chmod(0o600)
            self._play(folder, relay)

    def _play(self, folder, relay):
        program = agent.BUILD / "tests" / "e2e" / "fleet"
        true(program.exists(), f"{program} is not built: make e2e-probes")
        with open(folder / "events", "wb") as events, open(folder / "log", "wb") as log:
            fleet = lab.spawn([program, folder / "fleet.ini", HOSTS, LINES, WINDOWS], stdout=events, stderr=log)
        try:
            # In the middle of the third window's sending.
            self._wait_for(folder, fleet, lambda: len(self.windows) >= 3)
            time.sleep(OFFSETS_S / 2)
            before = cpu_s(relay.process.pid)
            stored = len(relay.points())
            self.cpu = before / max(stored, 1)
            relay.stop()
            time.sleep(AWAY_S)
            relay.start()
            self.back_ns = time.time_ns()
            self._wait_for(folder, fleet, lambda: fleet.poll() is not None)
        finally:
            lab.stop(fleet)
        relay.stop()
        self.messages = (folder / "log").read_text(errors="replace")
        equal(relay.complaints(), [], "errors and warnings of Telegraf")
        self.lines = Counter((tags["host"], fields["count"], stamp) for _, tags, fields, stamp in relay.points())

    def _wait_for(self, folder, fleet, question):
        def there():
            self._read(folder)
            if fleet.poll():
                raise Failure(f"fleet ended with {fleet.returncode}:\n{(folder / 'log').read_text()[-2000:]}")
            return question()

        lab.wait_for(there, 120, "the fleet", 0.1)

    def _read(self, folder):
        self.windows, self.posts = [], []
        for line in (folder / "events").read_text(encoding="ascii").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            kind, *words = line.split()
            if kind == "window":
                self.windows.append(int(words[0]))
            elif kind == "post":
                self.posts.append((int(words[0]), int(words[1]), int(words[2])))
            else:
                self.sums = dict(zip(words[::2], map(int, words[1::2])))

    def slices(self, begin_ns, length_s, stamp=None):
        """How many requests began in each SLICE_S after an instant."""
        counts = [0] * round(length_s / SLICE_S)
        for at, of, _ in self.posts:
            number = int((at - begin_ns) / 1e9 / SLICE_S)
            if 0 <= number < len(counts) and stamp in (None, of):
                counts[number] += 1
        return counts


def played():
    if not Fleet.run:
        Fleet.run = Fleet()
    return Fleet.run


def picture(counts, columns=50):
    """A line of digits: tenths of the fullest column."""
    step = max(1, -(-len(counts) // columns))
    sums = [sum(counts[n:n + step]) for n in range(0, len(counts), step)]
    return "".join(str(min(9, 10 * n // (max(sums) + 1))) for n in sums)


def test_a_thousand_hosts_lose_nothing_through_a_restart_of_telegraf():
    fleet = played()
    equal(fleet.sums["collected"], HOSTS * LINES * WINDOWS, "lines collected")
    equal((fleet.sums["sent"], fleet.sums["queued"], fleet.sums["dropped"]), (fleet.sums["collected"], 0, 0),
          f"lines sent, queued and dropped; the log says:\n{fleet.messages[-2000:]}")
    equal(len(fleet.lines), HOSTS * LINES * WINDOWS, "different lines in Telegraf's file")
    true(fleet.sums["retries"] >= HOSTS / 4, f"requests in vain while Telegraf was away: {fleet.sums}")
    # Those that it took and did not answer any more when it stopped.
    at_most(fleet.lines.total() - len(fleet.lines), HOSTS * LINES / 10, "lines that Telegraf has twice")
    note(f"{HOSTS} hosts, {fleet.sums['batches']} requests taken, {fleet.sums['retries']} in vain, "
         f"{fleet.sums['bytes'] / fleet.sums['sent']:.1f} bytes a line; Telegraf: {fleet.cpu * 1e6:.1f} us of CPU time a line")


def test_a_healthy_window_of_a_thousand_hosts_is_spread_over_half_the_interval():
    fleet = played()
    for stamp in fleet.windows[1:2]:  # in the first each makes its connection
        counts = fleet.slices(stamp, INTERVAL_S, stamp)
        equal(sum(counts), HOSTS, "requests of a window within the interval")
        even = HOSTS * SLICE_S / OFFSETS_S
        note(f"requests in each {SLICE_S} s after the boundary, fullest {max(counts)}, evenly {even:.0f}: {picture(counts)}")
        at_most(max(counts), 3 * even, f"requests in the fullest {SLICE_S} s")
        busy = sum(1 for count in counts if count)
        true(busy >= 0.9 * OFFSETS_S / SLICE_S, f"only {busy} slices of {SLICE_S} s have requests: {counts}")


def test_a_thousand_hosts_do_not_return_at_one_instant():
    fleet = played()
    # The shares of a window that waited, newest first, and then the old ones of each host.
    length_s = (fleet.posts[-1][0] - fleet.back_ns) / 1e9
    counts = fleet.slices(fleet.back_ns, length_s)
    note(f"requests in each {SLICE_S} s after the return, fullest {max(counts)}: {picture(counts)}")
    # Within the first seconds a fleet without jitter would send all of its two or three windows.
    at_most(max(counts), HOSTS / 4, f"requests in the fullest {SLICE_S} s")
    true(sum(counts) >= 2 * HOSTS, f"requests after the return: {sum(counts)}")


if __name__ == "__main__":
    main(globals(), once="a load generator")
