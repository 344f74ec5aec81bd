#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages of conf/grafana: every query of every panel, asked as Grafana asks it, against what four hosts sent.

InfluxDB holds style influx; VictoriaMetrics and Prometheus hold style prometheus. The truth is computed from a third
output of the same agent, as fine as the kernel counted.
"""

import json
from collections import defaultdict

import fleet
import grafana
import grafanaschema
import wire
from editions import DCS, NAMES, STACK, cells, influxql, near, promql, series, victoria
from tap import Skip, at_most, equal, main, true

HEATMAPS = {"write": "write", "commit": "commit", "read": "read", "chosen operations: $op": None}
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


# ---- heatmaps


def check_heatmaps(edition, interval_s):
    for dc in DCS:
        for title, op in HEATMAPS.items():
            heat = edition.heatmap(dc, title, interval_s)
            wanted = cells(edition, dc, op, interval_s)
            at_most(3, len(wanted), f"{dc} {title}: cells of the truth")
            near(heat.cells, wanted, f"{dc} {title} each {interval_s} s")
            equal(heat.rows, sorted(heat.rows), f"{dc} {title}: rows from below")
            # Drawn as wide as the first two are apart, so in InfluxQL nothing may be left out.
            equal(heat.width_s, interval_s, f"{dc} {title}: seconds of a cell")
            span = edition.span(interval_s)
            true(not edition.influx or heat.times == list(range(span.from_s // interval_s * interval_s, span.to_s + 1,
                                                                interval_s)), f"{dc} {title}: times {heat.times}")


def test_heatmaps_of_influxql_are_the_truth_cell_by_cell_in_windows_and_zoomed_out():
    check_heatmaps(influxql(), 1)
    check_heatmaps(influxql(), 5)


def test_heatmaps_of_promql_in_victoria_metrics_are_the_truth_cell_by_cell_in_windows_and_zoomed_out():
    check_heatmaps(victoria(), 1)
    check_heatmaps(victoria(), 5)


def test_heatmaps_of_promql_in_prometheus_are_the_truth_of_four_scrapes():
    edition, scrapes = promql(), 4
    for host in fleet.HOSTS:
        # Where an agent started or was away Prometheus extrapolates; elsewhere it has a sample at each second.
        there = {second for _, _, second in edition.fleet.of("thermograf", host=host.name)}
        whole = [second for second in there if all(second - back in there for back in range(scrapes + 1))]
        at_most(3, len(whole), f"{host.name}: seconds at which it has been there for {scrapes} s")
        edition.page.choose("host", host.name)
        for title, op in HEATMAPS.items():
            heat = edition.heatmap(host.dc, title)
            wanted = cells(edition, host.dc, op, host=host.name)
            true({row for row, _ in wanted} <= set(heat.rows), f"{host.name} {title}: rows")
            got = {(row, at): heat.cells.get((row, at), 0) for row in heat.rows for at in whole}
            mean = {(row, at): sum(wanted.get((row, at - back), 0) for back in range(scrapes)) / scrapes
                    for row, at in got}
            # The zero that a series begins with is a millisecond late.
            near(got, mean, f"{host.name} {title}", part=1e-2)
    edition.page.choose("host")


def check_story(edition):
    """What one host's heatmaps show of a rest, of an agent that was away, and of a storm after it."""
    page, host, new = edition.page, "db1.east", 0
    windows = {second for _, _, second in edition.fleet.of("thermograf", host=host)}
    away = set(range(min(windows), max(windows))) - windows
    at_most(fleet.AWAY_S, len(away), "windows that are missing")
    page.choose("host", host)
    for phase in ("total", "queue", "device"):
        page.choose("phase", phase)
        for op in ("read", "write"):
            heat = edition.heatmap("east.1", op)
            busy = set(edition.fleet.heat(host=host, op=op, phase=phase))
            equal({second for _, second in heat.cells}, busy,
                  f"{op} {phase}: columns with cells: neither windows of rest nor those that are missing")
            before, after = ({row for row, second in heat.cells if (second > max(away)) == late}
                             for late in (False, True))
            new += len(after - before)
            # Its row is there from the beginning: nothing else moves when the first cell comes.
            true(after <= set(heat.rows), f"{op} {phase}: rows")
    page.choose("host")
    page.choose("phase")
    at_most(1, new, "buckets that only the storm reaches")


