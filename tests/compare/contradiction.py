# SPDX-License-Identifier: GPL-2.0-only
"""Which packets contradict what came before them, judged by their bytes alone: `inspect` is not asked."""

import collections
import dataclasses
import os
import subprocess
import tempfile

import identity
import tshark

FIN, SYN, URGENT = 1, 2, 0x20
HEADER = 5
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE = 20, 21, 22
TYPES = range(20, 25)
# RFC 5246 6.2.3; of an encrypted alert.
LARGEST, LARGEST_ALERT = 16384 + 2048, 352


@dataclasses.dataclass
class Segment:
    frame: int
    sender: str
    seq: int
    flags: int
    payload: bytes


class Sent:
    """What an end has sent, by its place in the stream, and with which frame each byte came first."""

    def __init__(self, start):
        self.start, self.bytes, self.frames, self.end = start, {}, {}, None

    def take(self, segment):
        """Whether it says something else than what came before."""
        place = (segment.seq - self.start) % 2**32
        differs = False
        for offset, byte in enumerate(segment.payload, place):
            differs |= self.bytes.setdefault(offset, byte) != byte
            self.frames.setdefault(offset, segment.frame)
        return differs

    def whole(self):
        """From the first byte on, as far as none is missing; what a FIN cuts off is not there."""
        octets = bytearray()
        while len(octets) in self.bytes:
            octets.append(self.bytes[len(octets)])
        return bytes(octets)


def segments(path, numbers):
    """The packets of these streams."""
    fields = ("frame.number", "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "tcp.seq_raw", "tcp.flags", "tcp.payload")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=l",
               "-Y", f"tcp.stream in {{{','.join(map(str, numbers))}}}"]
    for field in fields:
        command += ["-e", field]
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env=os.environ | {"WIRESHARK_CONFIG_DIR": folder})
    for line in done.stdout.splitlines():
        frame, stream, four, six, port, seq, flags, payload = line.split("\t")
        found[int(stream)].append(Segment(int(frame), tshark.end(four or six, port), int(seq), int(flags, 0),
                                          bytes.fromhex(payload.replace(":", ""))))
    return found


def of(packets):
    """By the reasons that `inspect` has, the frame that first contradicts."""
    found, sent = {}, {}
    for packet in packets:
        first = (packet.seq + bool(packet.flags & SYN)) % 2**32
        stream = sent.get(packet.sender)
        if stream is None or packet.flags & SYN:
            stream = sent[packet.sender] = stream if stream and stream.start == first else Sent(first)
        data = dataclasses.replace(packet, seq=first)
        if stream.take(data):
            found.setdefault("resent-differently", packet.frame)
        if packet.flags & URGENT and packet.payload:
            found.setdefault("urgent", packet.frame)
        end = (first + len(packet.payload) - stream.start) % 2**32
        if packet.payload and stream.end is not None and end > stream.end:
            found.setdefault("beyond-fin", packet.frame)
        if packet.flags & FIN:
            stream.end = end
    messages = {}
    for sender, stream in sent.items():
        bad, messages[sender] = records(stream)
        if bad is not None:
            found["bad-header"] = min(bad, found.get("bad-header", bad))
    second = second_hello(messages)
    if second is not None:
        found["second-hello"] = second
    return found


def records(stream):
    """The frame with a header that makes no sense after one that did, and the plain-text handshake messages: with each the
    frame that it begins in."""
    octets, place, handshake, frames, is_plain = stream.whole(), 0, bytearray(), [], True
    bad = None
    while place + HEADER <= len(octets):
        kind, major, _, high, low = octets[place:place + HEADER]
        length = high << 8 | low
        if kind not in TYPES or major != 3 or length > (LARGEST_ALERT if kind == ALERT else LARGEST):
            bad = stream.frames[place] if place else None
            break
        is_plain &= kind != CHANGE_CIPHER_SPEC
        body = range(place + HEADER, min(place + HEADER + length, len(octets)))
        if kind == HANDSHAKE and is_plain:
            handshake += octets[body.start:body.stop]
            frames += [stream.frames[offset] for offset in body]
        place += HEADER + length
    messages, place = [], 0
    while place + 4 <= len(handshake):
        length = int.from_bytes(handshake[place + 1:place + 4], "big")
        messages.append((handshake[place], frames[place], bytes(handshake[place + 4:place + 4 + length])))
        place += 4 + length
    return bad, messages


def second_hello(messages):
    """The frame of a ClientHello that neither begins the connection nor answers a HelloRetryRequest."""
    hellos = sorted((frame, sender) for sender, of_sender in messages.items() for kind, frame, _ in of_sender
                    if kind == identity.CLIENT_HELLO)
    retries = [frame for of_sender in messages.values() for kind, frame, body in of_sender
               if kind == identity.SERVER_HELLO and body[2:34].hex() == identity.RETRY]
    for number, (frame, sender) in enumerate(hellos[1:]):
        if sender != hellos[0][1] or number >= len(retries) or retries[number] > frame:
            return frame
    return None
