#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Through a real Telegraf: the points that arrive are those that another output of the same agent wrote to a file."""

import time

import agent
import lab
import telegraf
import wire
from tap import Failure, equal, main, true

TOKEN = "not-a-secret"

V1 = '[[inputs.influxdb_listener]]\nservice_address = "127.0.0.1:{port}"\n'
V2 = f'[[inputs.influxdb_v2_listener]]\nservice_address = "127.0.0.1:{{port}}"\ntoken = "{TOKEN}"\n'
HTTP = '[[inputs.http_listener_v2]]\nservice_address = "tcp://127.0.0.1:{port}"\ndata_format = "influx"\n'
SOCKET = '[[inputs.http_listener_v2]]\nservice_address = "unix://{folder}/telegraf.sock"\ndata_format = "influx"\n'

# What it tells about each output is counted while it is written, so that each output has its own.
MEASUREMENTS = {"block_io", "block_io_latency", "block_io_latency_summary", "thermograf", "thermograf_coverage",
                "thermograf_probe"}


def into(db):
    return f'[[outputs.influxdb]]\nurls = ["{db.url}"]\ndatabase = "telegraf"\n'


def but_outputs(points):
    return wire.as_map(point for point in points if not wire.of_one_output(point))


def in_influxdb(db):
    return {key: fields for key, fields in wire.stored(db).items() if not wire.of_one_output((key[0], dict(key[1])))}


def check(got, wanted, what):
    """The same points, and of every kind."""
    equal({key[0] for key in wanted}, MEASUREMENTS, "measurements in the agent's own file")
    wire.same(got, wanted, what)


def relayed(plugins, settings, **more):
    """Agent to Telegraf to a file and to InfluxDB, and to a file of its own: all the same."""
    with wire.influxdb() as db, telegraf.Telegraf(plugins + into(db)) as relay:
        settings = settings.format(url=relay.url, folder=relay.folder)
        with wire.Wire({"relay": settings}, truth="style = influx", **more) as run:
            run.work()
            run.end()
            relay.stop()
            wanted = but_outputs(run.points())
            check(but_outputs(relay.points()), wanted, "in Telegraf's file")
            check(in_influxdb(db), wanted, "in InfluxDB behind Telegraf")
            equal(relay.complaints(), [], "errors and warnings of Telegraf")


def test_influxdb_listener_keeps_every_point_as_it_was():
    relayed(V1, "type = influx1\nurls = {url}")


def test_influxdb_listener_takes_bodies_that_are_not_compressed():
    relayed(V1, "type = influx1\nurls = {url}\ncontent_encoding = identity")


def test_influxdb_v2_listener_with_a_token_keeps_every_point_as_it_was():
    relayed(V2, f"type = influx2\nurls = {{url}}\ntoken = {TOKEN}\nbucket = telegraf")


def test_http_listener_v2_keeps_every_point_as_it_was():
    relayed(HTTP, "type = http\nurls = {url}/telegraf")


def test_http_listener_v2_on_a_unix_socket_keeps_every_point_as_it_was():
    relayed(SOCKET, "type = http\nurls = unix://{folder}/telegraf.sock:/telegraf")


EXECD = """[[inputs.execd]]
command = ["{program}", "run", "--config", "{config}"]
signal = "none"
restart_delay = "1h"
data_format = "influx"
"""


class InTelegraf:
    """In place of agent.Agent: started by Telegraf as its plugin, and ended with it."""

    def __init__(self, text, plugins):
        self.held = agent.Agent(text)
        self.config = self.held.config
        self.relay = telegraf.Telegraf(EXECD.format(program=agent.program(), config=self.held.config) + plugins)

    def __enter__(self):
        self.relay.start()
        return self

    def __exit__(self, *_):
        self.relay.close()
        self.held.temporary.cleanup()

    def messages(self):
        return self.relay.messages()

    def check_alive(self):
        if self.relay.process.poll() is not None or "terminated" in self.messages():
            raise Failure(f"the agent in Telegraf ended:\n{self.messages()[-4000:]}")

    def stop(self):
        self.relay.stop()


class WireInTelegraf(wire.Wire):
    def __init__(self, plugins, *args, **more):
        super().__init__(*args, **more)
        self.plugins = plugins

    def _agent(self, text):
        return InTelegraf(text, self.plugins)


def test_execd_reads_every_point_from_standard_output_the_window_that_its_end_cuts_too():
    with wire.influxdb() as db, WireInTelegraf(into(db), {"stdout": "type = stdout"}, truth="style = influx") as run:
        run.work()
        run.end()  # Telegraf gives its plugin 5 s before it sends SIGTERM, and reads on
        wanted = but_outputs(run.points())
        check(but_outputs(run.agent.relay.points()), wanted, "in Telegraf's file")
        check(in_influxdb(db), wanted, "in InfluxDB behind Telegraf")


