# SPDX-License-Identifier: Apache-2.0
"""The editions of the page, each on a database that holds the fleet, and the truth that answers are compared with."""

import math
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from functools import lru_cache

import agent
import fleet
import grafana
import prometheus
import wire
from tap import equal, true

STACK = ExitStack()  # the databases, which all tests share

NAMES = ("thermograf-influxql", "thermograf-promql")
DCS = {host.dc: [h.name for h in fleet.HOSTS if h.dc == host.dc] for host in fleet.HOSTS}


def push(db, lines):
    request = urllib.request.Request(f"{db.url}/write?db=telegraf&precision=ns", lines.encode())
    equal(urllib.request.urlopen(request, timeout=60).status, 204, "answer to the fleet's lines")


class Edition:
    """A page on a database that holds the fleet, and how times and units of its answers are to be read."""

    def __init__(self, name, db, **chosen):
        self.page = grafana.Page(name, db, window="1s")
        self.influx = name == "thermograf-influxql"
        self.fleet = fleet.fleet()
        self.asked = set()  # (number of a panel, refId)
        for variable, value in chosen.items():
            self.page.choose(variable, value)

    def span(self, interval_s=1):
        # Grafana leaves out a step of PromQL that has not ended.
        return grafana.Range(self.fleet.start_s - 3, self.fleet.end_s + 6, interval_s)

    def ask(self, row, title, interval_s=1):
        answers = self.page.ask(row, title, self.span(interval_s))
        self.asked |= {(self.page.panel(row, title)[1]["id"], ref) for ref in answers}
        return answers

    def heatmap(self, dc, title, interval_s=1):
        found = self.ask(dc, title, interval_s)["A"]
        return grafana.Heatmap(self.page.panel(dc, title)[1], found)

    def cell(self, second, interval_s):
        """Where a window that ends at this second stands: groups of InfluxQL have the name of their first instant, PromQL
        looks back."""
        return second // interval_s * interval_s if self.influx else -(-second // interval_s) * interval_s

    def le(self, microseconds):
        return microseconds if self.influx else microseconds / 1e6

    def latency(self, microseconds):
        return microseconds if self.influx or microseconds is None else microseconds / 1e6

    def grouped(self, rows, value, interval_s=1, how=sum, key=lambda tags: ""):
        """{key: {cell: value of all rows there}}"""
        found = defaultdict(lambda: defaultdict(list))
        for tags, fields, second in rows:
            if value(fields) is not None:
                found[key(tags)][self.cell(second, interval_s)].append(value(fields))
        return {name: {at: how(values) for at, values in cells.items()} for name, cells in found.items()}


@lru_cache(maxsize=None)
def influxql():
    db = STACK.enter_context(wire.influxdb())
    push(db, fleet.fleet().lines("influx"))
    return Edition(NAMES[0], db)


@lru_cache(maxsize=None)
def victoria():
    db = STACK.enter_context(wire.victoria_metrics())
    push(db, fleet.fleet().lines("prometheus"))
    db._get("/internal/force_flush")
    return Edition(NAMES[1], db)


@lru_cache(maxsize=None)
def promql():
    db = prometheus.Prometheus()
    db.fill(agent.parse_lines(fleet.fleet().lines("prometheus")))
    return Edition(NAMES[1], STACK.enter_context(db), window="$__rate_interval")


def near(got, wanted, what, part=1e-6):
    """The same keys, and values that differ by no more than that part."""
    equal(sorted(got), sorted(wanted), f"{what}: what there is")
    for key, value in wanted.items():
        true(math.isclose(got[key], value, rel_tol=part, abs_tol=1e-9), f"{what}: {key}: got {got[key]}, wanted {value}")


def series(found, what):
    """{name: {second: value}} without nulls; a name must be there once."""
    equal(len({s.name for s in found}), len(found), f"{what}: names {[s.name for s in found]}")
    return {s.name: {at: value for at, value in s.values if value is not None} for s in found}


def cells(edition, dc, op, interval_s=1, full=1.0, **tags):
    """The truth of a heatmap: {(row, time): I/Os per second by full colour}."""
    tags = {"dc": dc, "layer": "disk", "phase": "total", **tags, **({"op": op} if op else {})}
    sums = defaultdict(float)
    for second, buckets in edition.fleet.heat(**tags).items():
        for le, count in buckets.items():
            sums[edition.le(le), edition.cell(second, interval_s)] += count / interval_s / full
    return dict(sums)