def test_a_rest_a_gap_and_a_new_bucket_are_what_they_are_in_influxql():
    check_story(influxql())


def test_a_rest_a_gap_and_a_new_bucket_are_what_they_are_in_promql():
    check_story(victoria())


def test_all_heatmaps_have_the_same_rows_and_colours():
    for edition in (influxql(), victoria()):
        maps = [edition.heatmap(dc, title) for dc in DCS for title in HEATMAPS]
        equal({tuple(heat.names) for heat in maps}, {tuple(maps[0].names)}, "rows of all heatmaps")
        counted = {le for buckets in edition.fleet.heat(phase="total", layer="disk").values() for le in buckets}
        true({edition.le(le) for le in counted} <= set(maps[0].rows), "a row for each bucket that counted anywhere")
        by_value = defaultdict(set)
        for heat in maps:
            for cell, value in heat.cells.items():
                by_value[round(value, 6)].add(heat.colours[cell])
        equal({value for value, colours in by_value.items() if len(colours) > 1}, set(), "values of more than one colour")


def test_the_choice_of_full_colour_changes_colours_only():
    for edition in (influxql(), victoria()):
        try:
            edition.page.choose("full", "0.1")
            near(edition.heatmap("west", "read").cells, cells(edition, "west", "read", full=0.1), "full at 10")
        finally:
            edition.page.choose("full")


CHOICES = (
    ("host", "db1.east", {"host": "db1.east"}),  # and not db1xeast
    ("host", ("db1.east", "db1xeast"), {}),
    ("device", "sdb", {"device": "sdb"}),
    ("phase", "queue", {"phase": "queue"}),
    ("phase", "device", {"phase": "device"}),
)


def check_choices(edition):
    for name, values, tags in CHOICES:
        try:
            edition.page.choose(name, *([values] if isinstance(values, str) else values))
            near(edition.heatmap("east.1", "read").cells, cells(edition, "east.1", "read", **tags), f"{name} {values}")
        finally:
            edition.page.choose(name)
    try:
        edition.page.choose("op", "commit", "writeback")
        near(edition.heatmap("west", "chosen operations: $op").cells,
             cells(edition, "west", ["commit", "writeback"]), "two operations")
    finally:
        edition.page.choose("op")
    try:
        edition.page.choose("layer", "stack")
        near(edition.heatmap("west", "read").cells, cells(edition, "west", "read", layer="stack"), "layer stack")
    finally:
        edition.page.choose("layer")


def test_choices_of_influxql_narrow_to_just_what_they_say():
    check_choices(influxql())


def test_choices_of_promql_narrow_to_just_what_they_say():
    check_choices(victoria())


# ---- variables


def check_variables(edition):
    def options(name):
        return [value for _, value in edition.page.options(edition.page.variable(name))]

    page, disks = edition.page, [d for d, layer in fleet.DISKS.items() if layer == "disk"]
    points = edition.fleet.of("block_io")
    equal(options("dc"), sorted(DCS), "data centres")
    equal(options("host"), sorted(host.name for host in fleet.HOSTS), "hosts")
    equal(options("device"), sorted(disks), "devices: of layer disk")
    equal(options("op"), sorted({tags["op"] for tags, _, _ in points}), "operations")
    equal(options("phase"), ["device", "queue", "total"], "phases")
    equal([page.chosen[name].value for name in ("dc", "host", "device", "op", "phase", "layer")],
          [[grafana.ALL]] * 4 + [["total"], ["disk"]], "chosen at first")
    equal(sorted(page.rows()), sorted([*DCS, "agents"]), "rows")
    try:
        page.choose("dc", "west")
        equal(options("host"), DCS["west"], "hosts of the data centre chosen")
        page.choose("layer", "stack")
        equal(options("device"), ["dm-7"], "devices of layer stack")
        equal(sorted(page.rows()), ["agents", "west"], "rows of the data centre chosen")
    finally:
        page.choose("dc")
        page.choose("layer")


