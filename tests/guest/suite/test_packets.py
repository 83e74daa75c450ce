# SPDX-License-Identifier: GPL-2.0-only
"""Packets that conntrack lets pass without having accepted them are no part of a connection."""

import random
import socket
import ssl
import time
import unittest

from forge import ACK, PSH, RST, SYN, URG, Forger, numbers
from lab import SERVER, GatewayTest, ctl, inside, listed, on, stats, wait_for

CLIENT = "10.1.0.2"


class Ignored(GatewayTest):
    def setUp(self):
        super().setUp()
        self.setUpHosts()

    def setUpHosts(self):
        self.hold()
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)

    def established(self):
        client = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"))
        self.ends = (CLIENT, client.port), (SERVER[4], client.server.port)
        return client

    def forge(self, host, seq, ack, flags, payload=b"", urgent=0):
        source, destination = self.ends if host == "client" else self.ends[::-1]
        self.forgers[host].send(source, destination, seq, ack, flags, payload, urgent)
        time.sleep(0.1)

    def test_a_syn_with_a_record_header_in_it(self):
        client = self.established()
        before = client.listed()
        seq, _ = numbers(client.tls)
        # The receiver drops it; whoever reads it takes the next 12,000 octets for handshake.
        self.forge("client", seq - 1, 0, SYN, b"\x16\x03\x03\x2e\xe0")
        self.assertEqual(client.listed()["bytes"], before["bytes"])
        client.send(b"held")
        self.assertHeld(client)
        self.assertEqual(client.listed()["state"], "established")

    def test_resets_and_openings_made_blindly(self):
        client = self.established()
        before = client.listed()
        ctl("pin", str(before["id"]))
        for _ in range(4):
            self.forge("client", random.getrandbits(32), 0, SYN | URG, b"x", urgent=1)
            self.forge("client", random.getrandbits(32), random.getrandbits(32), RST | ACK, b"x")
            for ack in (0, 0x80000000, random.getrandbits(32)):
                self.forge("server", random.getrandbits(32), ack, SYN | ACK, b"x")
        after = client.listed()
        self.assertEqual((after["id"], after["state"], after["bytes"], after["pin"]),
                         (before["id"], "established", before["bytes"], "default"))
        client.send(b"flows")
        self.assertArrives(client, b"flows")

    def test_another_syn_ack_before_the_handshake_s_last_ack(self):
        """Only the SYN-ACK that conntrack accepted starts a connection."""
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        self.addCleanup(listener.close)
        self.ends = (CLIENT, 40000), listener.getsockname()
        # The client's own stack knows nothing of this connection and would reset it.
        self.forgers["client"].silence_the_stack()
        self.forge("client", 1000, 0, SYN)
        seen = wait_for(listed)
        ctl("pin", str(seen[0]["id"]))
        for _ in range(4):
            self.forge("server", random.getrandbits(32), random.getrandbits(32), SYN | ACK)
        self.assertEqual([(c["id"], c["state"], c["pin"]) for c in listed()], [(seen[0]["id"], "new", "default")])

    def test_a_connection_taken_over(self):
        """A SYN that conntrack ignored is answered: the entry is a new connection's, and the pin goes."""
        client = self.established()
        first = client.listed()
        ctl("pin", str(first["id"]))
        for forger in self.forgers.values():
            forger.silence_the_stack()
        self.forge("client", 5000, 0, SYN)
        self.forge("server", 9000, 5001, SYN | ACK)
        seen = wait_for(lambda: [c for c in listed() if c["id"] != first["id"]])
        self.assertEqual([(c["state"], c["mark"], c["pin"]) for c in seen], [("new", "0x0", None)])
        self.assertNotIn(first["id"], [c["id"] for c in listed("--all")])
        # What the new connection sends is held, too.
        self.forge("client", 5001, 9001, ACK)
        self.forge("client", 5001, 9001, ACK | PSH, b"\x17\x03\x03\x00\x05hello")
        self.assertIn(wait_for(lambda: [c["state"] for c in listed("--all") if c["id"] == seen[0]["id"]]), [["not-tls"]])

    def opened(self):
        """A connection of forged packets: the first octets are 1001 and 9001."""
        self.ends = (CLIENT, 40001), (SERVER[4], 443)
        for forger in self.forgers.values():
            forger.silence_the_stack()
        self.forge("client", 1000, 0, SYN)
        self.forge("server", 9000, 1001, SYN | ACK)
        self.forge("client", 1001, 9001, ACK)

    def test_octets_that_come_again_as_others(self):
        hello = b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + bytes(range(32))
        for change, state, reason in ((20, "tainted", "resent-differently"), (None, "hello", None)):
            with self.subTest(change=change):
                self.net("net_down")
                self.net("net_up")
                self.setUpHosts()
                self.opened()
                self.forge("client", 1001, 9001, ACK | PSH, hello)
                again = bytearray(hello)
                if change is not None:
                    again[change] ^= 1
                self.forge("client", 1001, 9001, ACK | PSH, bytes(again))
                [seen] = listed("--all")
                self.assertEqual((seen["state"], seen["reason"]), (state, reason))

    def test_dropped_packets_do_not_fill_conntrack(self):
        for port in range(10000, 16000):
            self.forgers["client"].send((CLIENT, port), (SERVER[4], 443), 1, 1, ACK | PSH, b"x")
        count = int(on("gateway", "cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)
        self.assertLess(count, 4000)
        found = stats()
        self.assertEqual(found["connections-made"] + found["connections-full"], 6000)
        self.assertTrue(wait_for(lambda: not listed("--all")))


if __name__ == "__main__":
    unittest.main()
