#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files of conf/telegraf in a real Telegraf, as they are but for addresses and certificates, and the configurations that texts show for it."""

import functools
import re
import subprocess
import tempfile
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import agent
import lab
import ledger
import manual
import telegraf
import wire
from authority import Authority
from tap import Failure, at_most, equal, main, true

FOLDER = lab.ROOT / "conf" / "telegraf"

ENVIRONMENT = {"GATEWAY_TOKEN": "not-a-secret", "INFLUXDB_TOKEN": "not-a-secret-either"}

CONFIG = """[agent]
interval = 200ms
probe_dirs = {empty}
[global_tags]
dc = lab
[output.truth]
type = file
path = {folder}/truth
[output.gateway]
type = influx2
urls = {url}
token = {token}
tls_ca = {ca}
{more}
"""


@functools.cache
def certificates():
    """(authority's, gateway's, its key), until this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="thermograf-gateway-ca-")
    ca = Authority(folder.name, "ca")
    return (ca.certificate, *ca.issue("gateway"), folder)


class Shipped(telegraf.Telegraf):
    """A Telegraf with files of conf/telegraf; `addresses` are replaced, each of them must be there."""

    def __init__(self, *names, addresses, scheme="http"):
        super().__init__("")
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.environment = {**ENVIRONMENT, "SSL_CERT_FILE": str(certificates()[0])}
        self.files = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)
        for old, new in addresses.items():
            new = new.format(port=self.port, second_port=self.second_port, folder=self.folder)
            true(f'"{old}"' in self.files, f"{names}: no address {old!r}")
            self.files = self.files.replace(f'"{old}"', f'"{new}"')

    def text(self):
        return self.files


def gateway(kind, addresses):
    _, certificate, key, _ = certificates()
    own = {":8086": "127.0.0.1:{port}", "/etc/telegraf/gateway.pem": str(certificate), "/etc/telegraf/gateway.key": str(key)}
    return Shipped("gateway.conf", f"gateway-{kind}.conf", addresses={**own, **addresses}, scheme="https")


@contextmanager
def running(url, token=ENVIRONMENT["GATEWAY_TOKEN"], more=""):
    """(agent, its folder), the agent pushing to that URL."""
    with tempfile.TemporaryDirectory(prefix="thermograf-gateway-") as folder:
        (Path(folder) / "empty").mkdir()
        text = CONFIG.format(empty=f"{folder}/empty", folder=folder, url=url, token=token, ca=certificates()[0],
                             more=more)
        with agent.Agent(text) as one:
            one.config.chmod(0o600)
            yield one, Path(folder)


def truth(folder):
    return agent.file_points(folder / "truth")


def last_row(folder):
    rows = ledger.books(truth(folder)).get("gateway")
    return rows[-1][1] if rows else None


def wait_for_sent(one, folder, lines=30):
    def there():
        one.check_alive()
        row = last_row(folder)
        return row and row["lines_sent_total"] >= lines

    try:
        lab.wait_for(there, 30, "windows sent")
    except TimeoutError as late:
        raise Failure(f"{late}; {last_row(folder)}; the agent says:\n{one.messages()[-2000:]}") from late


def pushed(relay, count):
    """What an agent collected while it pushed through that Telegraf, which has ended by then; and that all went."""
    with running(relay.url) as (one, folder):
        wait_for_sent(one, folder)
        one.stop()
        lab.wait_for(lambda: count() >= len(truth(folder)), 30, "what was sent behind the gateway")
        ledger.check(truth(folder))
        equal(relay.complaints(), [], "errors and warnings of Telegraf")
        return truth(folder)


def head(name):
    """The agent's configuration in the comments at the beginning of a file."""
    return "\n".join(re.findall(r"^#     (.*)$", (FOLDER / name).read_text(encoding="utf-8"), re.M))


def assert_taken(shown, url, replaced):
    """The agent's configuration that a text shows has an output that is taken at `url`."""
    text, urls = re.subn(r"(?m)^(urls *= ).*$", rf"\g<1>{url}", shown)
    true(urls == 1, f"not one output in {shown}")
    for old, new in replaced.items():
        true(old in text, f"no {old!r} in {shown}")
        text = text.replace(old, str(new))
    with tempfile.NamedTemporaryFile("w", prefix="thermograf-gateway-", suffix=".ini") as config:
        config.write(text)
        config.flush()
        done = subprocess.run([agent.program(), "check", "--connect", "--config", config.name], capture_output=True, text=True,
                              check=False, timeout=30)
    equal(done.returncode, 0, f"exit code of check with\n{text}\nwhich says\n{done.stdout}{done.stderr}")


