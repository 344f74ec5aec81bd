# SPDX-License-Identifier: Apache-2.0
"""A private time series database: the distribution's package, unpacked below build/ and never installed.

InfluxDB where the distribution has it, else VictoriaMetrics. It listens on a free port of the loopback, keeps its
data in a temporary folder, and ends with us.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from pathlib import Path

import lab
from tap import Skip

DATABASE = "telegraf"
NS = 1_000_000_000


def candidate(package):
    policy = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Candidate: ([^(\s]+)", policy)
    return found[1] if found else None


def unpack(package, program, cache, tell):
    """The path of `program` out of `package`, downloaded and unpacked once."""
    folder = cache / package
    path = folder / program
    if path.exists():
        return path
    tell(f"downloading {package} {candidate(package)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        # The option: apt wants to read what its own user may not, and warns.
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=temporary,
                       check=True, capture_output=True)
        (deb,) = Path(temporary).glob("*.deb")
        subprocess.run(["dpkg", "-x", deb, f"{temporary}/files"], check=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(f"{temporary}/files", folder)
    return path


def find(cache, tell=lambda text: None):
    """The class of the database that this distribution has, and its program; Skip where it has none."""
    if not shutil.which("apt-get"):
        raise Skip("a private database comes from Debian's or Ubuntu's packages, and this is neither")
    # THERMOGRAF_STORE: the package's name, to try the other one where both are there.
    wanted = os.environ.get("THERMOGRAF_STORE")
    kinds = [kind for kind in (InfluxDB, VictoriaMetrics) if wanted in (None, kind.PACKAGE)]
    unpacked = [kind for kind in kinds if (cache / kind.PACKAGE / kind.PROGRAM).exists()]
    if not unpacked and not any(candidate(kind.PACKAGE) for kind in kinds):
        tell("apt-get update")
        subprocess.run(["apt-get", "-qq", "update"], check=False, capture_output=True)
    for kind in unpacked or kinds:
        if kind in unpacked or candidate(kind.PACKAGE):
            return kind, of(kind, cache, tell)
    raise Skip(f"this distribution has no package {' or '.join(kind.PACKAGE for kind in kinds)}")


def of(kind, cache=lab.ROOT / "build" / "e2e", tell=lambda text: None):
    """The program of just this kind; Skip where the distribution does not have it."""
    if not (cache / kind.PACKAGE / kind.PROGRAM).exists():
        if not shutil.which("apt-get"):
            raise Skip(f"{kind.TITLE} comes from Debian's or Ubuntu's packages, and this is neither")
        if not candidate(kind.PACKAGE):
            subprocess.run(["apt-get", "-qq", "update"], check=False, capture_output=True)
        if not candidate(kind.PACKAGE):
            raise Skip(f"this distribution has no package {kind.PACKAGE}")
    try:
        return unpack(kind.PACKAGE, kind.PROGRAM, cache, tell)
    except subprocess.CalledProcessError as error:
        raise Skip(f"{kind.PACKAGE}: not downloaded: {error.stderr.decode(errors='replace').strip()}") from error


class Store:
    """
    One running database. samples() and sums() are all that is asked of it.

    login: (user, password) that every request must have; None: nobody is asked.
    """

    READY = "/ping"  # what answers once it is up

    def __init__(self, program, folder=None, port=None, login=None):
        self.program = program
        self.temporary = None if folder else tempfile.TemporaryDirectory(prefix="thermograf-store-")
        self.folder = Path(folder or self.temporary.name)
        self.port = port or lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.login = login
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = lab.spawn(self.command(), stdout=log, stderr=log, cwd=self.folder)
        try:
            lab.wait_for(self._answers, lab.SERVER_START_S, f"{self.program} on port {self.port}")
        except BaseException:
            self.close()
            raise

    def stop(self):
        if self.process:
            lab.stop(self.process)
            self.process = None

    def kill(self):
        """As a crash, or the kernel when memory is short."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self):
        self.stop()
        if self.temporary:
            self.temporary.cleanup()
            self.temporary = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def command(self):
        raise NotImplementedError

    def _answers(self):
        if self.process.poll() is not None:
            log = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"{self.program} ended with {self.process.returncode}:\n{log[-2000:]}")
        try:
            return self._get(self.READY) is not None
        except (urllib.error.URLError, OSError):
            return False

    def _get(self, path, **query):
        return self._ask(f"{path}?{urllib.parse.urlencode(query)}")

    def _ask(self, path, data=None):
        request = urllib.request.Request(f"{self.url}{path}", data)
        if self.login:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(self.login).encode()).decode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def samples(self, measurement, field, since_ns=0):
        """Every stored value: [(tags, time_ns, value)]."""
        raise NotImplementedError

    def sums(self, measurement, field, by, since_ns, tags=None):
        """Sums over a second each, of the series with these tags: {values of the tags `by`: {second: sum}}."""
        raise NotImplementedError

    def times(self, measurement):
        """The time stamps of a measurement, in nanoseconds, whatever its fields."""
        raise NotImplementedError


