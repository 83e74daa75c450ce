# SPDX-License-Identifier: GPL-2.0-only
"""Connections that are not TLS or tainted: packets pass them by, and what is known of them stays right."""

import contextlib
import json
import unittest

from conversation import DATA, Conversation, Wire
from forge import ACK, FIN, PSH, RST, SYN
from hellos import client_hello
from lab import GatewayTest, ctl, listed, on, wait_for

TEXT = b"GET / HTTP/1.1\r\n\r\n"


class Bypass(GatewayTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        # It counts, and lets pass.
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--record-type", "unknown")

    def talk(self, port, client=1000, server=5000):
        talk = Conversation(self.wire, port)
        talk.next = {"client": client, "server": server}
        return talk.open()

    def bytes(self, talk):
        [known] = [one for one in listed("--all") if one["src"].endswith(f":{talk.ends['client'][1]}")]
        return known["bytes"]["src"], known["bytes"]["dst"]

    def unknown(self):
        lines = on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines()
        return int(lines[2].split()[0])

    def test_bytes(self):
        """Each once, however often it is sent, and over the places where the numbers are looked at and wrap."""
        for port, first in ((30001, 1000), (30002, (1 << 30) - 200), (30003, (1 << 31) - 200), (30004, (1 << 32) - 200)):
            with self.subTest(first=first):
                talk = self.talk(port, client=first)
                for number in range(60):
                    talk.say("client", "text", None, TEXT)
                    if number % 7 == 3 and talk.next["client"] >= len(TEXT):
                        talk.say("client", "text again", None, TEXT, at=-len(TEXT), moves=False)
                    talk.say("server", "text", None, TEXT[:7])
                    talk.ack("client")
                self.assertEqual(self.bytes(talk), (60 * len(TEXT), 60 * 7))
                self.assertEqual(talk.listed()["state"], "not-tls")

    def test_bytes_that_were_not_seen(self):
        """What is lost before the gateway is not counted; once it comes late, it counts as sent again."""
        talk = self.talk(30005)
        talk.say("client", "text", None, TEXT)
        talk.say("client", "text after a hole", None, TEXT, at=500, moves=False)
        self.assertEqual(self.bytes(talk), (2 * len(TEXT), 0))
        talk.say("client", "the hole's", None, TEXT)
        talk.next["client"] += 500
        for _ in range(3):
            talk.say("client", "text", None, TEXT)
        self.assertEqual(self.bytes(talk), (5 * len(TEXT), 0))

    def test_types(self):
        """Payload reads unknown, a packet without it none."""
        talk = self.talk(30011)
        talk.say("client", "text", None, TEXT)
        before = self.unknown()
        for _ in range(5):
            talk.say("client", "text", None, DATA)
            talk.ack("server")
        self.assertEqual(self.unknown() - before, 5)

    def test_a_pin_ends_with_its_connection(self):
        """By FINs of both sides, or an RST, though no packet of it was looked at for a while; not by old FINs."""
        for port, ends in ((30021, "fin"), (30022, "rst")):
            with self.subTest(ends):
                talk = self.talk(port)
                talk.say("client", "text", None, TEXT)
                ctl("pin", str(talk.listed()["id"]), "--replace")
                for _ in range(20):
                    talk.say("client", "text", None, TEXT)
                    talk.say("server", "text", None, TEXT)
                for host in "client", "server":
                    talk.send(host, b"", flags=ACK | FIN, at=-3 * len(TEXT))
                talk.ack("client"), talk.ack("server")
                self.assertEqual(json.loads(ctl("pins").stdout)["pins"][0]["state"], "bound")
                if ends == "rst":
                    talk.send("client", b"", flags=RST | ACK)
                else:
                    for host in "client", "server":
                        talk.send(host, b"", flags=ACK | FIN)
                        talk.next[host] += 1
                    talk.ack("client"), talk.ack("server")
                self.assertTrue(wait_for(lambda: json.loads(ctl("pins").stdout)["pins"][0]["state"] == "released", 10))

    def test_a_connection_on_the_same_entry(self):
        """A SYN that conntrack ignores and that is answered begins a new one, of which nothing is passed by."""
        old = self.talk(30031)
        for _ in range(5):
            old.say("client", "text", None, TEXT)
        new = Conversation(self.wire, 30031)
        new.next = {"client": 700000, "server": 900000}
        new.open()
        new.say("client", "ClientHello", None, client_hello(bytes(32)))
        self.assertTrue(wait_for(lambda: new.listed()["state"] == "hello"), listed("--all"))


if __name__ == "__main__":
    unittest.main()
