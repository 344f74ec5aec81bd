# SPDX-License-Identifier: Apache-2.0
"""What the agent costs in user space, beside others: memory, CPU time a window, and where that goes by simulated maps."""

import gzip
import http.server
import os
import re
import signal
import statistics
import subprocess
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import agent
import lab
import telegraf
from tap import Failure, Skip

BUSY_DEVICES = 4
GOAL_MS = 0.8  # of CPU time a window
GOAL_KIB = (13 * 1024, 2560)  # resident, anonymous
SETTLE_PUSHES = 3  # after a start or a stop: what is done the first time is dearer

# Its defaults but for the interval; it flushes as often as it collects.
TELEGRAF_CONFIG = """[agent]
interval = "1s"
flush_interval = "1s"
[[inputs.diskio]]
devices = [{devices}]
[[outputs.influxdb]]
urls = ["{url}"]
skip_database_creation = true
"""


# ---- what the kernel tells about a process


def fdinfos(pid):
    """{member: text} of each open descriptor; what is closed meanwhile is left out."""
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii", errors="replace") as file:
                yield {key: value.strip() for key, _, value in (line.partition(":") for line in file)}
        except OSError:
            pass


def kernel_bytes(pid):
    """Memory of all BPF maps that a process holds."""
    maps = {info["map_id"]: int(info["memlock"]) for info in fdinfos(pid) if "map_id" in info}
    return sum(maps.values())


def cpu_ns(pid):
    """CPU time of all threads that live."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def memory_kib(pid):
    """(resident, anonymous)"""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        text = file.read()
    return tuple(int(re.search(rf"^{name}: +(\d+) kB", text, re.MULTILINE)[1]) for name in ("Rss", "Anonymous"))


# ---- a receiver


class Sink(http.server.ThreadingHTTPServer):
    """Takes what is pushed, and counts it."""

    daemon_threads = True

    def __init__(self):
        self.requests = self.sent_bytes = self.lines = 0
        self.last = b""
        super().__init__(("127.0.0.1", 0), SinkHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Who is killed at the end leaves a connection behind; what else goes wrong shows as pushes that do not come."""


class SinkHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept

    def read_body(self):
        """Also in chunks, as Telegraf sends what it compresses on the way."""
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.read_body()
        plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.last = plain
        self.server.sent_bytes += len(body)
        self.server.lines += plain.count(b"\n")
        self.server.requests += 1
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):  # pylint: disable=arguments-differ
        pass


# ---- the agent and its peers, each with a receiver of its own


class Pusher:
    """A process that pushes every second, and stands still unless it is its turn."""

    def __init__(self, name, process, sink):
        self.name, self.process, self.sink = name, process, sink
        self.cpu_ms, self.lines, self.sent = [], [], []

    def pushes(self, more):
        """Waits until so many more have arrived."""
        wanted = self.sink.requests + more

        def there():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with {self.process.returncode}")
            return self.sink.requests >= wanted

        lab.wait_for(there, 30 + 3 * more, f"{self.name}: {more} pushes")

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def take_turn(self, windows):
        """Measures so many windows."""
        def now():
            return cpu_ns(self.process.pid), self.sink.requests, self.sink.lines, self.sink.sent_bytes

        self.go_on()
        self.pushes(SETTLE_PUSHES)
        start = now()
        self.pushes(windows)
        cpu, pushes, lines, sent = (b - a for a, b in zip(start, now()))
        self.stop()
        self.cpu_ms.append(cpu / pushes / 1e6)
        self.lines.append(lines / pushes)
        self.sent.append(sent / pushes)


