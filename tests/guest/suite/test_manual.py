# SPDX-License-Identifier: GPL-2.0-only
"""The recipes of xt_tlsconn(8) can be typed as they stand there, and do what they say; so do those of docs/operations.md
that are about the same."""

import pathlib
import re
import socket
import ssl
import unittest

import documents
from lab import PATIENCE, SERVER, GatewayTest, inside, on, run
from scale import UML, mostly_uml

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "man" / "xt_tlsconn.8"


def recipes():
    """The commands of each example, by the heading above it."""
    text = PAGE.read_text().split(".SH RECIPES")[1].split(".SH DIAGNOSTICS")[0]
    for part in text.split(".SS ")[1:]:
        for example in re.findall(r"^\.EX\n(.*?)^\.EE", part, re.M | re.S):
            plain = example.replace(r"\-", "-").replace(r"\(aq", "'").replace("\\e\n", "\\\n")
            yield part.splitlines()[0], plain


@mostly_uml
class Page(unittest.TestCase):
    def test_it_is_set_without_a_warning(self):
        done = run("env", "LC_ALL=C.UTF-8", "MANROFFSEQ=", "MANWIDTH=80", "man", "--warnings", "-E", "UTF-8", "-l", PAGE)
        self.assertEqual(done.stderr, "")
        for heading in ("SYNOPSIS", "OPTIONS", "What is not known", "Allow only TLS 1.3", "QUIC", "LIMITS"):
            self.assertRegex(done.stdout, rf"(?m)^ *{re.escape(heading)}$")


class Recipes(GatewayTest):
    def test_every_recipe(self):
        tried = []
        for title, commands in recipes():
            with self.subTest(title=title):
                if title == "Flow offload" and UML:
                    self.skipTest("this kernel was built without flowtables")
                # The gateway's own devices; the chain that Docker makes.
                commands = commands.replace("eth0", "to-client").replace("eth1", "to-server")
                on("gateway", "iptables", "-N", "DOCKER-USER", check=False)
                on("gateway", "bash", "-euc", commands)
                tried.append(title)
        saved = on("gateway", "iptables-save").stdout
        self.assertGreater(saved.count("-m tlsconn"), 10)
        self.assertGreaterEqual(len(tried), 10)

    @mostly_uml
    def test_reset_instead_of_drop(self):
        """What the client learns, and when."""
        [(_, commands)] = [recipe for recipe in recipes() if recipe[0] == "Reset instead of drop"]
        on("gateway", "bash", "-euc", commands)
        client = self.connect(self.server())
        with self.assertRaises(ConnectionResetError):
            client.send(b"data")
            client.tls.settimeout(PATIENCE)
            client.tls.recv(1)

    @mostly_uml
    def test_block_resumption(self):
        [(_, commands)] = [recipe for recipe in recipes() if recipe[0] == "Block resumption"]
        server = self.server()
        first = self.connect(server)
        first.send(b"x")
        self.assertArrives(first, b"x")
        server.connections[first.port].sendall(b"y")
        first.tls.recv(1)
        on("gateway", "bash", "-euc", commands)
        with self.assertRaises(ConnectionResetError):
            self.connect(server, session=(first.context, first.tls.session))
        self.connect(server)

    @mostly_uml
    def test_allow_only_tls_13(self):
        [(_, commands)] = [recipe for recipe in recipes() if recipe[0] == "Allow only TLS 1.3"]
        on("gateway", "bash", "-euc", commands)
        server = self.server()
        with self.assertRaises(ConnectionResetError):
            self.connect(server, ssl.TLSVersion.TLSv1_2)
        client = self.connect(server, ssl.TLSVersion.TLSv1_3)
        client.send(b"data")
        self.assertArrives(client, b"data")

    @mostly_uml
    def test_log_the_first_data_packet(self):
        [(_, commands)] = [recipe for recipe in recipes() if recipe[0].startswith("Log the first")]
        on("gateway", "bash", "-euc", commands)
        server = self.server()
        for number in (1, 2):
            client = self.connect(server)
            for _ in range(3):
                client.send(b"data")
            self.assertArrives(client, b"data" * 3)
            rule = on("gateway", "iptables", "-t", "mangle", "-nvxL", "FORWARD").stdout.splitlines()[2].split()
            self.assertEqual((rule[0], rule[2]), (str(number), "LOG"))

    @mostly_uml
    def test_allow_some_names_only(self):
        server = self.server()
        [(_, commands)] = [recipe for recipe in recipes() if recipe[0] == "Allow some names only"]
        on("gateway", "bash", "-euc", commands.replace("443", str(server.port)))
        client = self.connect(server, name="www.example.org")
        client.send(b"data")
        self.assertArrives(client, b"data")
        with self.assertRaises(ConnectionResetError):
            self.connect(server, name="www.example.com")

    def test_use_from_nft_through_the_mark(self):
        [(_, commands)] = [recipe for recipe in recipes() if recipe[0] == "Use from nft through the mark"]
        on("gateway", "bash", "-euc", commands)
        server = self.server()
        pinned, other = self.connect(server), self.connect(server)
        self.assertOnlyThePinnedFlows(pinned, other)
        # What it sends again has no conntrack entry from then on, and is held too.
        on("gateway", "iptables", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-j", "CT", "--notrack")
        self.assertHeld(other)


@mostly_uml
class Beside(GatewayTest):
    """The recipes that both documents have, for other things on a gateway."""

    def each(self, title, word):
        """The commands of either, for a gateway on which nobody has typed yet."""
        [page] = [commands for name, commands in recipes() if name == title]
        [text] = [block.text for block in documents.blocks(documents.REPO / "docs/operations.md") if word in block.text]
        for commands in page, text:
            self.net("net_down")
            self.net("net_up")
            yield commands

    def test_nat(self):
        for commands in self.each("With NAT", "DNAT"):
            with self.subTest(commands=commands):
                server = self.server()
                on("gateway", "bash", "-euc", commands.replace("8443", str(server.port)))
                self.assertOnlyThePinnedFlows(*(self.connect(server, to="10.1.0.1", port=443) for _ in range(2)))

    def test_docker(self):
        for commands in self.each("With Docker", "DOCKER-USER"):
            with self.subTest(commands=commands):
                # As Docker has it.
                for rule in ("-N DOCKER-USER", "-A DOCKER-USER -j RETURN", "-A FORWARD -j DOCKER-USER",
                             "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"):
                    on("gateway", "iptables", *rule.split())
                on("gateway", "bash", "-euc", commands)
                server = self.server()
                self.assertOnlyThePinnedFlows(*(self.connect(server) for _ in range(2)))

    def test_quic(self):
        for commands in self.each("QUIC", "udp"):
            with self.subTest(commands=commands):
                with inside("server"):
                    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    server.bind((SERVER[4], 443))
                with inside("client"):
                    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    client.connect((SERVER[4], 443))
                for opened in server, client:
                    self.addCleanup(opened.close)
                    opened.settimeout(PATIENCE)
                client.send(b"before")
                self.assertEqual(server.recv(100), b"before")
                on("gateway", "bash", "-euc", commands)
                client.send(b"after")
                with self.assertRaises(ConnectionRefusedError):
                    client.recv(100)
                server.settimeout(0)
                with self.assertRaises(BlockingIOError):
                    server.recv(100)