def test_variables_of_influxql_offer_what_there_is():
    check_variables(influxql())


def test_variables_of_promql_offer_what_there_is_in_both_databases():
    check_variables(victoria())
    check_variables(promql())


# ---- throughput and quantiles


def check_throughput(edition, interval_s):
    for dc in DCS:
        rows = edition.fleet.of("block_io", dc=dc, layer="disk")
        for title, field in (("I/Os per second", "ios"), ("bytes per second", "bytes")):
            answers, what = edition.ask(dc, title, interval_s), f"{dc} {title} each {interval_s} s"
            wanted = edition.grouped(rows, lambda fields: fields[field], interval_s, key=lambda tags: tags["op"])
            got = series(answers["A"], what)
            equal(sorted(got), sorted(wanted), f"{what}: operations")
            for op, values in wanted.items():
                near(got[op], {at: value / interval_s for at, value in values.items()}, f"{what}: {op}")
            # Where no host was there, no value: the line breaks. It goes on at 0 where there was nothing to do.
            true(interval_s > 1 or any(0 in values.values() for values in got.values()), f"{what}: a rest is at 0")
            if edition.influx:
                equal({len(s.values) for s in answers["A"]}, {len(answers["A"][0].values)}, f"{what}: nulls in gaps")
        (errors,) = series(edition.ask(dc, "I/Os per second", interval_s)["B"], "errors").items()
        equal(errors[0], "errors", "name")
        (wanted,) = edition.grouped(rows, lambda fields: fields["errors"], interval_s).values()
        near(errors[1], {at: value / interval_s for at, value in wanted.items()}, f"{dc} errors")
        true(any(wanted.values()), "the truth has errors")


def test_throughput_of_influxql_is_the_truth_and_breaks_in_a_gap():
    check_throughput(influxql(), 1)
    check_throughput(influxql(), 5)


def test_throughput_of_promql_is_the_truth_and_breaks_in_a_gap():
    check_throughput(victoria(), 1)
    check_throughput(victoria(), 5)


def check_outstanding(edition, dc, title, ref):
    rows = edition.fleet.of("block_inflight", dc=dc, layer="disk")
    # Where all is done there is no point: the axis is logarithmic.
    wanted = edition.grouped(rows, lambda fields: edition.latency(fields["oldest_ms"] * 1000 or None), how=max)
    got = series(edition.ask(dc, title)[ref], dc)
    near(got.get("oldest outstanding", {}), wanted.get("", {}), f"{dc}: oldest outstanding")
    true(dc != "west" or wanted, "the truth has outstanding I/O")


def test_quantiles_of_influxql_are_those_of_the_worst_disk_in_each_window():
    edition = influxql()
    for dc in DCS:
        got = series(edition.ask(dc, "quantiles: the worst disk", 1)["A"], dc)
        rows = edition.fleet.of("block_io_latency_summary", dc=dc, layer="disk", phase="total")
        for name, field in {"p50": "p50_us", "p99": "p99_us", "p99.9": "p999_us", "max": "max_us"}.items():
            (wanted,) = edition.grouped(rows, lambda fields: fields[field], how=max).values()
            near(got.pop(name), wanted, f"{dc} {name}")
        equal(got, {}, "more series")
        check_outstanding(edition, dc, "quantiles: the worst disk", "B")


def test_quantiles_of_promql_are_in_the_right_bucket_of_all_disks_and_the_maximum_is_exact():
    edition = victoria()
    for dc in DCS:
        answers = edition.ask(dc, "quantiles: all disks together")
        got = {name: cells for ref in sorted(answers) for name, cells in series(answers[ref], dc).items()}
        buckets = edition.fleet.heat(dc=dc, layer="disk", phase="total")
        for name, q in QUANTILES.items():
            equal(sorted(got[name]), sorted(buckets), f"{dc} {name}: windows")
            for second, value in got[name].items():
                bound = wire.quantile_bound(buckets[second], q)
                at_most(0 if bound <= 1 else bound / 2e6 - 1e-9, value, f"{dc} {name} at {second}")
                at_most(value, bound / 1e6 + 1e-9, f"{dc} {name} at {second}")
        rows = edition.fleet.of("block_io_latency_summary", dc=dc, layer="disk", phase="total")
        (wanted,) = edition.grouped(rows, lambda fields: fields["max_us"] / 1e6, how=max).values()
        near(got["max"], wanted, f"{dc} max")
        check_outstanding(edition, dc, "quantiles: all disks together", "E")