def verdicts(run):
    """The newest line on the output `relay`."""
    lines = [fields for name, tags, fields, _ in run.points() if name == "thermograf" and tags.get("output") == "relay"]
    return lines[-1]


def test_connections_that_telegraf_closes_while_they_idle_cost_no_second_try():
    # Its read_timeout is also how long an idle connection lives (10 s by default): here both ends meet every second.
    with telegraf.Telegraf(V1 + 'read_timeout = "1s"\n') as relay:
        with wire.Wire({"relay": f"type = influx1\nurls = {relay.url}"}, truth="style = influx") as run:
            run.work(1)
            time.sleep(6)
            run.end()
            relay.stop()
            equal(verdicts(run)["verdict_retry_total"], 0,
                  f"second tries; the agent says:\n{run.agent.messages()[-2000:]}")
            true(verdicts(run)["verdict_sent_total"] >= 6, "windows sent in 8 s")
            check(but_outputs(relay.points()), but_outputs(run.points()), "in Telegraf's file")


def test_windows_cut_while_telegraf_is_away_arrive_with_their_stamps():
    with telegraf.Telegraf(V1) as relay:
        with wire.Wire({"relay": f"type = influx1\nurls = {relay.url}"}, truth="style = influx") as run:
            relay.stop()
            run.work()
            relay.start()
            until = time.time_ns()
            lab.wait_for(lambda: but_outputs(run.points()).keys() <= but_outputs(relay.points()).keys()
                         and max(point[3] for point in relay.points()) > until, 60,
                         f"all windows in Telegraf; the agent says:\n{run.agent.messages()[-2000:]}", 0.5)
            run.end()
            relay.stop()
            check(but_outputs(relay.points()), but_outputs(run.points()), "in Telegraf's file")


def test_a_token_that_telegraf_refuses_is_told_and_nothing_is_lost_once_it_is_right():
    with telegraf.Telegraf(V2.replace(TOKEN, "another")) as relay:
        settings = f"type = influx2\nurls = {relay.url}\ntoken = {TOKEN}"
        with wire.Wire({"relay": settings}, truth="style = influx") as run:
            run.work()
            equal(relay.points(), [], "points that came with a wrong token")
            told = [line for line in run.agent.messages().splitlines() if "401" in line]
            equal(len(told), 1, f"lines on the refusal in:\n{run.agent.messages()}")
            true(TOKEN not in run.agent.messages(), "the token is in the log")
            relay.stop()
            relay.plugins = V2
            relay.start()
            lab.wait_for(lambda: relay.points() and verdicts(run)["batches_queued"] == 0, 60,
                         f"all points; the agent says:\n{run.agent.messages()[-2000:]}", 0.5)
            run.end()
            relay.stop()
            check(but_outputs(relay.points()), but_outputs(run.points()), "in Telegraf's file")


def settled(run):
    """The newest window at whose cut nothing waited: what was cut before it is at the receiver. None: there is none."""
    stamps = [stamp for name, tags, fields, stamp in run.points()
              if name == "thermograf" and tags.get("output") == "relay" and not fields["batches_queued"]]
    return stamps[-1] if stamps else None


def test_a_body_that_telegraf_calls_too_large_arrives_in_halves():
    # 413 for more metrics in one body than this, 429 for more than is left of it until the next flush.
    # A window without I/O has fewer, also where the devices of other tests are told; one of four busy devices, in fine
    # buckets, has more. Each 429 costs a wait of up to 2 s, and then the newest window goes first: 3 s leave room for those
    # that wait.
    with telegraf.Telegraf(V2 + "max_undelivered_metrics = 200\n") as relay:
        fine = "buckets_per_octave = 4"
        settings = f"type = influx2\nurls = {relay.url}\ntoken = {TOKEN}\n{fine}"
        with wire.Wire({"relay": settings}, truth=fine, devices=4, interval="3s") as run:
            run.work()
            worked = run.points()[-1][3]
            lab.wait_for(lambda: (settled(run) or 0) > worked, 120, "a window at whose cut nothing waited", 0.5)
            until = settled(run)
            run.end()
            relay.stop()
            true(verdicts(run)["verdict_split_total"] > 0, f"bodies split; {verdicts(run)}")
            got, wanted = (but_outputs(point for point in points if point[3] < until) for points in (relay.points(), run.points()))
            check(got, wanted, "in Telegraf's file")


if __name__ == "__main__":
    main(globals(), once="Telegraf does most of it; pushing is in test_delivery")
