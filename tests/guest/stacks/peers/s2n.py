# SPDX-License-Identifier: GPL-2.0-only
"""s2n-tls, by a program of ours on its library, which tests/stacks/peers/build makes of its crate."""

import pathlib
import re

from peer import Case
from program import LibraryStack

PROJECT = pathlib.Path(__file__).parents[4]


class S2n(LibraryStack):
    name = "s2n"
    title = "s2n-tls"
    program = "s2n.py"

    def missing(self):
        return None if (PROJECT / "build/stacks/libs2n.so").exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        """Of the crate that has it."""
        return re.search(r'name = "s2n-tls-sys"\nversion = "([^"]+)"', (PROJECT / "Cargo.lock").read_text())[1]

    def cannot_connect(self, case):
        return "s2n-tls's own interface has no early data" if case.mode == "early" else None

    def cannot_meet(self, server, case):
        if server.name in ("erlang", "tlslite", "wolfssl") and case == Case("1.2", "resumed"):
            return "s2n-tls resumes by tickets only, and this server gives none in TLS 1.2"
        return None

    def cannot_serve(self, case):
        if case.mode == "retry":
            return "s2n-tls has no policy with P-384 alone that takes a key on P-256"
        return self.cannot_connect(case)

    def limits(self, role):
        return True


STACK = S2n()
