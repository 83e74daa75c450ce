# SPDX-License-Identifier: GPL-2.0-only
"""A TCP connection of packets made here, both ends, through the gateway: what of it arrives at the other end."""

import dataclasses
import socket
import struct
import time

from forge import ACK, PSH, SYN, Forger, checksum, tcp
from hellos import change_cipher_spec, client_hello, client_hello13, encrypted, message, record, server_hello, server_hello13
from lab import PATIENCE, SERVER, inside, listed, on

CLIENT = "10.1.0.2"
# Numbers of the first octets. The client's run over 2^32 soon.
FIRST = {"client": 0xFFFFFF00, "server": 5000}
# linux/if_packet.h, linux/if_ether.h, linux/virtio_net.h
SOL_PACKET, PACKET_VNET_HDR, ETH_P_IP = 263, 15, 0x0800
NEEDS_CSUM, GSO_TCPV4 = 1, 1

RANDOM = bytes(range(32))
FINISHED12 = record(22, b"\xf1" * 40)
DATA = record(23, b"d" * 59)


@dataclasses.dataclass
class Piece:
    """A packet with payload. It must arrive (True), must be held (False), or either is right (None)."""
    name: str
    must: bool | None
    arrived: bool


class Wire:
    """Sends from both hosts and sees what arrives at either."""

    def __init__(self):
        self.forgers = {host: Forger(host) for host in FIRST}
        self.frames = {}
        for host in FIRST:
            self.forgers[host].silence_the_stack()
            with inside(host):
                self.frames[host] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.frames[host].bind(("eth0", ETH_P_IP))
            self.frames[host].settimeout(PATIENCE)
        self.mark = 0
        # Conntrack is on before any recipe is loaded and while none is.
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "NEW")
        # Neighbours are asked for once, in front of everything else.
        for host in FIRST:
            on(host, "ping", "-qc1", "10.1.0.1" if host == "client" else "10.2.0.1")

    def close(self):
        for opened in (*self.forgers.values(), *self.frames.values()):
            opened.close()

    def arrivals(self, host):
        """IP packets that have come to a host since last asked. A packet sent behind them says that none is under way:
        it takes the same path, in the same order."""
        self.mark += 1
        mark = struct.pack("!I", self.mark)
        source = "server" if host == "client" else "client"
        addresses = {"client": CLIENT, "server": SERVER[4]}
        icmp = struct.pack("!BBHHH", 0, 0, 0, 0, 0) + mark
        icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
        packet = ip_header(addresses[source], addresses[host], len(icmp), socket.IPPROTO_ICMP) + icmp
        self.forgers[source].socket.sendto(packet, (addresses[host], 0))
        found = []
        while True:
            octets, address = self.frames[host].recvfrom(70000)
            if address[2] == socket.PACKET_OUTGOING or octets[12:14] != b"\x08\0":
                continue
            total = int.from_bytes(octets[16:18], "big")
            found.append(octets[14:14 + total])
            if found[-1][9] == socket.IPPROTO_ICMP and found[-1][-4:] == mark:
                return found[:-1]

    def frame(self, host, packet, trailer=b"", segment_size=0):
        """Sends an IP packet as an Ethernet frame: with octets behind it, or as one that is to be cut on the way (GSO)."""
        gateway = "to-" + host
        macs = [on(where, "cat", f"/sys/class/net/{link}/address").stdout.strip().replace(":", "")
                for where, link in (("gateway", gateway), (host, "eth0"))]
        frame = bytes.fromhex("".join(macs)) + b"\x08\0" + packet + trailer
        with inside(host):
            link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        with link:
            link.bind(("eth0", ETH_P_IP))
            if segment_size:
                link.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
                header = 14 + 20 + (packet[32] >> 4) * 4
                # The link completes the checksum: it is to hold the pseudo header's sum.
                pseudo = packet[12:20] + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(packet) - 20)
                frame = frame[:50] + struct.pack("!H", ~checksum(pseudo) & 0xFFFF) + frame[52:]
                frame = struct.pack("=BBHHHH", NEEDS_CSUM, GSO_TCPV4, header, segment_size, 34, 16) + frame
            link.send(frame)