def spawn(stack, name, sink, argv):
    """Started, and standing still."""
    process = lab.spawn(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pusher = Pusher(name, process, sink)
    # Waits for a process that stands still are in vain.
    stack.callback(lambda: (pusher.go_on(), lab.stop(process)))
    pusher.pushes(1)
    pusher.stop()
    return pusher


def start_agent(stack):
    sink = stack.enter_context(Sink())
    running = stack.enter_context(agent.Agent(agent.config(sink.url)))
    pusher = Pusher("thermograf", running.process, sink)
    stack.callback(pusher.go_on)
    pusher.pushes(SETTLE_PUSHES)
    pusher.stop()
    return pusher


def start_floor(stack, build, folder, lines):
    """libbpf, libcurl and gzip alone, with the body that the agent sent."""
    sink = stack.enter_context(Sink())
    body = folder / "lines"
    body.write_bytes(lines)
    return spawn(stack, "libbpf, libcurl and gzip alone", sink,
                 [build / "bench" / "pushfloor", build / "bench" / "floor.bpf.o", sink.url, body])


def start_telegraf(stack, folder, devices, tell):
    sink = stack.enter_context(Sink())
    config = folder / "telegraf.conf"
    config.write_text(TELEGRAF_CONFIG.format(url=sink.url, devices=", ".join(f'"{device.name}"' for device in devices)),
                      encoding="ascii")
    return spawn(stack, f"Telegraf {telegraf.VERSION}, inputs.diskio", sink,
                 [telegraf.program(tell=tell), "--config", config])


def row(pusher, base):
    """One line of the table."""
    resident, anonymous = memory_kib(pusher.process.pid)
    # Of one round each: what the machine did meanwhile was much the same for both.
    ratios = [mine / other for mine, other in zip(pusher.cpu_ms, base.cpu_ms)]
    return (f"| {pusher.name} | {statistics.median(pusher.cpu_ms):.2f} | {min(pusher.cpu_ms):.2f} to {max(pusher.cpu_ms):.2f} |"
            f" {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} | {resident} | {anonymous} |"
            f" {statistics.median(pusher.lines):.0f} | {statistics.median(pusher.sent):.0f} |")


def verdict(ours):
    """The sentence about the goal."""
    figures = (statistics.median(ours.cpu_ms), *memory_kib(ours.process.pid))
    met = all(figure <= goal for figure, goal in zip(figures, (GOAL_MS, *GOAL_KIB)))
    return (f"Goal: at most {GOAL_MS} ms of CPU time a window, {GOAL_KIB[0]} KiB resident, {GOAL_KIB[1]} KiB of it anonymous. "
            f"Measured: {figures[0]:.2f} ms, {figures[1]} KiB, {figures[2]} KiB: {'met' if met else 'missed'}. "
            f"Kernel memory of its maps: {kernel_bytes(ours.process.pid) / 1024:.0f} KiB.")


def beside_others(build, rounds, windows, tell):
    """Lines of Markdown: the agent and who does the like, in turn, while all devices are busy with every operation."""
    lines = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thermograf-bench-")))
        devices = [stack.enter_context(lab.LoopDevice()) for _ in range(BUSY_DEVICES)]
        stack.enter_context(lab.heavy(devices, workers=1))
        ours = start_agent(stack)
        pushers = [ours, start_floor(stack, build, folder, ours.sink.last)]
        try:
            pushers.append(start_telegraf(stack, folder, devices, tell))
        except Skip as skip:
            lines += [f"Not beside Telegraf: {skip}", ""]
        for number in range(rounds):
            for pusher in pushers:
                pusher.take_turn(windows)
            tell(f"round {number + 1} of {rounds}: " + ", ".join(f"{p.name} {p.cpu_ms[-1]:.2f} ms" for p in pushers))
        lines += ["| | CPU a window, ms, median | least to most | of ours, median | least to most | resident KiB | anonymous KiB "
                  "| lines a window | bytes a window, as sent |", "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
        lines += [row(pusher, ours) for pusher in pushers]
        lines += ["", verdict(ours)]
    return lines


# ---- where it goes


def us(text):
    return f"{float(text) / 1000:.1f}" if float(text) < 1e5 else f"{float(text) / 1000:.0f}"


def simulated(build):
    """Lines of Markdown: CPU time of a window by stage, on maps that only exist in memory."""
    said = subprocess.run([build / "bench" / "window"], capture_output=True, text=True, check=True).stdout
    words = [line.split("\t") for line in said.splitlines()]
    sizes = ["| CPUs x devices x operations | rows | extract | delta | merge | format | gzip | sum, us | least to most "
             "| ns a row | allocations |", "|---|" + "---:|" * 10]
    for kind, *w in words:
        if kind == "size":
            rows, total = int(w[3]), float(w[9])
            sizes.append(f"| {w[0]} x {w[1]} x {w[2]} | {rows} | " + " | ".join(us(stage) for stage in w[4:9])
                         + f" | {us(total)} | {us(w[10])} to {us(w[11])} | {total / rows:.0f} | {w[12]} |")
    styles = ["| style | lines | bytes | format, us | ns a line | MB/s | gzip, us | body | format / gzip, median | least to most "
              "| allocations |", "|---|" + "---:|" * 10]
    for kind, *w in words:
        if kind == "style":
            lines, size, took = int(w[1]), int(w[2]), float(w[4])
            styles.append(f"| {w[0]} | {lines} | {size} | {us(took)} | {took / lines:.0f} | {size / took * 1e3:.0f} | {us(w[5])} "
                          f"| {w[3]} | {w[6]} | {w[7]} to {w[8]} | {w[9]} |")
    return sizes, styles
