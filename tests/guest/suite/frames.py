# SPDX-License-Identifier: GPL-2.0-only
"""TCP packets made by hand, of either version of IP, put on a host's link and seen at another's. The hosts' own stacks say
nothing."""

import dataclasses
import socket
import struct

from conversation import ip_header
from forge import ACK, tcp
from lab import PATIENCE, inside, on

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
SO_RCVBUFFORCE = 33
# For experiments (RFC 3692): a packet of no TCP that says that nothing is under way any more.
MARKER = 253
# Where the gateway is, as net.sh gives it, and who the other host is.
CLIENT = {4: "10.1.0.2", 6: "fd01::2"}


def version(address):
    return 6 if ":" in address else 4


def ip(source, destination, body, protocol=socket.IPPROTO_TCP, hops=64):
    """An IP packet between two addresses."""
    if version(source) == 4:
        return ip_header(source, destination, len(body), protocol, hops) + body
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, hops) + ends + body


def packet(source, destination, seq, ack=0, flags=ACK, payload=b"", hops=64, **fields):
    """An IP packet between (address, port) and (address, port)."""
    return ip(source[0], destination[0], tcp(source, destination, seq, ack, flags, payload, **fields), hops=hops)


@dataclasses.dataclass(frozen=True)
class Seen:
    """A TCP packet as it arrived."""
    source: tuple
    destination: tuple
    seq: int
    ack: int
    flags: int
    payload: bytes


def parsed(octets):
    """What is behind an Ethernet header; None for what is not TCP."""
    if octets[0] >> 4 == 4:
        size, family, places, protocol = (octets[0] & 15) * 4, socket.AF_INET, (12, 16, 20), octets[9]
        end = int.from_bytes(octets[2:4], "big")
    else:
        size, family, places, protocol = 40, socket.AF_INET6, (8, 24, 40), octets[6]
        end = 40 + int.from_bytes(octets[4:6], "big")
    if protocol != socket.IPPROTO_TCP:
        return None
    ends = [socket.inet_ntop(family, octets[start:stop]) for start, stop in zip(places, places[1:])]
    ports = struct.unpack_from("!HHIIBB", octets, size)
    return Seen((ends[0], ports[0]), (ends[1], ports[1]), ports[2], ports[3], ports[5],
                octets[size + (ports[4] >> 4) * 4:end])


class Link:
    """A host's link to the gateway."""

    def __init__(self, host, silent=True):
        self.host = host
        with inside(host):
            self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.out.bind(("eth0", 0))
        # What the gateway cannot forward at once it would have to ask for.
        for command in ("ping", "-qc1", "10.1.0.1" if host == "client" else "10.2.0.1"), \
                ("ping", "-qc1", "fd01::1" if host == "client" else "fd02::1"):
            on(host, *command)
        if silent:
            for iptables in "iptables-legacy", "ip6tables-legacy":
                on(host, iptables, "-A", "OUTPUT", "-p", "tcp", "-j", "DROP")
        macs = [on(where, "cat", f"/sys/class/net/{link}/address").stdout.strip().replace(":", "")
                for where, link in (("gateway", "to-" + host), (host, "eth0"))]
        self.ethernet = bytes.fromhex("".join(macs))
        self.heard.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self.heard.settimeout(PATIENCE)
        self.heard.bind(("eth0", ETH_P_ALL))
        self.seen, self.marks = [], 0

    def close(self):
        self.out.close()
        self.heard.close()

    def send(self, *packets):
        """IP packets, in order."""
        for octets in packets:
            kind = ETH_P_IP if octets[0] >> 4 == 4 else ETH_P_IPV6
            self.out.send(self.ethernet + struct.pack("!H", kind) + octets)

    def take(self, octets, address):
        """Notes what was heard; gives what a marker says."""
        kind = int.from_bytes(octets[12:14], "big")
        if address[2] == socket.PACKET_OUTGOING or kind not in (ETH_P_IP, ETH_P_IPV6):
            return None
        at, size = (9, 20) if kind == ETH_P_IP else (6, 40)
        if octets[14 + at] == MARKER:
            return octets[14 + size:18 + size]
        found = parsed(octets[14:])
        if found:
            self.seen.append(found)
        return None

    def arrived(self):
        """TCP packets that have come here until now, all of them."""
        self.heard.setblocking(False)
        try:
            while True:
                self.take(*self.heard.recvfrom(1 << 17))
        except BlockingIOError:
            return self.seen
        finally:
            self.heard.settimeout(PATIENCE)

    def everything(self, other, source, destination):
        """The same once nothing is under way: a packet that the other host sends behind them has come too."""
        self.marks += 1
        mark = struct.pack("!I", self.marks)
        other.send(ip(source, destination, mark, MARKER))
        while self.take(*self.heard.recvfrom(1 << 17)) != mark:
            pass
        return self.seen
