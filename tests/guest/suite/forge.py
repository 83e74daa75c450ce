# SPDX-License-Identifier: GPL-2.0-only
"""TCP packets made by hand. `Forger` sends those of IPv4 alone."""

import contextlib
import socket
import struct

from lab import inside, on

FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))
# linux/tcp.h
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
RECV_QUEUE, SEND_QUEUE = 1, 2
REPAIR_OFF_NO_PROBE = -1


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(source, destination, size):
    """What a checksum covers of the IP header, of either version (RFC 9293 3.1, RFC 8200 8.1)."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    return ends + struct.pack("!II", size, socket.IPPROTO_TCP)


def tcp(source, destination, seq, ack=0, flags=ACK, payload=b"", urgent=0, options=b""):
    """A TCP packet between (address, port) and (address, port), from its TCP header on. Options: a multiple of four
    octets."""
    header = struct.pack("!HHIIBBHHH", source[1], destination[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                         (5 + len(options) // 4) << 4, flags, 65535, 0, urgent) + options
    pseudo = pseudo_header(source[0], destination[0], len(header) + len(payload))
    return header[:16] + struct.pack("!H", checksum(pseudo + header + payload)) + header[18:] + payload


class Forger:
    """Sends packets from a host, with any source address."""

    def __init__(self, host=None):
        """Without a host: in the namespace of this thread."""
        with inside(host) if host else contextlib.nullcontext():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1)
        self.host = host

    def silence_the_stack(self):
        """From now on the host sends only what is made here."""
        on(self.host, "iptables-legacy", "-A", "OUTPUT", "-p", "tcp", "-m", "mark", "!", "--mark", "1", "-j", "DROP")

    def send(self, source, destination, *arguments, **fields):
        segment = tcp(source, destination, *arguments, **fields)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, socket.IPPROTO_TCP, 0,
                         socket.inet_aton(source[0]), socket.inet_aton(destination[0]))
        self.socket.sendto(ip + segment, (destination[0], 0))

    def close(self):
        self.socket.close()


def numbers(connection):
    """What a TCP socket sends next and expects next."""
    connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    try:
        found = []
        for queue in (SEND_QUEUE, RECV_QUEUE):
            connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
            found.append(connection.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xFFFFFFFF)
        return found
    finally:
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_NO_PROBE)
