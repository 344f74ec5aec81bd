# SPDX-License-Identifier: Apache-2.0
"""What Grafana does with a dashboard, as far as answers depend on it: variables and macros into queries, queries to the
data source, answers into series, tables and the cells of a heatmap.

Written from the behaviour of 9.5 to 12: the panel heatmap, the data sources InfluxDB and Prometheus, the formats of
variables. It is stricter than Grafana where versions differ: what one of them would not replace is a failure.
"""

import json
import math
import re
from collections import namedtuple

import lab
import prometheus
from tap import Failure, equal, true

FOLDER = lab.ROOT / "conf" / "grafana"
ALL = "$__all"

# Of a variable: what is chosen, and what it can be. value and options: [texts], for `custom` pairs by their values.
Chosen = namedtuple("Chosen", "value text options all_value multi")
Range = namedtuple("Range", "from_s to_s interval_s")
# One series or column of an answer: [(time in s, value)], value None for null.
Series = namedtuple("Series", "name values")

VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
REGEX_META = re.compile(r"[\\^$*+?.()|\[\]{}/]")
PROMQL_META = re.compile(r"[$^*{}\[\]+?.()|]")


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def either(values, escape):
    texts = [escape(value) for value in values]
    return texts[0] if len(texts) == 1 else f"({'|'.join(texts)})"


def promql(values, multi):
    """A variable without a format in PromQL, for a string in double quotes."""
    if not multi:
        return values[0].replace("'", "\\\\'")
    return either(values, lambda value: PROMQL_META.sub(r"\\\\\g<0>", value.replace("\\", "\\\\\\\\")))


FORMATS = {
    "regex": lambda values: either(values, lambda value: REGEX_META.sub(r"\\\g<0>", value)),
    "raw": ",".join,
    "text": " + ".join,
}


