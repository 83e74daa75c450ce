# SPDX-License-Identifier: GPL-2.0-only
"""Java's JSSE, by a program of ours (tests/stacks/peers/Peer.java)."""

import pathlib
import shutil

from lab import run
from peer import Case, Stack
from program import ProgramClient, ProgramServer

CLASSES = pathlib.Path(__file__).parents[4] / "build/stacks/java"
# What makes its start shorter, which is long where the processor is emulated.
PROGRAM = ["java", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx192m", "-cp", str(CLASSES), "Peer"]


class Java(Stack):
    name = "java"
    title = "Java"
    mldsa = "Java 21 has no ML-DSA"
    long = None
    padding = "Java pads every record by 16 bytes anyway, and cannot be asked for more"

    def missing(self):
        if not shutil.which("java"):
            return "there is no Java here"
        return None if CLASSES.exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        return run("java", "--version").stdout.split()[1]

    def cannot_serve(self, case):
        return "JSSE has no early data" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def cannot_meet(self, server, case):
        if server.name == "go" and case == Case("1.2", "resumed"):
            return "Go says of its tickets of TLS 1.2 that they live for 0 seconds, and JSSE keeps none of these"
        return None

    def limits(self, role):
        return True

    def serve(self, case, place, port, backend):
        return ProgramServer(PROGRAM, case, place, port, backend, logs_keys=False)

    def connect(self, case, place, port):
        return ProgramClient(PROGRAM, case, place, port, logs_keys=False)


STACK = Java()
