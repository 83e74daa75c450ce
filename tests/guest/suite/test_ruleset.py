# SPDX-License-Identifier: GPL-2.0-only
"""The ruleset that `tlsconnctl rules` prints, loaded beside others' rules into all four variants of iptables."""

import json
import ssl
import unittest

from lab import IPTABLES, PATIENCE, SERVER, GatewayTest, about_legacy, ctl, on, run, wait_for

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

    @about_legacy
    def test_iptables_legacy(self):
        self.story("iptables-legacy", 4)

    @about_legacy
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
                self.assertEqual(len(own), 4, own)
                client = self.connect(self.server())
                client.send(b"held")
                self.assertHeld(client)
                wait_for(client.listed)
                for command in ("-F", "-X"):
                    on("gateway", iptables, command)


class Loaded(GatewayTest):
    """What --load, and printing and loading, leave is the same however often it is done."""

    def setUp(self):
        super().setUp()
        for iptables in "iptables", "ip6tables":
            on("gateway", iptables, "-N", "ours")
            for rule in OTHERS:
                on("gateway", iptables, *rule.split())

    def state(self):
        """All rules of all tools."""
        saved = [on("gateway", f"{iptables}-save").stdout for iptables in IPTABLES]
        rules = [line for text in saved for line in text.splitlines() if line.startswith(("*", ":", "-A"))]
        # Without what is counted.
        return [line.split(" [")[0] for line in rules], on("gateway", "nft", "-s", "list", "tables").stdout

    def assertFirst(self, iptables, jumps):
        """Ours come before all others in FORWARD, each once."""
        forward = [line for line in on("gateway", iptables, "-S", "FORWARD").stdout.splitlines() if line.startswith("-A")]
        self.assertEqual([line.endswith("-j TLSCONN") for line in forward], [True] * jumps + [False] * 2, forward)

    def test_loaded_five_times_and_taken_away(self):
        before = self.state()
        for options, jumps in (((), (2, 2)), (("--port", "443,8443", "--quic", "pass"), (2, 2)), (("--strict",), (2, 2)),
                               (("--dst", SERVER[4]), (3, 2))):
            with self.subTest(options):
                self.assertEqual(list(json.loads(ctl("rules", "--load", *options).stdout)), ["loaded"])
                once = self.state()
                self.assertFirst("iptables", jumps[0])
                for _ in range(4):
                    ctl("rules", "--load", *options)
                    self.assertEqual(self.state(), once)
        on("gateway", "iptables", "-I", "FORWARD", "-s", "192.0.2.1", "-j", "ACCEPT")
        ctl("rules", "--load")
        for iptables in "iptables", "ip6tables":
            forward = on("gateway", iptables, "-S", "FORWARD").stdout.splitlines()
            self.assertTrue(all(line.endswith("-j TLSCONN") for line in forward[1:3]), forward)
        on("gateway", "iptables", "-D", "FORWARD", "-s", "192.0.2.1", "-j", "ACCEPT")
        for _ in range(2):
            self.assertEqual(json.loads(ctl("rules", "--unload").stdout), {"unloaded": ["iptables", "ip6tables"]})
            self.assertEqual(self.state(), before)

    def test_printed_and_loaded_five_times(self):
        for iptables, options, jumps in (("iptables", (), 2), ("ip6tables", (), 2), ("iptables", ("--port", "443"), 3),
                                         ("ip6tables", ("--dst", SERVER[6]), 3)):
            states = []
            for _ in range(5):
                text = on("gateway", "tlsconnctl", "rules", *options).stdout
                on("gateway", f"{iptables}-restore", "--noflush", stdin=text)
                states.append(self.state())
            with self.subTest(iptables=iptables, options=options):
                self.assertFirst(iptables, jumps)
                self.assertEqual(states, states[:1] * 5)

    def test_nft(self):
        before = self.state()
        ctl("track", "on", "--pass-mark", "0x00800000")
        for chain in "FORWARD", "INPUT", "OUTPUT":
            ctl("rules", "--format", "nft", "--load", "--chain", chain)
        once = on("gateway", "nft", "-s", "list", "ruleset").stdout
        for _ in range(4):
            self.assertEqual(json.loads(ctl("rules", "--format", "nft", "--load").stdout), {"loaded": ["nft"]})
            on("gateway", "nft", "-f", "-", stdin=on("gateway", "tlsconnctl", "rules", "--format", "nft").stdout)
        again = on("gateway", "nft", "-s", "list", "ruleset").stdout
        self.assertEqual(sorted(again.splitlines()), sorted(once.splitlines()))
        for _ in range(2):
            for chain in "FORWARD", "INPUT", "OUTPUT":
                ctl("rules", "--format", "nft", "--unload", "--chain", chain)
        self.assertEqual(self.state(), before)

    def test_what_cannot_be_loaded_changes_nothing(self):
        ctl("rules", "--load")
        # Somebody else's jump to it.
        on("gateway", "iptables", "-A", "ours", "-j", "TLSCONN")
        before = self.state()
        refused = ctl("rules", "--unload", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("iptables-restore", json.loads(refused.stderr)["error"]["message"])
        self.assertEqual(self.state(), before)
        on("gateway", "iptables", "-D", "ours", "-j", "TLSCONN")
        ctl("rules", "--unload")

    def test_it_holds(self):
        for ip in 4, 6:
            ctl("rules", "--load")
            with self.subTest(ip=ip):
                server = self.server(ip)
                self.assertOnlyThePinnedFlows(self.connect(server, ip=ip), self.connect(server, ip=ip))


if __name__ == "__main__":
    unittest.main()
