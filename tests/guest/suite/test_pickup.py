# SPDX-License-Identifier: GPL-2.0-only
"""Connections that conntrack has forgotten: held, with nothing kept of them, and let through again by the addresses of both
ends."""

import json
import ssl
import unittest

from lab import SERVER, GatewayTest, about_legacy, ctl, forgets, listed, on, stats, wait_for

CLIENT = {4: "10.1.0.2", 6: "[fd01::2]"}


class Pickup(GatewayTest):
    def forgotten(self, iptables, ip, count=1):
        """Established connections that conntrack has forgotten, and that the gateway holds."""
        self.hold(iptables)
        server = self.server(ip)
        clients = [self.connect(server, ssl.TLSVersion.TLSv1_3, ip) for _ in range(count)]
        self.assertTrue(wait_for(lambda: all(one.listed()["state"] == "established" for one in clients)))
        self.assertTrue(forgets(lambda: not listed("--all")))
        return clients

    @staticmethod
    def ends(client, ip):
        server = f"[{SERVER[6]}]" if ip == 6 else SERVER[4]
        return "--src", f"{CLIENT[ip]}:{client.port}", "--dst", f"{server}:{client.server.port}"

    @staticmethod
    def pin():
        [pin] = [pin for pin in json.loads(ctl("pins").stdout)["pins"] if pin["name"] == "default"]
        return pin

    @staticmethod
    def marks(client, ip):
        family = "ipv6" if ip == 6 else "ipv4"
        entries = on("gateway", "conntrack", "-L", "-f", family, "-p", "tcp", check=False).stdout.splitlines()
        return [field for entry in entries if f"port={client.port} " in entry for field in entry.split()
                if field.startswith("mark=")]

    def story(self, iptables, ip=4):
        client, other = self.forgotten(iptables, ip, 2)
        made = stats()["connections-made"]
        for one in (client, other):
            one.send(b"held")
        self.assertHeld(client, other)
        # Each packet that is sent again has an entry of its own, which nobody is told of.
        self.assertEqual((stats()["connections-made"], listed("--all")), (made, []))
        # It is alive for nobody but its ends.
        self.assertEqual(ctl("pin", *self.ends(client, ip), check=False).returncode, 3)
        done = json.loads(ctl("pin", "--next", *self.ends(client, ip)).stdout)["pin"]
        self.assertEqual((done["state"], done["connection"]), ("armed", None))
        self.assertArrives(client, b"held")
        client.send(b" more")
        self.assertArrives(client, b"held more")
        client.server.connections[client.port].sendall(b"answer")
        self.assertEqual(client.recv(), b"answer")
        self.assertTrue(wait_for(lambda: self.pin()["state"] == "bound"), self.pin())
        # Whoever sends first after conntrack has forgotten it counts as the initiator.
        [seen] = [one for one in listed() if f":{client.port}" in one["src"] + " " + one["dst"]]
        self.assertEqual(self.pin()["connection"], seen["id"])
        self.assertEqual((seen["state"], seen["reason"]), ("lost", "mid-stream"))
        self.assertEqual(other.arrived(), b"")
        self.assertEqual(self.marks(other, ip), [])
        ctl("unpin")
        self.assertEqual(self.marks(client, ip), ["mark=0"])
        client.send(b" held again")
        self.assertHeld(client, arrived=b"held more")

    @about_legacy
    def test_legacy_ipv4(self):
        self.story("iptables-legacy")

    @about_legacy
    def test_legacy_ipv6(self):
        self.story("ip6tables-legacy", 6)

    def test_nft_ipv4(self):
        self.story("iptables-nft")

    def test_nft_ipv6(self):
        self.story("ip6tables-nft", 6)

    def test_the_server_sends_first(self):
        [client] = self.forgotten("iptables-legacy", 4)
        client.server.connections[client.port].sendall(b"news")
        ctl("pin", "--next", *self.ends(client, 4))
        self.assertEqual(client.recv(), b"news")
        client.send(b"thanks")
        self.assertArrives(client, b"thanks")
        self.assertTrue(wait_for(lambda: self.pin()["state"] == "bound"), self.pin())

    def test_armed_before_it_is_forgotten(self):
        """A pin that waits by both ends does not take a connection that goes on: it is named by its id."""
        self.hold()
        client = self.connect(self.server())
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"))
        ctl("pin", "--next", *self.ends(client, 4))
        client.send(b"held")
        self.assertHeld(client)
        self.assertEqual(self.pin()["state"], "armed")
        self.assertTrue(forgets(lambda: client.listed() is None or client.arrived()))
        self.assertArrives(client, b"held")

    def test_zones(self):
        """In another zone than the packets' the pin waits on; in theirs it takes the connection."""
        on("gateway", "iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-j", "CT", "--zone", "7")
        [client] = self.forgotten("iptables-legacy", 4)
        client.send(b"held")
        ctl("pin", "--next", *self.ends(client, 4), "--zone", "8")
        self.assertHeld(client)
        self.assertEqual(self.pin()["selector"]["zone"], "8")
        ctl("pin", "--next", *self.ends(client, 4), "--zone", "7", "--replace")
        self.assertArrives(client, b"held")

    def test_half_an_end_is_not_enough(self):
        [client] = self.forgotten("iptables-legacy", 4)
        ctl("pin", "--next", "--src", CLIENT[4], "--dst", f"{SERVER[4]}:{client.server.port}")
        client.send(b"held")
        self.assertHeld(client)
        self.assertEqual(self.pin()["state"], "armed")


if __name__ == "__main__":
    unittest.main()
