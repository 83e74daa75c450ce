# SPDX-License-Identifier: GPL-2.0-only
"""Erlang/OTP, by a program of ours on its ssl application."""

import re
import shutil

from lab import run
from peer import Case
from program import LibraryStack


class Erlang(LibraryStack):
    name = "erlang"
    title = "Erlang"
    mldsa = "OTP 27 has no ML-DSA"
    program = "tls_peer.erl"
    interpreter = ("escript",)
    # OTP 27's own has the secrets of the two sides' data the wrong way round.
    logs_keys = False

    def missing(self):
        return None if shutil.which("escript") else "there is no Erlang here"

    def version(self):
        """Of the release, not of the machine."""
        return re.search(r"1:([0-9.]+)", run("dpkg-query", "-Wf", "${Version}", "erlang-ssl").stdout)[1]

    def cannot_meet(self, server, case):
        if server.name in ("gnutls", "go") and case == Case("1.2", "resumed"):
            return "Erlang asks for no tickets in TLS 1.2, and this server by itself keeps no sessions"
        return None

    def connect(self, case, place, port):
        client = super().connect(case, place, port)
        client.forgets_alpn = True
        return client


STACK = Erlang()
