# SPDX-License-Identifier: Apache-2.0
"""A receiver that misbehaves, on the loopback, in threads of the test.

It speaks HTTP over bare sockets, so that it can also not speak it. What it does with a request is a `Step`, which its
`plan` chooses; it keeps every line that it stored, and how often. A plan is a function of the receiver, the number of
the request (from 0) and its lines:

    BadReceiver(lambda receiver, number, lines: Step(503) if number < 3 else STORED)

For outages by time there is `until()`: what a receiver does before it heals.
"""

import gzip
import socket
import ssl
import struct
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


@dataclass(frozen=True)
class Step:
    """What is done with one request."""

    status: int = 204  # 0: no answer at all, the connection ends
    body: str = ""
    headers: tuple = ()
    stores: str = ""  # "all", "good" (lines that are not bad()), "" = none
    refuses: str = ""  # which lines it will never take, and says so: "all", "bad"
    unsure: bool = False  # whoever sent it cannot know that it was stored, and must send it again
    read: bool = True  # False: the answer comes before the body was read
    wait_s: float = 0.0  # before the answer
    end: str = "keep"  # of the connection: keep, close, reset, hang; cut = before the answer's last bytes; drip
    pace_s: float = 0.02  # of end = drip: between two bytes


STORED = Step(stores="all")


def until(heals_s, step):
    """A plan: `step` for so long, then all is well."""
    return lambda receiver, number, lines: step if receiver.age() < heals_s else STORED


def first(count, step):
    """A plan: `step` for the first requests, then all is well."""
    return lambda receiver, number, lines: step if number < count else STORED


def bad(line):
    """Whether it is one of those that some receivers never take: one of sixteen, the same for everybody."""
    return zlib.crc32(line.encode()) % 16 == 0


@dataclass
class Account:
    """What became of lines that came; read it under the receiver's lock, or after stop()."""

    requests: int = 0  # that were read whole
    connections: int = 0
    stored: Counter = field(default_factory=Counter)  # line -> how often
    unsure: int = 0  # lines stored by requests whose answer did not say so
    refused: set = field(default_factory=set)  # lines it said it would never take
    arrivals: list = field(default_factory=list)  # (wall clock, lines) of requests that stored any
    heads: list = field(default_factory=list)
    faults: list = field(default_factory=list)  # requests that cannot be understood


class BadReceiver:
    """Listens from start() to stop().

    refuses_s   nobody listens for so long: connections are refused
    deaf_s      connections are taken by the kernel, and nobody reads them for so long
    idle_s      idle connections are closed after this
    tls         a function that gives the context for the next connection
    """

    def __init__(self, plan=until(0, STORED), refuses_s=0.0, deaf_s=0.0, idle_s=60.0, tls=None, keep_heads=False):
        self.plan, self.refuses_s, self.deaf_s, self.idle_s, self.tls = plan, refuses_s, deaf_s, idle_s, tls
        self.keep_heads = keep_heads
        self.account, self.lock = Account(), threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.ending = threading.Event()
        self.connections = set()
        self.started = time.monotonic()

    def age(self):
        return time.monotonic() - self.started

    def start(self):
        self.started = time.monotonic()
        if not self.refuses_s:
            self.listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.ending.set()
        self.listener.close()
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            _close(connection)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- connections

    def _accept(self):
        if self.refuses_s:
            self.ending.wait(self.refuses_s)
            self.listener.listen(128)
        self.ending.wait(self.deaf_s)
        while not self.ending.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.account.connections += 1
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.settimeout(self.idle_s)
            stream = self.tls().wrap_socket(connection, server_side=True) if self.tls else connection
            with self.lock:
                self.connections.add(stream)
            while not self.ending.is_set() and self._request(stream):
                pass
        except (OSError, ValueError):
            pass
        finally:
            for one in {connection, locals().get("stream", connection)}:
                with self.lock:
                    self.connections.discard(one)
                _close(one)

    def _request(self, stream):
        """One request; False: the connection is over."""
        head, rest = _read_head(stream)
        if head is None:
            return False
        length = int(_header(head, "content-length") or 0)
        with self.lock:
            number = self.account.requests
            if self.keep_heads:
                self.account.heads.append(head)
        early = self.plan(self, number, [])
        if not early.read:
            with self.lock:
                self.account.requests += 1
            return self._answer(stream, early)
        body = _read_exactly(stream, length, rest)
        if body is None:
            return False
        lines = self._lines(head, body)
        step = self.plan(self, number, lines)
        self._keep(step, lines)
        return self._answer(stream, step)

    def _lines(self, head, body):
        try:
            text = (gzip.decompress(body) if _header(head, "content-encoding") == "gzip" else body).decode()
            if not text.endswith("\n"):
                raise ValueError("the last line has no end")
            return text.splitlines()
        except (OSError, EOFError, ValueError, zlib.error) as error:
            with self.lock:
                self.account.faults.append(f"{error} in {body[:100]!r}")
            return []

    def _keep(self, step, lines):
        stored = {"all": lines, "good": [line for line in lines if not bad(line)], "": []}[step.stores]
        refused = {"all": lines, "bad": [line for line in lines if bad(line)], "": []}[step.refuses]
        with self.lock:
            self.account.requests += 1
            self.account.stored.update(stored)
            self.account.refused.update(refused)
            if stored:
                self.account.arrivals.append((time.time(), len(stored)))
                self.account.unsure += len(stored) if step.unsure else 0

    def _answer(self, stream, step):
        self.ending.wait(step.wait_s)
        if step.end == "hang":
            self.ending.wait(600)
            return False
        if step.status:
            text = _answer_text(step)
            if step.end == "cut":
                text = text[:-max(1, len(step.body) // 2)] if step.body else text[:12]
            _send(stream, text, step.pace_s if step.end == "drip" else 0, self.ending)
        if step.end == "reset":
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            stream.close()
        return step.status != 0 and step.end in ("keep", "drip")


def _close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()


def _read_head(stream):
    """The head's lines, and what came behind it; None: no whole one came."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = stream.recv(65536)
        if not chunk:
            return None, b""
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), rest


def _read_exactly(stream, length, data):
    parts, missing = [data], length - len(data)
    while missing > 0:
        chunk = stream.recv(min(missing, 1 << 20))
        if not chunk:
            return None
        parts.append(chunk)
        missing -= len(chunk)
    return b"".join(parts)


def _header(head, name):
    for line in head[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def _answer_text(step):
    headers = [f"Date: {formatdate(usegmt=True)}", *step.headers]
    if step.status != 204:
        headers.append(f"Content-Length: {len(step.body.encode())}")
    if step.end == "close":
        headers.append("Connection: close")
    return "\r\n".join([f"HTTP/1.1 {step.status} Some Words", *headers, "", step.body]).encode()


def _send(stream, text, pace_s, ending):
    if not pace_s:
        stream.sendall(text)
        return
    for n in range(len(text)):
        if ending.wait(pace_s):
            return
        stream.sendall(text[n:n + 1])


def context(certificate, key, client_ca=None):
    """For `tls`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    if client_ca:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(client_ca)
    return made
