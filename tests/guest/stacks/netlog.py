# SPDX-License-Identifier: GPL-2.0-only
"""The log that Chromium keeps of its connections: JSON, of which each line but a few is an event."""

import collections
import json
import re
import threading
import time

from lab import run
from shares import name


def suites():
    """IANA's names of cipher suites, by their number."""
    lines = run("openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL").stdout.splitlines()
    found = (re.match(r"\s*0x(..),0x(..) - (\S+)", line) for line in lines)
    return {int(one[1] + one[2], 16): one[3] for one in found if one}


class NetLog(threading.Thread):
    """Follows the log for as long as the process is there."""

    def __init__(self, name, process):
        super().__init__(daemon=True)
        self.name, self.process = name, process
        self.types, self.error_names, self.suites = {}, {}, suites()
        # Both ends' ports of each connection that was made, by what the log calls it.
        self.ports = {}
        self.handshakes = []
        # What went wrong last, whatever with.
        self.errors = collections.deque(maxlen=5)
        self.start()

    def handshakes_with(self, port):
        return [event for to, event in list(self.handshakes) if to == port]

    def run(self):
        while self.process.open:
            try:
                with open(self.name, encoding="utf-8") as log:
                    self.follow(log)
            except FileNotFoundError:
                time.sleep(0.1)

    def follow(self, log):
        line = ""
        while self.process.open:
            line += log.readline()
            if not line.endswith("\n"):
                time.sleep(0.1)
                continue
            if line.startswith('{"constants"'):
                constants = json.loads(line.rstrip(",\n") + "}")["constants"]
                self.types, self.error_names = (
                    {number: word for word, number in constants.get(of, {}).items()} for of in ("logEventTypes", "netError"))
            elif line.startswith('{"'):
                self.take(json.loads(line.rstrip(",\n")))
            line = ""

    def take(self, event):
        kind, source, told = self.types.get(event["type"]), event["source"]["id"], event.get("params", {})
        error = self.error_names.get(told.get("net_error"))
        # The last of these is how choosing a certificate begins.
        if error not in (None, "net::OK", "ERR_IO_PENDING", "ERR_SSL_CLIENT_AUTH_CERT_NEEDED"):
            self.errors.append(f"{kind} {error}")
        if kind == "TCP_CONNECT" and "local_address" in told:
            self.ports[source] = tuple(int(told[end].rsplit(":", 1)[1]) for end in ("local_address", "remote_address"))
        elif kind == "SSL_CONNECT" and "cipher_suite" in told:
            own, its = self.ports[source]
            self.handshakes.append((its, {
                "event": "handshake", "port": own, "version": told["version"].removeprefix("TLS "),
                "cipher": self.suites[told["cipher_suite"]], "resumed": told["is_resumed"],
                "alpn": told["next_proto"] if told["next_proto"] != "unknown" else None, "early": None,
                "group": name(told["key_exchange_group"]) if told.get("key_exchange_group") else None}))
