# SPDX-License-Identifier: GPL-2.0-only
"""OpenSSL, by a program of ours on its library."""

from lab import run
from program import LibraryStack


class OpenSsl(LibraryStack):
    name = "openssl"
    title = "OpenSSL"
    program = "openssl.py"

    def version(self):
        return run("openssl", "version").stdout.split()[1]

    def pads(self, role):
        return True

    def limits(self, role):
        return True


STACK = OpenSsl()
