# SPDX-License-Identifier: GPL-2.0-only
"""BoringSSL, by a program of ours on its library as Debian has it for Android's tools."""

from lab import run
from program import LibraryStack

PLACE = "/usr/lib/x86_64-linux-gnu/android"


class BoringSsl(LibraryStack):
    name = "boringssl"
    title = "BoringSSL"
    mldsa = "Android's BoringSSL of Debian has no ML-DSA"
    program = "boringssl.py"
    long = "it ends the connection by itself where the server's ticket has the certificate in it"
    library = f"{PLACE}/libssl.so.0"

    def version(self):
        """It has no versions of its own."""
        return run("dpkg-query", "-Wf", "${Version}", "android-libboringssl").stdout.split("-")[0]

    def limits(self, role):
        return True


STACK = BoringSsl()
