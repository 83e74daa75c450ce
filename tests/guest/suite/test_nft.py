# SPDX-License-Identifier: GPL-2.0-only
"""nft alone: the table that `tlsconnctl rules --format nft` makes holds by the pass mark, without the match."""

import contextlib
import json
import socket
import threading
import unittest

from conversation import RANDOM, Conversation, Wire
from forge import ACK, PSH, Forger, numbers
from hellos import change_cipher_spec, client_hello13, encrypted, server_hello13
from lab import PATIENCE, SERVER, GatewayTest, ctl, inside, load, on, unload, wait_for
from scale import size, tell

BIT = 0x00800000
NEAR = {4: "10.1.0.1", 6: "fd01::1"}


def nft(text):
    return on("gateway", "nft", "-f", "-", stdin=text)


def ruleset():
    """As nft shows it, without what it counts."""
    return on("gateway", "nft", "-s", "list", "ruleset").stdout


def printed(*options):
    return on("gateway", "tlsconnctl", "rules", "--format", "nft", *options).stdout


class NftTest(GatewayTest):
    def setUp(self):
        super().setUp()
        self.track()

    def track(self, *options):
        ctl("track", "on", "--pass-mark", hex(BIT), *options)

    def nobody_uses_the_match(self):
        self.assertEqual(json.loads(ctl("track", "status").stdout)["rules"], 0)


class Hold(NftTest):
    def story(self, ip, *options):
        nft(printed(*options))
        server = self.server(ip)
        self.assertOnlyThePinnedFlows(*(self.connect(server, ip=ip) for _ in range(3)))
        self.nobody_uses_the_match()
        return server

    def test_ipv4(self):
        self.story(4)

    def test_ipv6(self):
        self.story(6, "--src", "fd01::/64")

    def test_what_is_not_meant_flows(self):
        server, other, third = self.server(), self.server(), self.server()
        nft(printed("--port", f"{server.port},{third.port}", "--dst", SERVER[4]))
        free = self.connect(other)
        free.send(b"data")
        self.assertArrives(free, b"data")
        for held in server, third:
            self.assertOnlyThePinnedFlows(self.connect(held), self.connect(held))

    def test_what_nft_lists_can_be_loaded_again(self):
        before = None
        server = self.server()
        # Printed and loaded, the same once more, and what nft made of it.
        for text in [printed()] * 5:
            nft(text)
            before = before or ruleset()
            self.assertEqual(ruleset(), before)
        for _ in range(2):
            nft("flush ruleset\n" + on("gateway", "nft", "list", "ruleset").stdout)
            self.assertEqual(ruleset(), before)
        self.assertOnlyThePinnedFlows(self.connect(server), self.connect(server))

    def test_data_is_answered_with_a_reset(self):
        nft(printed("--on-data", "reset"))
        client = self.connect(self.server())
        client.tls.settimeout(PATIENCE)
        with self.assertRaises(ConnectionResetError):
            client.send(b"data")
            client.tls.recv(1)
        self.assertHeld(client, seconds=0)

    def test_to_and_from_the_gateway(self):
        for ip in 4, 6:
            for chain in "INPUT", "OUTPUT":
                nft(printed("--chain", chain))
            with self.subTest(ip=ip, to="the gateway"):
                server = self.server(ip, "gateway", NEAR[ip])
                self.assertOnlyThePinnedFlows(*(self.connect(server, ip=ip, to=NEAR[ip]) for _ in range(2)))
            with self.subTest(ip=ip, to="the server"):
                server = self.server(ip)
                self.assertOnlyThePinnedFlows(*(self.connect(server, ip=ip, host="gateway") for _ in range(2)))

    def test_nat(self):
        for ip in 4, 6:
            with self.subTest(ip=ip):
                server = self.server(ip)
                to = f"[{SERVER[ip]}]:{server.port}" if ip == 6 else f"{SERVER[ip]}:{server.port}"
                nft(f"""table {'ip6' if ip == 6 else 'ip'} theirs {{
                    chain there {{ type nat hook prerouting priority dstnat; tcp dport 443 dnat to {to}; }}
                    chain back {{ type nat hook postrouting priority srcnat; oifname "to-server" masquerade; }}
                }}""")
                nft(printed("--port", str(server.port)))
                clients = [self.connect(server, ip=ip, to=NEAR[ip], port=443) for _ in range(2)]
                for client in clients:
                    # The server sees other ports than the client has.
                    client.heard = lambda client=client: any(client.says in octets for octets in server.received.values())
                    client.says = f"of {client.port}.".encode()
                    self.assertTrue(wait_for(lambda client=client: client.listed()["state"] == "established"))
                    client.send(client.says)
                self.assertFalse(wait_for(lambda: any(client.heard() for client in clients), 2.5))
                ctl("pin", str(clients[0].listed()["id"]), "--replace")
                self.assertTrue(wait_for(clients[0].heard))
                self.assertFalse(clients[1].heard())

    def test_quic_is_rejected(self):
        with inside("server"):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((SERVER[4], 443))
        with inside("client"):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.connect((SERVER[4], 443))
        for opened in server, client:
            self.addCleanup(opened.close)
            opened.settimeout(PATIENCE)
        nft(printed("--quic", "pass"))
        client.send(b"passes")
        self.assertEqual(server.recv(100), b"passes")
        nft(printed())
        client.send(b"held")
        with self.assertRaises(ConnectionRefusedError):
            client.recv(100)


