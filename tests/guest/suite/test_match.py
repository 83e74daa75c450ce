# SPDX-License-Identifier: GPL-2.0-only
"""Types and states, packet by packet: any octet or all, by content or header, with ! and without; untracked, lost."""

import itertools
import time
import unittest

from counting import ForgedTest
from forge import ACK, FIN, PSH, RST, SYN
from hellos import change_cipher_spec, client_hello, message, record, server_hello
from lab import IPTABLES, about_legacy, on, run
from scale import mostly_uml
from test_conditions import EVERY, INVERTED

ASKED = ["handshake", "change-cipher-spec", "handshake,change-cipher-spec", "alert", "application-data", "unknown",
         "none", "handshake,none"]
STATES = ["new", "hello", "handshake", "established", "closed", "not-tls", "lost", "tainted"]


def of_types():
    """Each rule on types: whether it is inverted, what it asks for, whether by the header, whether of all octets."""
    return itertools.product((False, True), ASKED, (False, True), (False, True))


def type_rule(inverted, asked, wire, every):
    return (*["!"] * inverted, "--record-type", asked, *["--wire"] * wire, *["--all"] * every)


def state_rule(inverted, state):
    return (*["!"] * inverted, "--state", state)


RULES = ({type_rule(*of) for of in of_types()} | {state_rule(*of) for of in itertools.product((False, True), STATES)}
         | {("--pinned",), ("!", "--pinned")})


def fitting(content, state, wire=None):
    """The rules that a packet fits which carries such types, of a connection that is not pinned."""
    rules = {("!", "--pinned")}
    for inverted, asked, by_header, every in of_types():
        found, words = (wire or content) if by_header else content, set(asked.split(","))
        if (found <= words if every else bool(found & words)) != inverted:
            rules.add(type_rule(inverted, asked, by_header, every))
    return rules | {state_rule(word != state, word) for word in STATES}


class Match(ForgedTest):
    def story(self, iptables):
        """A handshake of TLS 1.2, and data."""
        self.rules(iptables, RULES)
        self.open()
        self.assertEqual(self.counted(), fitting({"none"}, "new"))
        hello = client_hello(bytes(32))
        for host, payload, types, state in (
            ("client", hello[:7], {"handshake"}, "hello"),
            ("client", hello[7:], {"handshake"}, "hello"),
            ("server", server_hello(bytes(32)) + message(14, b""), {"handshake"}, "handshake"),
            ("client", message(16, b"\4key!") + change_cipher_spec(), {"handshake", "change-cipher-spec"}, "handshake"),
            ("client", record(22, b"f" * 40), {"handshake"}, "handshake"),
            ("server", change_cipher_spec(), {"change-cipher-spec"}, "handshake"),
            ("server", record(22, b"f" * 40), {"handshake"}, "established"),
            ("client", record(23, b"data") + record(21, b"a" * 26), {"application-data", "alert"}, "established"),
            ("server", record(23, b"data")[:3], {"application-data"}, "established"),
            # From the contradicting packet on, all of it.
            ("server", record(23, b"data")[3:] + b"\0\0\0\0\0", {"unknown"}, "tainted"),
        ):
            with self.subTest(payload=payload):
                self.send(host, payload)
                self.assertEqual(self.counted(), fitting(types, state))

    @about_legacy
    def test_legacy(self):
        self.story("iptables-legacy")

    def test_nft(self):
        self.story("iptables-nft")

    def two_packets(self):
        """Without payload, and with one."""
        self.packet("client", 1000, 0, SYN)
        without = self.counted()
        self.packet("client", 1001, 9001, ACK | PSH, client_hello(bytes(32)))
        return without, self.counted()

    def test_untracked(self):
        on("gateway", "iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-j", "CT", "--notrack")
        self.rules("iptables-legacy", RULES | EVERY | INVERTED)
        self.assertEqual(self.two_packets(), (fitting({"none"}, "lost"), fitting({"unknown"}, "lost")))

    @mostly_uml
    def test_tables_in_which_nothing_is_known(self):
        """Refused there, with a word why in the kernel's log; the connection mark may be asked for in the raw table."""
        for iptables in IPTABLES:
            # The kernel prints ten such lines in five seconds.
            time.sleep(5.5)
            for table, chain, condition, word in (
                ("nat", "PREROUTING", "--sni *.example.org", "nat table sees a connection's first packet only"),
                ("nat", "POSTROUTING", "--pinned", "nat table sees a connection's first packet only"),
                ("raw", "PREROUTING", "--record-type handshake", "raw table comes before conntrack"),
                ("raw", "OUTPUT", "--pinned --state lost", "raw table comes before conntrack"),
                ("raw", "PREROUTING", "! --pinned", None),
                ("mangle", "PREROUTING", "--sni *.example.org", None),
            ):
                with self.subTest(iptables=iptables, table=table, condition=condition):
                    run("dmesg", "--clear")
                    rule = ("-t", table, "-A", chain, "-p", "tcp", "-m", "tlsconn", *condition.split())
                    added = on("gateway", iptables, *rule, check=False)
                    self.assertEqual(added.returncode == 0, word is None, added.stderr)
                    if word:
                        self.assertIn(word, run("dmesg").stdout)

    def test_a_connection_under_way(self):
        self.rules("iptables-nft", RULES | EVERY | INVERTED)
        self.send("client", record(23, b"data"))
        self.assertEqual(self.counted(), fitting({"unknown"}, "lost") | INVERTED)

    def test_tainted_before_the_hello_is_complete(self):
        self.rules("iptables-legacy", RULES | EVERY | INVERTED)
        self.open()
        self.counted()
        hello = client_hello(bytes(32))
        self.send("client", hello[:20])
        self.assertEqual(self.counted(), fitting({"handshake"}, "hello"))
        self.packet("client", 1001, 9001, ACK | PSH, hello[:19] + b"\xff")
        self.assertEqual(self.counted(), fitting({"unknown"}, "tainted") | INVERTED)

    def test_closed_before_the_hello(self):
        """By a reset; one FIN leaves the other side to speak, and a hello could still come."""
        for flags, expected in ((RST, fitting({"none"}, "closed") | INVERTED), (FIN | ACK, fitting({"none"}, "new"))):
            with self.subTest(flags=flags):
                self.ends = (self.ends[0][0], self.ends[0][1] + 1), self.ends[1]
                self.rules("iptables-nft", RULES | EVERY | INVERTED)
                self.open()
                self.counted()
                self.packet("client", 1001, 9001, flags)
                self.assertEqual(self.counted(), expected)
                on("gateway", "iptables-nft", "-F", "FORWARD")


if __name__ == "__main__":
    unittest.main()