class Page:
    """A dashboard and what is chosen on it. window: the agents' interval, which conf/grafana/README.md says how to set."""

    def __init__(self, name, db, window="10s"):
        text = (FOLDER / "dashboards" / f"{name}.json").read_text(encoding="utf-8")
        self.model = json.loads(text.replace('"interval": "10s"', f'"interval": "{window}"'))
        self.db, self.chosen = db, {}
        for variable in self.model["templating"]["list"]:
            self.choose(variable["name"])

    def variable(self, name):
        return next(v for v in self.model["templating"]["list"] if v["name"] == name)

    def choose(self, name, *values):
        """These values of a variable; none: what the dashboard says. Later variables are asked for anew."""
        variable = self.variable(name)
        if variable["type"] == "datasource":
            return
        options = self.options(variable)
        values = list(values) or variable["current"]["value"]
        values = [values] if isinstance(values, str) else values
        true(set(values) <= {value for _, value in options} | {ALL},
             f"variable {name}: {values} are not among {options}")
        texts = [text for text, value in options if value in values]
        self.chosen[name] = Chosen(values, texts, [value for _, value in options], variable.get("allValue"),
                                   variable.get("multi") or variable.get("includeAll"))

    def options(self, variable):
        """[(text, value)]"""
        query = variable["query"]
        if variable["type"] == "custom":
            pairs = [text.split(" : ") for text in query.split(",")]
            pairs = [(pair[0].strip(), pair[-1].strip()) for pair in pairs]
            equal([(o["text"], o["value"]) for o in variable["options"]], pairs, f"options of {variable['name']}")
            return pairs
        equal(variable["type"], "query", f"type of {variable['name']}")
        kind = variable["datasource"]["type"]
        query = self.fill(query if kind == "influxdb" else query["query"], kind)
        return [(value, value) for value in (self._tag_values(query) if kind == "influxdb" else self._labels(query))]

    def _tag_values(self, query):
        return sorted({value for _, columns, rows in self.db.query(query) for value in
                       (row[columns.index("value")] for row in rows)})

    def _labels(self, query):
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        true(found, f"{query}: not of the form label_values(SELECTOR, LABEL)")
        return prometheus.label_values(self.db, found[2], found[1])

    def fill(self, text, kind, scoped=None):
        """Variables replaced. kind: whose rules hold where none is given: influxdb, prometheus, or text for titles."""
        def one(match):
            name, how = match[1] or match[3], match[2]
            chosen = self.chosen.get(name)
            if not chosen:
                return match[0]  # a macro: see below
            values = (scoped or {}).get(name) or chosen.value
            if values == [ALL]:
                if chosen.all_value:
                    return chosen.all_value  # as it is, whatever the format
                values = chosen.options
            if how:
                return FORMATS[how](values)
            if kind == "influxdb":
                raise Failure(f"{text}: {match[0]} has no format, and Grafana's versions differ in what they make of it")
            return promql(values, chosen.multi) if kind == "prometheus" else "/".join(values)

        return VARIABLE.sub(one, text)

    def rows(self):
        """{title: ({variable: values}, [panels])}, rows that repeat once for each value."""
        rows, repeats = {}, []
        for panel in self.model["panels"]:
            if panel["type"] == "row":
                repeats = [({}, panel["title"])]
                name = panel.get("repeat")
                if name:
                    chosen = self.chosen[name]
                    values = chosen.options if chosen.value == [ALL] else chosen.value
                    repeats = [({name: [value]}, self.fill(panel["title"], "text", {name: [value]})) for value in values]
                for scoped, title in repeats:
                    rows[title] = (scoped, [])
            else:
                for _, title in repeats:
                    rows[title][1].append(panel)
        return rows

    def panel(self, row, title):
        """(variables, panel)"""
        scoped, panels = self.rows()[row]
        for panel in panels:
            if panel["title"] == title:
                return scoped, panel
        raise Failure(f"row {row} has no panel {title!r}; it has {[panel['title'] for panel in panels]}")

    def ask(self, row, title, span):
        """{refId: answer} of a panel's queries: series, or for tables [{column: value}]."""
        scoped, panel = self.panel(row, title)
        true(span.interval_s >= seconds(panel["interval"]), f"{title}: the interval is below the panel's least")
        kind = panel["datasource"]["type"]
        run = self._influxql if kind == "influxdb" else self._promql
        return {target["refId"]: run(target, scoped, span) for target in panel["targets"]}

    # ---- InfluxQL

    def _influxql(self, target, scoped, span):
        true(target["rawQuery"], f"{target['refId']}: made by the query builder")
        text = self.fill(target["query"], "influxdb", scoped)
        text = text.replace("${__from}", f"{span.from_s * 1000}").replace("${__to}", f"{span.to_s * 1000}")
        text = text.replace("$timeFilter", f"time >= {span.from_s * 1000}ms and time <= {span.to_s * 1000}ms")
        text = text.replace("$__interval_ms", f"{span.interval_s * 1000}").replace("$__interval", f"{span.interval_s}s")
        true(not re.search(r"\$[\w{]", text), f"left in a query: {text}")
        found = self.db.query(text)
        if target["resultFormat"] == "table":
            return [{**tags, **dict(zip(columns, row))} for tags, columns, rows in found for row in rows]
        return [Series(alias(target["alias"], tags, column), [(row[0] // 10**9, row[place]) for row in rows])
                for tags, columns, rows in found for place, column in enumerate(columns) if place]

    # ---- PromQL

    def _promql(self, target, scoped, span):
        step = span.interval_s
        text = self.fill(target["expr"], "prometheus", scoped)
        scrape = seconds(target.get("interval", self.model["panels"][1]["interval"]))
        rate = max(step + scrape, 4 * scrape)
        length = span.to_s - span.from_s
        for name, value in (("$__interval_ms", step * 1000), ("$__interval", f"{step}s"), ("$__range_ms", length * 1000),
                            ("$__range", f"{length}s"), ("$__rate_interval_ms", rate * 1000),
                            ("$__rate_interval", f"{rate}s")):
            text = text.replace(name, str(value))
        true("$" not in text, f"left in a query: {text}")
        if target.get("instant"):
            equal(target["format"], "table", "format of an instant query")
            return [{**labels, "Value": value} for labels, value in prometheus.query(self.db, text, span.to_s)]
        found = prometheus.query_range(self.db, text, span.from_s // step * step, span.to_s // step * step, step)
        made = [Series(re.sub(r"\{\{(\w+)\}\}", lambda m, labels=labels: labels.get(m[1], ""), target["legendFormat"]),
                       values) for labels, values in found]
        return less_the_row_below(made) if target["format"] == "heatmap" else made


def alias(text, tags, column):
    """The name of a series of InfluxQL."""
    return re.sub(r"\$(\w+)", lambda m: column if m[1] == "col" else tags[m[1].removeprefix("tag_")], text)


def bound(name):
    """A name as the heatmap reads it: parseFloat, and its infinities; NaN for others."""
    if re.fullmatch(r"[+-]?inf(inity)?", name, re.I):
        return -math.inf if name.startswith("-") else math.inf
    found = re.match(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", name, re.I)
    return float(found[0]) if found else math.nan


def less_the_row_below(found):
    """Of cumulative buckets; by place in the answer and not by time, as Grafana does it."""
    found = sorted(found, key=lambda series: bound(series.name))
    columns = [[value for _, value in series.values] for series in found]
    for upper, lower in reversed(list(zip(columns[1:], columns))):
        for place, value in enumerate(upper):
            upper[place] = value - (lower[place] if place < len(lower) else 0)
            if upper[place] < 1e-9:
                upper[place] = 0
    return [Series(series.name, [(at, value) for (at, _), value in zip(series.values, column)])
            for series, column in zip(found, columns)]


class Heatmap:
    """The rows of a panel from below, and its cells: what is drawn where, and what is not drawn at all."""

    def __init__(self, panel, found):
        options = panel["options"]
        true(found, f"{panel['title']}: no data")
        equal(options["calculate"], False, "counted by the database and not by the panel")
        equal(options["rowsFrame"]["layout"], "le", "a row's name is its upper bound")
        # Versions before 9.5 keep the order of the answer; all others sort, if every name is a number.
        true(not any(math.isnan(bound(series.name)) for series in found), f"rows {[s.name for s in found]}")
        found = sorted(found, key=lambda series: bound(series.name))
        self.names = [series.name for series in found]
        self.rows = [bound(name) for name in self.names]
        self.times = sorted({at for series in found for at, _ in series.values})
        equal(len(set(self.rows)), len(self.rows), f"rows that are there once, of {self.names}")
        # All cells have the width of the first.
        self.width_s = self.times[1] - self.times[0]
        least, most = options["color"]["min"], options["color"]["max"]
        steps = options["color"]["steps"]
        self.cells, self.colours = {}, {}
        for row, series in zip(self.rows, found):
            for at, value in series.values:
                if value is not None and value > options["filterValues"]["le"]:
                    self.cells[row, at] = value
                    self.colours[row, at] = min(steps - 1, int(steps * (min(value, most) - least) / (most - least)))
