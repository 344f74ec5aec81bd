#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job on this kernel: what the database holds is what the kernel counted, to the I/O and to the byte."""

import threading
import time
from collections import defaultdict
from contextlib import ExitStack

import agent
import bpfmap
import diskcheck
import lab
import store
from diskcheck import KINDS, as_diskstats
from tap import at_most, equal, main, true

NS = store.NS

# A boundary's map is read within this of it: scheduling on a machine that is as busy as we make it.
LATE_NS = NS // 4


def database():
    kind, program = store.find(lab.ROOT / "build" / "e2e")
    return kind(program)


def stored(db, devices):
    """{device: {kind: (ios, bytes)}} of all that the database holds."""
    sums = {name: defaultdict(lambda: [0, 0]) for name in devices}
    for index, field in enumerate(("ios", "bytes")):
        for tags, _, value in db.samples("block_io", field):
            if tags["device"] in sums and tags["op"] in KINDS:
                sums[tags["device"]][KINDS[tags["op"]]][index] += int(value)
    return {name: {kind: tuple(kinds[kind]) for kind in set(KINDS.values())} for name, kinds in sums.items()}


def by_device_and_op(db, measurement, field):
    sums = defaultdict(int)
    for tags, _, value in db.samples(measurement, field):
        sums[tags["device"], tags["op"]] += int(value)
    return sums


def wait_for_window(db, running, after_ns, timeout_s=60):
    """Until a window that ends after this instant is in the database."""

    def there():
        running.check_alive()
        times = db.times("thermograf")
        return times and times[-1] > after_ns

    lab.wait_for(there, timeout_s, f"a window after {after_ns} in the database; the agent says:\n"
                                   f"{running.messages()[-2000:]}")


class Run:
    """A database, loop devices at rest, and an agent whose first window has arrived."""

    def __init__(self, n_devices=1, **settings):
        lab.need_root()
        agent.program()
        self.stack, self.n_devices, self.settings = ExitStack(), n_devices, settings

    def __enter__(self):
        with self.stack as stack:
            self.devices = [stack.enter_context(lab.LoopDevice()) for _ in range(self.n_devices)]
            self.names = [device.name for device in self.devices]
            self.db = stack.enter_context(database())
            self.before = lab.at_rest(self.names)
            self.control = diskcheck.start_control(stack)
            self.agent = stack.enter_context(agent.Agent(agent.config(self.db.url, **self.settings)))
            wait_for_window(self.db, self.agent, 0)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def unseen(self, wanted):
        return diskcheck.unseen(self.control, self.devices, wanted)

    def agrees(self, wanted):
        return diskcheck.agrees(stored(self.db, self.names), wanted, self.control, self.devices)

    def check(self, wanted, what):
        diskcheck.check(stored(self.db, self.names), wanted, self.control, self.devices, what)

    def settle(self):
        """At rest, and all of it in the database: {device: {kind: (ios, bytes)}} as the kernel has it."""
        counters = self.counted()
        wait_for_window(self.db, self.agent, time.time_ns())
        return counters

    def counted(self):
        after = lab.at_rest(self.names)
        return {name: as_diskstats(lab.less(after[name], self.before[name])) for name in self.names}


def test_every_io_and_every_byte_of_diskstats_is_in_the_database_per_device():
    with Run(n_devices=3) as run:
        for number, device in enumerate(run.devices[:2]):
            lab.mixed(device, 10 * (number + 1), seed=number)
        lab.direct_reads(run.devices[2], 7, 8192)
        wanted = run.settle()
        for kind in set(KINDS.values()):
            true(wanted[run.names[1]][kind][0] > 0, f"the workload made no {kind}: this proves nothing")
        equal(wanted[run.names[2]]["read"], (7, 7 * 8192), "the third device's reads in /proc/diskstats")
        run.check(wanted, "of three devices")


def test_every_kind_of_operation_has_its_own_name():
    """One way of asking at a time, and what is counted for it."""
    ways = {
        "read": lambda d: lab.direct_reads(d, 5, 4096),
        "write": lambda d: lab.direct_writes(d, 5, 4096),
        "writeback": lambda d: lab.written_back(d, 1 << 20),
        "commit": lambda d: lab.buffered_commits(d, 5, 4096),
        "discard": lambda d: lab.block_range(d, lab.BLKDISCARD, 0, 1 << 20),
    }
    with Run(n_devices=len(ways)) as run:
        for way, device in zip(ways.values(), run.devices):
            way(device)
        run.settle()
        ios, size = (by_device_and_op(run.db, "block_io", field) for field in ("ios", "bytes"))
        ops = {op: {o: n for (d, o), n in ios.items() if d == name and n} for op, name in zip(ways, run.names)}
        equal(ops["read"], {"read": 5}, "ios of 5 direct reads")
        equal(ops["write"], {"write": 5}, "ios of 5 direct writes")
        equal(ops["discard"], {"discard": ops["discard"].get("discard")}, "operations of a discard")
        equal(set(ops["writeback"]), {"writeback"}, "operations of a write that nobody waits for")
        equal(ops["commit"].get("commit"), 5, "commits of 5 times pwrite and fdatasync")
        equal(ops["commit"].get("flush"), 5, "flushes of the same")
        equal(size[run.names[1], "write"], 5 * 4096, "bytes of 5 direct writes")


