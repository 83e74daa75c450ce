# SPDX-License-Identifier: GPL-2.0-only
"""Many connections at once, forged: of hosts that are not there."""

from canned import CLIENT_FLIGHT
from forge import ACK, PSH, SYN, Forger
from hellos import change_cipher_spec, client_hello13, encrypted, server_hello13
from lab import GatewayTest, load, on, run, stats, unload, wait_for

SERVER_FLIGHT = change_cipher_spec() + encrypted(23) + encrypted(53)
# From this port number on, so many for each of the server's.
PORTS = range(1024, 61024)


class Many(GatewayTest):
    def setUp(self):
        # Once the namespaces have gone: the next test begins without connections.
        self.addCleanup(lambda: (unload(), load()))
        super().setUp()
        # What conntrack has no room for it drops itself.
        now = run("sysctl", "-n", "net.netfilter.nf_conntrack_max").stdout.strip()
        run("sysctl", "-qw", "net.netfilter.nf_conntrack_max=262144")
        self.addCleanup(run, "sysctl", "-qw", f"net.netfilter.nf_conntrack_max={now}")
        on("gateway", "tlsconnctl", "track", "on")
        # Hosts that are not there, so that none resets what it knows nothing of.
        for address, side in (("10.1.0.8", "client"), ("10.2.0.9", "server")):
            on("gateway", "ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:09", "dev", f"to-{side}")
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)

    def establish(self, first, last):
        """Connections of these numbers, with a whole handshake. Of the flights nothing is kept, as they are acknowledged."""
        client, server = (self.forgers[host].send for host in ("client", "server"))
        for number in range(first, last):
            ours = "10.1.0.8", PORTS[number % len(PORTS)]
            theirs = "10.2.0.9", 443 + number // len(PORTS)
            random = number.to_bytes(4, "big") * 8
            hello, flight = client_hello13(random, b"server-%d.example" % number), server_hello13(random) + SERVER_FLIGHT
            answered, end = 5001 + len(flight), 1001 + len(hello)
            client(ours, theirs, 1000, 0, SYN)
            server(theirs, ours, 5000, 1001, SYN | ACK)
            client(ours, theirs, 1001, 5001, ACK | PSH, hello)
            server(theirs, ours, 5001, end, ACK | PSH, flight)
            client(ours, theirs, end, answered, ACK | PSH, CLIENT_FLIGHT)
            server(theirs, ours, answered, end + len(CLIENT_FLIGHT), ACK)
        self.assertTrue(wait_for(lambda: stats()["connections-now"] == last), stats())
