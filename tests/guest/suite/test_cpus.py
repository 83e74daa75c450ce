# SPDX-License-Identifier: GPL-2.0-only
"""Both directions of a connection on two processors at once, while rules are replaced and pins move."""

import contextlib
import hashlib
import os
import socket
import threading
import time
import unittest

import canned
from hellos import record
from lab import SERVER, GatewayTest, ctl, inside, listed, on, stats, wait_for
from scale import size, tell

SECONDS = size(6, 60)
RECORDS = 16
RULE = "-A FORWARD -p tcp -m tlsconn"
# The pin that stays has a mark of its own.
MARK = "0x100/0x100"
RULESET = ("*filter", f"{RULE} --pinned -j ACCEPT", f"{RULE} --pinned --pin-mark {MARK} -j ACCEPT",
           f"{RULE} --record-type application-data,heartbeat,unknown -j DROP", "COMMIT", "")


class End:
    """An end of a connection, which sends records as long as it is to and takes in what comes, on a processor of its
    own."""

    def __init__(self, connection, cpu):
        self.connection, self.cpu = connection, cpu
        self.counts, self.digests = [0, 0], [hashlib.sha256(), hashlib.sha256()]
        self.threads = []

    def start(self, stop):
        for run in (lambda: self.send(stop)), self.receive:
            thread = threading.Thread(target=self.on_its_cpu, args=(run,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def on_its_cpu(self, run):
        os.sched_setaffinity(threading.get_native_id(), {self.cpu})
        # Until the test closes it.
        with contextlib.suppress(OSError):
            run()

    def count(self, which, octets):
        self.counts[which] += len(octets)
        self.digests[which].update(octets)

    def send(self, stop):
        while not stop.is_set():
            octets = b"".join(record(23, os.urandom(4000)) for _ in range(RECORDS))
            self.connection.sendall(octets)
            self.count(0, octets)

    def receive(self):
        while octets := self.connection.recv(1 << 16):
            self.count(1, octets)


class Processors(GatewayTest):
    def setUp(self):
        if os.cpu_count() < 2:
            self.skipTest("there is one processor here")
        super().setUp()
        on("gateway", "iptables-legacy-restore", stdin="\n".join(RULESET))

    def connected(self):
        """Both ends of a connection with a handshake behind it, and its id."""
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        with listener:
            with inside("client"):
                client = canned.connect(*listener.getsockname())
            server, _ = listener.accept()
        for end in client, server:
            self.addCleanup(end.close)
            end.settimeout(120)
            # What is on its way fits in what is kept behind a hole: a processor that the host holds up for a while has
            # the other one's packets overtake its own.
            for buffer in socket.SO_RCVBUF, socket.SO_SNDBUF:
                end.setsockopt(socket.SOL_SOCKET, buffer, 16384)
        client.sendall(canned.client_hello13(os.urandom(32)))
        self.receive(server, canned.HELLO_SIZE)
        server.sendall(canned.server_hello13(os.urandom(32)) + canned.SERVER_FLIGHT)
        self.receive(client, canned.ANSWER_SIZE)
        client.sendall(canned.CLIENT_FLIGHT)
        self.receive(server, len(canned.CLIENT_FLIGHT))
        port = client.getsockname()[1]
        [seen] = [c for c in listed() if c["src"].endswith(f":{port}")]
        self.assertEqual(seen["state"], "established")
        return client, server, seen["id"]

    @staticmethod
    def receive(end, octets):
        while octets:
            octets -= len(end.recv(octets))

    def test_both_directions_while_rules_and_pins_change(self):
        kept, moved, never = (self.connected() for _ in range(3))
        ctl("pin", str(kept[2]), "--name", "kept", "--mark", MARK)
        stop = threading.Event()
        self.addCleanup(stop.set)
        for client, _, _ in moved, never:
            client.sendall(canned.DATA)
        ends = [End(end, cpu) for cpu, end in enumerate(kept[:2])]
        for end in ends:
            end.start(stop)
        changes, until = 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            on("gateway", "iptables-legacy-restore", stdin="\n".join(RULESET))
            ctl("pin", str(moved[2]), "--replace")
            ctl("unpin", "default")
            changes += 1
        stop.set()
        for end in ends:
            end.threads[0].join(120)
        there, back = ends
        self.assertTrue(wait_for(lambda: (there.counts[0], back.counts[0]) == (back.counts[1], there.counts[1]), 120),
                        f"{there.counts}, {back.counts}")
        for sent, taken in (there, back), (back, there):
            self.assertEqual(sent.digests[0].digest(), taken.digests[1].digest())
        never[1].setblocking(False)
        with self.assertRaises(BlockingIOError, msg="nothing has come there"):
            never[1].recv(1)
        seen = {c["id"]: c for c in listed()}
        told = [(seen[number]["state"], seen[number]["reason"], seen[number]["pin"]) for _, _, number in (kept, moved, never)]
        self.assertEqual(told, [("established", None, pin) for pin in ("kept", None, None)])
        counted = seen[kept[2]]["records"]
        self.assertEqual(counted["client"]["application-data"] - 1, there.counts[0] // 4005)
        tell(f"{sum(there.counts)} octets on two processors; rules replaced and a pin moved {changes} times; "
             f"{stats()['out-of-order-kept']} segments out of order")


if __name__ == "__main__":
    unittest.main()
