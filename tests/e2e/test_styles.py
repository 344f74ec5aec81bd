#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each histogram style in the receiver that it is made for, queried as a dashboard does.

The truth is what another output of the same agent wrote to a file, as fine as the kernel counted it.
"""

import math
import re
import time
import urllib.request
from collections import defaultdict

import agent
import lab
import prometheus
import store
import telegraf
import wire
from tap import Skip, at_most, equal, main, true

NS = store.NS
QUANTILES = (0.5, 0.99)


def where(device, op, more=""):
    return f"\"device\" = '{device}' AND \"op\" = '{op}'{more}"


def span(windows):
    """The time of these windows, for InfluxQL."""
    return f" AND time >= {min(windows)} AND time < {max(windows) + NS}"


def need(words, what):
    """Skip while the probe has no such thing to tell."""
    if words not in (agent.BUILD / "probes" / "block_io.ini").read_text():
        raise Skip(f"the probe block_io has no {what}")


# ---- influx


def test_the_influxql_heatmap_of_style_influx_is_the_truth_window_by_window():
    with wire.influxdb() as db, wire.Wire({"db": f"urls = {db.url}"}) as run:
        run.work()
        run.end()
        for (device, op), windows in run.truth().items():
            found = db.query(f'SELECT sum("count") FROM "block_io_latency" WHERE {where(device, op, span(windows))} '
                             'GROUP BY time(1s), "le" fill(0)')
            got = {(stamp, float(tags["le"])): count for tags, _, rows in found for stamp, count in rows if count}
            wanted = {(stamp, bound): count for stamp, fine in windows.items()
                      for bound, count in wire.octaves(fine).items()}
            equal(got, wanted, f"{device} {op}: counts by second and le")


def test_padded_bounds_come_from_influxdb_in_their_order():
    with wire.influxdb() as db, wire.Wire({"db": f"urls = {db.url}\nle_padded = yes"}) as run:
        run.work()
        run.end()
        found = db.query('SELECT sum("count") FROM "block_io_latency" GROUP BY "le"')
        texts = [tags["le"] for tags, _, _ in found if tags["le"] != "+Inf"]
        at_most(4, len(texts), "bounds")
        equal([int(text) for text in texts], sorted(int(text) for text in texts), "order of le as the database has it")
        equal({len(text) for text in texts}, {len(str(1 << 30))}, "lengths of le")


def test_summaries_of_style_influx_hold_quantiles_and_the_maximum_of_each_window():
    need("max.latency", "maximum")
    with wire.influxdb() as db, wire.Wire({"db": f"urls = {db.url}"}) as run:
        run.work()
        run.end()
        kinds = dict(row for _, _, rows in db.query('SHOW FIELD KEYS FROM "block_io_latency_summary"') for row in rows)
        equal(kinds, {"count": "integer", "max_us": "integer", "p50_us": "float", "p90_us": "float", "p99_us": "float",
                      "p999_us": "float", "sum_us": "integer"}, "fields of a summary")
        for (device, op), windows in run.truth().items():
            found = db.query(f'SELECT "count", "max_us", "p50_us", "p99_us" FROM "block_io_latency_summary" '
                             f"WHERE {where(device, op)}")
            rows = {stamp: values for _, _, rows in found for stamp, *values in rows}
            equal(set(rows), set(windows), f"{device} {op}: windows with a summary")
            for stamp, (count, most, *quantiles) in rows.items():
                fine, what = windows[stamp], f"{device} {op} {stamp}"
                equal(count, sum(fine.values()), f"{what}: count")
                at_most(wire.lower(max(fine)) + 1, most, f"{what}: lowest value of the top bucket, and the maximum")
                at_most(most, max(fine), f"{what}: the maximum, and the top bucket's bound")
                for q, value in zip(QUANTILES, quantiles):
                    bound = wire.quantile_bound(fine, q)
                    at_most(wire.lower(bound), value, f"{what}: quantile {q} in the bucket up to {bound} of {fine}")
                    at_most(value, min(bound, most), f"{what}: quantile {q} in the bucket up to {bound} of {fine}")


# ---- fields


def test_the_sum_of_all_le_fields_of_style_fields_is_the_truth():
    with wire.influxdb() as db, wire.Wire({"db": f"urls = {db.url}\nstyle = fields"}) as run:
        run.work()
        run.end()
        for (device, op), windows in run.truth().items():
            ((_, columns, (row,)),) = db.query(f'SELECT sum(/^le_/) FROM "block_io_latency" WHERE {where(device, op)}')
            got = {column[len("sum_le_"):]: count for column, count in zip(columns[1:], row[1:])}
            true("inf" in got, f"{device} {op}: le_inf is always there; {got}")
            got = {float(bound): count for bound, count in got.items() if count}
            equal(got, wire.octaves(wire.total(windows)), f"{device} {op}: counts by le")
            found = db.query(f'SELECT sum("count") FROM "block_io_latency" WHERE {where(device, op)}')
            ((_, _, ((_, count),)),) = found
            equal(count, sum(wire.total(windows).values()), f"{device} {op}: count")
        equal(db.query('SHOW SERIES FROM "block_io_latency_summary"'), [], "summaries beside style fields")


# ---- prometheus


def rows_of(run, measurement, field):
    """{(device, op): sum over all windows} of one field in the truth."""
    sums = defaultdict(int)
    for name, tags, fields, _ in run.points():
        if name == measurement and tags["device"] in run.names:
            sums[tags["device"], tags["op"]] += fields[field]
    return sums


def by_row(found):
    return {(labels["device"], labels["op"]): value for labels, value in found}


TAIL_IOS = 20


def check_quantiles(ask, device, op, fine, range_text, octaves=0):
    """
    histogram_quantile() must lie in the octave where the truth is, or so many beside it; `fine` is in microseconds. Who is
    allowed octaves stretches each bucket by itself, so that one I/O more or less in the tail moves what has few above it.
    """
    for q in QUANTILES:
        if octaves and (1 - q) * sum(fine.values()) < TAIL_IOS:
            continue
        found = ask(f'histogram_quantile({q}, sum by (le) (increase(block_io_latency_seconds_bucket{{device="{device}",'
                    f'op="{op}",phase="total"}}[{range_text}])))')
        ((_, seconds),) = found
        bound = wire.octave(wire.quantile_bound(fine, q))
        # 1 ns: bounds are decimals, the answer is made of binary fractions.
        beside = 2 ** octaves
        least = 0 if bound <= beside else bound / 2 / beside
        at_most(least / 1e6 - 1e-9, seconds, f"{device} {op}: quantile {q} of {fine}")
        at_most(seconds, bound * beside / 1e6 + 1e-9, f"{device} {op}: quantile {q} of {fine}")


def victoria_says(db, end_s):
    """What a dashboard asks: buckets, counts and throughput of the last hour."""
    db._get("/internal/force_flush")
    names = ("block_io_latency_seconds_bucket", "block_io_latency_seconds_count", "block_io_latency_seconds_sum",
             "block_io_ios_total", "block_io_bytes_total")
    return {name: sorted((sorted(labels.items()), value)
                         for labels, value in prometheus.query(db, f"increase({name}[1h])", end_s)) for name in names}


def test_increase_and_histogram_quantile_of_style_prometheus_in_victoria_metrics_are_the_truth():
    with wire.victoria_metrics() as db, wire.Wire({"db": f"urls = {db.url}\nstyle = prometheus",
                                                   "copy": wire.Wire.as_file("copy", "style = prometheus")}) as run:
        run.work()
        run.end()
        end_s = run.points()[-1][3] / NS + 1
        db._get("/internal/force_flush")

        def ask(text):
            return prometheus.query(db, text, end_s)

        truth = {row: wire.total(windows) for row, windows in run.truth().items()}
        counts = by_row(ask('sum by (device, op) (increase(block_io_latency_seconds_count{phase="total"}[1h]))'))
        for (device, op), fine in truth.items():
            equal(counts[device, op], sum(fine.values()), f"{device} {op}: increase of the count")
            found = ask(f'sum by (le) (increase(block_io_latency_seconds_bucket{{device="{device}",op="{op}",'
                        'phase="total"}[1h]))')
            buckets = {float(labels["le"]): value for labels, value in found}
            # 0.5: bounds in seconds are no exact microseconds.
            wanted = {bound: sum(n for other, n in fine.items() if other <= bound * 1e6 + 0.5) for bound in buckets}
            equal(len(buckets), 32, f"{device} {op}: bounds from 1 us to 2^30 us, and +Inf")
            equal(buckets, wanted, f"{device} {op}: increase by le")
            check_quantiles(ask, device, op, fine, "1h")
        for field in ("ios", "bytes"):
            got = by_row(ask(f"sum by (device, op) (increase(block_io_{field}_total[1h]))"))
            wanted = rows_of(run, "block_io", field)
            equal({row: got[row] for row in wanted}, wanted, f"increase of {field}")

        before = victoria_says(db, end_s)
        body = (run.folder / "copy").read_bytes()
        for _ in range(2):
            request = urllib.request.Request(f"{db.url}/write?db=telegraf&precision=ns", body)
            equal(urllib.request.urlopen(request, timeout=20).status, 204, "answer to a repeated delivery")
        equal(victoria_says(db, end_s), before, "after every window was delivered twice more")


def test_every_series_of_style_prometheus_begins_with_zero_at_the_start_of_its_first_window():
    with wire.victoria_metrics() as db, wire.Wire({"db": f"urls = {db.url}\nstyle = prometheus"}) as run:
        run.work()
        run.end()
        for name, field in (("block_io_latency_seconds", "bucket"), ("block_io_latency_seconds", "count"),
                            ("block_io_latency_seconds", "sum"), ("block_io", "ios_total")):
            series = defaultdict(list)
            for tags, stamp, value in db.samples(name, field):
                if tags["device"] in run.names:
                    series[tuple(sorted(tags.items()))].append((stamp, value))
            at_most(1, len(series), f"series of {name}_{field}")
            for tags, samples in series.items():
                samples.sort()
                what = f"{name}_{field} {dict(tags)}"
                equal(samples[0][1], 0, f"{what}: first value")
                first, *gaps = [(b[0] - a[0]) // 1_000_000 for a, b in zip(samples, samples[1:])]
                # A millisecond into the window keeps it apart from a sample that bears the window's start itself.
                true(first in (999, 1000), f"{what}: {first} ms between the zero and the end of the window")
                equal(gaps, [1000] * len(gaps), f"{what}: milliseconds between the samples")
                true(all(a[1] <= b[1] for a, b in zip(samples, samples[1:])), f"{what}: goes down: {samples}")


def test_a_restart_within_one_window_is_no_loss_and_no_gain_in_victoria_metrics():
    # A window long enough that the agent is there again before it ends: the last window of the one run bears the stamp
    # at which the first of the next begins.
    interval_s, style = 4, "style = prometheus"
    with wire.victoria_metrics() as db, wire.Wire({"db": f"urls = {db.url}\n{style}"}, interval="4s") as run:
        run.work(5)
        lab.wait_for(lambda: 0.1 < time.time() % interval_s < 0.5, 20, "the beginning of a window")
        run.restart()
        run.work(5, seed=9)
        run.end()
        stamps = sorted({point[3] for point in run.points()})
        equal({b - a for a, b in zip(stamps, stamps[1:])}, {interval_s * NS}, "nanoseconds between windows")
        db._get("/internal/force_flush")
        end_s = stamps[-1] / NS + 1
        got = by_row(prometheus.query(db, "sum by (device, op) (increase(block_io_ios_total[1h]))", end_s))
        wanted = rows_of(run, "block_io", "ios")
        equal({row: got[row] for row in wanted}, wanted, "increase of ios over both runs")
        # Which of two samples with one stamp comes first is left to chance there; as it is there, in milliseconds.
        for field in ("ios_total", "bytes_total"):
            for tags, (first, *rest) in stamps_of(db, "block_io", field).items():
                for stamp in rest:
                    true(stamp > first, f"{field} {dict(tags)}: two samples at {stamp}")
                    first = stamp


def stamps_of(db, measurement, field):
    """{series: sorted times in nanoseconds} as the database has them."""
    found = defaultdict(list)
    for tags, stamp, _ in db.samples(measurement, field):
        found[tuple(sorted(tags.items()))].append(stamp)
    return {series: sorted(stamps) for series, stamps in found.items()}


# What a Telegraf in front of Prometheus needs:
#   metric_version = 2        with 1, its default, a window that comes late (after an outage the newest goes first)
#                             takes every counter back, and Prometheus sees a reset
#   expiration_interval       a few windows: what is no longer sent stays that long, and is 60 s else: the last maximum
#                             and quantiles of a disk that idles, and the series of one that is gone
#   export_timestamp = false  its default: the time is that of the scrape
# What is lost on this way: our stamps; windows between two scrapes; and the first window of a series, because only the
# last of its zero point and its first count, which come in one body, is there to be scraped.
SCRAPED = """[[inputs.influxdb_listener]]
service_address = "127.0.0.1:{port}"
[[outputs.prometheus_client]]
listen = "127.0.0.1:{second_port}"
metric_version = 2
expiration_interval = "3s"
collectors_exclude = ["gocollector", "process"]
"""


def test_style_prometheus_behind_telegraf_answers_the_same_to_a_prometheus_that_scrapes():
    with telegraf.Telegraf(SCRAPED) as relay, prometheus.Prometheus(f"127.0.0.1:{relay.second_port}") as db:
        with wire.Wire({"relay": f"urls = {relay.url}\nstyle = prometheus"}) as run:

            def settled():
                """A moment at which all that was counted has been scraped."""
                time.sleep(4)
                return time.time()

            run.work(3)  # the first window of every series, which does not count here
            begin_s = settled()
            run.work(10, seed=5)
            end_s = settled()
            run.end()
            counts = {at: by_row(db.query('block_io_latency_seconds_count{phase="total"}', at))
                      for at in (begin_s, end_s)}
            checked = 0
            for (device, op), windows in run.truth().items():
                fine = wire.total({stamp: buckets for stamp, buckets in windows.items() if stamp > begin_s * NS})
                if not fine:
                    continue
                equal(counts[end_s][device, op] - counts[begin_s].get((device, op), 0), sum(fine.values()),
                      f"{device} {op}: count")
                # Prometheus stretches each bucket's increase to the whole range, as far as its own first value allows:
                # with few counts that moves a rank over a bound. VictoriaMetrics does not.
                check_quantiles(lambda text: db.query(text, end_s), device, op, fine, f"{int(end_s - begin_s)}s", 1)
                checked += 1
            at_most(3, checked, "operations with counts in the time that was scraped")
            equal(relay.complaints(), [], "errors and warnings of Telegraf")


def scraped(relay, name, device):
    """{op: value} as a scrape would have it at this moment; nothing while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{relay.second_port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    lines = [line for line in text.splitlines() if line.startswith(name + "{") and f'device="{device}"' in line]
    return {re.search(r'op="(\w+)"', line)[1]: float(line.split()[-1]) for line in lines}


def test_windows_that_come_late_take_no_counter_back_in_a_telegraf_that_is_scraped():
    with telegraf.Telegraf(SCRAPED) as relay, wire.Wire({"relay": f"urls = {relay.url}\nstyle = prometheus"}) as run:
        (device,) = run.names
        with lab.heavy(run.devices):
            lab.wait_for(lambda: scraped(relay, "block_io_ios_total", device), 20, "something to scrape")
            relay.stop()
            time.sleep(4)
            relay.start()
            seen, end = {}, time.monotonic() + 40
            while time.monotonic() < end and not (len(seen) >= 3 and waiting(run)[-1] == 0):
                found = scraped(relay, "block_io_ios_total", device)
                for op, value in found.items():
                    at_most(seen.get(op, 0), value, f"ios_total of {op} in one scrape and the next")
                seen.update(found)
                time.sleep(0.02)
        at_most(3, len(seen), f"operations; the agent says:\n{run.agent.messages()[-2000:]}")
        at_most(2, max(waiting(run)), "windows that waited")


def waiting(run):
    """How many windows waited for the output `relay`, by window."""
    return [fields["batches_queued"] for name, tags, fields, _ in run.points()
            if name == "thermograf" and tags.get("output") == "relay"]


# ---- bcc2telegraf

FLOOR = {str(2**i - 1) for i in range(1, 31)}
OURS = FLOOR | {"0", "+Inf"}


def bcc_lines(disk, stamps_s, cumulative=False):
    """Lines as that script makes them of a bcc table: no slot 0, floats without a point, seconds."""
    for stamp in stamps_s:
        seen = 0
        for i in range(1, 31):
            count = (stamp + i) % 5
            seen += count
            if count:
                yield (f"ebpf,metric=biolatency,host=old.example.com,dc=lab,tag1={disk},cloud=Nine,hi={2**i - 1} "
                       f"value={seen if cumulative else count} {stamp}")


def write(db, lines):
    body = "\n".join(lines).encode()
    request = urllib.request.Request(f"{db.url}/write?db=telegraf&precision=s", body)
    equal(urllib.request.urlopen(request, timeout=20).status, 204, "answer to the older stream")


def dashboard(db, windows_ns):
    """{tag1: {hi: {time_ns: sum}}} as a panel made for bcc2telegraf asks."""
    found = db.query('SELECT sum("value") FROM "ebpf" WHERE "metric" = \'biolatency\''
                     f'{span(windows_ns)} GROUP BY time(1s), "hi", "tag1" fill(0)')
    panels = defaultdict(dict)
    for tags, _, rows in found:
        panels[tags["tag1"]][tags["hi"]] = {stamp: value for stamp, value in rows if value}
    return panels


def hi(bound):
    """The text of a bucket whose upper bound in whole microseconds is this, floor convention."""
    return "+Inf" if bound == math.inf else str(int(bound) - 1)


def beside_bcc2telegraf(cumulative, probe="alias = biolatency"):
    settings = f"style = bcc2telegraf\ncumulative_hist = {'yes' if cumulative else 'no'}"
    with wire.influxdb() as db, wire.Wire({"db": f"urls = {db.url}\n{settings}"}, probe=probe) as run:
        run.work()
        run.end()
        stamps = sorted({point[3] for point in run.points()})
        older = list(bcc_lines("dm-14", [stamp // NS for stamp in stamps], cumulative))
        write(db, older)
        panels = dashboard(db, stamps)
        equal({key: kind for _, _, rows in db.query('SHOW FIELD KEYS FROM "ebpf"') for key, kind in rows},
              {"value": "float"}, "fields of ebpf")
        equal(set(panels["dm-14"]), FLOOR, "hi of the older stream")
        for device in run.names:
            true(set(panels[device]) <= OURS, f"hi that no older dashboard knows: {set(panels[device]) - OURS}")
            at_most(4, len(set(panels[device]) & FLOOR), "hi that both have")
            equal({text: cells for text, cells in panels[device].items() if cells},
                  wanted_panel(run, device, cumulative), f"{device}: counts by hi and second")
        # What is no histogram is beside it, as in style influx.
        wanted = wire.as_map(point for point in run.points() if point[0] == "block_io")
        got = {key: fields for key, fields in wire.stored(db).items() if key[0] == "block_io"}
        wire.same(got, wanted, "throughput")


def wanted_panel(run, device, cumulative):
    """{hi: {time_ns: count}} of the truth, all operations of the device together."""
    cells = defaultdict(lambda: defaultdict(int))
    bounds = [float(1 << k) for k in range(31)] + [math.inf]
    for (name, _), windows in run.truth().items():
        for stamp, fine in windows.items() if name == device else ():
            merged = wire.octaves(fine)
            for bound in bounds if cumulative else merged:
                count = sum(n for other, n in merged.items() if other <= bound) if cumulative else merged[bound]
                if count:
                    cells[hi(bound)][stamp] += count
    return {text: dict(windows) for text, windows in cells.items()}


def test_style_bcc2telegraf_stands_beside_the_older_stream_in_its_dashboard():
    beside_bcc2telegraf(cumulative=False)


def test_style_bcc2telegraf_cumulative_stands_beside_the_older_stream_in_its_dashboard():
    beside_bcc2telegraf(cumulative=True)


def test_phases_beside_total_do_not_count_an_io_twice_in_a_dashboard_that_knows_none():
    need("latency.queue", "phases")
    beside_bcc2telegraf(cumulative=False, probe="alias = biolatency\nconst.phases = total queue device")


if __name__ == "__main__":
    main(globals(), once="the street is in the unit tests, too; receivers do the rest")
