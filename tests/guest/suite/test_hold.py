# SPDX-License-Identifier: GPL-2.0-only
"""Application data is held on every connection but the pinned one, and handshakes complete meanwhile."""

import json
import socket
import ssl
import unittest

from lab import PATIENCE, SERVER, GatewayTest, about_legacy, ctl, inside, listed, on, wait_for

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Hold(GatewayTest):
    def story(self, iptables, ip, version):
        self.hold(iptables)
        server = self.server(ip)
        clients = [self.connect(server, version, ip) for _ in range(3)]
        ids = [wait_for(client.listed)["id"] for client in clients]
        for client in clients:
            client.send(b"held")
        self.assertHeld(*clients)
        self.assertEqual([client.listed()["state"] for client in clients], ["established"] * 3)

        pin = json.loads(ctl("pin", str(ids[1])).stdout)["pin"]
        self.assertEqual((pin["name"], pin["state"], pin["connection"]), ("default", "bound", ids[1]))
        self.assertArrives(clients[1], b"held")
        clients[1].send(b" and more")
        self.assertArrives(clients[1], b"held and more")
        # The other way too.
        server.connections[clients[1].port].sendall(b"answer")
        clients[1].tls.settimeout(PATIENCE)
        self.assertEqual(clients[1].tls.recv(100), b"answer")
        self.assertHeld(clients[0], clients[2], seconds=1.5)

        ctl("unpin")
        clients[1].send(b" again")
        self.assertHeld(clients[0], clients[2])
        self.assertHeld(clients[1], arrived=b"held and more", seconds=0)

    @about_legacy
    def test_legacy_ipv4_tls13(self):
        self.story("iptables-legacy", 4, TLS13)

    @about_legacy
    def test_legacy_ipv6_tls12(self):
        self.story("ip6tables-legacy", 6, TLS12)

    def test_nft_ipv4_tls12(self):
        self.story("iptables-nft", 4, TLS12)

    def test_nft_ipv6_tls13(self):
        self.story("ip6tables-nft", 6, TLS13)

    def test_a_resumed_session_is_held(self):
        self.hold()
        server = self.server()
        for version, how in ((TLS12, ("session-id", "ticket")), (TLS13, ("psk",))):
            with self.subTest(version=version):
                first = self.connect(server, version)
                ctl("pin", str(wait_for(first.listed)["id"]), "--replace")
                first.send(b"first")
                self.assertArrives(first, b"first")
                # The server's tickets of TLS 1.3 count as data: they came with the pin.
                server.connections[first.port].sendall(b"x")
                first.tls.settimeout(PATIENCE)
                first.tls.recv(1)
                second = self.connect(server, version, session=(first.context, first.tls.session))
                self.assertTrue(second.tls.session_reused)
                second.send(b"second")
                self.assertHeld(second)
                seen = second.listed()
                self.assertEqual((seen["resumed"], seen["resumption"] in how), (True, True), seen)
                self.assertFalse(first.listed()["resumed"])
                self.assertIsNone(second.listed()["pin"])

    def test_plain_text_is_unknown_and_held(self):
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        with inside("client"):
            plain = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
        accepted, _ = listener.accept()
        for opened in (plain, accepted, listener):
            self.addCleanup(opened.close)
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--state", "established")
        plain.sendall(b"GET / HTTP/1.0\r\n")
        self.assertEqual(accepted.recv(100), b"GET / HTTP/1.0\r\n", "without a rule that holds it, it arrives")
        plain.close()
        self.hold()
        with inside("client"):
            plain = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
        accepted, (_, port) = listener.accept()
        for opened in (plain, accepted):
            self.addCleanup(opened.close)
        plain.sendall(b"GET / HTTP/1.0\r\n")
        accepted.settimeout(2.5)
        with self.assertRaises(TimeoutError):
            accepted.recv(100)
        seen = [c["state"] for c in listed("--all") if c["src"].endswith(f":{port}")]
        self.assertEqual(seen, ["not-tls"])

    def test_identity_is_what_the_stacks_say(self):
        self.hold()
        server = self.server()
        client = self.connect(server, TLS13)
        wait_for(lambda: client.listed()["state"] == "established")
        seen = client.listed()
        self.assertEqual(seen["version"], "1.3")
        self.assertEqual(seen["sni"], "server.example")
        self.assertEqual(seen["cipher"]["name"], client.tls.cipher()[0])
        self.assertEqual((seen["client"], seen["hello_retry"], seen["early_data"]), ("src", False, False))
        self.assertEqual(len(seen["client_random"]), 64)
        self.assertEqual(seen["session_id"], seen["server_session_id"])

    def test_counters_of_types(self):
        """A rule for each type counts packets of that type, by content and by the octet on the wire."""
        for flag in ([], ["--wire"]):
            for kind in ("handshake", "application-data", "change-cipher-spec", "none"):
                on("gateway", "iptables-legacy", "-A", "FORWARD", "-s", "10.1.0.2", "-p", "tcp", "-m", "tlsconn",
                   "--record-type", kind, *flag)
        client = self.connect(self.server(), TLS13)
        wait_for(lambda: client.listed()["state"] == "established")
        packets = self.counts()
        # ClientHello and Finished; the Finished is type 23 on the wire. On a busy machine packets may be sent twice.
        self.assertEqual(packets["application-data"], 0, packets)
        finished = packets["application-data --wire"]
        self.assertGreaterEqual(finished, 1, packets)
        self.assertGreaterEqual(packets["handshake"], 2, packets)
        self.assertEqual(packets["change-cipher-spec"], finished, packets)
        self.assertGreaterEqual(packets["none"], 2, packets)
        client.send(b"data")
        self.assertArrives(client, b"data")
        packets = self.counts()
        self.assertGreaterEqual(packets["application-data"], 1, packets)
        self.assertGreater(packets["application-data --wire"], packets["application-data"], packets)

    @staticmethod
    def counts():
        """Packets by what stands behind --record-type."""
        found = {}
        for line in on("gateway", "iptables-legacy-save", "-c").stdout.splitlines():
            if "--record-type" in line:
                counter, rule = line.split("]")
                found[rule.split("--record-type ")[1].strip()] = int(counter.strip("[").split(":")[0])
        return found


if __name__ == "__main__":
    unittest.main()
