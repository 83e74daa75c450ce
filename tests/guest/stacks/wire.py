# SPDX-License-Identifier: GPL-2.0-only
"""What arrives at the hosts' links before a pin, as TLS records."""

import hashlib
import socket
import struct

from lab import inside

ETH_P_IP = 0x0800
SYN = 0x02
# asm-generic/socket.h
SO_RCVBUFFORCE = 33
ROOM = 8 << 20
# Octets of a Finished's record, by the hash of the cipher suite: 4 + hash + 1 + tag (RFC 8446 4.4.4).
FINISHED = {"SHA256": 53, "SHA384": 69}
# What is added by an empty Certificate in the same record, and by Java, which pads every record.
WITH_EMPTY_CERTIFICATE, JSSE_PADDING = 8, 16
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
            link.bind(("eth0", ETH_P_IP))
            link.setblocking(False)
            self.links[host] = link
        self.segments = {host: [] for host in self.links}

    def take(self):
        for host, link in self.links.items():
            while True:
                try:
                    packet, address = link.recvfrom(70000)
                except BlockingIOError:
                    break
                if address[2] != socket.PACKET_OUTGOING and packet[9] == socket.IPPROTO_TCP:
                    self.segments[host].append(segment(packet))

    def close(self):
        for link in self.links.values():
            link.close()

    def stream(self, host, client_port):
        """Octets that have arrived there of the connection with this port of the client's."""
        place = 1 if host == "client" else 0
        mine = [one for one in self.segments[host] if one[place] == client_port]
        first = next((seq for _, _, seq, flags, _ in mine if flags & SYN), None)
        stream = b""
        if first is None:
            return stream
        for at, octets in sorted(((seq - first - 1) & 0xFFFFFFFF, octets) for _, _, seq, _, octets in mine if octets):
            if at <= len(stream):
                stream += octets[len(stream) - at:]
        return stream

    def records(self, host, client_port):
        """Types and lengths of the records in it."""
        return list(cut(self.stream(host, client_port)))

    def asks_again(self, client_port):
        """Whether the server has asked for another key share."""
        return HELLO_RETRY in self.stream("client", client_port)


def segment(packet):
    start = (packet[0] & 15) * 4
    source, destination, seq = struct.unpack_from("!HHI", packet, start)
    total = int.from_bytes(packet[2:4], "big")
    return source, destination, seq, packet[start + 13], packet[start + (packet[start + 12] >> 4) * 4:total]


def cut(stream):
    at = 0
    while at + 5 <= len(stream):
        length = int.from_bytes(stream[at + 3:at + 5], "big")
        yield stream[at], min(length, len(stream) - at - 5)
        at += 5 + length


def beyond_handshake(records, cipher, host):
    """Octets of data that have arrived at a host before the pin: up to TLS 1.2 all of type 23 (cipher is None then); in
    TLS 1.3 those behind the sender's Finished, a server's tickets among them. Where no record has a Finished's length,
    it is in the first one, with the rest of the flight."""
    data = [length for kind, length in records if kind == 23]
    if cipher is None:
        return sum(data)
    finished = FINISHED[cipher.rsplit("_", 1)[1]]
    if host == "server":
        lengths = finished, finished + WITH_EMPTY_CERTIFICATE, finished + JSSE_PADDING
        at = next((number for number, octets in enumerate(data) if octets in lengths), 0)
    else:
        lengths = finished, finished + JSSE_PADDING
        at = max((number for number, octets in enumerate(data) if number and octets in lengths), default=0)
    return sum(data[at + 1:])
