# SPDX-License-Identifier: GPL-2.0-only
"""Address translation in any combination: the pinned connection flows, the others are held, and both are listed as
they were before it."""

import ssl
import time
import unittest

from lab import SERVER, GatewayTest, ctl, on, wait_for
from scale import mostly_uml

# Addresses of the gateway: towards the client, towards the server, one more there to translate to; and one that nobody
# has, per version of IP.
NEAR = {4: "10.1.0.1", 6: "fd01::1"}
FAR = {4: "10.2.0.1", 6: "fd02::1"}
ANOTHER = {4: "10.2.0.99", 6: "fd02::99"}
NOWHERE = {4: "10.2.0.200", 6: "fd02::200"}
ANY = {4: "0.0.0.0", 6: "::"}


def end(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Case:
    """Two connections that are translated alike, from a host to an address and port; where they come from as the server
    sees it."""

    def __init__(self, name, host, to, port, server, source=None):
        self.name, self.host, self.to, self.port, self.server, self.source = name, host, to, port, server, source
        self.clients = []

    def heard(self, client):
        """Whether the server was told what this client has to say, from whatever port."""
        return any(client.says in octets for octets in self.server.received.values())

    def peer(self, client):
        """The server's end of it."""
        port = next(port for port, octets in self.server.received.items() if client.says in octets)
        return self.server.connections[port]


class Nat(GatewayTest):
    def setUp(self):
        super().setUp()
        for ip, address in ANOTHER.items():
            on("gateway", "ip", "addr", "add", f"{address}/{24 if ip == 4 else 64}", "dev", "to-server", "preferred_lft", "0",
               *["nodad"] * (ip == 6))

    def nat(self, ip, *rules):
        """Loads NAT rules, first of all."""
        lines = ["*nat", *(f"-A {rule}" for rule in rules), "COMMIT", ""]
        on("gateway", ("iptables" if ip == 4 else "ip6tables") + "-legacy-restore", stdin="\n".join(lines))

    def cases(self, ip):
        far, near = self.server(ip), self.server(ip, "gateway", ANY[ip])
        there = end(SERVER[ip], far.port)
        # A port of the server's own for what is translated at its source alone.
        plain = {name: self.server(ip) for name in ("SNAT", "SNAT of the port too", "MASQUERADE")}
        port = {name: server.port for name, server in plain.items()}
        self.nat(
            ip,
            f"PREROUTING -p tcp -d {NEAR[ip]} --dport 1001 -j DNAT --to-destination {there}",
            f"PREROUTING -p tcp -d {NEAR[ip]} --dport 1002 -j DNAT --to-destination {there}",
            f"PREROUTING -p tcp -d {NEAR[ip]} --dport 1003 -j DNAT --to-destination {there}",
            f"PREROUTING -p tcp -d {SERVER[ip]} --dport 1004 -j REDIRECT --to-ports {near.port}",
            f"OUTPUT -p tcp -d {NOWHERE[ip]} --dport 1005 -j DNAT --to-destination {there}",
            f"OUTPUT -p tcp -d {NOWHERE[ip]} --dport 1006 -j REDIRECT --to-ports {near.port}",
            f"OUTPUT -p tcp -d {NOWHERE[ip]} --dport 1007 -j DNAT --to-destination {there}",
            "POSTROUTING -m conntrack --ctorigdstport 1002 -j MASQUERADE",
            f"POSTROUTING -p tcp -m conntrack --ctorigdstport 1003 -j SNAT --to-source {end(ANOTHER[ip], '3000-3999')}",
            f"POSTROUTING -p tcp -m conntrack --ctorigdstport 1007 -j SNAT --to-source {ANOTHER[ip]}",
            f"POSTROUTING -p tcp --dport {port['SNAT']} -j SNAT --to-source {ANOTHER[ip]}",
            f"POSTROUTING -p tcp --dport {port['SNAT of the port too']} -j SNAT --to-source {end(ANOTHER[ip], '3000-3999')}",
            f"POSTROUTING -p tcp --dport {port['MASQUERADE']} -j MASQUERADE",
        )
        return [
            Case("DNAT", "client", NEAR[ip], 1001, far),
            Case("DNAT and MASQUERADE", "client", NEAR[ip], 1002, far, FAR[ip]),
            Case("DNAT and SNAT", "client", NEAR[ip], 1003, far, ANOTHER[ip]),
            Case("REDIRECT", "client", SERVER[ip], 1004, near),
            Case("DNAT of its own", "gateway", NOWHERE[ip], 1005, far),
            Case("REDIRECT of its own, over loopback", "gateway", NOWHERE[ip], 1006, near),
            Case("DNAT and SNAT of its own", "gateway", NOWHERE[ip], 1007, far, ANOTHER[ip]),
            *(Case(name, "client", SERVER[ip], port[name], server, FAR[ip] if name == "MASQUERADE" else ANOTHER[ip])
              for name, server in plain.items()),
        ]

    def story(self, ip):
        cases = self.cases(ip)
        for chain in "FORWARD", "INPUT", "OUTPUT":
            self.hold("iptables-legacy" if ip == 4 else "ip6tables-legacy", chain)
        for case in cases:
            for number in range(2):
                client = self.connect(case.server, ssl.TLSVersion.TLSv1_3, ip, to=case.to, host=case.host, port=case.port)
                client.says = f"{number} of {case.name}.".encode()
                case.clients.append(client)
        for case in cases:
            with self.subTest(case.name):
                for client in case.clients:
                    self.assertTrue(wait_for(lambda client=client: client.listed()["state"] == "established"))
                    self.assertEqual(client.listed()["dst"], end(case.to, case.port))
                    client.send(client.says)
        # All of them have sent again by then.
        time.sleep(2.5)
        self.assertEqual([case.name for case in cases for client in case.clients if case.heard(client)], [])
        for case in cases:
            with self.subTest(case.name):
                client, other = case.clients
                ctl("pin", str(client.listed()["id"]), "--replace")
                self.assertTrue(wait_for(lambda case=case, client=client: case.heard(client)), "it flows once it is pinned")
                peer = case.peer(client)
                if case.source:
                    self.assertEqual(peer.getpeername()[0], case.source)
                peer.sendall(b"answer")
                self.assertEqual(client.recv(), b"answer")
                self.assertFalse(case.heard(other))
        self.assertEqual([case.name for case in cases if case.heard(case.clients[1])], [])

    def test_ipv4(self):
        self.story(4)

    @mostly_uml
    def test_ipv6(self):
        self.story(6)


if __name__ == "__main__":
    unittest.main()
