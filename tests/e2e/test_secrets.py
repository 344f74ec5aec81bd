#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No secret of a configuration is ever printed: not by the agent at its most talkative, not about a receiver that quotes
the request back, not by a check, and not when the configuration is wrong."""

import base64
import http.server
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path

import agent
import lab
from tap import equal, main, true

SECRETS = {name: f"{name}-hunter2-{number}" for number, name in enumerate(
    ("token", "password", "filetoken", "filepassword", "header", "apikey", "proxypassword", "variable", "pathless"))}
USER = "alice"

CONFIG = """[agent]
interval = 200ms
log_level = debug
flush_jitter = 0
[global_tags]
dc = lab
[output.token]
urls = {url}/401?api_key={apikey}
token = {token}
[output.login]
urls = {url}/500
username = {user}
password = {password}
[output.files]
type = influx2
urls = {url}/403
token_file = {folder}/token
[output.login_of_file]
urls = {url}/404
username = {user}
password_file = {folder}/password
[output.header]
type = http
urls = {url}/410?{pathless}
header.X-Api-Key = {header}
header.Authorization = Custom {variable_reference}
[output.proxy]
urls = http://behind.invalid:8086/407
http_proxy = http://{user}:{proxypassword}@127.0.0.1:{port}
[output.gone]
urls = http://127.0.0.1:1/?api_key={apikey}
token = {token}
"""


class Parrot(http.server.BaseHTTPRequestHandler):
    """Refuses with the status that the path names, and quotes the request: first one header, then all."""

    asked = {}  # status: number of requests

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers["Content-Length"]))
        status = int(self.path.rsplit("/", 1)[1][:3])
        self.asked[status] = self.asked.get(status, 0) + 1
        own = [value for name, value in self.headers.items() if name in ("Authorization", "Proxy-Authorization", "X-Api-Key")]
        said = f"refused {' '.join(own)} for {self.path}, {dict(self.headers)}"
        body = (json.dumps({"error": said}) if status == 500 else said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def forms():
    """Each secret as it stands and as a header has it."""
    for name, secret in SECRETS.items():
        yield name, secret
        yield name, base64.b64encode(f"{USER}:{secret}".encode()).decode()


def assert_none_in(text, where):
    for name, secret in forms():
        line = next((line for line in text.splitlines() if secret in line), None)
        true(line is None, f"the secret {name} is printed by {where}: {line}")


def write_config(folder, port):
    (folder / "token").write_text(SECRETS["filetoken"] + "\n")
    (folder / "password").write_text(SECRETS["filepassword"] + "\n")
    for name in ("token", "password"):
        (folder / name).chmod(0o600)
    return CONFIG.format(url=f"http://127.0.0.1:{port}", port=port, folder=folder, user=USER,
                         variable_reference="${TG_SECRET}", **SECRETS)


ENVIRONMENT = {"TG_SECRET": SECRETS["variable"]}


def test_the_agent_prints_none_though_every_receiver_quotes_them():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="thermograf-secrets-") as temporary:
        folder, port = Path(temporary), server.server_address[1]
        one = agent.Agent(write_config(folder, port), ENVIRONMENT)
        one.config.chmod(0o600)
        with one:
            wanted = [f"answers {status}" for status in (401, 403, 404, 407, 410, 500)] + ["output gone: "]
            lab.wait_for(lambda: all(text in one.messages() for text in wanted), 30, f"each complaint of {wanted}")
            one.stop()
            said = one.messages()
    server.shutdown()
    # Not because nothing was quoted.
    true(said.count("refused ") >= 6 and said.count("***") >= 6, f"the receivers' words are not in the log:\n{said}")
    assert_none_in(said, "the agent")


def test_a_check_prints_none():
    with tempfile.TemporaryDirectory(prefix="thermograf-secrets-") as temporary:
        folder = Path(temporary)
        ini = folder / "thermograf.ini"
        ini.write_text(write_config(folder, 8086))
        for mode in (0o600, 0o644):  # it warns of a file that everybody can read
            ini.chmod(mode)
            (folder / "token").chmod(mode)
            done = subprocess.run([agent.program(), "check", "--config", ini], capture_output=True, text=True, check=False,
                                  env={**os.environ, **ENVIRONMENT})
            equal(done.returncode, 0, f"exit code of check, which says {done.stdout}{done.stderr}")
            assert_none_in(done.stdout + done.stderr, "a check")


WRONG = (  # what is wrong, and the key or section that is named
    ("[output.a]\npasword = {password}\n", "pasword"),
    ("[output.a]\nusername = u\npassword = {password}\npassword = {password}\n", "password"),
    ("[output.a]\ntoken = {token}\ntoken_file = /nonexistent\n", "token_file"),
    ("[output.a]\npassword = {password}\n", "password"),
    ("[output.a]\nurls = http://u:{password}@h:8086\n", "urls"),
    ("[output.a]\nurls = http://h:8086/?u=u&p={password}\n", "urls"),
    ("[output.a]\nurls = h:8086/?key={apikey}\n", "urls"),
    ("[output.a]\nhttp_proxy = http://u:{proxypassword}@h:99999\n", "http_proxy"),
    ("[output.a]\nheader.X-K\u00e9y = {header}\n", "header"),
    ("[output.a]\nheader.X-Key = {header}\nheader.Authorization = {token}\ntoken = {token}\n", "header.Authorization"),
    ("[output.a]\ntoken = {token} ${{NO_SUCH_VARIABLE}}\n", "NO_SUCH_VARIABLE"),
    ("[output.a]\ntype = ${{TG_SECRET}}\n", "type"),
    ("[agent]\ninterval = ${{TG_SECRET}}\n", "interval"),
    ("[output.a]\ntoken = {token}\n  other = {password}\n", "indented line"),
)


def test_a_wrong_configuration_is_told_without_them():
    with tempfile.TemporaryDirectory(prefix="thermograf-secrets-") as temporary:
        ini = Path(temporary) / "thermograf.ini"
        for text, named in WRONG:
            ini.write_text(text.format(**SECRETS))
            ini.chmod(0o600)
            done = subprocess.run([agent.program(), "run", "--config", ini], capture_output=True, text=True, check=False,
                                  env={**os.environ, **ENVIRONMENT})
            said = done.stdout + done.stderr
            equal(done.returncode, 2, f"exit code with {text!r}, said {said}")
            true(named in said, f"{named} is not named with {text!r}: {said}")
            assert_none_in(said, f"a run with {text!r}")


def test_a_wrong_setting_on_the_command_line_is_told_without_them():
    for setting in ("output.a/pasword={password}", "output.a/token={token} ${{NO_SUCH_VARIABLE}}",
                    "output.a/urls=http://u:{password}@h", "nonsense={password}"):
        done = subprocess.run([agent.program(), "check", "--config", "/dev/null", "--set", setting.format(**SECRETS)],
                              capture_output=True, text=True, check=False)
        equal(done.returncode, 2, f"exit code with {setting}, said {done.stdout}{done.stderr}")
        assert_none_in(done.stdout + done.stderr, f"a check with {setting}")


if __name__ == "__main__":
    main(globals())
