# SPDX-License-Identifier: GPL-2.0-only
"""Stacks that a program of ours drives, as peer.py has them."""

import ctypes
import pathlib
import socket
import sys

from lab import PATIENCE, SERVER, inside
from peer import ALPN, NAME, PORTS, Client, Process, Server, Stack


def asked(case):
    """What both sides are asked of their records."""
    words = ["--padding"] if case.kind.pads else []
    return words + (["--limit", str(case.kind.limit)] if case.kind.limit else [])


class ProgramServer(Server):
    def __init__(self, command, case, place, port, backend, environment=None, logs_keys=True):
        self.logs_keys = logs_keys
        words = [*command, "server", "--listen", f"{SERVER[4]}:{port}", "--connect", f"127.0.0.1:{backend}",
                 # One that needs several records where these are limited.
                 "--cert", place.file("large.pem" if case.mode == "limited" else "cert.pem"), "--key", place.file("key.pem"),
                 "--version", case.version, "--alpn", ALPN]
        words += [f"--{mode}" for mode in ("retry", "early") if case.mode == mode]
        words += ["--ask"] if case.kind.certificate else []
        words += asked(case)
        self.process = Process("server", words, place.folder, {"SSLKEYLOGFILE": place.server_keylog, **(environment or {})})
        self.process.wait_for("listening")

    def handshake(self, number):
        return self.process.wait_for("handshake", number, errors=False)

    def close(self):
        self.process.close()


class ProgramClient(Client):
    lasting = True

    def __init__(self, command, case, place, port, environment=None, logs_keys=True):
        self.logs_keys = logs_keys
        self.full, self.again = next(PORTS), next(PORTS)
        words = [*command, "client", "--listen", f"127.0.0.1:{self.full}", "--resume", f"127.0.0.1:{self.again}",
                 "--connect", f"{SERVER[4]}:{port}", "--name", NAME, "--version", case.version, "--alpn", ALPN]
        if case.kind.certificate:
            own, key = place.own(case)
            words += ["--cert", own, "--key", key]
        words += ["--early"] if case.mode == "early" else []
        words += asked(case)
        self.process = Process("client", words, place.folder, {"SSLKEYLOGFILE": place.keylog, **(environment or {})})
        self.process.wait_for("listening")

    def open(self, resume=False):
        with inside("client"):
            return socket.create_connection(("127.0.0.1", self.again if resume else self.full), timeout=PATIENCE)

    def handshake(self, number):
        return self.process.wait_for("handshake", number, errors=False)

    def close(self):
        self.process.close()


class LibraryStack(Stack):
    """A stack whose library a program of ours, in `programs`, joins to plain connections."""
    program = ""
    interpreter = (sys.executable, "-B")
    # A library that is not everywhere, as the loader knows it.
    library = None
    long = None
    # Whether the program writes its keys where it is told to.
    logs_keys = True

    def missing(self):
        try:
            ctypes.CDLL(self.library)
        except OSError:
            return f"there is no {self.title} here"
        return None

    @property
    def command(self):
        return [*self.interpreter, str(pathlib.Path(__file__).parent / "programs" / self.program)]

    def prepare(self, place, case):
        """Makes what it needs besides key.pem and cert.pem, where that is not there."""

    def serve(self, case, place, port, backend):
        self.prepare(place, case)
        return ProgramServer(self.command, case, place, port, backend, logs_keys=self.logs_keys)

    def connect(self, case, place, port):
        self.prepare(place, case)
        return ProgramClient(self.command, case, place, port, logs_keys=self.logs_keys)