def test_at_rest_ios_are_bucket_counts_and_untimed_per_device_and_operation():
    with Run(n_devices=2) as run:
        for number, device in enumerate(run.devices):
            lab.mixed(device, 10, seed=number)
        run.settle()
        ios, untimed = (by_device_and_op(run.db, "block_io", field) for field in ("ios", "untimed"))
        buckets = by_device_and_op(run.db, "block_io_latency", "count")
        summary = by_device_and_op(run.db, "block_io_latency_summary", "count")
        rows = [key for key in ios if key[0] in run.names and ios[key]]
        at_most(8, len(rows), "rows with a count")
        for key in rows:
            equal(buckets[key] + untimed[key], ios[key], f"buckets + untimed of {key}")
            equal(summary[key] + untimed[key], ios[key], f"summaries' count + untimed of {key}")


def cumulative(db, name):
    """[(stamp_ns, {kind: (ios, bytes)})]: what all windows up to each stamp sum to."""
    windows = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for index, field in enumerate(("ios", "bytes")):
        for tags, stamp, value in db.samples("block_io", field):
            if tags["device"] == name and tags["op"] in KINDS:
                windows[stamp][KINDS[tags["op"]]][index] += int(value)
    sums, result = defaultdict(lambda: (0, 0)), []
    for stamp in sorted(windows):
        for kind, (ios, size) in windows[stamp].items():
            sums[kind] = (sums[kind][0] + ios, sums[kind][1] + size)
        result.append((stamp, dict(sums)))
    return result


def check_between(low, middle, high, what):
    for kind in middle:
        for index, unit in enumerate(("ios", "bytes")):
            if kind == "flush" and unit == "bytes":
                continue
            at_most(low[kind][index], middle[kind][index], f"{what}: {kind} {unit} of an earlier second reading")
            at_most(middle[kind][index], high[kind][index], f"{what}: {kind} {unit} against a later second reading")


def test_under_heavy_io_every_window_agrees_with_a_second_reader_of_the_counters():
    with Run(n_devices=2) as run:
        with lab.DiskstatsReader(run.names) as second, lab.heavy(run.devices):
            time.sleep(8)
        wanted = run.settle()
        run.check(wanted, "after the load")
        unseen, telling = run.unseen(wanted), 0
        for name in run.names:
            readings = [(before, after, as_diskstats(lab.less(disks[name], run.before[name])))
                        for before, after, disks in second.readings]
            previous_high = None
            for stamp, sums in cumulative(run.db, name):
                earlier = [r for before, after, r in readings if after <= stamp]
                later = [r for before, after, r in readings if before >= stamp + LATE_NS]
                if not earlier or not later:
                    continue
                low = {kind: (ios - unseen[name][kind][0], size - unseen[name][kind][1])
                       for kind, (ios, size) in earlier[-1].items()}
                check_between(low, sums, later[0], f"{name}, window to {stamp}")
                # Where the brackets of two windows do not touch, no other window would have fitted.
                telling += previous_high is not None and earlier[-1]["read"][0] > previous_high
                previous_high = later[0]["read"][0]
        at_most(6, telling, "windows that the second reader can tell from their neighbours")


def test_under_heavy_io_the_kernels_own_map_read_by_another_program_lies_between_two_windows():
    with Run() as run:
        (device,) = run.devices
        reader = bpfmap.BlockIo(run.agent.process.pid)
        dumps = []

        def read():
            while not ending.wait(0.4):
                before = time.time_ns()
                counted = reader.read(device)
                dumps.append((before, time.time_ns(), counted))

        ending = threading.Event()
        thread = threading.Thread(target=read)
        thread.start()
        try:
            with lab.heavy(run.devices):
                time.sleep(6)
        finally:
            ending.set()
            thread.join()
        run.settle()
        windows, checked = cumulative(run.db, device.name), 0
        for before, after, counted in dumps:
            sums = defaultdict(lambda: (0, 0))
            for op, (ios, size) in counted.items():
                if op in KINDS:
                    sums[KINDS[op]] = (sums[KINDS[op]][0] + ios, sums[KINDS[op]][1] + size)
            earlier = [w for stamp, w in windows if stamp + LATE_NS <= before]
            later = [w for stamp, w in windows if stamp >= after]
            if earlier and later and sums["read"][0]:
                check_between(defaultdict(lambda: (0, 0), earlier[-1]), sums, later[0], f"map read at {before}")
                checked += 1
        at_most(5, checked, "readings of the map that were compared")


