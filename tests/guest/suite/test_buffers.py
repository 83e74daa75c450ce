# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel makes of segments on their way: fragments, pages, lists of buffers, merged ones of up to 512 KiB."""

import os
import socket
import ssl
import struct
import tempfile
import time
import unittest

from bulk import Bulk
from forge import ACK, checksum, numbers
from hellos import record
from lab import SERVER, GatewayTest, ctl, inside, on, wait_for
from scale import mostly_uml, size, tell

# linux/in.h: packets with no DF flag, that go by the link's MTU alone.
IP_MTU_DISCOVER, PMTUDISC_INTERFACE = 10, 4
# The header's number (RFC 8200 4.5).
FRAGMENT = 44
ALERT_HEADER = b"\x15\3\3\x40\0"
# What is sent at once. A socket that is held keeps it all.
AMOUNT = size(400_000, 4_000_000)
LARGE_BUFFERS = "net.ipv4.tcp_{}=4096 8388608 8388608"


class Buffers(GatewayTest):
    def setUp(self):
        super().setUp()
        for host in "client", "server":
            for which in "rmem", "wmem":
                on(host, "sysctl", "-qw", LARGE_BUFFERS.format(which))

    def link(self, features, **attributes):
        """Sets features and attributes of all links between the hosts."""
        for host, names in {"client": ["eth0"], "gateway": ["to-client", "to-server"], "server": ["eth0"]}.items():
            for name in names:
                if features:
                    on(host, "ethtool", "-K", name, *features)
                for attribute, value in attributes.items():
                    on(host, "ip", "link", "set", name, attribute, value)

    def story(self, ip, send=lambda client, octets: client.raw.sendall(octets), prepare=lambda raw: None):
        """Two send at once; what the pinned one sends arrives, of the other's nothing. Gives octets per packet as the
        gateway forwards them."""
        iptables = f"ip{'6' * (ip == 6)}tables-legacy"
        on("gateway", iptables, "-F", "FORWARD")
        # Counts.
        on("gateway", iptables, "-A", "FORWARD", "-i", "to-client", "-p", "tcp", "-m", "tlsconn", "--pinned", "--record-type",
           "application-data")
        self.hold(iptables)
        server = self.server(ip)
        clients = [Bulk(server, ip, prepare) for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
        known = [client.listed() for client in clients]
        ctl("pin", str(known[0]["id"]), "--replace")
        for client in clients:
            send(client, client.encrypted(AMOUNT))
        self.assertTrue(clients[0].has_arrived(), f"{len(clients[0].arrived())} octets of {len(clients[0].said)}")
        time.sleep(2)
        self.assertEqual(len(clients[1].arrived()), 0)
        after = clients[0].listed()
        self.assertEqual((after["state"], after["reason"]), ("established", None))
        counted = on("gateway", iptables, "-nvxL", "FORWARD", "1").stdout.split()
        return int(counted[1]) / int(counted[0])


class Fragments(Buffers):
    """Conntrack puts them together: buffers in lists."""

    def test_ipv4(self):
        mtu, route = 576, 1500
        # The route says that there is room, the link has none. What comes back has to fit.
        self.link(["tso", "off", "gso", "off", "gro", "off"])
        on("client", "ip", "route", "replace", "default", "via", "10.1.0.1", "mtu", "lock", str(route), "advmss", str(mtu - 80))
        on("client", "ip", "link", "set", "eth0", "mtu", str(mtu))
        self.story(4, prepare=lambda raw: raw.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_INTERFACE))
        names, values = (line.split() for line in on("client", "cat", "/proc/net/snmp").stdout.splitlines()[:2])
        self.assertGreater(int(values[names.index("FragCreates")]), 100)


class Merged(Buffers):
    """By GRO, in pages and in lists, and by the sender itself."""

    def merged(self, features, how):
        self.link(features)
        # The sender makes packets of the MTU's size: it is the gateway that merges them.
        for host in "client", "server":
            on(host, "ethtool", "-K", "eth0", "tso", "off", "gso", "off")
        for ip in 4, 6:
            with self.subTest(ip=ip):
                mean = self.story(ip)
                tell(f"{how}, IPv{ip}: {mean:.0f} octets a packet")
                self.assertGreater(mean, 1600)

    def test_gro(self):
        self.merged(["gro", "on"], "GRO")

    @mostly_uml
    def test_gro_of_lists(self):
        self.merged(["gro", "on", "rx-gro-list", "on"], "GRO of lists")

    @mostly_uml
    def test_sent_in_one(self):
        for ip in 4, 6:
            with self.subTest(ip=ip):
                mean = self.story(ip)
                tell(f"TSO, IPv{ip}: {mean:.0f} octets a packet")
                self.assertGreater(mean, 1600)

    @mostly_uml
    def test_from_pages_of_a_file(self):
        def sendfile(client, octets):
            with tempfile.TemporaryFile() as file:
                file.write(octets)
                file.flush()
                sent = 0
                while sent < len(octets):
                    sent += os.sendfile(client.raw.fileno(), file.fileno(), sent, len(octets) - sent)
        for ip in 4, 6:
            with self.subTest(ip=ip):
                self.story(ip, sendfile)


