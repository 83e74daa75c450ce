# SPDX-License-Identifier: GPL-2.0-only
"""TLS between real stacks over bad links: what the pinned connection sends arrives, octet by octet, in both directions;
of the others, nothing. IPv4, IPv6, and IPv4 through NAT."""

import hashlib
import os
import ssl
import threading
import time
import unittest

from lab import GatewayTest, ctl, load, on, run, unload, wait_for
from scale import FULL, size, tell

LINKS = {"client": ["eth0"], "gateway": ["to-client", "to-server"], "server": ["eth0"]}
AMOUNT = size(60_000, 1_000_000)
HELD = b"held " * 200
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# What netem does to what the two hosts send (tc-netem(8)).
NETEM = {
    "loss": ("loss", "5%"),
    "reordering": ("delay", "5ms", "reorder", "25%", "50%"),
    "duplication": ("duplicate", "10%"),
    "corruption": ("corrupt", "3%"),
    "jitter": ("delay", "15ms", "12ms"),
    "all at once": ("delay", "5ms", "3ms", "loss", "2%", "duplicate", "2%", "corrupt", "1%", "reorder", "10%"),
}
MTUS = 300, 576, 1280, 9000, 65535
# Names by path: version of IP, and the address to connect to where it is not the server's.
PATHS = {"IPv4": (4, None), "IPv6": (6, None), "NAT": (4, "10.1.0.1")}


class Links(GatewayTest):
    def setUp(self):
        super().setUp()
        for ip in "iptables-legacy", "ip6tables-legacy":
            self.hold(ip)
        self.servers = {ip: self.server(ip) for ip in (4, 6)}
        on("gateway", "iptables-legacy", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "-d", "10.1.0.1", "-j", "DNAT",
           "--to-destination", "10.2.0.2")
        on("gateway", "iptables-legacy", "-t", "nat", "-A", "POSTROUTING", "-p", "tcp", "-m", "conntrack", "--ctorigdst", "10.1.0.1",
           "-j", "MASQUERADE")

    def impair(self, *netem):
        for host in "client", "server":
            on(host, "tc", "qdisc", "replace", "dev", "eth0", "root", "netem", *netem)

    def mtu(self, octets):
        for host, names in LINKS.items():
            for name in names:
                on(host, "ip", "link", "set", name, "mtu", str(octets))

    def segments_of_their_own(self):
        """Each loss, and each octet that is corrupted, is of one segment."""
        for host, names in LINKS.items():
            for name in names:
                on(host, "ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off")

    def over(self, what, paths):
        """Two connections over each path; one of them is pinned, and used in both directions."""
        for path in paths:
            ip, to = PATHS[path]
            version = (TLS12, TLS13)[len(path) % 2]
            with self.subTest(what, path=path):
                start = time.monotonic()
                clients = [self.connect(self.servers[ip], version, ip, to=to) for _ in range(2)]
                for client in clients:
                    client.send(HELD)
                ctl("pin", str(wait_for(clients[0].listed)["id"]), "--replace")
                self.exchange(clients[0])
                # The others have sent again every second.
                if time.monotonic() - start < 2:
                    time.sleep(2)
                self.assertEqual(len(clients[1].arrived()), 0)
                self.assertIn(clients[1].listed()["state"], ("handshake", "established", "lost"))
                tell(f"{what}, {path}: {2 * AMOUNT} octets in {time.monotonic() - start:.1f} s, "
                     f"{clients[0].listed()['state']}")
                for client in clients:
                    client.close()

    def exchange(self, client):
        """There, then back: TLS of a connection is not for two threads at once."""
        there, back = os.urandom(AMOUNT), os.urandom(AMOUNT)
        client.tls.settimeout(120)
        client.send(there)
        self.assertTrue(wait_for(lambda: len(client.server.received.get(client.port, b"")) >= len(HELD) + AMOUNT, 120))
        answer = threading.Thread(target=client.server.connections[client.port].sendall, args=(back,), daemon=True)
        answer.start()
        received = bytearray()
        while len(received) < AMOUNT:
            octets = client.tls.recv(65536)
            self.assertTrue(octets, "closed early")
            received += octets
        answer.join(60)
        digests = [hashlib.sha256(octets).digest() for octets in (received, client.arrived())]
        self.assertEqual(digests, [hashlib.sha256(octets).digest() for octets in (back, HELD + there)])


