# SPDX-License-Identifier: GPL-2.0-only
"""Captures sent through the gateway, both directions of a connection from the two sides, and what the module and
`tlsconnctl inspect` say of them.

Every address of a capture has one of its own here, so that many captures can be under way at once and none meets
another. Checksums are made anew, for a host's own packets are captured before its card has filled them in."""

import contextlib
import ctypes
import dataclasses
import ipaddress
import itertools
import json
import os
import socket
import struct

import pcap
from conversation import GSO_TCPV4, NEEDS_CSUM, PACKET_VNET_HDR, SOL_PACKET
from forge import FIN, SYN
from lab import PATIENCE, GatewayTest, inside, load, on, run, unload, wait_for

GSO_TCPV6, SO_RCVBUFFORCE, ETH_P_ALL = 4, 33, 3
# Octets of a merged packet's parts, which the kernel may have to make of it again.
SEGMENT = 1400
# States of a connection that may wait for what is missing.
WAITING = ("new", "hello", "handshake", "established")
# Longer than a hole is waited for, which is 30 seconds.
PAUSE = 32
# Where a side's addresses are, by the length of an address.
NETS = {"client": {4: "11.0.0.0", 16: "fd11::"}, "server": {4: "12.0.0.0", 16: "fd12::"}}
# The mark of what conntrack refused, and a filter for it (linux/filter.h: ld mark; jeq; ret).
REFUSED, SKF_AD_MARK, SO_ATTACH_FILTER = 9, 0xFFFFF000 + 20, 26
FILTER = struct.pack("=HBBIHBBIHBBIHBBI", 0x20, 0, 0, SKF_AD_MARK, 0x15, 0, 1, REFUSED, 6, 0, 0, 0x40000, 6, 0, 0, 0)


@dataclasses.dataclass
class Sent:
    """A packet that was sent, from a side; conntrack may have refused it."""
    side: str
    ip: bytes
    refused: bool = False


class Ends:
    """The ends of the captures' connections, and what stands here for them. An address has one for each side."""

    def __init__(self):
        self.sides, self.new, self.numbers = {}, {}, itertools.count(257)

    def of(self, capture, src, dst):
        """The side that such a packet is sent from, the client's for who was first, and its ends here."""
        side = self.sides.setdefault((capture, src, dst), "client")
        other = self.sides.setdefault((capture, dst, src), "server" if side == "client" else "client")
        return side, self.end(capture, side, src), self.end(capture, other, dst)

    def end(self, capture, side, end):
        address, port = end
        known = self.new.get((capture, side, address))
        if known is None:
            base = NETS[side][len(address)]
            known = self.new[capture, side, address] = (ipaddress.ip_address(base) + next(self.numbers)).packed
        return known, port

    def translated(self, capture, connection):
        """A connection of a capture, with its ends here."""
        ends = [(ipaddress.ip_address(address.strip("[]")).packed, int(port))
                for address, port in (connection[end].rsplit(":", 1) for end in ("src", "dst"))]
        _, src, dst = self.of(capture, *ends)
        return {**connection, "src": pcap.written(src), "dst": pcap.written(dst)}


def plan(captures, ends, variant):
    """All packets, in the variant's form, each with the side that it is sent from."""
    numbers, planned = itertools.count(1), []
    for name, packets in captures.items():
        for packet in variant(packets):
            side, src, dst = ends.of(name, packet.src, packet.dst)
            planned.append((side, dataclasses.replace(packet, src=src, dst=dst), next(numbers)))
    return planned


