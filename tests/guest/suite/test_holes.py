# SPDX-License-Identifier: GPL-2.0-only
"""Segments out of order: kept until the hole in front of them fills, bounded, and given up."""

import ssl
import time
import unittest

from forge import ACK, PSH, SYN, Forger
from lab import SERVER, GatewayTest, listed, load, on, run, stats, unload, wait_for
from scale import mostly_uml

CLIENT_FIRST, SERVER_FIRST = 0xFFFFFF00, 5000


def client_hello(name="hole.example"):
    """What Python's TLS sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    to_us, from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(to_us, from_us, server_hostname=name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return from_us.read()


class Holes(GatewayTest):
    """Both ends' packets are made here, so that their order is known."""

    def setUp(self):
        super().setUp()
        self.hold()
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            forger.silence_the_stack()
            self.addCleanup(forger.close)
        self.open(40000)

    def open(self, port):
        self.ends = ("10.1.0.2", port), (SERVER[4], 443)
        self.send("client", CLIENT_FIRST - 1, 0, SYN)
        self.send("server", SERVER_FIRST - 1, CLIENT_FIRST, SYN | ACK)
        self.send("client", CLIENT_FIRST, SERVER_FIRST, ACK)

    def send(self, host, seq, ack, flags, payload=b""):
        source, destination = self.ends if host == "client" else self.ends[::-1]
        self.forgers[host].send(source, destination, seq, ack, flags, payload)

    def piece(self, octets, start, end):
        self.send("client", CLIENT_FIRST + start, SERVER_FIRST, ACK | PSH, octets[start:end])

    def connection(self):
        # What was sent just before has been seen by now.
        time.sleep(0.1)
        found = listed("--all")
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_a_hello_in_pieces_out_of_order(self):
        hello = client_hello()
        self.piece(hello, 400, len(hello))
        self.piece(hello, 200, 400)
        before = self.connection()
        self.assertEqual((before["state"], before["sni"], before["bytes"]["src"]), ("new", None, 0))
        # The same again is kept once.
        self.piece(hello, 200, 400)
        self.piece(hello, 0, 200)
        after = self.connection()
        self.assertEqual((after["state"], after["sni"]), ("hello", "hole.example"))
        self.assertEqual(after["bytes"]["client"], len(hello))
        self.assertEqual(after["records"]["client"]["handshake"], 1)

    def test_the_module_goes_while_many_are_kept(self):
        """As many as there is room for, each of one octet: a kernel stack is 16 KiB."""
        hello = client_hello()
        for place in range(1, 1001):
            self.piece(hello * 4, place, place + 1)
        self.assertTrue(wait_for(lambda: stats()["out-of-order-kept"] >= 1000))
        # Nor have they gone by their age.
        self.assertNotEqual(self.connection()["state"], "lost")
        on("gateway", "iptables-legacy", "-F")
        unload()
        load()

    def test_pieces_that_overlap_differently(self):
        hello = client_hello()
        self.piece(hello, 200, len(hello))
        # The same place with other octets: which of both the receiver takes is not known.
        self.piece(hello[:300] + bytes([hello[300] ^ 1]) + hello[301:], 200, len(hello))
        self.piece(hello, 0, 200)
        after = self.connection()
        self.assertEqual((after["state"], after["reason"]), ("tainted", "resent-differently"))

    def test_more_than_is_kept(self):
        hello = client_hello()
        self.piece(hello, 0, 100)
        for start in range(0, 70000, 1000):
            self.send("client", CLIENT_FIRST + 200 + start, SERVER_FIRST, ACK | PSH, bytes(1000))
        after = self.connection()
        self.assertEqual((after["state"], after["reason"]), ("lost", "hole"))

    def test_more_than_the_namespace_keeps(self):
        """All connections' segments have a bound together. What one kept is room for others once it has gone."""
        on("gateway", "iptables-legacy", "-F")
        unload()
        run("modprobe", "xt_tlsconn", "hole_octets_total=60000")
        self.addCleanup(load)
        self.addCleanup(unload)
        self.addCleanup(on, "gateway", "iptables-legacy", "-F")
        self.hold()
        for port, pieces, state in ((40001, 5, "hello"), (40002, 30, "lost"), (40003, 5, "hello")):
            self.open(port)
            hello = client_hello()
            self.piece(hello, 0, 100)
            for number in range(pieces):
                self.send("client", CLIENT_FIRST + 200 + 1000 * number, SERVER_FIRST, ACK | PSH, bytes(1000))
            self.assertEqual(self.connection()["state"], state)
            on("gateway", "conntrack", "-F")
            self.assertTrue(wait_for(lambda: not listed("--all"), 5))

    @mostly_uml
    def test_a_hole_that_does_not_fill(self):
        hello = client_hello()
        self.piece(hello, 0, 100)
        begun = time.monotonic()
        self.piece(hello, 200, 300)
        self.assertEqual(self.connection()["state"], "hello")
        self.assertTrue(wait_for(lambda: listed("--all")[0]["state"] == "lost"))
        self.assertGreaterEqual(time.monotonic() - begun, 29)


class Disorder(GatewayTest):
    """Real stacks over a bad link."""

    def test_reordering_and_duplicates(self):
        self.hold()
        on("gateway", "ip", "link", "set", "to-client", "mtu", "600")
        on("client", "ip", "link", "set", "eth0", "mtu", "600")
        for host in ("client", "server"):
            on(host, "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "5ms", "reorder", "25%", "duplicate", "5%")
        server = self.server()
        clients = [self.connect(server) for _ in range(8)]
        for client in clients:
            client.send(b"held")
        states = lambda: [(client.listed() or {}).get("state") for client in clients]
        self.assertTrue(wait_for(lambda: states() == ["established"] * len(clients)), states())
        self.assertHeld(*clients)


if __name__ == "__main__":
    unittest.main()