def paths_for(number):
    """One in turn, or all."""
    return list(PATHS) if FULL else [list(PATHS)[number % len(PATHS)]]


class Impaired(Links):
    def test_netem(self):
        self.segments_of_their_own()
        for number, what in enumerate(size(NETEM, NETEM, uml=["all at once"])):
            self.impair(*NETEM[what])
            self.over(what, paths_for(number))

    def test_nothing_is_kept_to_compare(self):
        """Where there is no memory for what is outstanding, or behind a hole: handshakes complete or wait, no data passes."""
        on("gateway", "iptables-legacy", "-F")
        on("gateway", "ip6tables-legacy", "-F")
        unload()
        run("modprobe", "xt_tlsconn", "handshake_octets_total=0", "hole_octets=0")
        for cleanup in (load, unload, lambda: on("gateway", "iptables-legacy", "-F")):
            self.addCleanup(cleanup)
        self.hold()
        self.segments_of_their_own()
        self.impair(*NETEM["all at once"])
        done, stopped = [], []

        def client(number):
            try:
                client = self.connect(self.servers[4], (TLS12, TLS13)[number % 2], patience=8)
                client.send(HELD)
                done.append(client)
            except OSError as why:
                stopped.append(why)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(size(30, 200, uml=12))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(done) + len(stopped), len(threads))
        self.assertTrue(done, stopped)
        time.sleep(2)
        self.assertEqual([bytes(octets) for octets in self.servers[4].received.values() if octets], [])
        tell(f"nothing kept: {len(done)} handshakes complete, {len(stopped)} wait; no data passed")

    def test_netem_with_merged_segments(self):
        """What is lost or comes late is up to 64 KiB in one."""
        if not FULL:
            self.skipTest("TLSCONN_FULL=1 runs it: minutes")
        for what, netem in NETEM.items():
            self.impair(*netem)
            self.over(f"{what}, merged", PATHS)


class Sizes(Links):
    def test_mtu(self):
        for number, octets in enumerate(size(MTUS, MTUS, uml=(300, 65535))):
            self.mtu(octets)
            # IPv6 has no links with less than 1280 (RFC 8200 5), and what such a link had is gone with it.
            if octets < 1280:
                self.over(f"MTU {octets}", ["NAT"] if number % 2 else ["IPv4"])
            else:
                self.addresses_again()
                self.over(f"MTU {octets}", paths_for(number))

    def addresses_again(self):
        for host, name, address, via in (("client", "eth0", "fd01::2", "fd01::1"), ("gateway", "to-client", "fd01::1", None),
                                         ("gateway", "to-server", "fd02::1", None), ("server", "eth0", "fd02::2", "fd02::1")):
            on(host, "ip", "addr", "replace", f"{address}/64", "dev", name, "nodad")
            if via:
                on(host, "ip", "-6", "route", "replace", "default", "via", via)
        on("gateway", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")

    def test_smallest_segments(self):
        """Records of 16 KiB in segments of 88 octets; IPv6 has none so small on its own."""
        for host, via in ("client", "10.1.0.1"), ("server", "10.2.0.1"):
            on(host, "ip", "route", "replace", "default", "via", via, "advmss", "88")
        self.over("MSS 88", ["IPv4", "NAT"])

    def test_smallest_windows(self):
        """Receivers that take little at once: a record comes in many pieces."""
        for host in "client", "server":
            on(host, "sysctl", "-qw", "net.ipv4.tcp_rmem=4096 4096 4096")
        self.over("small windows", paths_for(0) if FULL else ["IPv6"])


if __name__ == "__main__":
    unittest.main()
