# SPDX-License-Identifier: GPL-2.0-only
"""Both directions of a connection on two processors at once, while rules are replaced and pins move."""

import contextlib
import hashlib
import os
import threading
import time
import unittest

from lab import GatewayTest, ctl, listed, on, wait_for
from scale import size, tell

SECONDS = size(8, 60)
CHUNK = 1 << 16


class Endless(threading.Thread):
    """Sends from one end for as long as it is to, from a processor of its own; the other end takes it in on another."""

    def __init__(self, connection, cpu, until):
        super().__init__(daemon=True)
        self.connection, self.cpu, self.until = connection, cpu, until
        self.sent = 0
        self.digest = hashlib.sha256()

    def run(self):
        os.sched_setaffinity(threading.get_native_id(), {self.cpu})
        while not self.until.is_set():
            octets = os.urandom(CHUNK)
            self.digest.update(octets)
            self.connection.sendall(octets)
            self.sent += len(octets)


class Taking(threading.Thread):
    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection = connection
        self.received = 0
        self.digest = hashlib.sha256()

    def run(self):
        # Until the test closes it.
        with contextlib.suppress(OSError):
            while octets := self.connection.recv(CHUNK):
                self.digest.update(octets)
                self.received += len(octets)


class Processors(GatewayTest):
    def setUp(self):
        if os.cpu_count() < 2:
            self.skipTest("there is one processor here")
        super().setUp()

    def test_both_directions_while_rules_and_pins_change(self):
        server = self.server()
        rule = "-A FORWARD -p tcp -m tlsconn"
        ruleset = "\n".join(["*filter", f"{rule} --pinned -j ACCEPT", f"{rule} --pinned --pin-mark 0x100/0x100 -j ACCEPT",
                             f"{rule} --record-type application-data,heartbeat,unknown -j DROP", "COMMIT", ""])
        on("gateway", "iptables-legacy-restore", stdin=ruleset)
        kept, moved, never = (self.connect(server) for _ in range(3))
        ids = [wait_for(client.listed)["id"] for client in (kept, moved, never)]
        ctl("pin", str(ids[0]), "--name", "kept", "--mark", "0x100/0x100")
        stop = threading.Event()
        self.addCleanup(stop.set)
        for client in moved, never:
            client.send(b"held")
        peer = server.connections[kept.port]
        there, back = Endless(kept.tls, 0, stop), Endless(peer, 1, stop)
        taking = Taking(kept.tls)
        kept.tls.settimeout(120)
        for thread in there, back, taking:
            thread.start()
        replaced = pinned = 0
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            on("gateway", "iptables-legacy-restore", stdin=ruleset)
            replaced += 1
            ctl("pin", str(ids[1]), "--replace")
            ctl("list")
            ctl("unpin", "default")
            pinned += 1
        stop.set()
        there.join(120)
        back.join(120)
        self.assertTrue(wait_for(lambda: len(server.received[kept.port]) == there.sent and taking.received == back.sent, 120),
                        f"{len(kept.arrived())} of {there.sent}, {taking.received} of {back.sent}")
        self.assertEqual(hashlib.sha256(kept.arrived()).digest(), there.digest.digest())
        self.assertEqual(taking.digest.digest(), back.digest.digest())
        self.assertEqual(never.arrived(), b"")
        seen = {c["id"]: c for c in listed()}
        self.assertEqual([(seen[i]["state"], seen[i]["reason"]) for i in ids], [("established", None)] * 3)
        self.assertEqual([seen[i]["pin"] for i in ids], ["kept", None, None])
        tell(f"{there.sent + back.sent} octets on two processors, rules replaced {replaced} times, pins moved {pinned} times")


if __name__ == "__main__":
    unittest.main()
