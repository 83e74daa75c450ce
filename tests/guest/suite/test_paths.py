# SPDX-License-Identifier: GPL-2.0-only
"""Ways for packets to come by, and ways for conntrack to see them: the pinned connection flows, others are held."""

import contextlib
import socket
import ssl
import unittest

import evasions
from bulk import Bulk
from conversation import DATA, Conversation, Wire
from lab import GatewayTest, ctl, listed, on, run, wait_for
from scale import FULL, mostly_uml

# linux/tcp.h
TCP_FASTOPEN_CONNECT, TCPI_OPT_SYN_DATA = 30, 32
# Of the client and of the server, both without a cookie (Documentation/networking/ip-sysctl.rst).
FAST_OPEN_ALWAYS = 0x1 | 0x2 | 0x4 | 0x200


def sysctl(host, setting):
    on(host, "sysctl", "-qw", setting)


class Loopback(GatewayTest):
    """Packets that pass LOCAL_OUT and PRE_ROUTING count once."""

    def story(self, iptables, ip, address):
        for chain in "OUTPUT", "INPUT":
            self.hold(iptables, chain)
        server = self.server(ip, "gateway", address)
        clients = [self.connect(server, ssl.TLSVersion.TLSv1_2, ip, to=address, host="gateway") for _ in range(2)]
        self.assertOnlyThePinnedFlows(*clients)
        before = clients[0].listed()
        # Records of 16 KiB, in packets of up to 64 KiB.
        clients[0].send(b"x" * 16384 * 20)
        self.assertTrue(wait_for(lambda: len(clients[0].arrived()) == len(b"heldmore") + 16384 * 20))
        after = clients[0].listed()
        records = [seen["records"]["client"]["application-data"] for seen in (before, after)]
        octets = [seen["bytes"]["client"] for seen in (before, after)]
        self.assertEqual(records[1] - records[0], 20)
        # Header, explicit nonce and tag (RFC 5288), or header and tag (RFC 7905).
        self.assertIn(octets[1] - octets[0], [20 * (16384 + 5 + more) for more in (16, 24)])
        self.assertEqual((after["state"], after["reason"]), ("established", None))

    def test_ipv4(self):
        self.story("iptables-legacy", 4, "127.0.0.1")

    @mostly_uml
    def test_ipv6(self):
        self.story("ip6tables-legacy", 6, "::1")


class FastOpen(GatewayTest):
    @staticmethod
    def with_data_on_the_syn(raw):
        raw.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)

    def story(self, iptables, ip):
        self.hold(iptables)
        for host in "client", "server":
            sysctl(host, f"net.ipv4.tcp_fastopen={FAST_OPEN_ALWAYS}")
        server = self.server(ip)
        server.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        clients = [Bulk(server, ip, self.with_data_on_the_syn) for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
            options = client.raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5]
            self.assertTrue(options & TCPI_OPT_SYN_DATA, "the SYN's data was taken")
            self.assertEqual(wait_for(client.listed)["sni"], "bulk.example")
        self.assertOnlyThePinnedFlows(*clients)

    def test_ipv4(self):
        self.story("iptables-legacy", 4)

    @mostly_uml
    def test_ipv6(self):
        self.story("ip6tables-legacy", 6)


class SynProxy(GatewayTest):
    """The gateway answers SYNs itself, and shifts the server's sequence numbers from then on."""

    def story(self, iptables, ip):
        version = "-legacy"
        raw = on("gateway", iptables + version, "-t", "raw", "-A", "PREROUTING", "-i", "to-client", "-p", "tcp", "--syn", "-j", "CT",
                 "--notrack", check=False)
        self.assertEqual(raw.returncode, 0, raw.stderr)
        proxy = on("gateway", iptables + version, "-A", "FORWARD", "-i", "to-client", "-p", "tcp", "-m", "conntrack", "--ctstate",
                   "INVALID,UNTRACKED", "-j", "SYNPROXY", "--sack-perm", "--timestamp", "--wscale", "7", "--mss",
                   "1400", check=False)
        if proxy.returncode != 0 and "missing kernel module" in proxy.stderr + proxy.stdout:
            self.skipTest("this kernel has no SYNPROXY")
        self.assertEqual(proxy.returncode, 0, proxy.stderr)
        sysctl("gateway", "net.netfilter.nf_conntrack_tcp_loose=0")
        self.hold(iptables + version)
        server = self.server(ip)
        for tls in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            clients = [self.connect(server, tls, ip) for _ in range(2)]
            self.assertOnlyThePinnedFlows(*clients)
            for client in clients:
                seen = client.listed()
                # A hello is confirmed by an acknowledgement that fits.
                self.assertEqual((seen["state"], seen["reason"], seen["confirmed"]), ("established", None, True))
        self.assertIn("ASSURED", on("gateway", "conntrack", "-L", "-f", f"ipv{ip}").stdout)
        # Column cookie_valid: connections that went through it.
        seen = on("gateway", "cat", "/proc/net/stat/synproxy").stdout.splitlines()[1:]
        self.assertGreaterEqual(sum(int(line.split()[3], 16) for line in seen), 4)

    def test_ipv4(self):
        self.story("iptables", 4)

    def test_ipv6(self):
        self.story("ip6tables", 6)


