#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Receivers in all their moods: what is stored in the end is what was collected, or is counted as dropped.

Each scenario is an output of its own; a few agents have them all at once, beside a file output that is the truth. A
receiver misbehaves for some seconds and then heals, or refuses some lines for ever. In the end
    stored = the lines of the file, but for those that the receiver said it would never take, which the agent counted
    no line was stored twice but where nobody could know that it was stored
    at every window collected = sent + queued + dropped
    no window was cut late because of a receiver
The agents need no probe for it, and no root: their own metrics go the same way.
"""

import os
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path

import agent
import badreceiver
import lab
import ledger
from authority import Authority
from badreceiver import STORED, BadReceiver, Step, bad, first, until
from tap import Failure, at_most, equal, main, note, true

INTERVAL_S = 0.2
SICK_S = 4.0
# A held output is tried after 30 s at the latest, a failing one too.
HEALTHY_AGAIN_S = 60
# Above what a busy machine of two cores does to us, below the timeouts that a blocked loop would wait for.
LATE_MOST_US = 1_000_000
TIMEOUT_S = 3
OUTPUTS_OF_ONE = 7  # and the truth: CONFIG_MAX_OUTPUTS

CONFIG = """[agent]
interval = 200ms
probe_dirs = {empty}
[global_tags]
dc = lab
[output.truth]
type = file
path = {truth}
"""


@dataclass(frozen=True)
class Scenario:
    """One output and its receiver."""

    sentence: str
    plan: object = until(0, STORED)
    receiver: tuple = ()  # more arguments of BadReceiver, as pairs
    settings: str = ""  # of the output
    log: str = ""  # what the agent says of it


def when_bad(step):
    """A receiver that never takes some lines: `step` for who brings one of them."""
    return lambda receiver, number, lines: step if any(map(bad, lines)) else STORED


def when_many(most, step):
    return lambda receiver, number, lines: step if len(lines) > most else STORED


def part_stored(status, body):
    """`COUNT` in the body is how many were not stored."""

    def plan(receiver, number, lines):
        count = sum(map(bad, lines))
        if not count:
            return STORED
        return Step(status, body(count), stores="good", refuses="bad")

    return plan


def telegraf_errors(count):
    others = {1: "", 2: " (and 1 other parse error)"}.get(count, f" (and {count - 1} other parse errors)")
    return '{"error":"metric parse error: expected field at 1:8: \\"x\\"' + others + '"}'


def influx3_errors(count):
    rows = ",".join('{"original_line":"x","line_number":%d,"error_message":"y"}' % n for n in range(count))
    return '{"error":"partial write of line protocol occurred","data":[' + rows + "]}"


class Undelivered:
    """
    Telegraf's influxdb_v2_listener with max_undelivered_metrics: 413 for ever, 429 for now, both without a body. At first
    nothing leaves it, as with a dead database behind it.
    """

    def __init__(self, most, per_s):
        self.most, self.per_s, self.level, self.at = most, per_s, 0.0, 0.0

    def __call__(self, receiver, number, lines):
        now = receiver.age()
        if now >= SICK_S:
            self.level = max(0.0, self.level - (now - self.at) * self.per_s)
            self.at = now
        if len(lines) > self.most:
            return Step(413)
        if self.level + len(lines) > self.most:
            return Step(429)
        self.level += len(lines)
        return STORED


# Answers that mean: not now, or somebody must act; with the bodies that receivers give.
KEPT = {
    "301": Step(301, headers=("Location: http://127.0.0.1:1/elsewhere",)),
    "307": Step(307, headers=("Location: http://127.0.0.1:1/elsewhere",)),
    "401 of influxdb": Step(401, '{"error":"authorization failed"}\n'),
    "401 of telegraf": Step(401, "Unauthorized.\n", ('WWW-Authenticate: Basic realm="influxdb"',)),
    "403 of influxdb 2": Step(403, '{"code":"forbidden","message":"insufficient permissions for write"}'),
    "404 of influxdb": Step(404, '{"error":"database not found: \\"telegraf\\""}\n'),
    "404 of a path": Step(404, "404 page not found\n"),
    "405": Step(405, '{"error":"http: method not allowed"}'),
    "407": Step(407),
    "408": Step(408, "", end="close"),
    "410 of a telegraf that ends": Step(410),
    "415": Step(415),
    "400 for want of a database": Step(400, '{"error":"database is required"}\n'),
    "400 of a path that victoriametrics does not know": Step(400, 'unsupported path requested: "/api/v3/write_lp"'),
    "400 of a vmauth without a route": Step(400, 'cannot determine targetURL: missing route for "/write"'),
    "400 of an nginx that wants a certificate": Step(
        400, "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n", end="close"),
    "400 of an influxdb 2 for want of an organization": Step(
        400, '{"code":"invalid","message":"Please provide either orgID or org"}'),
    "400 of a listener that speaks tls": Step(400, "Client sent an HTTP request to an HTTPS server.\n", end="close"),
    "422 of a full influxdb 3": Step(422, '{"error":"Adding a new database would exceed limit of 5 databases"}'),
    "429": Step(429, "remote storage systems cannot keep up with the data ingestion rate"),
    "429 with seconds": Step(429, "", ("Retry-After: 2",)),
    "499": Step(499),
    "500": Step(500, '{"error":"timeout"}\n'),
    "500 of a full cache": Step(500, '{"error":"engine: cache-max-memory-size exceeded: (2/1)"}\n'),
    "502": Step(502, "<html><h1>502 Bad Gateway</h1></html>", end="close"),
    "503": Step(503, "request throttled, queue full\n"),
    "503 with seconds": Step(503, "", ("Retry-After: 1.5",)),
    "504": Step(504, "<html><h1>504 Gateway Time-out</h1></html>"),
    "507": Step(507),
}

VM_BAD = Step(400, 'cannot process influx line protocol data: incorrect influx line "x": cannot find Whitespace I',
              refuses="bad")
BISECTED = {
    "victoriametrics": VM_BAD,
    "influxdb 2": Step(400, '{"code":"invalid","message":"unable to parse \'x\': missing fields"}', refuses="bad"),
    "telegraf with influxdb v2 listener": Step(
        400, '{"code":"invalid","message":"metric parse error: expected field at 1:2: \\"x\\"","op":"","err":"x"}',
        refuses="bad"),
    "telegraf with http listener v2": Step(400, '{"error":"http: bad request"}', refuses="bad"),
    "influxdb 3 on an old path": Step(400, '{"error":"line protocol parsing error","data":{}}', refuses="bad"),
}

PARTIAL = {
    "influxdb 1": (400, lambda n: f'{{"error":"partial write: field type conflict: x dropped={n}"}}\n'),
    "influxdb 2": (422, lambda n: '{"code":"unprocessable entity","message":"failure writing points to database: '
                                  f'partial write: points beyond retention policy dropped={n}"}}'),
    "influxdb 3": (400, influx3_errors),
    "telegraf with influxdb listener": (400, telegraf_errors),
    "an old influxdb 2 that says 500": (500, lambda n: f'{{"error":"partial write: field type conflict dropped={n}"}}'),
}


def scenarios():
    """All of them, in the order of the table in the header of badreceiver.py."""
    sick = lambda step: until(SICK_S, step)  # pylint: disable=unnecessary-lambda-assignment
    yield Scenario("a healthy receiver gets every line once")
    yield Scenario("a receiver that answers 200 gets every line once",
                   until(1e9, replace(STORED, status=200, body='{"results":[]}')))
    yield Scenario("who refuses connections gets all when it listens", receiver=(("refuses_s", SICK_S),),
                   log="gives no answer: ")
    yield Scenario("who takes connections and reads none gets all when it reads", first(1, replace(STORED, unsure=True)),
                   receiver=(("deaf_s", SICK_S),), log="gives no answer: ")
    yield Scenario("who never answers gets all when it does", sick(Step(end="hang")), log="gives no answer: ")
    yield Scenario("who answers after the timeout stores some twice and loses none",
                   first(1, replace(STORED, wait_s=TIMEOUT_S + 1, unsure=True)), log="gives no answer: ")
    yield Scenario("who closes idle connections between two windows gets every line once",
                   receiver=(("idle_s", INTERVAL_S),))
    yield Scenario("who closes after each answer gets every line once", until(1e9, replace(STORED, end="close")))
    yield Scenario("who cuts its answer in the status line stores some twice and loses none",
                   first(3, replace(STORED, end="cut", unsure=True)), log="gives no answer: ")
    yield Scenario("who cuts the body of a good answer is believed",
                   until(1e9, replace(STORED, status=200, body="x" * 20, end="cut")))
    yield Scenario("who resets the connection after it stored stores some twice and loses none",
                   first(3, replace(STORED, status=0, end="reset", unsure=True)), log="gives no answer: ")
    yield Scenario("who resets the connection and stored nothing loses nothing", first(3, Step(0, end="reset")),
                   log="gives no answer: ")
    yield Scenario("who closes the connection without an answer loses nothing", first(3, Step(0)),
                   log="gives no answer: ")
    yield Scenario("who drips its answer gets every line once", until(1e9, replace(STORED, end="drip", pace_s=0.0005)))
    yield Scenario("who drips too slowly stores some twice and loses none",
                   first(1, replace(STORED, end="drip", pace_s=0.3, unsure=True)), log="gives no answer: ")
    for name, step in KEPT.items():
        yield Scenario(f"{name} loses nothing", sick(step), log=f"answers {step.status}")
    yield Scenario("429 with a date loses nothing", with_date, log="answers 429")
    yield Scenario("413 goes in parts", when_many(4, Step(413, '{"error":"Request Entity Too Large"}')),
                   log="takes no body that large")
    yield Scenario("413 before the body was read and a reset go in parts",
                   first(1, Step(413, '{"error":"Request Entity Too Large"}', read=False, end="reset")))
    yield Scenario("400 of victoriametrics for too much goes in parts",
                   when_many(4, Step(400, "too big data size exceeding -influx.maxRequestSize=67108864 bytes")),
                   log="takes no body that large")
    yield Scenario("telegraf with more lines than max undelivered metrics gets all in parts", when_many(5, Step(413)))
    yield Scenario("telegraf that is full for now gets all as soon as it is not", Undelivered(90, 600), log="answers 429")
    for name, step in BISECTED.items():
        yield Scenario(f"a bad line costs itself at {name}", when_bad(step), log="; dropped 1 line: ")
    for name, (status, body) in PARTIAL.items():
        yield Scenario(f"what {name} did not store is counted to the line", part_stored(status, body), log="; dropped ")
    yield Scenario("what influxdb could not parse at all is dropped and counted",
                   first(3, Step(400, '{"error":"unable to parse \'x\': missing fields"}\n', refuses="all")),
                   log="; dropped ")
    yield Scenario("what is in the queue of influxdb enterprise is stored",
                   until(1e9, Step(500, '{"error":"write failed: hinted handoff queue not empty"}', stores="all")))


def with_date(receiver, number, lines):
    if receiver.age() >= SICK_S:
        return STORED
    return Step(429, "", (f"Retry-After: {formatdate(time.time() + 2, usegmt=True)}",))


def tls_scenarios(folder):
    """Certificates that become right after a while."""
    ca, other = Authority(folder, "ca"), Authority(folder, "other")
    good = badreceiver.context(*ca.issue("good"))
    wrong = {"another name": (badreceiver.context(*ca.issue("elsewhere", "DNS:elsewhere.example")),
                              "must have a name that is in its certificate"),
             "an unknown authority": (badreceiver.context(*other.issue("unknown")),
                                      "tls_ca must hold the authority"),
             "an expired certificate": (badreceiver.context(*ca.issue("old", days="0")),
                                        "the receiver must get a new certificate")}
    for name, (context, log) in wrong.items():
        yield Scenario(f"who has {name} gets nothing before and all after it is replaced",
                       receiver=(("tls", context_until(context, good)),), settings=f"tls_ca = {ca.certificate}\n",
                       log=log)


def context_until(wrong, good):
    begin = []

    def choose():
        begin.append(time.monotonic())
        return wrong if time.monotonic() - begin[0] < SICK_S else good

    return choose


class Run:
    """Some scenarios on one agent."""

    def __init__(self, some, stack):
        self.some = some
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-delivery-")))
        self.receivers = [stack.enter_context(BadReceiver(s.plan, **dict(s.receiver))) for s in some]
        (self.folder / "empty").mkdir()
        text = CONFIG.format(empty=self.folder / "empty", truth=self.folder / "truth")
        for number, (scenario, receiver) in enumerate(zip(some, self.receivers)):
            text += f"[output.o{number}]\nurls = {receiver.url}\ntimeout = {TIMEOUT_S}s\n{scenario.settings}"
        self.agent = stack.enter_context(agent.Agent(text))

    def points(self):
        return agent.file_points(self.folder / "truth")

    def is_delivered(self):
        """All outputs tell that nothing waits but, perhaps, the last window."""
        self.agent.check_alive()
        books = ledger.books(self.points())
        return len(books) > len(self.some) and all(
            rows[-1][1]["lines_queued"] <= 2 * (len(self.some) + 2) for rows in books.values())

    def end(self):
        try:
            lab.wait_for(self.is_delivered, HEALTHY_AGAIN_S, "all is delivered", 0.5)
        except TimeoutError as late:
            rows = {name: rows[-1][1]["lines_queued"] for name, rows in ledger.books(self.points()).items()}
            raise Failure(f"{late}; queued: {rows}; {[s.sentence for s in self.some]}\n"
                          f"{self.agent.messages()[-2000:]}") from late
        self.agent.stop()
        for receiver in self.receivers:
            receiver.stop()


class World:
    """All scenarios at once."""

    def __init__(self):
        self.stack, self.runs, self.failed, self.errors = ExitStack(), {}, None, {}

    def run(self, wanted):
        with tempfile.TemporaryDirectory(prefix="thermograf-ca-") as folder:
            some = [s for s in [*scenarios(), *tls_scenarios(folder)] if wanted(s.sentence)]
            runs = [Run(some[n:n + OUTPUTS_OF_ONE], self.stack) for n in range(0, len(some), OUTPUTS_OF_ONE)]
            time.sleep(SICK_S)
            for run in runs:
                try:
                    run.end()
                except Failure as failure:
                    self.errors[run] = failure
        for run in runs:
            for number, scenario in enumerate(run.some):
                self.runs[scenario.sentence] = (run, number, scenario)


WORLD = World()


def wanted(sentence):
    return not sys.argv[1:] or any(word in sentence for word in sys.argv[1:])


def result_of(sentence):
    if not WORLD.runs and not WORLD.failed:
        try:
            WORLD.run(wanted)
        except Exception as error:
            WORLD.failed = error
            raise
    if WORLD.failed:
        raise Failure("see the first one")
    run, number, scenario = WORLD.runs[sentence]
    if run in WORLD.errors:
        raise WORLD.errors[run]
    return run, number, scenario


def check(sentence):
    run, number, scenario = result_of(sentence)
    account, name = run.receivers[number].account, f"o{number}"
    messages = "\n".join(line for line in run.agent.messages().splitlines() if f"output {name}: " in line)
    try:
        truth = (run.folder / "truth").read_text().splitlines()
        rows = ledger.check(run.points())[name]
        equal(account.faults, [], "requests that could not be understood")
        stored, wrong = set(account.stored), account.refused - set(account.stored)
        true(len(truth) > 50, "there is next to nothing in the file")
        equal(stored - set(truth), set(), "lines that nobody collected")
        equal(set(truth) - stored, wrong, "lines that are missing, and those that the receiver refuses for good")
        ledger.check_arrived(name, rows, truth, stored)
        at_most(account.stored.total() - len(stored), account.unsure, "lines stored twice, and those of which nobody could know")
        true(scenario.log in messages, f"the agent should say {scenario.log!r}")
        at_most(ledger.lateness_us(run.points()), LATE_MOST_US, "us that a window was cut late")
    except Failure as failure:
        raise Failure(f"{failure}\n{messages[-2000:]}") from failure


def make_test(sentence):
    return lambda: check(sentence)


for one in scenarios():
    globals()["test_" + one.sentence.replace(" ", "_")] = make_test(one.sentence)
for what in ("another name", "an unknown authority", "an expired certificate"):
    SENTENCE = f"who has {what} gets nothing before and all after it is replaced"
    globals()["test_" + SENTENCE.replace(" ", "_")] = make_test(SENTENCE)


SILENT_NAME_SERVER = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"  # an address of this process alone


def test_a_name_server_and_a_disk_that_hang_delay_no_window_and_not_the_end():
    lab.need_root()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-silent-")))
        silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind((SILENT_NAME_SERVER, 53))
        (folder / "resolv.conf").write_text(f"nameserver {SILENT_NAME_SERVER}\noptions timeout:30 attempts:2\n")
        (folder / "empty").mkdir()
        os.mkfifo(folder / "token", 0o600)  # nobody ever writes: as a read from a disk that is gone
        text = CONFIG.format(empty=folder / "empty", truth=folder / "truth")
        text += "[output.name]\nurls = http://metrics.example:8086\ntimeout = 1s\n"
        text += f"[output.disk]\nurls = http://127.0.0.1:1\ntoken_file = {folder}/token\n"
        # Mounts of its own: only this agent asks the silent server.
        script = f'mount --bind {folder}/resolv.conf /etc/resolv.conf && exec "$@"'
        one = stack.enter_context(agent.Agent(text, before=("unshare", "--mount", "sh", "-c", script, "sh")))
        lab.wait_for(lambda: one.check_alive() or "are being read for" in one.messages(), 30, "a word on the hung file")
        lab.wait_for(lambda: "output name: http://metrics.example:8086 gives no answer: Resolving timed out"
                     in one.messages(), 30, f"a word on the name server in:\n{one.messages()}")
        true(silent.recv(4096, socket.MSG_DONTWAIT), "the silent server was asked nothing")
        start = time.monotonic()
        one.stop()
        at_most(time.monotonic() - start, 8, "seconds that the end took")
        points = agent.file_points(folder / "truth")
        ledger.check(points)
        stamps = sorted({stamp for name, tags, _, stamp in points if name == "thermograf" and "output" not in tags})
        gaps = {later - earlier for earlier, later in zip(stamps, stamps[1:])}
        equal(gaps, {int(INTERVAL_S * 1e9)}, "ns between the stamps of windows")
        at_most(ledger.lateness_us(points), LATE_MOST_US, "us that a window was cut late")


def test_no_window_is_cut_late_because_of_a_receiver():
    runs = {run for run, _, _ in WORLD.runs.values()}
    true(runs, "no scenario ran")
    worst = max(ledger.lateness_us(run.points()) for run in runs)
    at_most(worst, LATE_MOST_US, "us that a window was cut late")
    note(f"the latest window of {len(runs)} agents was cut {worst} us late")


if __name__ == "__main__":
    main(globals())
