# SPDX-License-Identifier: GPL-2.0-only
"""The ruleset that `tlsconnctl rules` prints, loaded beside others' rules into all four variants of iptables."""

import ssl
import unittest

from lab import PATIENCE, SERVER, GatewayTest, ctl, on, run, wait_for

# What a gateway has: conntrack's idiom in front of everything else.
OTHERS = ["-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -j ours", "-A ours -j ACCEPT"]


class Ruleset(GatewayTest):
    def load_beside_others(self, iptables, *options):
        """Loads a ruleset as its first line says, behind others' rules, which have to stay."""
        on("gateway", iptables, "-N", "ours")
        for rule in OTHERS:
            on("gateway", iptables, *rule.split())
        text = run("tlsconnctl", "rules", *options).stdout
        first = text.splitlines()[0]
        restore = f"{iptables}-restore"
        self.assertTrue(first.startswith("# Load with: "), first)
        self.assertIn("ip6tables-restore --noflush" if "6" in iptables else "iptables-restore --noflush", first)
        on("gateway", restore, "--noflush", stdin=text)
        rules = on("gateway", iptables, "-S").stdout.splitlines()
        own = [line for line in rules if "tlsconn" in line.lower()]
        self.assertEqual([line for line in rules if line.startswith("-A") and line not in own], OTHERS)
        self.assertTrue(all("--comment" in line for line in own if line.startswith("-A")), own)
        return own

    def story(self, iptables, ip, *options):
        server = self.server(ip)
        options = [str(server.port) if option == "PORT" else option for option in options]
        self.load_beside_others(iptables, *options)
        clients = [self.connect(server, ssl.TLSVersion.TLSv1_3, ip) for _ in range(2)]
        for client in clients:
            client.send(b"held")
        self.assertHeld(*clients)
        self.assertEqual([client.listed()["state"] for client in clients], ["established"] * 2)
        ctl("pin", str(clients[1].listed()["id"]))
        self.assertArrives(clients[1], b"held")
        server.connections[clients[1].port].sendall(b"answer")
        clients[1].tls.settimeout(PATIENCE)
        self.assertEqual(clients[1].tls.recv(100), b"answer")
        self.assertHeld(clients[0], seconds=1.5)

    def test_iptables_legacy(self):
        self.story("iptables-legacy", 4)

    def test_ip6tables_legacy(self):
        self.story("ip6tables-legacy", 6, "--dst", SERVER[6])

    def test_iptables_nft(self):
        self.story("iptables-nft", 4, "--src", "10.1.0.0/24", "--port", "PORT", "--chain", "hold")

    def test_ip6tables_nft(self):
        self.story("ip6tables-nft", 6)

    def test_what_is_not_meant_flows(self):
        server, other = self.server(), self.server()
        self.load_beside_others("iptables-legacy", "--port", str(server.port))
        held, free = self.connect(server), self.connect(other)
        for client in (held, free):
            client.send(b"data")
        self.assertArrives(free, b"data")
        self.assertHeld(held)

    def test_data_is_answered_with_a_reset(self):
        self.load_beside_others("iptables-nft", "--on-data", "reset")
        client = self.connect(self.server())
        client.tls.settimeout(PATIENCE)
        with self.assertRaises(ConnectionResetError):
            client.send(b"data")
            client.tls.recv(1)
        self.assertHeld(client, seconds=0)

    def test_loaded_again_it_holds_as_before(self):
        for iptables in ("iptables-legacy", "iptables-nft"):
            with self.subTest(iptables=iptables):
                self.load_beside_others(iptables)
                on("gateway", f"{iptables}-restore", "--noflush", stdin=run("tlsconnctl", "rules").stdout)
                own = on("gateway", iptables, "-S", "TLSCONN").stdout.splitlines()
                self.assertEqual(len(own), 3, own)
                client = self.connect(self.server())
                client.send(b"held")
                self.assertHeld(client)
                wait_for(client.listed)
                for command in ("-F", "-X"):
                    on("gateway", iptables, command)


if __name__ == "__main__":
    unittest.main()