class Settings(GatewayTest):
    """conntrack's own."""

    def test_not_loose(self):
        """What is under way is untracked then: unknown, and held."""
        sysctl("gateway", "net.netfilter.nf_conntrack_tcp_loose=0")
        self.hold()
        server = self.server()
        client = self.connect(server)
        self.assertOnlyThePinnedFlows(client, self.connect(server))
        on("gateway", "conntrack", "-F")
        self.assertTrue(wait_for(lambda: not listed("--all"), 5))
        client.send(b"after")
        self.assertHeld(client, arrived=b"heldmore")
        self.assertEqual(listed("--all"), [])
        self.assertOnlyThePinnedFlows(self.connect(server), self.connect(server))

    @mostly_uml
    def test_liberal(self):
        """No segment is out of window: what is held in the evasion table is held nevertheless."""
        self.assertEqual(self.passes("net.netfilter.nf_conntrack_tcp_be_liberal=1"), [])

    def test_not_loose_and_liberal(self):
        if not FULL:
            self.skipTest("TLSCONN_FULL=1 runs it: minutes")
        self.assertEqual(self.passes("net.netfilter.nf_conntrack_tcp_be_liberal=1", "net.netfilter.nf_conntrack_tcp_loose=0"), [])

    @mostly_uml
    def test_no_checksums(self):
        """Packets with a bad checksum are looked at like others."""
        self.assertEqual(self.passes("net.netfilter.nf_conntrack_checksum=0"), [])

    def passes(self, *settings):
        """What passes of the evasion table under such settings: those rows that depend on windows, or all."""
        for setting in settings:
            sysctl("gateway", setting)
        found = []
        with contextlib.closing(Wire()) as wire:
            for row, title, function in evasions.in_order():
                if FULL or row in ("2", "3", "4", "25", "27"):
                    pieces, _ = evasions.Field(wire, evasions.Tlsconn()).play(function)
                    found += [f"{title}: {piece.name}" for piece in pieces if piece.must is False and piece.arrived]
        return found


class Zones(GatewayTest):
    def test_the_same_ends_in_two_zones(self):
        """Two connections between the same addresses and ports are two: a pin on one leaves the other alone."""
        # By their TTL.
        on("gateway", "iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-m", "u32", "--u32", "8>>24=50", "-j", "CT",
           "--zone", "7")
        on("gateway", "iptables-legacy-restore", "--noflush", stdin=run("tlsconnctl", "rules").stdout)
        with contextlib.closing(Wire()) as wire:
            talks = [Conversation(wire, 20000) for _ in range(2)]
            talks[1].ttl = 50
            for talk in talks:
                talk.tls13()
                talk.id = talk.listed()["id"]
            self.assertEqual([c["state"] for c in listed()], ["established"] * 2)
            self.assertEqual(len({c["src"] for c in listed()}), 1)
            for pinned, other in talks, talks[::-1]:
                ctl("pin", str(pinned.id), "--replace")
                pinned.data("data of the pinned one", must=True)
                other.data()
                # It comes again once it is the other's turn.
                other.next["client"] -= len(DATA)
            wrong = [p for talk in talks for p in talk.pieces if p.must is not p.arrived]
            self.assertEqual(wrong, [])


class Older(GatewayTest):
    def test_two_rules_later(self):
        """Tracking that was off for a while loses what is under way, and what begins later is followed."""
        self.hold()
        server = self.server()
        client = self.connect(server)
        self.assertOnlyThePinnedFlows(client, self.connect(server))
        ctl("unpin")
        on("gateway", "iptables-legacy", "-F")
        client.send(b"unseen")
        self.assertArrives(client, b"unseen")
        self.hold()
        client.send(b"seen")
        self.assertHeld(client, arrived=b"heldmoreunseen")
        self.assertEqual((client.listed()["state"], client.listed()["reason"]), ("lost", "hole"))
        self.assertOnlyThePinnedFlows(self.connect(server))


if __name__ == "__main__":
    unittest.main()
