# SPDX-License-Identifier: Apache-2.0
"""In the guest of service.sh: takes what the agent pushes, while FOLDER/away is not there. Lines go to FOLDER/received, and
who did not show the token is counted in FOLDER/refused.

    receiver.py FOLDER PORT TOKEN
"""

import gzip
import http.server
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """One write; the agent's gzip is undone."""

    folder, token = Path(sys.argv[1]), sys.argv[3]

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {self.token}":
            with open(self.folder / "refused", "a", encoding="utf-8") as file:
                print(self.headers["Authorization"], file=file)
            self.answer(401)
        elif (self.folder / "away").exists():
            self.answer(503)
        else:
            with open(self.folder / "received", "ab") as file:
                file.write(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