class Road:
    """The way from one side to the other, for any address."""

    def __init__(self, stack, liberal=False):
        unload()
        # There are many connections with holes at once here.
        run("modprobe", "xt_tlsconn", "hole_octets_total=1000000000")
        for undo in (load, unload):
            stack.callback(undo)
        stack.callback(GatewayTest.net, "net_down")
        for step in ("net_down", "net_up"):
            GatewayTest.net(step)
        run("sysctl", "-qw", "net.netfilter.nf_conntrack_max=100000")
        on("gateway", "bash", "-ec", ROAD)
        if liberal:
            on("gateway", "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_be_liberal=1")
        on("gateway", "tlsconnctl", "track", "on", "--ja4")
        # What is sent is forwarded by the processor that sends it, in that order.
        processors = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(processors)})
        stack.callback(os.sched_setaffinity, 0, processors)
        self.links = {side: stack.enter_context(contextlib.closing(link(side))) for side in NETS}
        self.refused = stack.enter_context(contextlib.closing(refused()))
        self.macs = {side: bytes.fromhex(on("gateway", "cat", f"/sys/class/net/to-{side}/address").stdout
                                         .strip().replace(":", "")) for side in NETS}

    def send(self, side, packet, number, offload):
        size = SEGMENT if offload and packet.is_plain() and len(packet.payload) > SEGMENT else 0
        octets = packet.ip(number)
        virtual, frame = bytes(10), octets
        if size:
            version = GSO_TCPV4 if len(packet.src[0]) == 4 else GSO_TCPV6
            begin = 14 + len(octets) - len(packet.payload) - len(packet.header)
            virtual = struct.pack("=BBHHHH", NEEDS_CSUM, version, begin + len(packet.header), size, begin, 16)
            frame = packet.ip(number, partial=True)
        kind = struct.pack("!H", pcap.IPV4 if len(packet.src[0]) == 4 else pcap.IPV6)
        self.links[side].send(virtual + self.macs[side] + b"\x02\0\0\0\0\x01" + kind + frame)
        return Sent(side, octets)

    def replay(self, planned, offload=False):
        """Sends all, and says of which conntrack said that they are invalid."""
        before, sent = self.seen(), []
        for side, packet, number in planned:
            sent.append(self.send(side, packet, number, offload))
        # It is refused for sure, and what was sent before it has gone by then.
        header = struct.pack("!HHIIBBHHH", 1, 1, 0, 0, 0x50, SYN | FIN, 0, 0, 0)
        last = pcap.Packet((b"\x0b\0\0\1", 1), (b"\x0c\0\0\1", 1), header, b"")
        self.send("client", last, 0, False)
        waiting = iter(sent)
        while (packet := self.refused.recv(70000))[:4] != last.ip()[:4] or packet[12:20] != last.ip()[12:20]:
            # All but the number of hops and its checksum is as it was sent; numbers are used again after 65536 packets.
            for one in waiting:
                if same(one.ip, packet):
                    one.refused = True
                    break
            else:
                raise AssertionError(f"conntrack refused what was not sent: {packet[:60].hex()}")
        seen = self.seen() - before - 1
        assert seen == len(sent), f"of {len(sent)} packets {seen} were seen by the gateway"
        return sent

    def seen(self):
        """Packets that came as far as the tracker's hook."""
        tables = [on("gateway", program, "-t", "mangle", "-vnxL", "PREROUTING").stdout.splitlines()
                  for program in ("iptables-legacy", "ip6tables-legacy")]
        return sum(int(table[2].split()[0]) for table in tables)

    def listed(self, expected):
        """What the module says once it waits no longer for what is missing where nobody does."""
        given_up = {(c["src"], c["dst"]) for c in expected if c["reason"] == "hole"}
        waits = lambda found: [c for c in found if (c["src"], c["dst"]) in given_up and c["state"] in WAITING]
        found = []

        def ask():
            found[:] = json.loads(on("gateway", "tlsconnctl", "-j", "list", "--all").stdout)["connections"]
            return not waits(found)

        wait_for(ask)
        return found


def same(sent, seen):
    """Whether a packet is one that was sent, a hop later. Its number stands in front; its checksum is still to be made
    where it was merged."""
    hops, ports, checksum = (8, 12, 36) if sent[0] >> 4 == 4 else (7, 8, 56)
    return sent[:hops] == seen[:hops] and sent[ports:checksum] == seen[ports:checksum]


def link(side):
    with inside(side):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.bind(("eth0", 0))
    opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    return opened


def inspect(path):
    done = run("tlsconnctl", "-j", "inspect", str(path), check=False)
    return json.loads(done.stdout)["connections"]


def refused():
    """A socket that gets what the gateway sends on though conntrack has refused it."""
    with inside("gateway"):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    program = ctypes.create_string_buffer(FILTER, len(FILTER))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(FILTER) // 8, ctypes.addressof(program)))
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
    # What came before there was a filter.
    opened.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            opened.recv(1)
    opened.settimeout(PATIENCE)
    return opened


# The gateway's part. Neighbours that nobody is take what arrives. Entries stay, so that all can be listed in the end.
ROAD = f"""
    sysctl -qw net.ipv4.conf.all.rp_filter=0
    for side in client server; do
        [ $side = client ] && net=1 || net=2
        ip link set to-$side mtu 65535
        ip netns exec $side ip link set eth0 mtu 65535
        sysctl -qw net.ipv4.conf.to-$side.rp_filter=0
        for next in 10.$net.0.99 fd0$net::99; do
            ip neigh add $next lladdr 02:00:00:00:00:ee dev to-$side nud permanent
        done
        ip route add 1$net.0.0.0/8 via 10.$net.0.99
        ip -6 route add fd1$net::/32 via fd0$net::99
    done
    for program in iptables-legacy ip6tables-legacy; do
        $program -t mangle -A PREROUTING -p tcp
        $program -t mangle -A PREROUTING -p tcp -m conntrack --ctstate INVALID -j MARK --set-mark {REFUSED}
    done
    for timeout in /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_*; do
        echo 86400 >$timeout
    done
"""
