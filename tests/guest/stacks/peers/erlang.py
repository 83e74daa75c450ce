# SPDX-License-Identifier: GPL-2.0-only
"""Erlang/OTP, by a program of ours on its ssl application."""

import re
import shutil

from lab import run
from peer import Case, LibraryStack


class Erlang(LibraryStack):
    name = "erlang"
    title = "Erlang"
    program = "tls_peer.erl"
    interpreter = ("escript",)

    def missing(self):
        return None if shutil.which("escript") else "there is no Erlang here"

    def version(self):
        """Of the release, not of the machine."""
        return re.search(r"1:([0-9.]+)", run("dpkg-query", "-Wf", "${Version}", "erlang-ssl").stdout)[1]

    def cannot_meet(self, server, case):
        if server.name in ("gnutls", "go") and case == Case("1.2", "resumed"):
            return "Erlang asks for no tickets in TLS 1.2, and this server by itself keeps no sessions"
        return None

    def serve(self, case, place, port, backend):
        server = super().serve(case, place, port, backend)
        server.logs_keys = False
        return server

    def connect(self, case, place, port):
        client = super().connect(case, place, port)
        client.forgets_alpn = True
        return client


STACK = Erlang()
