# SPDX-License-Identifier: GPL-2.0-only
"""Where a course runs."""

import dataclasses
import os
import pathlib

from lab import run
from peer import NAME

# How many names each has besides: two kilobytes of them, and twenty.
CERTIFICATES = {"cert.pem": 0, "large.pem": 100, "long.pem": 1000}


@dataclasses.dataclass
class Place:
    """Where a course runs: a folder, and in it key.pem and cert.pem (the server's, for server.example, and the
    client's too), large.pem and long.pem (other certificates of the same key), clients.pem (all of them), and `body`: what
    an HTTP client posts. Each client has a key log of its own, and servers one together."""
    folder: str
    keys: str = "client.keys"

    @classmethod
    def make(cls, folder):
        place = cls(folder)
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", place.file("ec.pem"))
        run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", place.file("ec.pem"), "-out", place.file("key.pem"))
        # Under another name: where both are trusted they are looked up by it.
        for number, (name, count) in enumerate(CERTIFICATES.items()):
            subject = f"{number}.{NAME}" if count else NAME
            names = [NAME, *(f"{one}.{NAME}" for one in range(count))]
            run("openssl", "req", "-x509", "-key", place.file("key.pem"), "-days", "30", "-out", place.file(name),
                "-subj", f"/CN={subject}", "-addext", "subjectAltName=" + ",".join(f"DNS:{one}" for one in names))
        with open(place.file("clients.pem"), "w", encoding="ascii") as file:
            for name in CERTIFICATES:
                file.write(pathlib.Path(place.file(name)).read_text(encoding="ascii"))
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