def check_slowest(edition):
    value = "slowest" if edition.influx else "Value"
    for dc in DCS:
        rows = edition.ask(dc, "the slowest I/O, by disk")["A"]
        slowest = defaultdict(int)
        for tags, fields, _ in edition.fleet.of("block_io_latency_summary", dc=dc, layer="disk", phase="total"):
            key = tags["host"], tags["device"], tags["op"]
            slowest[key] = max(slowest[key], fields["max_us"])
        got = {(row["host"], row["device"], row["op"]): row[value] for row in rows}
        equal(len(got), len(rows), f"{dc}: disks, each once")
        # Among equals at the end either may be there.
        near(dict(enumerate(sorted(got.values()))),
             dict(enumerate(map(edition.latency, sorted(slowest.values())[-10:]))), f"{dc}: ten slowest")
        near(got, {key: edition.latency(slowest[key]) for key in got}, f"{dc}: slowest of each disk")


def test_the_tables_name_the_ten_disks_with_the_slowest_io():
    check_slowest(influxql())
    check_slowest(victoria())
    check_slowest(promql())


# ---- agents


def check_agents(edition, interval_s):
    made, group = edition.fleet, edition.grouped
    agents = [row for row in made.of("thermograf") if "output" not in row[0]]
    outputs = [row for row in made.of("thermograf") if "output" in row[0]]

    def each(rows, key, value, how=max):
        """[(tags, value, cell)] of each host or output, then summed by data centre."""
        found = group(rows, value, interval_s, how, key=lambda tags: tuple(tags.get(name) for name in key))
        sums = defaultdict(lambda: defaultdict(int))
        for (dc, *_), values in found.items():
            for at, one in values.items():
                sums[dc][at] += one
        return sums

    def compare(title, ref, name, wanted):
        got = series(edition.ask("agents", title, interval_s)[ref], title)
        for dc in DCS:
            near(got[name.format(dc)], wanted[dc], f"{title} of {dc} each {interval_s} s")
        return got

    there = each(agents, ("dc", "host"), lambda fields: 1)
    # 0 where all are away: everywhere in InfluxQL, since the first window in PromQL.
    for dc, values in there.items():
        span = edition.span(interval_s)
        first = (span.from_s // interval_s * interval_s) if edition.influx else min(values)
        for at in range(first, span.to_s + 1, interval_s):
            values.setdefault(at, 0)
    got = compare("agents that reported", "A", "{}", there)
    if interval_s == 1:
        equal(sorted(set(got["east.1"].values())), [0, 1, 2], "agents of the first data centre")
    failing = each(outputs, ("dc", "host", "output"), lambda fields: fields["failing"])
    compare("failing: outputs, probes", "A", "outputs of {}", failing)
    compare("failing: outputs, probes", "B", "probes of {}",
            each(agents, ("dc", "host"), lambda fields: fields["probes_failed"]))
    true(any(failing["west"].values()) and not any(failing["east.1"].values()), "the truth has outputs that fail")
    probes = made.of("thermograf_probe")
    for ref, name, field in (("B", "events of {}", "drops"), ("C", "missed by the kernel, {}", "missed")):
        compare("lost: lines, events", ref, name, each(probes, ("dc",), lambda fields: fields[field], sum))
    lost = series(edition.ask("agents", "lost: lines, events", interval_s)["A"], "lines")
    for dc, hosts in DCS.items():
        ails = sum(host.ails for host in fleet.HOSTS if host.name in hosts)
        n_outputs = len({tags["output"] for tags, _, _ in outputs})
        equal(sum(lost[f"lines of {dc}"].values()), ails * n_outputs * fleet.AILS["lines_dropped_total"],
              f"lines lost of {dc} each {interval_s} s: {lost}")


def test_the_row_of_agents_in_influxql_tells_who_was_away_fails_and_lost_what():
    check_agents(influxql(), 1)
    check_agents(influxql(), 5)


def test_the_row_of_agents_in_promql_tells_who_was_away_fails_and_lost_what():
    check_agents(victoria(), 1)
    check_agents(victoria(), 5)


def test_the_time_covered_is_that_of_all_windows_of_a_host():
    for edition in (influxql(), victoria()):
        rows = edition.ask("agents", "time covered by windows")["A"]
        span = edition.span()
        wanted = defaultdict(float)
        for tags, fields, _ in edition.fleet.of("thermograf"):
            if "output" not in tags:
                wanted[tags["dc"], tags["host"]] += fields["window_us"] / 1e6 / (span.to_s - span.from_s) * 100
        value = "covered" if edition.influx else "Value"
        near({(row["dc"], row["host"]): row[value] for row in rows}, wanted, "per cent by host")


def test_the_table_of_what_was_seen_has_each_disk_by_diskstats():
    for edition in (influxql(), victoria()):
        rows = edition.ask("agents", "I/O seen, of what /proc/diskstats counts")["A"]
        sums = defaultdict(lambda: [0, 0])
        for tags, fields, _ in edition.fleet.of("thermograf_coverage"):
            for place, field in enumerate(("counted", "reference")):
                sums[tags["dc"], tags["host"], tags["device"]][place] += fields[field]
        at_most(2 * len(fleet.HOSTS), len(sums), "disks of the truth")
        value = "seen" if edition.influx else "Value"
        near({(row["dc"], row["host"], row["device"]): row[value] for row in rows},
             {key: 100 * counted / reference for key, (counted, reference) in sums.items()}, "per cent by disk")


# ---- the files


def test_every_query_of_every_panel_was_asked():
    for edition, name in ((influxql(), NAMES[0]), (victoria(), NAMES[1])):
        if not edition.asked:
            raise Skip("only with the tests before it")
        all_queries = {(panel["id"], target["refId"]) for panel in edition.page.model["panels"]
                       for target in panel.get("targets", ())}
        equal(all_queries - edition.asked, set(), f"{name}: queries that no test asked")
    # Not all of them are exact there; all of them must be understood, and answer something for one data centre.
    edition, answered = promql(), set()
    for row, (_, panels) in edition.page.rows().items():
        for panel in panels:
            found = edition.page.ask(row, panel["title"], edition.span())
            answered |= {(panel["id"], ref) for ref, answer in found.items() if answer}
    equal(all_queries - answered, set(), "queries that Prometheus does not answer")


def same_but(value, keys):
    """Without what may differ between the editions."""
    if isinstance(value, dict):
        return {key: same_but(one, keys) for key, one in value.items() if key not in keys}
    return [same_but(one, keys) for one in value] if isinstance(value, list) else value


def test_both_editions_are_one_page():
    pages = [json.loads((grafana.FOLDER / "dashboards" / f"{name}.json").read_text()) for name in NAMES]
    keys = {"targets", "datasource", "unit", "query", "title", "description", "uid", "transformations", "overrides",
            "sortBy"}
    panels = [[same_but(panel, keys) for panel in page["panels"]] for page in pages]
    for one, other in zip(*panels):
        equal(one, other, "a panel of both editions")
    equal(*map(len, panels), "panels")
    titles = [[panel["title"] for panel in page["panels"] if "quantiles" not in panel["title"]] for page in pages]
    equal(*titles, "titles")
    names = [[same_but(v, keys) for v in page["templating"]["list"] if v["name"] != "window"] for page in pages]
    equal(*names, "variables")
    for page in pages:
        ids = [panel["id"] for panel in page["panels"]]
        equal(len(set(ids)), len(ids), "numbers of panels")
        for panel in page["panels"]:
            for target in panel.get("targets", ()):
                equal(target["datasource"], panel["datasource"], f"data source of {panel['title']}")


def test_both_editions_are_what_grafanas_schema_says():
    grafanaschema.check([grafana.FOLDER / "dashboards" / f"{name}.json" for name in NAMES])


if __name__ == "__main__":
    with STACK:
        main(globals(), once="queries and JSON; the lines are those of test_styles")
