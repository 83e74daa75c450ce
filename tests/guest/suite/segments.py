# SPDX-License-Identifier: GPL-2.0-only
"""The same streams of octets in other packets: as they were captured, smaller, out of order, merged."""

import itertools
import random

from forge import FIN, PSH, RST, SYN, URG

IP = {4: 20, 16: 40}
# Octets of payload in a merged packet at most, as IPv4 allows.
LARGEST = 65000
# As many packets change their order among themselves.
WINDOW = 6


def as_captured(packets):
    return [part for packet in packets for part in without_missing(packet)]


def without_missing(packet):
    """What a capture cut off cannot be sent: the packet up to there, and the FIN behind what is missing."""
    if not packet.missing:
        return [packet]
    parts = [packet.changed(flags=packet.flags & ~FIN)]
    if packet.flags & FIN:
        end = packet.first + len(packet.payload) + packet.missing
        parts.append(packet.changed(seq=end, flags=packet.flags & ~SYN, payload=b""))
    return parts


def cut(packets, size):
    """In IP packets of `size` octets at most."""
    return [part for packet in packets for part in in_parts(packet, size - IP[len(packet.src[0])] - len(packet.header))]


def in_parts(packet, size):
    if packet.flags & (SYN | RST | URG) or len(packet.payload) <= size:
        return [packet]
    parts = []
    for at in range(0, len(packet.payload), size):
        last = at + size >= len(packet.payload)
        flags = packet.flags if last else packet.flags & ~(FIN | PSH)
        parts.append(packet.changed(packet.seq + at, flags, packet.payload[at:at + size]))
    return parts


def mtu300(packets):
    return cut(as_captured(packets), 300)


def runs(packets):
    """Packets of one connection and direction with nothing else between them; what is not plain stands alone."""
    groups = itertools.groupby(enumerate(packets), lambda one: (one[1].src, one[1].dst, one[1].is_plain() or one[0]))
    return [[packet for _, packet in group] for _, group in groups]


def reordered(packets):
    """In packets of 576 octets at most, and those of a run out of order, the same way each time."""
    chance, sent = random.Random(1), []
    for run in runs(cut(as_captured(packets), 576)):
        for at in range(0, len(run), WINDOW):
            sent += chance.sample(run[at:at + WINDOW], len(run[at:at + WINDOW]))
    return sent


def merged(packets):
    """As receive offload puts them together: what continues the packet in front with the same acknowledgement."""
    sent = []
    for run in runs(as_captured(packets)):
        one, *rest = run
        for packet in rest:
            fits = packet.seq == one.seq + len(one.payload) & 0xFFFFFFFF and packet.header[8:13] == one.header[8:13]
            if fits and len(one.payload) + len(packet.payload) <= LARGEST:
                one = one.changed(flags=one.flags | packet.flags, payload=one.payload + packet.payload)
            else:
                sent.append(one)
                one = packet
        sent.append(one)
    return sent


VARIANTS = {"as captured": as_captured, "MTU 300": mtu300, "reordered": reordered, "merged": merged}
