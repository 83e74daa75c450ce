# SPDX-License-Identifier: GPL-2.0-only
"""curl, as an HTTP client. It keeps sessions within a run, so the connection that resumes one is of the same run as the first,
and waits in it behind a FIFO that is read as a file. Those beside them have a run each."""

import errno
import os
import re

from lab import SERVER, run, wait_for
from peer import NAME, Broken, Case, Process, Stack
from services import RunClient


class Curl(Stack):
    name = "curl"
    title = "curl"
    roles = ("client",)
    long = None

    def version(self):
        words = run("curl", "--version").stdout.split()
        return f"{words[1]} ({words[3] if 'SSL' in words[3] else words[4]})"

    def cannot_meet(self, server, case):
        if server.name in ("gnutls", "go") and case == Case("1.2", "resumed"):
            return "curl asks for no tickets in TLS 1.2, and this server by itself keeps no sessions"
        return None

    def connect(self, case, place, port):
        return CurlClient(case, place, port)


class Verbose(Process):
    """`* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / X25519MLKEM768 / …`, behind it what was agreed on by ALPN, and
    behind that, where early data was sent, what became of it. Of a session it says that it offers it, not that it is resumed."""
    told = None

    def event_of(self, line):
        if found := re.match(r"\* SSL connection using TLSv([0-9.]+) / ([A-Z0-9_-]+) / (\S+)", line):
            self.told = {"event": "handshake", "port": None, "version": found[1], "cipher": found[2], "group": found[3],
                         "resumed": None, "early": None}
        elif found := re.match(r"\* ALPN: (?:server accepted (\S+)|server did not agree)", line):
            return {**self.told, "alpn": found[1]}
        elif found := re.match(r"\* ALPN: server confirmed to use '(\S+)'", line):
            self.told["alpn"] = found[1]
        elif found := re.match(r"\* Server (accepted|rejected) .*early data", line):
            return {**self.told, "early": found[1] == "accepted"}
        return None


class CurlClient(RunClient):
    logs_keys = True
    # What it posts is early data then. Of 1 MB curl 8.14.1 now and then says some octets twice where early data stood in front,
    # and where a ticket allows for 65,536 octets, as NSS's, it has OpenSSL refuse them as too much.
    most_early = 8000

    def __init__(self, case, place, port):
        super().__init__()
        self.case, self.place, self.output = case, place, None
        certificate = ()
        if case.kind.certificate:
            own, key = place.own(case)
            certificate = "--cert", own, "--key", key
        early = ("--tls-earlydata",) if case.mode == "early" else ()
        # As an upload, so that the file is read when its turn comes.
        self.post = ["-sSk", "--http1.1", "-H", "Expect:", f"--tlsv{case.version}", "--tls-max", case.version,
                     *certificate, *early, "--connect-to", f"{NAME}:{port}:{SERVER[4]}:{port}", "-X", "POST", "-T", "body",
                     f"https://{NAME}:{port}/post"]
        self.gate = place.file("curl-gate")

    def start(self, stdout):
        # Said once, as it counts.
        words = ["curl", "-v", *self.post]
        if self.case.mode in ("resumed", "early") and not self.runs:
            if not os.path.exists(self.gate):
                os.mkfifo(self.gate)
            words += ["--next", "-sS", f"file://{self.gate}", "--next", *self.post]
        return Verbose("client", words, self.place.folder, {"SSLKEYLOGFILE": self.place.keylog}, stdout=stdout)

    def open(self, resume=False):
        if not resume:
            opened = super().open()
            self.output = self.output or opened
            return opened
        if not wait_for(self.passes):
            raise Broken(f"curl does not go on: {self.runs[0].said[-5:]}")
        self.runs.append(self.runs[0])
        # What it is answered has the same output as what it was answered first, and comes behind that.
        return self.output.dup()

    def passes(self):
        """Whether curl, which waits for somebody to write, goes on."""
        try:
            os.close(os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return False
        return True


STACK = Curl()
