# SPDX-License-Identifier: GPL-2.0-only
"""TCP packets out of capture files, pcap and pcapng, and into one: what `tlsconnctl inspect` takes out of the same
file, read by other code."""

import dataclasses
import ipaddress
import struct

from forge import ACK, FIN, RST, SYN, URG, checksum

TCP = 6
# Headers of IPv6 that may stand in front of TCP: hop-by-hop, routing, destination options, authentication, fragment.
OPTIONS6, AUTHENTICATION, FRAGMENT = (0, 43, 60), 51, 44
# EtherTypes: IPv4, IPv6, and what has another one four octets on (VLAN tags).
IPV4, IPV6, TAGS = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100)
RAW_IP = 101


@dataclasses.dataclass(frozen=True)
class Packet:
    """A TCP packet. Of `missing` octets behind its payload only is known that they were there."""
    src: tuple
    dst: tuple
    header: bytes
    payload: bytes
    missing: int = 0

    @property
    def flags(self):
        return self.header[13]

    @property
    def seq(self):
        return int.from_bytes(self.header[4:8], "big")

    @property
    def first(self):
        """The number of its first octet."""
        return self.seq + bool(self.flags & SYN) & 0xFFFFFFFF

    def is_plain(self):
        """Whether it has payload, and neither opens, ends nor resets the connection, nor is urgent."""
        return bool(self.payload) and self.flags & (SYN | FIN | RST | URG | ACK) == ACK

    def changed(self, seq=None, flags=None, payload=None):
        """Another packet of the same connection and direction."""
        header = bytearray(self.header)
        if seq is not None:
            header[4:8] = struct.pack("!I", seq & 0xFFFFFFFF)
        if flags is not None:
            header[13] = flags
        return dataclasses.replace(self, header=bytes(header), payload=self.payload if payload is None else payload,
                                   missing=0)

    def ip(self, number=0, partial=False):
        """As an IP packet, with its checksum right, or (partial) only begun as for a network card to complete."""
        segment = self.header[:16] + b"\0\0" + self.header[18:] + self.payload
        pseudo = self.src[0] + self.dst[0]
        if len(self.src[0]) == 4:
            pseudo += struct.pack("!BBH", 0, TCP, len(segment))
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), number & 0xFFFF, 0, 64, TCP, 0)
            ip += self.src[0] + self.dst[0]
            ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        else:
            pseudo += struct.pack("!II", len(segment), TCP)
            ip = struct.pack("!IHBB", 6 << 28 | number & 0xFFFFF, len(segment), TCP, 64) + self.src[0] + self.dst[0]
        total = ~checksum(pseudo) & 0xFFFF if partial else checksum(pseudo + segment)
        return ip + segment[:16] + struct.pack("!H", total) + segment[18:]


def written(end):
    """As the tool writes it."""
    text = str(ipaddress.ip_address(end[0]))
    return f"[{text}]:{end[1]}" if ":" in text else f"{text}:{end[1]}"


def packets(path):
    """The TCP packets of a file that are whole and no fragments, in order."""
    found = (tcp(*ip) for ip in (carried(*frame) for frame in frames(path.read_bytes())) if ip)
    return [packet for packet in found if packet]


def frames(octets):
    """Link type, byte order and octets of each frame, up to where the file is cut off or corrupt."""
    for order in "<", ">":
        if octets[:4] == struct.pack(order + "I", 0x0A0D0D0A):
            yield from blocks(octets)
            return
        if octets[:4] in (struct.pack(order + "I", 0xA1B2C3D4), struct.pack(order + "I", 0xA1B23C4D)):
            link, at = struct.unpack(order + "I", octets[20:24])[0] & 0x03FFFFFF, 24
            while at + 16 <= len(octets):
                size = struct.unpack(order + "I", octets[at + 8:at + 12])[0]
                if at + 16 + size > len(octets):
                    return
                yield link, order, octets[at + 16:at + 16 + size]
                at += 16 + size
            return


