#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ways to a receiver: real InfluxDB and VictoriaMetrics with logins and a unix socket, and TLS in all its moods.

The agent needs no probe for it, and no root: its own metrics go the same way.
"""

import http.server
import ssl
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import agent
import lab
import ledger
import store
from authority import Authority, authority
from tap import Failure, equal, main, true

CACHE = lab.ROOT / "build" / "e2e"
LOGIN = ("writer", "pass word:1")

CONFIG = """[agent]
interval = 500ms
flush_jitter = 0
probe_dirs = {empty}
[global_tags]
dc = lab
"""


@contextmanager
def running(outputs):
    """An agent with these outputs, {name: lines}, and no probes."""
    with tempfile.TemporaryDirectory(prefix="thermograf-empty-") as empty:
        text = CONFIG.format(empty=empty)
        for name, lines in outputs.items():
            text += f"[output.{name}]\n{lines}\n"
        with agent.Agent(text) as one:
            yield one


def wait_for_text(one, text, count=1, timeout_s=30):
    def there():
        one.check_alive()
        return one.messages().count(text) >= count

    try:
        lab.wait_for(there, timeout_s, text)
    except TimeoutError as late:
        raise Failure(f"the agent did not say {text!r} {count} times:\n{one.messages()[-3000:]}") from late


def wait_for_windows(one, db, count=2):
    def there():
        one.check_alive()
        return len(db.times("thermograf")) >= count

    try:
        lab.wait_for(there, 30, "windows")
    except TimeoutError as late:
        raise Failure(f"{count} windows are not in {db.TITLE}:\n{one.messages()[-3000:]}") from late


def database(kind, stack, **settings):
    return stack.enter_context(kind(store.of(kind, CACHE), **settings))


def no_secrets(one):
    true(LOGIN[1] not in one.messages(), f"a password in the messages:\n{one.messages()}")


# ---- InfluxDB


def test_influxdb_with_a_login_takes_windows_with_the_password_of_a_file_and_a_rotated_one():
    with ExitStack() as stack:
        db = database(store.InfluxDB, stack, login=LOGIN)
        secret = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "password"
        secret.write_text("wrong\n")
        one = stack.enter_context(running(
            {"db": f"urls = {db.url}\nusername = {LOGIN[0]}\npassword_file = {secret}"}))
        wait_for_text(one, "answers 401 \"authorization failed\"")
        wait_for_text(one, "check username and password_file of [output.db]")
        equal(db.times("thermograf"), [], "windows before the password was right")
        secret.write_text(LOGIN[1] + "\n")
        # A held output is tried every 20 to 30 s.
        wait_for_text(one, "output db: delivered again after", timeout_s=45)
        wait_for_windows(one, db, 20)
        no_secrets(one)
        one.stop()


def test_influxdb_is_reached_by_its_unix_socket():
    with ExitStack() as stack:
        db = database(store.InfluxDB, stack)
        one = stack.enter_context(running({"db": f"urls = unix://{db.folder}/socket"}))
        wait_for_windows(one, db)
        wait_for_text(one, f"output db: type influx1, style influx, to unix://{db.folder}/socket, database telegraf")
        one.stop()


def test_a_missing_database_is_named_with_what_creates_it():
    class Bare(store.InfluxDB):
        create = False

    with ExitStack() as stack:
        db = database(Bare, stack)
        one = stack.enter_context(running({"db": f"urls = {db.url}"}))
        wait_for_text(one, "create it with: CREATE DATABASE \"telegraf\"")
        db.execute('CREATE DATABASE "telegraf"')
        # The end does not wait for the next try.
        one.stop()
        true("delivered again after" in one.messages(), f"not delivered at the end:\n{one.messages()}")
        true(db.times("thermograf"), "no window in the database")


def test_what_influxdb_does_not_store_for_its_type_is_counted_to_the_line_and_the_rest_is_there():
    with ExitStack() as stack:
        db = database(store.InfluxDB, stack)
        # In this shard the field is a text: points of ours that have it conflict, the others of a batch do not.
        db._ask("/write?db=telegraf", b'thermograf,host=elsewhere windows_total="many"\n')  # pylint: disable=protected-access
        truth = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "truth"
        one = stack.enter_context(running({"truth": f"type = file\npath = {truth}", "db": f"urls = {db.url}"}))
        wait_for_text(one, "partial write: field type conflict")
        wait_for_text(one, "dropped=1\"; dropped 1 line")
        lab.wait_for(lambda: len(db.times("thermograf")) > 4, 30, "windows")
        one.stop()
        rows = ledger.check(agent.file_points(truth))["db"]
        stamp, last = ledger.settled(rows)
        before = [point for point in agent.file_points(truth) if point[3] < stamp]
        equal(last["lines_dropped_total"], sum("windows_total" in point[2] for point in before), "lines dropped")
        equal(last["lines_dropped_partial_total"], last["lines_dropped_total"], "of them, beside others that were stored")
        outputs = {(tags["output"], at) for tags, at, _ in db.samples("thermograf", "lines_queued")}
        wanted = {(point[1]["output"], point[3]) for point in agent.file_points(truth) if "output" in point[1]}
        equal(outputs, wanted, "lines on outputs in InfluxDB")


# ---- VictoriaMetrics


def test_victoriametrics_takes_both_write_paths_with_a_login():
    for type_, more in (("influx1", ""), ("influx2", "organization = o\nbucket = b\n")):
        with ExitStack() as stack:
            db = database(store.VictoriaMetrics, stack, login=LOGIN)
            one = stack.enter_context(running(
                {"vm": f"type = {type_}\nurls = {db.url}\n{more}username = {LOGIN[0]}\npassword = {LOGIN[1]}"}))
            wait_for_windows(one, db)
            no_secrets(one)
            one.stop()


def test_victoriametrics_takes_a_whole_url_of_type_http_with_its_own_parameters():
    with ExitStack() as stack:
        db = database(store.VictoriaMetrics, stack)
        one = stack.enter_context(running(
            {"vm": f"type = http\nurls = {db.url}/write?precision=ns&extra_label=via=http"}))
        wait_for_windows(one, db)
        one.stop()
        labels = {tags.get("via") for tags, _, _ in db.samples("thermograf", "rss_bytes")}
        equal(labels, {"http"}, "label that the URL adds")


def test_a_path_that_victoriametrics_does_not_know_holds_and_says_so():
    with ExitStack() as stack:
        db = database(store.VictoriaMetrics, stack)
        one = stack.enter_context(running({"vm": f"type = influx3\nurls = {db.url}"}))
        wait_for_text(one, " s; check type and the path in urls of [output.vm]")


def test_several_outputs_each_get_every_window():
    with ExitStack() as stack:
        influx = database(store.InfluxDB, stack)
        vm = database(store.VictoriaMetrics, stack)
        one = stack.enter_context(running({"a": f"urls = {influx.url}",
                                           "b": f"type = influx2\nurls = {vm.url}\nstyle = prometheus",
                                           "dead": "urls = http://127.0.0.1:1"}))
        wait_for_windows(one, influx, 4)
        wait_for_windows(one, vm, 4)
        wait_for_text(one, "output a: type influx1, style influx, to ")
        wait_for_text(one, "output b: type influx2, style prometheus, to ")
        one.stop()
        # VictoriaMetrics keeps milliseconds.
        true(set(vm.times("thermograf")) == {t // 1_000_000 * 1_000_000 for t in influx.times("thermograf")},
             "the two databases hold other windows")


# ---- TLS


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class TlsServer(http.server.ThreadingHTTPServer):
    """Answers 204 over TLS, and keeps what was asked."""

    daemon_threads = True

    def __init__(self, certificate, key, client_ca=None, port=0, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.maximum_version = newest
        self.context.load_cert_chain(certificate, key)
        if client_ca:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(client_ca)
        self.requests = []
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def get_request(self):
        # The handshake is made by the connection's own thread, at its first read.
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


def wait_for_requests(one, server, count=2):
    try:
        lab.wait_for(lambda: one.check_alive() or len(server.requests) >= count, 30, "requests")
    except TimeoutError as late:
        raise Failure(f"{count} requests did not come:\n{one.messages()[-3000:]}") from late


def test_a_certificate_of_the_given_authority_is_trusted_and_the_token_goes_with_it():
    with authority() as ca, TlsServer(*ca.issue("server")) as server:
        with running({"s": f"type = influx3\nurls = {server.url}\ntls_ca = {ca.certificate}\ntoken = apiv3_x"}) as one:
            wait_for_requests(one, server)
            one.stop()
            path, headers = server.requests[0]
            equal(path, "/api/v3/write_lp?db=telegraf&precision=nanosecond", "path")
            equal(headers["Authorization"], "Bearer apiv3_x", "Authorization")
            true("apiv3_x" not in one.messages(), "the token is in the messages")


def test_an_unknown_authority_is_refused_until_it_is_in_the_file():
    with authority() as ca, TlsServer(*ca.issue("server")) as server:
        trusted = ca.folder / "trusted.pem"
        trusted.write_text(Authority(ca.folder, "other").certificate.read_text())
        with running({"s": f"urls = {server.url}\ntls_ca = {trusted}"}) as one:
            wait_for_text(one, "tls_ca must hold the authority that signed its certificate")
            equal(server.requests, [], "requests to a server that is not trusted")
            trusted.write_text(ca.certificate.read_text())
            wait_for_text(one, "delivered again after", timeout_s=60)
            one.stop()


def test_the_system_does_not_trust_it_and_is_not_asked_to_skip_its_doubts():
    with authority() as ca, TlsServer(*ca.issue("server")) as server:
        with running({"strict": f"urls = {server.url}",
                      "loose": f"urls = {server.url}/loose\ninsecure_skip_verify = yes"}) as one:
            wait_for_text(one, "output strict: ")
            wait_for_text(one, "; [output.strict]: tls_ca must hold")
            wait_for_requests(one, server)
            true(all(path.startswith("/loose") for path, _ in server.requests), "a request of the strict output")


def test_a_certificate_for_another_name_is_refused_until_it_is_replaced():
    with authority() as ca, ExitStack() as stack:
        with TlsServer(*ca.issue("server", "DNS:elsewhere.example")) as server:
            port = server.server_address[1]
            one = stack.enter_context(running({"s": f"urls = {server.url}\ntls_ca = {ca.certificate}"}))
            wait_for_text(one, "; [output.s]: urls must have a name that is in its certificate")
            equal(server.requests, [], "requests to another name")
        with TlsServer(*ca.issue("server2"), port=port) as server:
            wait_for_text(one, "delivered again after", timeout_s=60)
            one.stop()


def test_an_expired_certificate_is_refused():
    # OpenSSL 3.5 makes none that ends before it begins: one that ends where it begins, a second ago.
    with authority() as ca, TlsServer(*ca.issue("server", days="0")) as server:
        time.sleep(2)
        with running({"s": f"urls = {server.url}\ntls_ca = {ca.certificate}"}) as one:
            wait_for_text(one, "; [output.s]: the receiver must get a new certificate")
            equal(server.requests, [], "requests")


def test_a_receiver_that_wants_a_certificate_gets_ours_and_refuses_who_has_none():
    with authority() as ca, TlsServer(*ca.issue("server"), client_ca=ca.certificate) as server:
        certificate, key = ca.issue("client", "DNS:client")
        both = ca.folder / "both.pem"
        both.write_text(certificate.read_text() + key.read_text())
        tls = f"tls_ca = {ca.certificate}\n"
        with running({"with": f"urls = {server.url}/with\n{tls}tls_cert = {certificate}\ntls_key = {key}",
                      "both": f"urls = {server.url}/both\n{tls}tls_cert = {both}",
                      "none": f"urls = {server.url}/none\n{tls}"}) as one:
            # The server's word for it may or may not arrive before its reset.
            wait_for_text(one, f"output none: {server.url} gives no answer: ")
            wait_for_requests(one, server, 6)
            equal({path.partition("?")[0] for path, _ in server.requests}, {"/with", "/both"}, "paths")


def test_a_receiver_that_speaks_only_an_older_tls_is_refused_and_told():
    with authority() as ca, TlsServer(*ca.issue("server"), newest=ssl.TLSVersion.TLSv1_2) as server:
        tls = f"urls = {server.url}/{{0}}\ntls_ca = {ca.certificate}\n"
        with running({"old": tls.format("old"), "new": tls.format("new") + "tls_min_version = TLS13"}) as one:
            wait_for_text(one, "; [output.new]: it speaks no TLS as new as tls_min_version asks for")
            wait_for_requests(one, server)
            equal({path.partition("?")[0] for path, _ in server.requests}, {"/old"}, "paths")


def check(text):
    with tempfile.TemporaryDirectory() as folder:
        path, empty = Path(folder) / "thermograf.ini", Path(folder) / "probes"
        empty.mkdir()
        path.write_text(CONFIG.format(empty=empty) + text)
        done = subprocess.run([agent.program(), "check", "--config", path], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def test_check_opens_the_files_that_an_output_names():
    with authority() as ca:
        code, said = check(f"[output.s]\nurls = https://h\ntls_ca = {ca.folder}/ca.key\n")
        true(code and f"tls_ca: {ca.folder}/ca.key holds no certificate in PEM" in said, said)
        code, said = check("[output.s]\ntoken_file = /nonexistent/token\n")
        true(code and "token_file: /nonexistent/token cannot be read: No such file or directory" in said, said)
        public = ca.folder / "token"
        public.write_text("s3cret\n")
        public.chmod(0o644)
        code, said = check(f"[output.s]\ntoken_file = {public}\n")
        true(not code and "token_file: everybody can read the file" in said and "s3cret" not in said, said)


if __name__ == "__main__":
    main(globals())