def ip_header(source, destination, size, protocol=socket.IPPROTO_TCP, ttl=64):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0, ttl, protocol, 0, socket.inet_aton(source),
                         socket.inet_aton(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


class Conversation:
    """One connection; `pieces` is what was sent and whether it arrived."""

    def __init__(self, wire, port, server_port=443):
        self.wire = wire
        self.ends = {"client": (CLIENT, port), "server": (SERVER[4], server_port)}
        self.next = dict(FIRST)
        # Of every packet that brings none of its own.
        self.options, self.ttl = b"", 64
        self.pieces = []

    def other(self, host):
        return "server" if host == "client" else "client"

    def packet(self, host, octets=b"", flags=ACK, at=0, ack=None, ttl=None, bad_checksum=False, **fields):
        """An IP packet, `at` octets behind what its sender has sent."""
        other = self.other(host)
        if ack is None:
            ack = self.next[other] if flags & ACK else 0
        fields.setdefault("options", self.options)
        segment = tcp(self.ends[host], self.ends[other], self.next[host] + at, ack, flags, octets, **fields)
        if bad_checksum:
            segment = segment[:16] + bytes([segment[16] ^ 1]) + segment[17:]
        return ip_header(self.ends[host][0], self.ends[other][0], len(segment), ttl=ttl or self.ttl) + segment

    def send(self, host, octets=b"", **fields):
        """Sends a packet and says how much of it arrived. What comes next from there has the same place still."""
        return self.sent(host, self.packet(host, octets, **fields), len(octets))

    def sent(self, host, packet, size, **frame):
        if frame:
            self.wire.frame(host, packet, **frame)
        else:
            self.wire.forgers[host].socket.sendto(packet, (self.ends[self.other(host)][0], 0))
        numbers = (self.ends[host][1], self.ends[self.other(host)][1])
        first, octets = int.from_bytes(packet[24:28], "big"), packet[len(packet) - size:]
        came, empty = bytearray(size), False
        for arrived in self.wire.arrivals(self.other(host)):
            if arrived[9] != socket.IPPROTO_TCP or struct.unpack("!HH", arrived[20:24]) != numbers:
                continue
            payload = arrived[20 + (arrived[32] >> 4) * 4:]
            at = (int.from_bytes(arrived[24:28], "big") - first) & 0xFFFFFFFF
            # As it was sent, or a part of it: a queue to user space cuts what is too large for a link.
            if at + len(payload) <= size and payload == octets[at:at + len(payload)]:
                came[at:at + len(payload)] = bytes([1]) * len(payload)
                empty = empty or not payload
        return came.count(1) / size if size else float(empty)

    def note(self, name, must, share):
        """Of what must be held nothing may arrive; of what must arrive everything."""
        arrived = share > 0 if must is False else share >= 0.999
        self.pieces.append(Piece(name, must, arrived))
        return arrived

    def say(self, host, name, must, octets, moves=True, **fields):
        """Sends octets under a name; with `moves` the next have their place behind them."""
        fields.setdefault("flags", ACK | PSH)
        arrived = self.note(name, must, self.send(host, octets, **fields))
        if moves:
            self.next[host] = (self.next[host] + len(octets)) & 0xFFFFFFFF
        return arrived

    def fake(self, octets, **fields):
        """Sends from the client what is not to be judged: its place is taken by what comes next."""
        fields.setdefault("flags", ACK | PSH)
        return self.send("client", octets, **fields)

    def open(self):
        self.send("client", flags=SYN, at=-1)
        self.send("server", flags=SYN | ACK, at=-1)
        self.ack("client")
        return self

    def ack(self, host):
        self.send(host)

    def tls12(self, hello=None, session_id=b""):
        """Opened, with a whole handshake of TLS 1.2 behind it."""
        self.open()
        self.say("client", "ClientHello", True, hello or client_hello(RANDOM, sni=b"first.example"))
        self.say("server", "ServerHello", True,
                 server_hello(RANDOM, session_id) + message(11, bytes(600)) + message(14, b""))
        return self.finish12()

    def finish12(self):
        self.say("client", "client's Finished", True, message(16, bytes(66)) + change_cipher_spec() + FINISHED12)
        self.say("server", "server's Finished", True, change_cipher_spec() + FINISHED12)
        self.ack("client")
        return self

    def tls13(self, hello=None):
        """Opened, with a whole handshake of TLS 1.3 behind it, cut as most stacks do."""
        self.open()
        self.say("client", "ClientHello", True, hello or client_hello13(RANDOM))
        return self.finish13()

    def finish13(self, apart=False):
        """What comes behind the ClientHello: a flight in a segment, or (apart) a record in a segment."""
        flights = {
            "server": (("ServerHello", server_hello13(RANDOM)), ("ChangeCipherSpec", change_cipher_spec()),
                       ("EncryptedExtensions", encrypted(23)), ("Certificate", encrypted(795)),
                       ("CertificateVerify", encrypted(281)), ("server's Finished", encrypted(53))),
            "client": (("ChangeCipherSpec", change_cipher_spec()), ("client's Finished", encrypted(53))),
        }
        for host, flight in flights.items():
            if not apart:
                flight = ((f"{host}'s flight", b"".join(octets for _, octets in flight)),)
            for name, octets in flight:
                self.say(host, name, True, octets)
            self.ack(self.other(host))
        return self

    def data(self, name="data", host="client", must=False):
        return self.say(host, name, must, DATA)

    def listed(self):
        """What tlsconn knows of it; None where it tracks nothing."""
        time.sleep(0.01)
        found = [c for c in listed("--all") if c["src"] == "{}:{}".format(*self.ends["client"])]
        return found[-1] if found else None