def blocks(octets):
    """The same of a pcapng file: section headers, interfaces, and three kinds of blocks with packets in them."""
    at, order, links = 0, "<", []
    while at + 12 <= len(octets):
        if octets[at:at + 4] == b"\n\r\r\n":
            order, links = ("<" if octets[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"), []
        kind, size = struct.unpack(order + "II", octets[at:at + 8])
        body = octets[at + 8:at + size - 4]
        if size < 12 or at + size > len(octets):
            return
        if kind == 1:
            links.append(struct.unpack(order + "H", body[:2])[0])
        elif kind in (2, 6):
            interface = struct.unpack(order + ("H" if kind == 2 else "I"), body[:2 if kind == 2 else 4])[0]
            captured = struct.unpack(order + "I", body[12:16])[0]
            yield links[interface], order, body[20:20 + captured]
        elif kind == 3:
            yield links[0], order, body[4:4 + struct.unpack(order + "I", body[:4])[0]]
        at += size


def carried(link, order, frame):
    """The IP packet in a frame, with its EtherType."""
    if link in (12, 14, 101, 228, 229):
        return by_version(frame)
    if link in (0, 108):
        return by_version(frame[4:])
    if link == 239:
        return of_nflog(order, frame[4:])
    # Where the EtherType is, and where the packet begins: Ethernet, Linux cooked in two versions.
    places = {1: (12, 14), 113: (14, 16), 276: (0, 20)}.get(link)
    if not places:
        return None
    kind, packet = int.from_bytes(frame[places[0]:places[0] + 2], "big"), frame[places[1]:]
    while kind in TAGS and len(packet) >= 4:
        kind, packet = int.from_bytes(packet[2:4], "big"), packet[4:]
    return (kind, packet) if kind in (IPV4, IPV6) else None


def by_version(packet):
    return {4: (IPV4, packet), 6: (IPV6, packet)}.get(packet[0] >> 4) if packet else None


def of_nflog(order, attributes):
    while len(attributes) >= 4:
        size, kind = struct.unpack(order + "HH", attributes[:4])
        if kind == 9:
            return by_version(attributes[4:size])
        if size < 4:
            return None
        attributes = attributes[(size + 3) // 4 * 4:]
    return None


def tcp(kind, packet):
    """The TCP packet in an IP packet."""
    if kind == IPV4:
        if len(packet) < 20 or packet[9] != TCP or int.from_bytes(packet[6:8], "big") & 0x3FFF:
            return None
        addresses, begin = (packet[12:16], packet[16:20]), (packet[0] & 15) * 4
        # Packets that the sender's card was to cut have no length.
        end = int.from_bytes(packet[2:4], "big") or len(packet)
    else:
        if len(packet) < 40:
            return None
        addresses, begin = (packet[8:24], packet[24:40]), 40
        end = 40 + int.from_bytes(packet[4:6], "big") if packet[4:6] != b"\0\0" else len(packet)
        following = packet[6]
        while following != TCP:
            header = packet[begin:begin + 8]
            if len(header) < 8 or following not in (*OPTIONS6, AUTHENTICATION, FRAGMENT):
                return None
            if following == FRAGMENT and int.from_bytes(header[2:4], "big") & 0xFFF9:
                return None
            words = {AUTHENTICATION: (header[1] + 2) * 4, FRAGMENT: 8}
            begin, following = begin + words.get(following, (header[1] + 1) * 8), header[0]
    segment = packet[begin:end]
    size = (segment[12] >> 4) * 4 if len(segment) > 12 else 0
    if size < 20 or size > len(segment):
        return None
    ports = struct.unpack("!HH", segment[:4])
    return Packet((addresses[0], ports[0]), (addresses[1], ports[1]), segment[:size], segment[size:],
                  max(end - len(packet), 0))


def write(path, octets, pause=0):
    """IP packets as a capture that has no time between them, but for `pause` seconds in front of an empty one at the
    end."""
    records = [(0, packet) for packet in octets] + [(pause, b"\x45")]
    with open(path, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 24, RAW_IP))
        for seconds, packet in records:
            out.write(struct.pack("=IIII", seconds, 0, len(packet), len(packet)) + packet)
