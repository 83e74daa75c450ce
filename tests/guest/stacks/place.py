# SPDX-License-Identifier: GPL-2.0-only
"""Where a course runs."""

import dataclasses
import os

from lab import run
from peer import NAME


@dataclasses.dataclass
class Place:
    """Where a course runs: a folder, and in it key.pem and cert.pem (the server's, for server.example, and the
    client's too), and `body`: what an HTTP client posts. Each client has a key log of its own."""
    folder: str
    keys: str = "client.keys"

    @classmethod
    def make(cls, folder):
        place = cls(folder)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-keyout", place.file("key.pem"), "-out", place.file("cert.pem"), "-subj", f"/CN={NAME}",
            "-addext", f"subjectAltName=DNS:{NAME}")
        # Some servers read it as another user than root.
        run("chmod", "-R", "a+rX", folder)
        return place

    def file(self, name):
        return os.path.join(self.folder, name)

    @property
    def keylog(self):
        """SSLKEYLOGFILE of the client, for stacks that have it."""
        return self.file(self.keys)

    @property
    def server_keylog(self):
        """Likewise of servers."""
        return self.file("server.keys")
