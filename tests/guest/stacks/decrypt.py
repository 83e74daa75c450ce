# SPDX-License-Identifier: GPL-2.0-only
"""What the records of a connection carry in truth: tshark decrypts them with the key logs of both sides."""

import dataclasses
import os
import shutil
import struct

from capture import write
from lab import run
from peer import Broken

HANDSHAKE, DATA, FINISHED = 22, 23, 20
FIELDS = ("frame.number", "tls.record.opaque_type", "tls.record.content_type", "tls.handshake.type")
# Where the records are said to be from and to, by who sends them.
PORTS = {"client": (40000, 443), "server": (443, 40000)}
ADDRESSES = {"client": bytes((10, 1, 0, 2)), "server": bytes((10, 2, 0, 2))}
OTHER = {"client": "server", "server": "client"}
ACK_PSH = 0x18
# The longest record, with its header.
LONGEST = 5 + 16384 + 2048


@dataclasses.dataclass
class Content:
    """A record's content type, None where it was not decrypted, and the kinds of handshake messages that end in it."""
    kind: int | None
    messages: tuple


def missing():
    return None if shutil.which("tshark") else "there is no tshark here"


def packet(sender, at, acknowledged, octets):
    """A packet of TCP with these bytes."""
    tcp = struct.pack("!HHIIBBHHH", *PORTS[sender], at & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 5 << 4, ACK_PSH, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(octets), 0, 0, 64, 6, 0) + ADDRESSES[sender] + ADDRESSES[OTHER[sender]]
    return ip + tcp + octets


def numbers(text):
    return [int(one, 0) for one in text.split(",") if one]


def contents(records, logs, folder):
    """The content of each of these records, which are whole and in the order in which they were completed. Each goes into a
    packet of its own, so that tshark has nothing to put together."""
    capture, keys = os.path.join(folder, "records.pcap"), os.path.join(folder, "records.keys")
    with open(keys, "wb") as file:
        for log in filter(os.path.exists, logs):
            with open(log, "rb") as source:
                file.write(source.read() + b"\n")
    raws, sent = [], {"client": 1, "server": 1}
    for record in records:
        if len(record.octets) > LONGEST:
            raise Broken(f"a record of the {record.sender} has {len(record.octets)} bytes")
        raws.append(packet(record.sender, sent[record.sender], sent[OTHER[record.sender]], record.octets))
        sent[record.sender] += len(record.octets)
    write(capture, raws)
    words = ["tshark", "-n", "-r", capture, "-o", f"tls.keylog_file:{keys}", "-d", "tcp.port==443,tls", "-T", "fields"]
    for field in FIELDS:
        words += ["-e", field]
    found = {}
    for line in run(*words).stdout.splitlines():
        frame, opaque, kind, messages = line.split("\t")
        # Of a record that it has not decrypted it tells the outer type only.
        kinds = numbers(kind)
        found[int(frame)] = Content(kinds[0] if kinds else None, tuple(numbers(messages)))
    return [found[number] for number in range(1, len(records) + 1)]
