# SPDX-License-Identifier: Apache-2.0
"""One agent with several outputs at once: what a receiver holds is compared with what the others of them wrote."""

import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import agent
import lab
import store
from tap import Failure, true

# The finest that the probe records is 4 buckets an octave; what is asked for above that is cut to it.
TRUTH = "style = influx\nbuckets_per_octave = 64"

INF = float("inf")


def config(outputs, interval="1s", settings="", probe=""):
    """@param outputs  {name: settings of the section}"""
    text = f"[agent]\ninterval = {interval}\n{settings}\n[global_tags]\ndc = lab\n"
    text += "".join(f"[output.{name}]\n{lines}\n" for name, lines in outputs.items())
    return text + (f"[probe.block_io]\n{probe}\n" if probe else "")


def as_map(points):
    """{(measurement, tags, time_ns): fields}; a point that comes twice must be the same twice."""
    found = {}
    for name, tags, fields, stamp in points:
        key = (name, tuple(sorted(tags.items())), stamp)
        if found.setdefault(key, fields) != fields:
            raise Failure(f"{key} comes twice: {found[key]} and {fields}")
    return found


def same(got, wanted, what):
    """Whether two as_map() hold the same points: same names, tags, times, fields, types and values."""
    missing = [key for key in wanted if key not in got]
    more = [key for key in got if key not in wanted]
    other = [(key, got[key], wanted[key]) for key in wanted if key in got and not alike(got[key], wanted[key])]
    true(wanted, f"{what}: there is no point at all to compare with")
    if missing or more or other:
        raise Failure(f"{what}: {len(wanted)} points, {len(missing)} missing {missing[:3]}, {len(more)} more "
                      f"{more[:3]}, {len(other)} other {other[:3]}")


def alike(got, wanted):
    """5 is not 5.0: the type of a field is for ever."""
    return got == wanted and all(type(got[key]) is type(wanted[key]) for key in wanted)


def of_one_output(point):
    """Lines on an output are counted while they are written: each output has them otherwise."""
    return point[0] == "thermograf" and "output" in point[1]


class Wire:
    """A loop device at rest, and an agent that tells `truth` (a file) and the outputs given."""

    def __init__(self, outputs, devices=1, truth=TRUTH, **settings):
        lab.need_root()
        agent.program()
        self.stack, self.outputs, self.n_devices = ExitStack(), outputs, devices
        self.truth_style, self.settings = truth, settings

    def __enter__(self):
        with self.stack as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-wire-")))
            self.devices = [stack.enter_context(lab.LoopDevice()) for _ in range(self.n_devices)]
            self.names = [device.name for device in self.devices]
            self.before = lab.at_rest(self.names)
            outputs = {"truth": self.as_file("truth", self.truth_style), **self.outputs}
            outputs = {name: text.replace("FOLDER", str(self.folder)) for name, text in outputs.items()}
            self.agent = self._agent(config(outputs, **self.settings))
            self.agent.config.chmod(0o600)  # it may hold a token
            stack.enter_context(self.agent)
            self.wait_for_window(0)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    @staticmethod
    def _agent(text):
        return agent.Agent(text)

    @staticmethod
    def as_file(name, more=""):
        """Settings of an output to a file that points() then reads."""
        return f"type = file\npath = FOLDER/{name}\n{more}"

    def points(self, name="truth"):
        path = self.folder / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return agent.parse_lines(text[:text.rfind("\n") + 1])

    def wait_for_window(self, after_ns, timeout_s=60):
        """Until a window that ends after this instant is in the file."""

        def there():
            self.agent.check_alive()
            points = self.points()
            return points and points[-1][3] > after_ns

        lab.wait_for(there, timeout_s, f"a window after {after_ns}; the agent says:\n{self.agent.messages()[-2000:]}")

    def work(self, rounds=10, seed=1):
        """I/O on every device, over more than one window."""
        for turn in range(3):
            for number, device in enumerate(self.devices):
                lab.mixed(device, rounds, seed=seed + 7 * turn + number)
            self.wait_for_window(lab.time.time_ns())
        lab.at_rest(self.names)

    def end(self):
        """All that was done is in the last window, and that is told to all outputs; the agent has ended."""
        lab.at_rest(self.names)
        self.agent.stop()

    def restart(self):
        """Ends the agent and starts it anew, as fast as that goes."""
        lab.at_rest(self.names)
        self.agent.stop()
        self.agent.start()
        self.wait_for_window(self.points()[-1][3])

    def truth(self, phase="total"):
        """{(device, op): {time_ns: {upper bound in us: count}}} of our devices, as fine as the kernel counted."""
        found = defaultdict(lambda: defaultdict(dict))
        for name, tags, fields, stamp in self.points():
            if name == "block_io_latency" and tags["device"] in self.names and tags["phase"] == phase:
                found[tags["device"], tags["op"]][stamp][float(tags["le"])] = fields["count"]
        true(found, "the agent counted no latency of our devices: this proves nothing")
        return found


def total(windows):
    """{upper bound: count} over all windows of one row of truth()."""
    sums = defaultdict(int)
    for buckets in windows.values():
        for bound, count in buckets.items():
            sums[bound] += count
    return dict(sums)


def octave(bound):
    """The power of two whose bucket holds a fine one."""
    coarse = INF if bound == INF else 1.0
    while coarse < bound:
        coarse *= 2
    return coarse


def octaves(buckets):
    """Fine buckets merged: {power of two: count}, as it is sent by default."""
    sums = defaultdict(int)
    for bound, count in buckets.items():
        sums[octave(bound)] += count
    return dict(sums)


def lower(bound):
    """What a fine bucket lies above, on the scale log-linear(2) of the probe."""
    return bound - max(1.0, octave(bound) / 8)


def quantile_bound(buckets, q):
    """The upper bound of the bucket where the I/O with rank q * count is."""
    rank, seen = q * sum(buckets.values()), 0
    for bound in sorted(buckets):
        seen += buckets[bound]
        if seen >= rank:
            return bound
    raise Failure(f"no bucket holds rank {rank} of {buckets}")


def stored(db, database=store.DATABASE):
    """as_map() of all that an InfluxDB holds, with the types that it gave the fields."""
    points = []
    for _, _, names in db.query("SHOW MEASUREMENTS", database):
        for (name,) in names:
            kinds = {key: {"integer": int, "float": float}[kind]
                     for _, _, rows in db.query(f'SHOW FIELD KEYS FROM "{name}"', database) for key, kind in rows}
            for tags, columns, rows in db.query(f'SELECT * FROM "{name}" GROUP BY *', database):
                # All series of an answer have all tags of the measurement, empty where they do not have them.
                tags = {key: value for key, value in tags.items() if value}
                for stamp, *values in rows:
                    fields = {key: kinds[key](value) for key, value in zip(columns[1:], values) if value is not None}
                    points.append((name, tags, fields, stamp))
    return as_map(points)


def influxdb():
    """A private InfluxDB, not started."""
    return store.InfluxDB(store.of(store.InfluxDB))


def victoria_metrics():
    """A private VictoriaMetrics, not started."""
    return store.VictoriaMetrics(store.of(store.VictoriaMetrics))
