# SPDX-License-Identifier: GPL-2.0-only
"""rustls, by a program of ours (tests/stacks/rustls-peer)."""

import pathlib
import re

from peer import ProgramClient, ProgramServer, Stack

PROJECT = pathlib.Path(__file__).parents[4]
PROGRAM = PROJECT / "build/stacks/peer-rustls"


class Rustls(Stack):
    name = "rustls"
    title = "rustls"

    def missing(self):
        return None if PROGRAM.exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        return re.search(r'name = "rustls"\nversion = "([^"]+)"', (PROJECT / "Cargo.lock").read_text())[1]

    def serve(self, case, place, port, backend):
        return ProgramServer([str(PROGRAM)], case, place, port, backend)

    def connect(self, case, place, port):
        return ProgramClient([str(PROGRAM)], case, place, port)


STACK = Rustls()
