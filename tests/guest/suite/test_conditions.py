# SPDX-License-Identifier: GPL-2.0-only
"""Conditions on what the hellos said, packet by packet: false until it is known, false with ! too."""

import ssl
import unittest

from counting import CountingTest, ForgedTest
from forge import FIN, SYN
from hellos import change_cipher_spec, client_hello, server_hello
from lab import about_legacy, wait_for

CLIENT_RANDOM, SERVER_RANDOM, SESSION_ID = b"\xc1" * 32, b"\x51" * 32, b"\xa1" * 32
# Conditions that hold for the connection that is forged here, and such that do not, by the hello that tells.
OF_CLIENT_HELLO = {
    True: ["--sni www.example.org", "--sni *.EXAMPLE.???.", "--alpn h2", "--ech", "--client-random c1c1",
           f"--client-random {'c1' * 32}", "--session-id a1"],
    False: ["--sni example.org", "--no-sni", "--alpn http/1.1", "--alpn h", "--client-random c1c2"],
}
OF_SERVER_HELLO = {
    True: ["--tls-version 1.2", "--tls-version 1.0:1.2", f"--server-random {'51' * 32}"],
    False: ["--tls-version 1.3", "--tls-version ssl3:1.1", "--server-random c1", "--session-id a2"],
}
OF_RESUMPTION = {True: ["--resumed"], False: []}


def conditions(of):
    return {(*condition.split(),) for condition in of[True] + of[False]}


def fitting(of):
    """The rules that hold once it is known: these conditions, the others with !."""
    return ({(*condition.split(),) for condition in of[True]}
            | {("!", *condition.split()) for condition in of[False]})


EVERY = conditions(OF_CLIENT_HELLO) | conditions(OF_SERVER_HELLO) | conditions(OF_RESUMPTION)
INVERTED = {("!", *condition) for condition in EVERY}


class Forged(ForgedTest):
    def story(self, iptables):
        self.rules(iptables, EVERY | INVERTED)
        self.open()
        self.assertEqual(self.counted(), set(), "no hello is there yet")
        hello = client_hello(CLIENT_RANDOM, SESSION_ID, b"WWW.Example.org.", b"h2", ech=True)
        self.send("client", hello[:-1])
        self.assertEqual(self.counted(), set(), "an octet of the ClientHello is missing")
        self.send("client", hello[-1:])
        self.assertEqual(self.counted(), fitting(OF_CLIENT_HELLO))
        answer = server_hello(SERVER_RANDOM, SESSION_ID)
        self.send("server", answer[:-1])
        self.assertEqual(self.counted(), fitting(OF_CLIENT_HELLO))
        self.send("server", answer[-1:])
        self.assertEqual(self.counted(), fitting(OF_CLIENT_HELLO) | fitting(OF_SERVER_HELLO))
        self.send("server", change_cipher_spec())
        everything = fitting(OF_CLIENT_HELLO) | fitting(OF_SERVER_HELLO) | fitting(OF_RESUMPTION)
        self.assertEqual(self.counted(), everything)
        # What is known stays so, whatever the connection comes to.
        self.send("client", b"no record at all")
        self.assertEqual(self.counted(), everything)

    @about_legacy
    def test_legacy(self):
        self.story("iptables-legacy")

    def test_nft(self):
        self.story("iptables-nft")

    def test_what_will_never_be_known_is_false_and_true_with_inversion(self):
        self.rules("iptables-nft", EVERY | INVERTED | {("--state", "not-tls")})
        self.open()
        self.assertEqual(self.counted(), set())
        self.send("client", b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(self.counted(), INVERTED | {("--state", "not-tls")})

    def test_a_hello_without_the_field(self):
        self.rules("iptables-legacy", EVERY | INVERTED)
        self.open()
        self.counted()
        self.send("client", client_hello(bytes(32)))
        known = conditions(OF_CLIENT_HELLO) - {("--session-id", "a1")}
        self.assertEqual(self.counted(), {("!", *condition) for condition in known - {("--no-sni",)}} | {("--no-sni",)})

    def test_the_server_s_session_id(self):
        """Its prefix counts as the client's does, once the ServerHello has given it."""
        ids = {("--session-id", of) for of in ("a1", "b1", "b1" * 32, "c1")}
        self.rules("iptables-legacy", ids | {("!", *rule) for rule in ids})
        self.open()
        self.send("client", client_hello(CLIENT_RANDOM, SESSION_ID))
        self.assertEqual(self.counted(), {("--session-id", "a1")})
        self.send("server", server_hello(SERVER_RANDOM, b"\xb1" * 32))
        self.assertEqual(self.counted(), ids - {("--session-id", "c1")} | {("!", "--session-id", "c1")})

    def test_a_packet_that_conntrack_finds_invalid(self):
        """Only what reads as untracked is true; a condition on an identity is false in both forms."""
        untracked = {("--record-type", "unknown"), ("--state", "lost"), ("!", "--pinned")}
        others = {("--record-type", "handshake"), ("--state", "new"), ("--pinned",)}
        following = {("!", "--record-type", "handshake"), ("!", "--state", "new")}
        self.rules("iptables-legacy", EVERY | INVERTED | untracked | others | following)
        self.packet("client", 1000, 0, SYN | FIN, client_hello(bytes(32)))
        self.assertEqual(self.counted(), untracked | following)

    def test_a_packet_without_payload_and_without_an_entry(self):
        none = {("--record-type", "none"), ("!", "--record-type", "unknown"), ("--state", "lost")}
        self.rules("iptables-nft", none | {("--record-type", "unknown"), ("!", "--record-type", "none")})
        self.packet("client", 1000, 0, SYN | FIN)
        self.assertEqual(self.counted(), none)


class Stacks(CountingTest):
    """The same of OpenSSL's connections, by their data."""

    def test_ipv4(self):
        self.story("iptables-legacy", 4)

    def test_ipv6(self):
        self.story("ip6tables-nft", 6)

    def story(self, iptables, ip):
        server = self.server(ip)
        rules = {("--record-type", "application-data", "--wire", *rule.split()) for rule in (
            "--tls-version 1.2", "--tls-version 1.3", "! --tls-version 1.3", "--resumed", "! --resumed",
            "--sni server.example", "--sni *.example", "! --sni server.example", "--no-sni", "--ech", "! --ech",
            "! --alpn h2", "--state established")}
        self.rules(iptables, rules)
        always = {"--sni server.example", "--sni *.example", "! --ech", "! --alpn h2", "--state established"}
        for version, told in ((ssl.TLSVersion.TLSv1_2, {"--tls-version 1.2", "! --tls-version 1.3"}),
                              (ssl.TLSVersion.TLSv1_3, {"--tls-version 1.3"})):
            with self.subTest(version=version):
                session = None
                for resumed in ("! --resumed", "--resumed"):
                    client = self.connect(server, version, ip, session)
                    server_side = wait_for(lambda port=client.port: server.connections.get(port))
                    self.assertTrue(wait_for(lambda client=client: client.listed()["state"] == "established"))
                    # The handshake itself was counted too.
                    self.counted()
                    client.send(b"data")
                    self.assertArrives(client, b"data")
                    server_side.sendall(b"x")
                    self.assertEqual(client.tls.recv(1), b"x")
                    self.assertEqual({" ".join(rule[3:]) for rule in self.counted()}, always | told | {resumed})
                    session = (client.context, client.tls.session)


if __name__ == "__main__":
    unittest.main()
