# SPDX-License-Identifier: GPL-2.0-only
"""NSS, by a program of ours on its library."""

import ctypes
import os
import pathlib

from lab import run
from program import LibraryStack


class Nss(LibraryStack):
    name = "nss"
    title = "NSS"
    mldsa = "NSS 3.110 takes no key of ML-DSA"
    limited_by_server = True
    program = "nss.py"
    # Debian's NSS is built without a key log.
    logs_keys = False

    def version(self):
        get = ctypes.CDLL("libnss3.so").NSS_GetVersion
        get.restype = ctypes.c_char_p
        return get().decode().split()[0]

    def prepare(self, place, case):
        """The certificates of both sides in a database of its own kind."""
        database = place.file("nss")
        if not os.path.exists(database):
            run("mkdir", "-p", database)
            run("certutil", "-N", "-d", database, "--empty-password")
        key = place.file("key.pem")
        files = {place.file("cert.pem"): key, place.file("large.pem"): key}
        if case.kind.certificate:
            files.update([place.own(case)])
        for file, key in files.items():
            bundle, name = f"{file}.p12", pathlib.Path(file).name
            if os.path.exists(bundle):
                continue
            run("openssl", "pkcs12", "-export", "-in", file, "-inkey", key, "-name", name, "-passout", "pass:", "-out", bundle)
            run("pk12util", "-i", bundle, "-d", database, "-W", "")
            run("certutil", "-M", "-n", name, "-t", "CTu,CTu,CTu", "-d", database)

    def limits(self, role):
        return True


STACK = Nss()
