# SPDX-License-Identifier: GPL-2.0-only
"""curl, as an HTTP client. It makes a connection for each run."""

import re
import socket

from lab import PATIENCE, SERVER, run
from peer import NAME, Client, Process, Stack


class Curl(Stack):
    name = "curl"
    title = "curl"

    def version(self):
        words = run("curl", "--version").stdout.split()
        return f"{words[1]} ({words[3] if 'SSL' in words[3] else words[4]})"

    def cannot_serve(self, case):
        return "curl is a client"

    def cannot_connect(self, case):
        if case.mode == "resumed":
            return "curl keeps sessions within one run only, in which it uses its first connection again"
        return "no early data asked of curl" if case.mode == "early" else None

    def connect(self, case, place, port):
        return CurlClient(case, place, port)


class Verbose(Process):
    """`* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / …`, and behind it what was agreed on by ALPN."""
    version = cipher = None

    def event_of(self, line):
        if found := re.match(r"\* SSL connection using TLSv([0-9.]+) / ([A-Z0-9_-]+)", line):
            self.version, self.cipher = found.groups()
        elif found := re.match(r"\* ALPN: (?:server accepted (\S+)|server did not agree)", line):
            return {"event": "handshake", "port": None, "version": self.version, "cipher": self.cipher, "resumed": None,
                    "alpn": found[1], "early": None}
        return None


class CurlClient(Client):
    pump = False

    def __init__(self, case, place, port):
        self.case, self.place, self.port = case, place, port
        self.runs = []

    def open(self, resume=False):
        version = f"--tlsv{self.case.version}", "--tls-max", self.case.version
        certificate = ("--cert", "cert.pem", "--key", "key.pem") if self.case.mode == "certificate" else ()
        ours, its = socket.socketpair()
        ours.settimeout(PATIENCE)
        self.runs.append(Verbose(
            "client", ["curl", "-sSkv", "--http1.1", "-H", "Expect:", *version, *certificate,
                       "--connect-to", f"{NAME}:{self.port}:{SERVER[4]}:{self.port}", "--data-binary", "@body",
                       f"https://{NAME}:{self.port}/"],
            self.place.folder, {"SSLKEYLOGFILE": self.place.keylog}, stdout=its))
        its.close()
        return ours

    def handshake(self, number):
        return self.runs[number - 1].wait_for("handshake")

    def close(self):
        for one in self.runs:
            one.close()


STACK = Curl()
