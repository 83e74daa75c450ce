# SPDX-License-Identifier: GPL-2.0-only
"""GnuTLS, by a program of ours on its library."""

import ctypes

from program import LibraryStack


class GnuTls(LibraryStack):
    name = "gnutls"
    title = "GnuTLS"
    mldsa = "Debian's GnuTLS is built without ML-DSA"
    program = "gnutls.py"

    def version(self):
        check = ctypes.CDLL("libgnutls.so.30").gnutls_check_version
        check.restype = ctypes.c_char_p
        return check(None).decode()

    def pads(self, role):
        return True

    def limits(self, role):
        return True


STACK = GnuTls()
