# SPDX-License-Identifier: GPL-2.0-only
"""Where a course runs."""

import dataclasses
import os
import pathlib

from lab import run
from peer import NAME

# How many names each has besides: two kilobytes of them, and twenty.
CERTIFICATES = {"cert.pem": 0, "large.pem": 100, "long.pem": 1000}
# Those that are made where a client is to have one: how many names, ten kilobytes of them, and the key.
CLIENTS = {"ten.pem": (500, "key.pem"), "rsa.pem": (0, "rsa.key"), "mldsa.pem": (0, "mldsa.key")}
KEYS = {"rsa.key": ("RSA", "-pkeyopt", "rsa_keygen_bits:4096"), "mldsa.key": ("ML-DSA-65",)}


@dataclasses.dataclass
class Place:
    """Where a course runs: a folder, and in it key.pem and cert.pem (the server's, for server.example, and the
    client's too), large.pem and long.pem (other certificates of the same key), clients.pem (all of these), those
    of CLIENTS once a client has had them, and `body`: what an HTTP client posts. Each client has a key log of its own, and servers one together."""
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
            place.sign(name, "key.pem", subject, count)
        with open(place.file("clients.pem"), "w", encoding="ascii") as file:
            for name in CERTIFICATES:
                file.write(pathlib.Path(place.file(name)).read_text(encoding="ascii"))
        # Some servers read it as another user than root.
        run("chmod", "-R", "a+rX", folder)
        return place

    def sign(self, name, key, subject, count):
        """Makes a certificate with so many names besides."""
        names = [NAME, *(f"{one}.{NAME}" for one in range(count))]
        run("openssl", "req", "-x509", "-key", self.file(key), "-days", "30", "-out", self.file(name),
            "-subj", f"/CN={subject}", "-addext", "subjectAltName=" + ",".join(f"DNS:{one}" for one in names))

    def own(self, case):
        """A client's certificate and key in a case that has it show one, as files."""
        name = case.kind.certificate
        count, key = CLIENTS.get(name, (0, "key.pem"))
        if not os.path.exists(self.file(key)):
            run("openssl", "genpkey", "-algorithm", *KEYS[key], "-out", self.file(key))
        if not os.path.exists(self.file(name)):
            self.sign(name, key, f"{name}.{NAME}", count)
        return self.file(name), self.file(key)

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
