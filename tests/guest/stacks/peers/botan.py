# SPDX-License-Identifier: GPL-2.0-only
"""Botan, by a program of ours (tests/stacks/peers/botan.cpp)."""

import pathlib

from lab import run
from peer import Stack
from program import ProgramClient, ProgramServer

PROGRAM = pathlib.Path(__file__).parents[4] / "build/stacks/peer-botan"


class Botan(Stack):
    name = "botan"
    title = "Botan"
    mldsa = "Botan's TLS has no ML-DSA"
    limited_by_server = True
    long = None

    def missing(self):
        return None if PROGRAM.exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        return run(str(PROGRAM), "version").stdout.strip()

    def cannot_serve(self, case):
        return "Botan has no early data" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def limits(self, role):
        """Its server refuses clients that do not know how (RFC 8449)."""
        return role == "client"

    def cannot_meet(self, server, case):
        if server.name == "tlslite" and case.version == "1.3":
            return "tlslite-ng refuses Botan's hello, which offers TLS 1.3 alone, and groups of TLS 1.2"
        return None

    def serve(self, case, place, port, backend):
        return ProgramServer([str(PROGRAM)], case, place, port, backend)

    def connect(self, case, place, port):
        return ProgramClient([str(PROGRAM)], case, place, port)


STACK = Botan()
