# SPDX-License-Identifier: GPL-2.0-only
"""mbedTLS, by a program of ours on its library."""

import ctypes

from kinds import FLIGHTS
from program import LibraryStack

LIBRARY = "libmbedcrypto.so.16"


class MbedTls(LibraryStack):
    name = "mbedtls"
    title = "mbedTLS"
    mldsa = "mbedTLS 3.6 has no ML-DSA"
    program = "mbedtls.py"
    padding = "mbedTLS pads every record to 16 bytes anyway, and cannot be asked for more"
    library = LIBRARY
    long = "mbedTLS writes no message of more than 16 KiB"

    def version(self):
        text = ctypes.create_string_buffer(16)
        ctypes.CDLL(LIBRARY).mbedtls_version_get_string(text)
        return text.value.decode()

    def cannot_serve(self, case):
        return "Debian's mbedTLS is built without early data" if case.mode == "early" else None

    def cannot_connect(self, case):
        if case.mode in FLIGHTS and case.kind.limit:
            return "mbedTLS writes each message of a handshake into one record, whatever the limit"
        return self.cannot_serve(case)

    def limits(self, role):
        return True


STACK = MbedTls()