def test_the_first_configurations_of_the_texts_are_taken_by_the_telegraf_beside_them():
    readme = dict(re.findall(r"^```(ini|toml)\n(.*?)^```$", (lab.ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M))
    page = manual.PAGES / "thermograf.8"
    shown = [(readme["ini"], readme["toml"], '"127.0.0.1:8086"', {}),
             (manual.block_after("the same everywhere", page), manual.block_after("Telegraf listens with", page), '":8086"',
              {"token_file = /etc/thermograf/secrets/telegraf": "token = not-a-real-token"})]
    for ini, toml, address, replaced in shown:
        true(address in toml, f"no {address} in {toml}")
        with telegraf.Telegraf(toml.replace(address, '"127.0.0.1:{port}"')) as relay:
            assert_taken(ini, relay.url, replaced)


def test_the_gateway_to_influxdb_keeps_every_point():
    with wire.influxdb() as db, gateway("influxdb", {"http://influxdb.example:8086": db.url}) as relay:
        wanted = pushed(relay, lambda: len(wire.stored(db)))
        wire.same(wire.stored(db), wire.as_map(wanted), "in InfluxDB")
        true(" https://" in head("gateway.conf"), "agents are told to use TLS")
        assert_taken(head("gateway.conf"), relay.url, {"token_file = /etc/thermograf/secrets/gateway":
                                                       f"token = {ENVIRONMENT['GATEWAY_TOKEN']}\ntls_ca = {certificates()[0]}"})


def test_the_gateway_to_influxdb_2_keeps_every_window_in_victoriametrics_that_stands_in():
    with wire.victoria_metrics() as db, gateway("influxdb2", {"http://influxdb2.example:8086": db.url}) as relay:
        wanted = pushed(relay, lambda: len(db.samples("thermograf", "lines_queued")) + len(db.times("thermograf")))
        equal(db.times("thermograf"), sorted({stamp for *_, stamp in wanted}), "windows")


def test_the_gateway_to_victoriametrics_keeps_every_window():
    with wire.victoria_metrics() as db, \
            gateway("victoriametrics", {"http://victoriametrics.example:8428": db.url}) as relay:
        wanted = pushed(relay, lambda: len(db.samples("thermograf", "lines_queued")) + len(db.times("thermograf")))
        equal(db.times("thermograf"), sorted({stamp for *_, stamp in wanted}), "windows")


def test_the_gateway_to_prometheus_shows_the_newest_window():
    with gateway("prometheus", {":9273": "127.0.0.1:{second_port}"}) as relay:
        with running(relay.url, more="style = prometheus") as (one, folder):
            wait_for_sent(one, folder)
            with urllib.request.urlopen(f"http://127.0.0.1:{relay.second_port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
            one.stop()
        found = re.search(r'^thermograf_lines_sent_total\{.*output="gateway".*\} (\S+)$', text, re.M)
        true(found and float(found[1]) > 0, f"lines sent in what is scraped:\n{text[:2000]}")


def test_the_gateway_to_kafka_starts_without_it_and_lets_agents_wait_when_it_is_full():
    # Nobody listens there. What is taken must not be more than the bound; here it is reached at once.
    relay = gateway("kafka", {"kafka-a.example:9092": "127.0.0.1:1", "kafka-b.example:9092": "127.0.0.1:1"})
    relay.files = relay.files.replace("max_undelivered_metrics = 100000", "max_undelivered_metrics = 20")
    with relay, running(relay.url) as (one, folder):
        lab.wait_for(lambda: "answers 429" in one.messages(), 30, "429")
        one.stop()
        ledger.check(truth(folder))
        at_most(last_row(folder)["lines_sent_total"], 20, "lines that the gateway took")


def test_a_gateway_that_is_full_lets_agents_wait_and_all_arrives_when_its_database_is_back():
    with wire.influxdb() as db:
        db.stop()
        relay = gateway("influxdb", {"http://influxdb.example:8086": db.url})
        relay.files = relay.files.replace("max_undelivered_metrics = 100000", "max_undelivered_metrics = 60")
        with relay, running(relay.url) as (one, folder):
            lab.wait_for(lambda: "answers 429" in one.messages(), 30, "429")
            db.start()
            lab.wait_for(lambda: last_row(folder)["lines_sent_total"] > 60 and last_row(folder)["lines_queued"] < 10, 60,
                         f"all is sent; the agent says:\n{one.messages()[-2000:]}")
            one.stop()
            # The last window may find the gateway full, and waits for the next start then.
            until, _ = ledger.settled(ledger.check(truth(folder))["gateway"])
            wanted = wire.as_map(point for point in truth(folder) if point[3] < until)
            lab.wait_for(lambda: wanted.keys() <= wire.stored(db).keys(), 30, "all points in InfluxDB")
            wire.same({key: fields for key, fields in wire.stored(db).items() if key[2] < until}, wanted, "in InfluxDB")


def test_a_local_telegraf_passes_every_point_on_to_the_gateway():
    with ExitStack() as stack:
        db = stack.enter_context(wire.influxdb())
        front = gateway("influxdb", {"http://influxdb.example:8086": db.url})
        stack.enter_context(front)
        local = Shipped("local.conf", addresses={"127.0.0.1:8086": "127.0.0.1:{port}",
                                                 "https://gateway.example:8086": front.url})
        stack.enter_context(local)
        with running(local.url, token="local") as (one, folder):
            wait_for_sent(one, folder)
            one.stop()
            wanted = truth(folder)
        lab.wait_for(lambda: len(wire.stored(db)) >= len(wanted), 30, "all points in InfluxDB")
        wire.same(wire.stored(db), wire.as_map(wanted), "in InfluxDB")
        equal(local.complaints() + front.complaints(), [], "errors and warnings of both")
        assert_taken(head("local.conf"), local.url, {})


if __name__ == "__main__":
    main(globals(), once="Telegraf does most of it; pushing is in test_delivery")
