# SPDX-License-Identifier: GPL-2.0-only
"""NSS, by a program of ours on its library."""

import ctypes
import os

from lab import run
from place import CERTIFICATES
from program import LibraryStack


class Nss(LibraryStack):
    name = "nss"
    title = "NSS"
    program = "nss.py"
    # Debian's NSS is built without a key log.
    logs_keys = False

    def version(self):
        get = ctypes.CDLL("libnss3.so").NSS_GetVersion
        get.restype = ctypes.c_char_p
        return get().decode().split()[0]

    def prepare(self, place):
        """The certificate in a database of its own kind."""
        database, bundle = place.file("nss"), place.file("nss.p12")
        if os.path.exists(bundle):
            return
        run("mkdir", "-p", database)
        run("certutil", "-N", "-d", database, "--empty-password")
        for name in CERTIFICATES:
            run("openssl", "pkcs12", "-export", "-in", place.file(name), "-inkey", place.file("key.pem"), "-name", name,
                "-passout", "pass:", "-out", bundle)
            run("pk12util", "-i", bundle, "-d", database, "-W", "")
            run("certutil", "-M", "-n", name, "-t", "CTu,CTu,CTu", "-d", database)

    def limits(self, role):
        return True


STACK = Nss()
