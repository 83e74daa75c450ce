# SPDX-License-Identifier: GPL-2.0-only
"""rustls, by a program of ours (tests/stacks/rustls-peer)."""

import pathlib
import re

from peer import Stack
from program import ProgramClient, ProgramServer

PROJECT = pathlib.Path(__file__).parents[4]
BUILT = PROJECT / "build/stacks"


class Rustls(Stack):
    name = "rustls"
    title = "rustls"
    mldsa = "rustls on ring has no ML-DSA"
    long = None
    program = BUILT / "peer-rustls"

    def missing(self):
        return None if self.program.exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        return re.search(r'name = "rustls"\nversion = "([^"]+)"', (PROJECT / "Cargo.lock").read_text())[1]

    def limits(self, role):
        return True

    def serve(self, case, place, port, backend):
        return ProgramServer([str(self.program)], case, place, port, backend)

    def connect(self, case, place, port):
        return ProgramClient([str(self.program)], case, place, port)


STACK = Rustls()
