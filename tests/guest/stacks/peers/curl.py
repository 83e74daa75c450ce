# SPDX-License-Identifier: GPL-2.0-only
"""curl, as an HTTP client. It makes a connection for each run."""

import re

from lab import SERVER, run
from peer import NAME, Process, Stack
from services import RunClient


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


class CurlClient(RunClient):
    def __init__(self, case, place, port):
        super().__init__()
        self.place = place
        certificate = ("--cert", "cert.pem", "--key", "key.pem") if case.mode == "certificate" else ()
        self.words = ["curl", "-sSkv", "--http1.1", "-H", "Expect:", f"--tlsv{case.version}", "--tls-max", case.version,
                      *certificate, "--connect-to", f"{NAME}:{port}:{SERVER[4]}:{port}", "--data-binary", "@body",
                      f"https://{NAME}:{port}/"]

    def start(self, stdout):
        return Verbose("client", self.words, self.place.folder, {"SSLKEYLOGFILE": self.place.keylog}, stdout=stdout)


STACK = Curl()
