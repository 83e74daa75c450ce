# SPDX-License-Identifier: GPL-2.0-only
"""Python's ssl module, by a program of ours."""

import platform
import ssl

from program import LibraryStack


class Python(LibraryStack):
    name = "python"
    title = "Python"
    program = "python_ssl.py"

    def version(self):
        return f"{platform.python_version()} ({' '.join(ssl.OPENSSL_VERSION.split()[:2])})"

    def cannot_serve(self, case):
        return "no early data in Python's ssl" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def pads(self, role):
        return True


STACK = Python()
