# SPDX-License-Identifier: GPL-2.0-only
"""What arrives at the hosts' links before a pin, as octets of TCP and as TLS records."""

import hashlib
import socket
import struct

from lab import inside
from peer import Broken

# Outgoing packets come to those only who listen to all (packet(7)).
ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
SYN = 0x02
# asm-generic/socket.h
SO_RCVBUFFORCE = 33
ROOM = 8 << 20
# The random of a ServerHello that asks for another hello (RFC 8446 4.1.3).
HELLO_RETRY = hashlib.sha256(b"HelloRetryRequest").digest()


class Wire:
    """Listens at both hosts from now on."""

    def __init__(self):
        self.links = {}
        for host in ("client", "server"):
            with inside(host):
                link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
            link.bind(("eth0", ETH_P_ALL))
            link.setblocking(False)
            self.links[host] = link
        # In the order in which a link had them: whether it went out, and the segment.
        self.segments = {host: [] for host in self.links}

    def take(self):
        for host, link in self.links.items():
            while True:
                try:
                    packet, address = link.recvfrom(70000)
                except BlockingIOError:
                    break
                if address[1] == ETH_P_IP and packet[9] == socket.IPPROTO_TCP:
                    self.segments[host].append((address[2] == socket.PACKET_OUTGOING, *segment(packet)))

    def close(self):
        for link in self.links.values():
            link.close()

    def pieces(self, host, client_port, outgoing=False, until=None):
        """Octets of the connection with this port of the client's that have arrived there, or gone out, by where they stand in
        the sender's stream; of the link's first `until` segments, if given."""
        place = 1 if (host == "client") != outgoing else 0
        mine = [one[1:] for one in self.segments[host][:until] if one[0] == outgoing and one[1:][place] == client_port]
        first = next((seq for _, _, seq, flags, _ in mine if flags & SYN), None)
        if first is None:
            raise Broken(f"the begin of the connection was not heard at the {host}")
        return sorted(((seq - first - 1) & 0xFFFFFFFF, octets) for _, _, seq, _, octets in mine if octets)

    def stream(self, host, client_port, **which):
        """These octets up to the first hole, which is as far as TCP hands them on."""
        stream = b""
        for at, octets in self.pieces(host, client_port, **which):
            if at > len(stream):
                break
            stream += octets[len(stream) - at:]
        return stream

    def segments_of(self, host, client_port, end):
        """In how many segments these first octets of the sender's stream have arrived there."""
        return len({at for at, _ in self.pieces(host, client_port) if at < end})

    def arrived(self, host, client_port):
        """What has arrived there, as begins and ends in the sender's stream: behind the first hole too, as TCP hands that on
        as soon as the hole is filled."""
        found = []
        for at, octets in self.pieces(host, client_port):
            end = at + len(octets)
            if found and at <= found[-1][1]:
                found[-1][1] = max(found[-1][1], end)
            else:
                found.append([at, end])
        return found

    def behind_hole(self, host, client_port):
        """How many octets have arrived there behind the first hole."""
        return sum(end - at for at, end in self.arrived(host, client_port) if at > len(self.stream(host, client_port)))

    def arrived_of(self, host, client_port, at, end):
        """How many octets have arrived there of these in the sender's stream."""
        return sum(max(0, min(end, last) - max(at, first)) for first, last in self.arrived(host, client_port))

    def records(self, host, client_port):
        """Types, lengths and ends of the records in the stream there."""
        return list(cut(self.stream(host, client_port)))

    def before_answer(self, client_port):
        """Octets of the server's stream that the client had when it sent its first encrypted record: its Finished stands in
        them. All of them, where it has sent none."""
        answer = next((end - length for kind, length, end in cut(self.stream("client", client_port, outgoing=True)) if kind == 23),
                      None)
        until = None
        if answer is not None:
            octets = next(octets for at, octets in self.pieces("client", client_port, outgoing=True)
                          if at <= answer < at + len(octets))
            until = next(number for number, one in enumerate(self.segments["client"])
                         if one[0] and one[1] == client_port and one[5] == octets)
        return len(self.stream("client", client_port, until=until))

    def asks_again(self, client_port):
        """Whether the server has asked for another key share."""
        return HELLO_RETRY in self.stream("client", client_port)


def segment(packet):
    start = (packet[0] & 15) * 4
    source, destination, seq = struct.unpack_from("!HHI", packet, start)
    total = int.from_bytes(packet[2:4], "big")
    return source, destination, seq, packet[start + 13], packet[start + (packet[start + 12] >> 4) * 4:total]


def cut(stream):
    """Type, length as far as it is there, and end of each record; of one whose header is not whole, that header's octets."""
    at = 0
    while at < len(stream):
        length = int.from_bytes(stream[at + 3:at + 5], "big") if at + 5 <= len(stream) else 0
        end = min(at + 5 + length, len(stream))
        yield stream[at], end - at - 5 if at + 5 <= len(stream) else end - at, end
        at += 5 + length
