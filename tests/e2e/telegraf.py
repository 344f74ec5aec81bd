# SPDX-License-Identifier: Apache-2.0
"""A real Telegraf of its own: built once below build/, with the few plugins that are asked for, never installed.

It listens on the loopback or a socket in its temporary folder, writes all that it takes to a file, and ends with us.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import agent
import lab
from tap import Failure, Skip

VERSION = "v1.37.2"
MODULE = "github.com/influxdata/telegraf/cmd/telegraf"
# "custom" leaves out all plugins but those that are named: 22 MB in a minute instead of all 300 of them.
TAGS = ("custom", "inputs.influxdb_listener", "inputs.influxdb_v2_listener", "inputs.http_listener_v2", "inputs.execd",
        "inputs.diskio", "inputs.cpu", "outputs.influxdb", "outputs.influxdb_v2", "outputs.prometheus_client",
        "outputs.kafka", "outputs.file", "parsers.influx", "serializers.influx")

# Below the runner's limit for a whole script. What was compiled by then is kept by Go, and the next run goes on there.
BUILD_TIMEOUT_S = 400


def _build(folder, tell):
    """Telegraf in `folder`, whole or not at all."""
    tell(f"building Telegraf {VERSION} (a minute or two, once)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        with open(f"{temporary}/log", "wb") as log:
            # Outside of any module of ours; where modules come from is the system's own setting.
            go = lab.spawn(["go", "install", "-tags", ",".join(TAGS), f"{MODULE}@{VERSION}"], cwd=temporary, stdout=log,
                           stderr=log, env={**os.environ, "GOBIN": f"{temporary}/bin"})
            try:
                code = go.wait(BUILD_TIMEOUT_S)
            except subprocess.TimeoutExpired as slow:
                raise Skip(f"Telegraf: not built within {BUILD_TIMEOUT_S} s; the next run goes on from there") from slow
            finally:
                lab.stop(go)
        if code:
            said = Path(temporary, "log").read_text(errors="replace").splitlines()
            why = [line for line in said if not line.startswith("go: downloading")]
            raise Skip(f"Telegraf: go install ended with {code}: {' / '.join(why[-3:])}")
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(f"{temporary}/bin", folder)


def program(cache=lab.ROOT / "build" / "e2e", tell=lambda text: None):
    """The path of the program, built unless it is there; Skip where it cannot be."""
    digest = hashlib.sha256(",".join(TAGS).encode()).hexdigest()[:8]
    folder = cache / f"telegraf-{VERSION}-{digest}"
    path = folder / "telegraf"
    if not path.exists():
        if not shutil.which("go"):
            raise Skip("Telegraf is built from its sources, and there is no Go (Debian: package golang)")
        _build(folder, tell)
    return path


# What the agent's defaults are made for is a window of 10 s; ours last a second. Time stamps of pushed points are
# the sender's whatever `precision` says.
AGENT = """[agent]
interval = "1s"
flush_interval = "200ms"
omit_hostname = true
skip_processors_after_aggregators = true
[[outputs.file]]
files = ["{folder}/metrics"]
data_format = "influx"
"""


class Telegraf:
    """One running Telegraf: `plugins` is TOML that may name {port}, {second_port} and {folder}."""

    def __init__(self, plugins):
        self.program = program()
        self.temporary = tempfile.TemporaryDirectory(prefix="thermograf-telegraf-")
        self.folder = Path(self.temporary.name)
        self.port, self.second_port = lab.free_port(), lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.plugins, self.environment = plugins, {}
        self.process = None

    def text(self):
        """The configuration."""
        return (AGENT + self.plugins).format(port=self.port, second_port=self.second_port, folder=self.folder)

    def start(self):
        config = self.folder / "telegraf.conf"
        config.write_text(self.text())
        with open(self.folder / "log", "ab") as log:
            command = [self.program, "--strict-env-handling", "--config", config]
            self.process = lab.spawn(command, stdout=log, stderr=log, cwd=self.folder,
                                     env={**os.environ, **self.environment})
        lab.wait_for(self._listens, lab.SERVER_START_S, f"Telegraf on port {self.port}; it says:\n{self.messages()[-2000:]}")

    def _listens(self):
        if self.process.poll() is not None:
            raise Failure(f"Telegraf ended with {self.process.returncode}:\n{self.messages()[-4000:]}")
        if str(self.port) not in self.text():
            return "[agent] Config:" in self.messages()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        """Ends it as systemd would: it writes what it holds to its outputs first."""
        if self.process:
            lab.stop(self.process)
            self.process = None

    def messages(self):
        return (self.folder / "log").read_text(errors="replace")

    def complaints(self):
        """Lines of its log that are errors or warnings; not that a busy machine made it late."""
        return [line for line in self.messages().splitlines()
                if (" E! " in line or " W! " in line) and "did not complete within its flush interval" not in line]

    def points(self):
        """All that it has written to its file so far, as agent.parse_lines() gives it."""
        path = self.folder / "metrics"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return agent.parse_lines(text[:text.rfind("\n") + 1])

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        self.stop()
        self.temporary.cleanup()

    def __exit__(self, *_):
        self.close()