def test_sigterm_cuts_the_window_and_nothing_is_lost():
    with Run() as run:
        (device,) = run.devices
        lab.mixed(device, 5, seed=1)
        wait_for_window(run.db, run.agent, time.time_ns())
        lab.mixed(device, 5, seed=2)
        wanted = run.counted()
        windows = run.db.times("thermograf")
        run.agent.stop()
        run.check(wanted, "after SIGTERM")
        at_most(windows[-1] + 1, run.db.times("thermograf")[-1], "stamp of the window that was cut")


def test_the_next_run_does_not_write_over_the_last_window_of_the_one_before():
    with Run() as run:
        (device,) = run.devices
        lab.mixed(device, 3, seed=1)
        lab.at_rest(run.names)
        run.agent.stop()
        last = run.db.times("thermograf")[-1]
        with agent.Agent(agent.config(run.db.url)) as second:
            wait_for_window(run.db, second, last)
            lab.mixed(device, 3, seed=2)
            wanted = run.counted()
            wait_for_window(run.db, second, time.time_ns())
            second.stop()
        run.check(wanted, "of both runs")


def test_once_beside_a_running_agent_counts_for_itself_and_disturbs_nothing():
    with Run() as run:
        (device,) = run.devices
        beside = agent.once("--config", run.agent.config, "--set", "agent/interval=3s")
        try:
            until = time.monotonic() + 60
            while beside.poll() is None and time.monotonic() < until:
                lab.mixed(device, 1, seed=1)
            out, err = beside.communicate(timeout=10)
        finally:
            lab.stop(beside)
        equal(beside.returncode, 0, f"exit code of once ({err.strip()})")
        wanted = run.settle()
        run.check(wanted, "of the running agent")
        points = agent.parse_lines(out)
        seen = sum(fields["ios"] for name, tags, fields, _ in points
                   if name == "block_io" and tags["device"] == device.name and tags["op"] == "read")
        at_most(1, seen, f"reads that once told; it said:\n{out}")
        at_most(seen, wanted[device.name]["read"][0], "reads that once told")
        equal(len({stamp for *_, stamp in points}), 1, "time stamps that once told")


def test_windows_cut_while_the_receiver_is_away_arrive_when_it_is_back():
    with Run() as run:
        (device,) = run.devices
        lab.mixed(device, 2, seed=1)
        run.settle()
        run.db.stop()
        away = time.time_ns()
        for number in range(6):
            lab.mixed(device, 1, seed=number)
            time.sleep(1)
        run.db.start()
        wanted = run.settle()
        newest = time.time_ns()

        def missing():
            """Windows from the time without a receiver that are not there."""
            times = run.db.times("thermograf")
            return [stamp for stamp in range(times[0], newest, NS) if stamp not in times]

        def everything():
            run.agent.check_alive()
            return not missing() and run.agrees(wanted)

        try:
            lab.wait_for(everything, 60, "", 0.5)
        except TimeoutError:
            run.check(wanted, "of the time without a receiver")
            equal(missing(), [], f"missing windows; the agent says:\n{run.agent.messages()[-2000:]}")
        at_most(6 * NS, newest - away, "time without a receiver")


def test_a_receiver_that_was_never_there_gets_all_windows_once_it_comes():
    lab.need_root()
    agent.program()
    with ExitStack() as stack:
        device = stack.enter_context(lab.LoopDevice())
        kind, program = store.find(lab.ROOT / "build" / "e2e")
        db = kind(program, port=lab.free_port())
        stack.callback(db.close)
        before = lab.at_rest([device.name])
        running = stack.enter_context(agent.Agent(agent.config(db.url)))
        # The baseline is taken at the first boundary; nobody is there to tell us when.
        time.sleep(4)
        lab.mixed(device, 5, seed=1)
        time.sleep(3)
        after = lab.at_rest([device.name])
        db.start()
        wanted = {device.name: as_diskstats(lab.less(after[device.name], before[device.name]))}
        lab.wait_for(lambda: stored(db, [device.name]) == wanted, 60,
                     f"{wanted} in the database; the agent says:\n{running.messages()[-2000:]}", 0.5)
        running.stop()


if __name__ == "__main__":
    main(globals())
