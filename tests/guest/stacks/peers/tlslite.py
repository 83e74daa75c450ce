# SPDX-License-Identifier: GPL-2.0-only
"""tlslite-ng, by a program of ours on it (tests/stacks/peers/build puts it into build/stacks/python)."""

import pathlib

from peer import Case
from program import LibraryStack

PYTHON = pathlib.Path(__file__).parents[4] / "build/stacks/python"


class TlsLite(LibraryStack):
    name = "tlslite"
    title = "tlslite-ng"
    mldsa = "tlslite-ng 0.8 has no ML-DSA"
    limited_by_server = True
    program = "tlslite_ng.py"
    # It has no key log.
    logs_keys = False
    # All of it is in Python.
    slow = True

    def missing(self):
        return None if (PYTHON / "tlslite").exists() else "tests/stacks/peers/build has not been run"

    def version(self):
        return next(PYTHON.glob("tlslite_ng-*.dist-info")).name.split("-")[1].removesuffix(".dist")

    def cannot_meet(self, server, case):
        if server.name in ("gnutls", "go") and case == Case("1.2", "resumed"):
            return "tlslite-ng asks for no tickets in TLS 1.2, and this server by itself keeps no sessions"
        return None

    def cannot_serve(self, case):
        return "tlslite-ng has no early data" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def pads(self, role):
        return True

    def limits(self, role):
        return True


STACK = TlsLite()
