# SPDX-License-Identifier: GPL-2.0-only
"""The same connections wrapped in every way that `tlsconnctl inspect` looks into, as frames of a link type."""

import struct

GATEWAYS = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
IPV4 = 0x0800


def ethernet(kind, octets):
    return bytes(12) + struct.pack("!H", kind) + octets


def tagged(kinds, ip):
    """VLAN tags of these kinds."""
    octets = struct.pack("!H", IPV4) + ip
    for number, kind in reversed(list(enumerate(kinds, 5))):
        octets = struct.pack("!HH", kind, number) + octets
    return octets


def outer(protocol, octets):
    """An IPv4 packet from one gateway to the other."""
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(octets), 0, 0, 64, protocol, 0)
    return header + GATEWAYS[0] + GATEWAYS[1] + octets


def udp(port, octets):
    return outer(17, struct.pack("!HHHH", 50000, port, 8 + len(octets), 0) + octets)


def fragments(ip, number, size=256):
    """An IPv4 packet in fragments, the last one first."""
    pieces = [ip[place:place + size] for place in range(20, len(ip), size)]
    made = []
    for place, piece in enumerate(pieces):
        more = 0x2000 if place + 1 < len(pieces) else 0
        header = ip[:2] + struct.pack("!HHH", 20 + len(piece), number, place * size // 8 | more) + ip[8:20]
        made.insert(0, header + piece)
    return made


PPP = b"\x00\x21"
PPPOE = bytes.fromhex("11000001")
SNAP = bytes.fromhex("aaaa03000000")
LABELS = bytes.fromhex("00011040 00012140")
# Data of a station to its access point; what a driver says in front of it.
WIFI = bytes.fromhex("0801") + bytes(22)
RADIOTAP = bytes.fromhex("0000080000000000")
GTP = bytes.fromhex("30ff")


def pppoe(ip):
    return PPPOE + struct.pack("!H", len(PPP + ip)) + PPP + ip


# By name: the link type, and how an IPv4 packet becomes a frame.
WRAPPINGS = {
    "raw IP": (101, lambda ip: ip),
    "raw IPv4": (228, lambda ip: ip),
    "loopback": (0, lambda ip: struct.pack("=I", 2) + ip),
    "loopback of OpenBSD": (108, lambda ip: struct.pack("!I", 2) + ip),
    "Ethernet": (1, lambda ip: ethernet(IPV4, ip)),
    "Ethernet with a trailer": (1, lambda ip: ethernet(IPV4, ip) + b"\xee" * 18),
    "VLAN": (1, lambda ip: bytes(12) + tagged([0x8100], ip)),
    "802.1ad": (1, lambda ip: bytes(12) + tagged([0x88A8, 0x8100], ip)),
    "9100": (1, lambda ip: bytes(12) + tagged([0x9100, 0x9100, 0x8100], ip)),
    "PPPoE": (1, lambda ip: ethernet(0x8864, pppoe(ip))),
    "MPLS": (1, lambda ip: ethernet(0x8847, LABELS + ip)),
    "Ethernet in MPLS": (1, lambda ip: ethernet(0x8847, LABELS + bytes(4) + ethernet(IPV4, ip))),
    "Cisco MetaData": (1, lambda ip: ethernet(0x8909, bytes.fromhex("010100010009") + struct.pack("!H", IPV4) + ip)),
    "SNAP": (1, lambda ip: ethernet(len(SNAP) + 2 + len(ip), SNAP + struct.pack("!H", IPV4) + ip)),
    "cooked": (113, lambda ip: struct.pack("!HHH8sH", 0, 1, 6, bytes(8), IPV4) + ip),
    "cooked with a VLAN": (113, lambda ip: struct.pack("!HHH8s", 0, 1, 6, bytes(8)) + tagged([0x8100], ip)),
    "cooked with PPPoE": (113, lambda ip: struct.pack("!HHH8sH", 0, 1, 6, bytes(8), 0x8864) + pppoe(ip)),
    "cooked, version 2": (276, lambda ip: struct.pack("!HHIHBB8s", IPV4, 0, 1, 1, 0, 6, bytes(8)) + ip),
    "NFLOG": (239, lambda ip: bytes.fromhex("02000000") + struct.pack("=HH4s", 5, 10, b"x") + struct.pack("=HH", 4 + len(ip), 9)
              + ip + bytes(-len(ip) % 4)),
    "PPP": (9, lambda ip: bytes.fromhex("ff03") + PPP + ip),
    "PPP in frames of HDLC": (50, lambda ip: bytes.fromhex("ff03") + PPP + ip),
    "PPP behind PPPoE's header": (51, pppoe),
    "802.11": (105, lambda ip: WIFI + SNAP + struct.pack("!H", IPV4) + ip),
    "802.11 with radiotap": (127, lambda ip: RADIOTAP + WIFI + SNAP + struct.pack("!H", IPV4) + ip),
    "IP in IP": (101, lambda ip: outer(4, ip)),
    "GRE": (101, lambda ip: outer(47, struct.pack("!HH", 0, IPV4) + ip)),
    "GRE with a key and numbers": (101, lambda ip: outer(47, struct.pack("!HHII", 0x3000, IPV4, 7, 1) + ip)),
    "GRE with Ethernet": (101, lambda ip: outer(47, struct.pack("!HH", 0, 0x6558) + ethernet(IPV4, ip))),
    "GRE with PPP": (101, lambda ip: outer(47, struct.pack("!HHHHI", 0x3001, 0x880B, len(ip) + 4, 7, 1)
                                           + b"\xff\x03" + PPP + ip)),
    "VXLAN": (101, lambda ip: udp(4789, struct.pack("!II", 0x08000000, 7 << 8) + ethernet(IPV4, ip))),
    "Geneve": (101, lambda ip: udp(6081, struct.pack("!BBHI", 0, 0, 0x6558, 7 << 8) + ethernet(IPV4, ip))),
    "GTP-U": (101, lambda ip: udp(2152, GTP + struct.pack("!HI", len(ip), 7) + ip)),
}


def frames(name, packets):
    """The packets in this wrapping."""
    link, wrap = WRAPPINGS[name]
    return link, [wrap(packet) for packet in packets]


def pcap(path, link, octets):
    """A capture of these frames, a millisecond apart."""
    words = [struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)]
    for number, frame in enumerate(octets):
        words += [struct.pack("=IIII", 1 + number // 1000, number % 1000 * 1000, len(frame), len(frame)), frame]
    path.write_bytes(b"".join(words))
    return path