class BigTcp(Buffers):
    """Packets over 64 KiB: the IP header cannot say how long they are."""

    def story_of(self, ip, attributes):
        self.link([], **attributes)
        for host, via in ("client", 1), ("server", 2):
            on(host, "ip", f"-{ip}", "route", "replace", "default", "via", f"10.{via}.0.1" if ip == 4 else f"fd0{via}::1",
               "initcwnd", "2000", "initrwnd", "2000")
        # Larger ones than the mean says: the first ones are small, and where the machine is busy there are more of them.
        for _ in range(3):
            mean = self.story(ip)
            tell(f"BIG TCP, IPv{ip}: {mean:.0f} octets a packet")
            if mean > 66000:
                return
        self.fail(f"{mean:.0f} octets a packet, which tells of none over 64 KiB")

    def test_ipv4(self):
        self.story_of(4, {"gso_ipv4_max_size": "400000", "gro_ipv4_max_size": "400000"})

    def test_ipv6(self):
        self.story_of(6, {"gso_max_size": "400000", "gro_max_size": "400000"})


class Frames6(GatewayTest):
    """IPv6 packets made here, of a connection that is open."""

    def setUp(self):
        super().setUp()
        self.hold("ip6tables-legacy")
        self.client = self.connect(self.server(6), ssl.TLSVersion.TLSv1_2, 6)
        self.assertTrue(wait_for(lambda: self.client.listed()["state"] == "established"))
        self.before = self.client.listed()
        macs = [on(host, "cat", f"/sys/class/net/{link}/address").stdout.strip().replace(":", "")
                for host, link in (("gateway", "to-client"), ("client", "eth0"))]
        self.ethernet = bytes.fromhex("".join(macs)) + b"\x86\xdd"
        self.ends = b"".join(socket.inet_pton(socket.AF_INET6, end) for end in ("fd01::2", SERVER[6]))
        with inside("client"):
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.addCleanup(self.wire.close)
        self.wire.bind(("eth0", 0x86DD))

    def send(self, next_header, octets, behind=b""):
        header = struct.pack("!IHBB", 6 << 28, len(octets), next_header, 64) + self.ends
        self.wire.send(self.ethernet + header + octets + behind)

    def segment(self, payload=b""):
        """What the client would send next."""
        seq, ack = numbers(self.client.tls)
        header = struct.pack("!HHIIBBHHH", self.client.port, self.client.server.port, seq, ack, 5 << 4, ACK, 500, 0, 0)
        pseudo = self.ends + struct.pack("!II", len(header) + len(payload), socket.IPPROTO_TCP)
        return header[:16] + struct.pack("!H", checksum(pseudo + header + payload)) + header[18:] + payload

    def records(self, kind):
        """How many more the client has sent."""
        seen = self.client.listed()
        self.assertEqual((seen["state"], seen["reason"]), ("established", None))
        return seen["records"]["client"][kind] - self.before["records"]["client"][kind]

    def test_octets_behind_a_packet(self):
        """They are the link's. (For IPv4 it is a row of the evasion table.)"""
        self.send(socket.IPPROTO_TCP, self.segment(), behind=ALERT_HEADER)
        self.client.send(b"held")
        self.assertHeld(self.client)
        self.assertEqual((self.records("alert"), self.records("application-data")), (0, 1))

    def test_fragments(self):
        """Conntrack puts them together, whatever their order: the record is seen once, and held."""
        segment = self.segment(record(23, bytes(1100)))
        fragments = []
        for start in range(0, len(segment), 256):
            more = start + 256 < len(segment)
            fragments.append(struct.pack("!BBHI", socket.IPPROTO_TCP, 0, start | more, 77) + segment[start:start + 256])
        for fragment in fragments[1::2] + fragments[0::2]:
            self.send(FRAGMENT, fragment)
        self.assertTrue(wait_for(lambda: self.records("application-data") == 1))
        dropped = on("gateway", "ip6tables-legacy", "-nvxL", "FORWARD", "2").stdout.split()
        self.assertGreaterEqual(int(dropped[0]), 1)


if __name__ == "__main__":
    unittest.main()
