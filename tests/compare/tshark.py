# SPDX-License-Identifier: GPL-2.0-only
"""What tshark says of a capture's TCP streams."""

import collections
import dataclasses
import os
import pathlib
import subprocess
import tempfile

import files

# TLS is looked for on every port, before what a port is said to be, and packets are put into their order. The rest are
# tshark's own defaults, whatever the user has set: the folder of settings is an empty one.
OPTIONS = ("-n", "-o", "tcp.try_heuristic_first:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE",
           "-o", "tcp.desegment_tcp_streams:TRUE", "-o", "tls.desegment_ssl_records:TRUE", "-o", "ip.defragment:TRUE")
SEPARATOR = "\x1e"
MARKS = {"retransmission": "tcp.analysis.retransmission", "out-of-order": "tcp.analysis.out_of_order",
         "lost": "tcp.analysis.lost_segment", "lost-acknowledged": "tcp.analysis.ack_lost_segment",
         "keep-alive": "tcp.analysis.keep_alive", "malformed": "_ws.malformed", "unreassembled": "_ws.unreassembled"}
FIELDS = {
    "frame": "frame.number", "protocols": "frame.protocols", "cap": "frame.cap_len", "wire": "frame.len",
    "src4": "ip.src", "dst4": "ip.dst", "src6": "ipv6.src", "dst6": "ipv6.dst", "sport": "tcp.srcport", "dport": "tcp.dstport",
    "stream": "tcp.stream", "length": "tcp.len", "flags": "tcp.flags", "segments": "tcp.segment",
    "content": "tls.record.content_type", "opaque": "tls.record.opaque_type",
    "messages": "tls.handshake.type", "random": "tls.handshake.random", "challenge": "tls.handshake.challenge",
    "session": "tls.handshake.session_id", "sni": "tls.handshake.extensions_server_name",
    "alpn": "tls.handshake.extensions_alpn_str", "version": "tls.handshake.version",
    "versions": "tls.handshake.extensions.supported_version", "cipher": "tls.handshake.ciphersuite",
    "extensions": "tls.handshake.extension.type", "ticket": "tls.handshake.extensions.session_ticket",
    "ja4": "tls.handshake.ja4", "signatures": "tls.handshake.sig_hash_alg", **MARKS,
}
SYN = 2
HANDSHAKE = 22


class Unreadable(Exception):
    """tshark reads nothing of it."""


@dataclasses.dataclass
class Frame:
    """A packet of TCP with payload."""
    number: int
    sender: str
    # Of the records that end in it.
    types: list
    # The frames in which records end that have bytes here.
    later: set
    marks: set


@dataclasses.dataclass
class Stream:
    """A TCP connection by tshark's count."""
    number: int
    ends: tuple
    begins: bool = False
    frames: dict = dataclasses.field(default_factory=dict)
    marks: set = dataclasses.field(default_factory=set)
    # The rows of frames with hellos or handshake messages: what identity is made of.
    rows: list = dataclasses.field(default_factory=list)

    def has_tls(self):
        return any(frame.types for frame in self.frames.values())

    def records(self):
        """How many of each type each end has sent, in whole."""
        counts = collections.defaultdict(collections.Counter)
        for frame in self.frames.values():
            counts[frame.sender].update(frame.types)
        return counts


def version():
    return subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0].rstrip(".")


def read(path):
    """The streams of a capture by their number, and whether tshark has something against the file."""
    with tempfile.TemporaryDirectory() as folder:
        if files.has_keys(path):
            path = without_keys(path, pathlib.Path(folder, "capture"))
        command = ["tshark", *OPTIONS, "-r", str(path), "-T", "fields", "-E", f"aggregator={SEPARATOR}", "-Y", "tcp"]
        for field in FIELDS.values():
            command += ["-e", field]
        streams = {}
        with open(pathlib.Path(folder, "said"), "w+", encoding="utf-8", errors="replace") as said:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, errors="replace",
                                  env=os.environ | {"WIRESHARK_CONFIG_DIR": folder}) as process:
                for line in process.stdout:
                    take(streams, line.rstrip("\n").split("\t"))
            said.seek(0)
            told = said.read().strip().split("\n")[-1]
        if process.returncode != 0 and not streams:
            raise Unreadable(told)
    return streams, told if process.returncode != 0 else None


def without_keys(path, to):
    """Records that it can decrypt have two types each, and it does not say which belong together."""
    done = subprocess.run(["editcap", "--discard-all-secrets", str(path), str(to)], capture_output=True, check=False)
    return to if done.returncode == 0 else path


def take(streams, words):
    row = {name: word.split(SEPARATOR) if word else [] for name, word in zip(FIELDS, words)}
    protocols = row["protocols"][0].split(":")
    # Of a message about a packet what is quoted is no packet.
    if {"icmp", "icmpv6"} & set(protocols) or not row["stream"] or not row["src4"] + row["src6"]:
        return
    # Through tunnels the last is the innermost.
    number = int(row["stream"][-1])
    sender, receiver = (end(row[name + family(row, protocols)][-1], row[port][-1])
                        for name, port in (("src", "sport"), ("dst", "dport")))
    stream = streams.setdefault(number, Stream(number, (sender, receiver)))
    stream.begins |= bool(int(row["flags"][-1], 0) & SYN)
    marks = {mark for mark in MARKS if row[mark]}
    if row["cap"] != row["wire"]:
        marks.add("cut")
    stream.marks |= marks
    length = int(row["length"][-1]) if row["length"] else 0
    if length == 0 and not row["content"] + row["opaque"]:
        return
    types = [int(kind) for kind in row["content"] + row["opaque"]]
    # A ClientHello in SSLv2's form, to which it gives neither a content type nor a message's.
    if row["challenge"]:
        types.append(HANDSHAKE)
    frame = Frame(int(row["frame"][0]), sender, types, set(), marks)
    stream.frames[frame.number] = frame
    for segment in map(int, row["segments"]):
        if segment in stream.frames and segment != frame.number:
            stream.frames[segment].later.add(frame.number)
    if row["messages"] or row["challenge"] or 20 in types:
        stream.rows.append((frame, row))


def family(row, protocols):
    """Of which family the innermost addresses are."""
    if not (row["src4"] and row["src6"]):
        return "4" if row["src4"] else "6"
    return "6" if next(name for name in reversed(protocols) if name in ("ip", "ipv6")) == "ipv6" else "4"


def end(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