class InfluxDB(Store):
    PACKAGE = "influxdb"
    PROGRAM = "usr/bin/influxd"
    TITLE = "InfluxDB"
    create = True  # the database, at the start

    CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[subscriber]
enabled = false
[logging]
level = "warn"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
auth-enabled = {auth}
unix-socket-enabled = true
bind-socket = "{folder}/socket"
"""

    def command(self):
        config = self.folder / "influxdb.conf"
        config.write_text(self.CONFIG.format(folder=self.folder, port=self.port, rpc=lab.free_port(),
                                             auth="true" if self.login else "false"))
        return [self.program, "run", "-config", config]

    def start(self):
        super().start()
        if self.login:
            # The first user may be made by nobody.
            self.execute("CREATE USER \"{}\" WITH PASSWORD '{}' WITH ALL PRIVILEGES".format(*self.login))
        if self.create:
            self.execute(f'CREATE DATABASE "{DATABASE}"')

    def execute(self, text):
        """One InfluxQL statement that changes something."""
        self._ask("/query", urllib.parse.urlencode({"q": text}).encode())

    def query(self, text, database=DATABASE):
        """[(tags, columns, rows)] of one InfluxQL statement; times in nanoseconds."""
        (result,) = json.loads(self._get("/query", db=database, epoch="ns", q=text))["results"]
        if "error" in result:
            raise RuntimeError(f"{text}: {result['error']}")
        return [(s.get("tags", {}), s["columns"], s["values"]) for s in result.get("series", [])]

    def samples(self, measurement, field, since_ns=0):
        found = self.query(f'SELECT "{field}" FROM "{measurement}" WHERE time >= {since_ns} GROUP BY *')
        return [(tags, row[0], row[1]) for tags, _, rows in found for row in rows]

    def sums(self, measurement, field, by, since_ns, tags=None):
        where = "".join(f" AND \"{key}\" = '{value}'" for key, value in (tags or {}).items())
        groups = "".join(f', "{key}"' for key in by)
        found = self.query(f'SELECT sum("{field}") FROM "{measurement}" WHERE time >= {since_ns}{where} '
                           f"GROUP BY time(1s){groups} fill(none)")
        return {tuple(tags[key] for key in by): {row[0] // NS: row[1] for row in rows} for tags, _, rows in found}

    def times(self, measurement):
        return sorted({row[0] for _, _, rows in self.query(f'SELECT * FROM "{measurement}"') for row in rows})


class VictoriaMetrics(Store):
    PACKAGE = "victoria-metrics"
    PROGRAM = "usr/bin/victoria-metrics"
    TITLE = "VictoriaMetrics"

    def command(self):
        # A month is the shortest retention of old versions.
        return [self.program, f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.folder}/data",
                "-retentionPeriod=1", "-loggerLevel=WARN", *self._login_options()]

    def _login_options(self):
        return [f"-httpAuth.{key}={value}" for key, value in zip(("username", "password"), self.login or ())]

    def _export(self, selector, since_ns=0):
        self._get("/internal/force_flush")  # else what has come in the last second is not seen yet
        lines = self._get("/api/v1/export", **{"match[]": selector, "start": since_ns / NS, "end": time.time() + 60})
        for line in lines.splitlines():
            series = json.loads(line)
            tags = {k: v for k, v in series["metric"].items() if k not in ("__name__", "db")}
            for stamp_ms, value in zip(series["timestamps"], series["values"]):
                yield tags, stamp_ms * 1_000_000, value

    def samples(self, measurement, field, since_ns=0):
        return list(self._export(f'{{__name__="{measurement}_{field}"}}', since_ns))

    def sums(self, measurement, field, by, since_ns, tags=None):
        groups = defaultdict(lambda: defaultdict(float))
        where = "".join(f',{key}="{value}"' for key, value in (tags or {}).items())
        for found, stamp_ns, value in self._export(f'{{__name__="{measurement}_{field}"{where}}}', since_ns):
            groups[tuple(found.get(key, "") for key in by)][stamp_ns // NS] += value
        return groups

    def times(self, measurement):
        # thermograf_probe_... is another measurement than thermograf_...; no field has such a name.
        name = f"{measurement}_.*"
        found = self._export(f'{{__name__=~"{name}",__name__!~"{measurement}_probe_.*"}}')
        return sorted({stamp_ns for _, stamp_ns, _ in found})
