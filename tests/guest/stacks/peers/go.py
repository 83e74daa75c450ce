# SPDX-License-Identifier: GPL-2.0-only
"""Go's crypto/tls, by a program of ours (tests/stacks/peers/peer.go)."""

import pathlib

from lab import run
from peer import Stack
from program import ProgramClient, ProgramServer

PROGRAM = pathlib.Path(__file__).parents[4] / "build/stacks/peer-go"


class Go(Stack):
    name = "go"
    title = "Go"
    mldsa = "Go 1.24 has no ML-DSA"
    long = None

    def missing(self):
        return None if PROGRAM.exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        return run("go", "version").stdout.split()[2].removeprefix("go")

    def cannot_serve(self, case):
        return "crypto/tls has early data for QUIC only" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def serve(self, case, place, port, backend):
        return ProgramServer([str(PROGRAM)], case, place, port, backend)

    def connect(self, case, place, port):
        return ProgramClient([str(PROGRAM)], case, place, port)


STACK = Go()
