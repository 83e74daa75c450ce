# SPDX-License-Identifier: GPL-2.0-only
"""wolfSSL, by a program of ours on its library."""

import ctypes

from program import LibraryStack

LIBRARY = "libwolfssl.so.42"


class WolfSsl(LibraryStack):
    name = "wolfssl"
    title = "wolfSSL"
    mldsa = "Debian's wolfSSL takes no certificate of ML-DSA"
    program = "wolfssl.py"
    library = LIBRARY
    long = "it ends the connection by itself where the server's ticket has the certificate in it"
    # Debian's wolfSSL is built without a way to have its keys.
    logs_keys = False

    def version(self):
        get = ctypes.CDLL(LIBRARY).wolfSSL_lib_version
        get.restype = ctypes.c_char_p
        return get().decode()

    def cannot_serve(self, case):
        return "Debian's wolfSSL is built without early data" if case.mode == "early" else None

    def cannot_connect(self, case):
        if case.mode == "rsa512":
            return "wolfSSL writes a CertificateVerify of RSA-4096 into one record, over the limit that it has asked for"
        return self.cannot_serve(case)

    def limits(self, role):
        return role == "client"


STACK = WolfSsl()