class Without(NftTest):
    """Where nothing says what may pass, nothing passes."""

    def assertNothingPasses(self, server):
        with inside("client"), socket.socket() as raw:
            raw.settimeout(3)
            with self.assertRaises(TimeoutError):
                raw.connect((SERVER[4], server.port))

    def test_tracking_that_is_off_and_a_module_that_is_gone(self):
        server = self.server()
        nft(printed())
        self.assertOnlyThePinnedFlows(self.connect(server), self.connect(server))
        ctl("track", "off")
        self.assertNothingPasses(server)
        ctl("track", "on")
        self.assertNothingPasses(server)
        unload()
        self.addCleanup(load)
        self.assertNothingPasses(server)
        load()
        self.track()
        self.assertOnlyThePinnedFlows(self.connect(server), self.connect(server))

    def test_another_bit_and_a_namespace_that_goes(self):
        server = self.server()
        nft(printed())
        ctl("track", "on", "--pass-mark", "0x1")
        self.assertNothingPasses(server)
        self.assertIn("mark & 0x00000001 == 0", (nft(printed()), ruleset())[1])
        self.assertOnlyThePinnedFlows(self.connect(server), self.connect(server))
        self.net("net_down")
        # Nothing of it holds the module.
        unload()
        load()


class Strict(NftTest):
    def certificate(self, port):
        """What arrives of a TLS 1.3 client's certificate, which may be data."""
        with contextlib.closing(Wire()) as wire:
            talk = Conversation(wire, port).open()
            talk.say("client", "ClientHello", True, client_hello13(RANDOM))
            # Encrypted extensions and a request for a certificate.
            flight = server_hello13(RANDOM) + change_cipher_spec() + b"".join(map(encrypted, (60, 795, 281, 53)))
            talk.say("server", "server's flight", True, flight)
            talk.ack("client")
            arrived = talk.send("client", encrypted(500))
            self.assertEqual([piece for piece in talk.pieces if not piece.arrived], [])
            return arrived

    def test_what_is_in_doubt(self):
        nft(printed())
        self.assertEqual(self.certificate(30001), 1.0)
        self.track("--strict")
        self.assertEqual(self.certificate(30002), 0.0)
        self.track()
        self.assertEqual(self.certificate(30003), 1.0)
        ctl("track", "on", "--strict")
        self.assertEqual(self.certificate(30004), 0.0)

    def test_the_tool_says_when_it_is_not(self):
        self.assertIn(f"tlsconnctl track on --pass-mark {BIT:#010x} --strict\n", printed("--strict"))
        refused = ctl("rules", "--format", "nft", "--strict", "--load", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--strict` first", json.loads(refused.stderr)["error"]["message"])
        self.assertEqual(ruleset(), "")
        self.track("--strict")
        ctl("rules", "--format", "nft", "--strict", "--load")
        self.assertIn("table inet tlsconn", ruleset())


class Reloads(NftTest):
    """Two tables in one transaction: no moment in which held data passes, or a pinned packet does not."""
    # How many packets of a client's come into the gateway, and leave it: of the pinned connection, and of one that is held.
    COUNTING = """table inet counting {{
        chain come {{ type filter hook prerouting priority -300; tcp sport {pinned} counter; tcp sport {held} counter; }}
        chain left {{ type filter hook postrouting priority 300; tcp sport {pinned} counter; tcp sport {held} counter; }}
    }}"""

    def counted(self):
        chains = json.loads(on("gateway", "nft", "-j", "list", "table", "inet", "counting").stdout)["nftables"]
        rules = [entry["rule"] for entry in chains if "rule" in entry]
        return [expression["counter"]["packets"] for rule in rules for expression in rule["expr"] if "counter" in expression]

    def test_under_traffic(self):
        count = size(40, 1000, uml=100)
        server = self.server()
        text = printed("--port", str(server.port))
        nft(text)
        pinned, held = self.connect(server), self.connect(server)
        self.assertOnlyThePinnedFlows(pinned, held)
        # Data of the one that is held, sent again and again as no stack would, so that each moment has some.
        forger = Forger("client")
        self.addCleanup(forger.close)
        ends = (("10.1.0.2", held.port), (SERVER[4], server.port))
        seq, expected = numbers(held.tls)
        nft(self.COUNTING.format(pinned=pinned.port, held=held.port))
        over = threading.Event()
        sent = []

        def send():
            while not over.is_set():
                pinned.send(b"x" * 1000)
                sent.append(1000)
                forger.send(*ends, seq, expected, ACK | PSH, encrypted(100))
                over.wait(0.002)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for _ in range(count):
                nft(text)
        finally:
            over.set()
            sender.join()
        self.assertTrue(wait_for(lambda: len(pinned.arrived()) == len(b"heldmore") + sum(sent)))
        come, come_held, left, left_held = self.counted()
        tell(f"{count} reloads, {come} packets of the pinned connection, {come_held} of one that is held")
        self.assertGreater(min(come, come_held), count)
        self.assertEqual((come, left_held), (left, 0), "packets of the pinned connection were lost, or of the held one passed")
        self.assertEqual(held.arrived(), b"")
        self.assertEqual([line for line in ruleset().splitlines() if "tlsconn" in line and line.startswith("table")],
                         ["table inet tlsconn {"])


if __name__ == "__main__":
    unittest.main()
