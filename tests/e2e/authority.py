# SPDX-License-Identifier: Apache-2.0
"""Certificates from the openssl tool."""

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tap import Failure, Skip


class Authority:
    """Signs certificates, in a folder."""

    def __init__(self, folder, name):
        if not shutil.which("openssl"):
            raise Skip("there is no openssl to make certificates with")
        self.folder, self.name = Path(folder), name
        self.certificate = self.folder / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                      "-keyout", self.folder / f"{name}.key", "-out", self.certificate)

    @staticmethod
    def _openssl(*args):
        done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"openssl {args[0]}: {done.stderr}")

    def issue(self, name, names="IP:127.0.0.1", days="2"):
        """(certificate, key) for a server or a client."""
        files = [self.folder / f"{name}.{what}" for what in ("pem", "key", "csr", "ext")]
        certificate, key, request, extensions = files
        extensions.write_text(f"subjectAltName={names}\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey",
                      self.folder / f"{self.name}.key", "-CAcreateserial", "-days", days, "-extfile", extensions,
                      "-out", certificate)
        return certificate, key


@contextmanager
def authority():
    with tempfile.TemporaryDirectory(prefix="thermograf-ca-") as folder:
        yield Authority(folder, "ca")
