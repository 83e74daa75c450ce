# SPDX-License-Identifier: GPL-2.0-only
"""Python's ssl module, by a program of ours."""

import pathlib
import platform
import ssl
import sys

from peer import ProgramClient, ProgramServer, Stack

PROGRAM = [sys.executable, "-B", str(pathlib.Path(__file__).parents[1] / "programs/python_ssl.py")]


class Python(Stack):
    name = "python"
    title = "Python"

    def version(self):
        return f"{platform.python_version()} ({ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]})"

    def cannot_serve(self, case):
        return "no early data in Python's ssl" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def serve(self, case, place, port, backend):
        return ProgramServer(PROGRAM, case, place, port, backend)

    def connect(self, case, place, port):
        return ProgramClient(PROGRAM, case, place, port)


STACK = Python()
