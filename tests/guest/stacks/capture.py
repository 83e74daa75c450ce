# SPDX-License-Identifier: GPL-2.0-only
"""What comes to the gateway, as the tracker there sees it: each packet once, in the order in which it comes."""

import contextlib
import dataclasses
import socket
import struct
import threading

from lab import inside
from wire import ETH_P_IP, ROOM, SO_RCVBUFFORCE, SYN, cut

# What is kept of a connection, in bytes of packets: its handshake and its first records of data, also where they come again.
KEPT = 1 << 20
FIN, PSH = 0x01, 0x08
# Link type of packets that begin with their IP header, in a capture file of the classic format.
RAW = 101
MAGIC = 0xA1B2C3D4
HEADER = struct.Struct("<IHHiIII")
RECORD = struct.Struct("<IIII")


@dataclasses.dataclass
class Packet:
    """A TCP packet of a connection: who sent it, where its payload stands in the sender's stream, and the packet itself."""
    sender: str
    at: int
    octets: bytes
    raw: bytes

    @property
    def end(self):
        return self.at + len(self.octets)

    def piece(self, begin, end):
        """The packet that would have come with these bytes of its payload only."""
        start = (self.raw[0] & 15) * 4
        head = bytearray(self.raw[:len(self.raw) - len(self.octets)])
        seq = int.from_bytes(head[start + 4:start + 8], "big") + begin - self.at
        head[start + 4:start + 8] = (seq & 0xFFFFFFFF).to_bytes(4, "big")
        head[2:4] = (len(head) + end - begin).to_bytes(2, "big")
        if end != self.end:
            head[start + 13] &= ~(FIN | PSH)
        octets = self.octets[begin - self.at:end - self.at]
        return Packet(self.sender, begin, octets, bytes(head) + octets)


class Recorder(threading.Thread):
    """Keeps, from now on, the begin of each connection to a port."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.packets, self.kept = {}, {}
        # Packets that come in, as no socket for all protocols would have it.
        with inside("gateway"):
            self.link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self.link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 * ROOM)
        self.link.settimeout(0.2)
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                self.take(self.link.recv(70000))

    def take(self, raw):
        start = (raw[0] & 15) * 4
        if raw[9] != socket.IPPROTO_TCP or self.port not in (ends := struct.unpack_from("!HH", raw, start)):
            return
        client = ends[0] if ends[1] == self.port else ends[1]
        self.kept[client] = self.kept.get(client, 0) + len(raw)
        if self.kept[client] <= KEPT:
            self.packets.setdefault(client, []).append(raw)

    def connection(self, client):
        """Its packets by now, from its SYN on."""
        return tuple(placed(list(self.packets.get(client, ())), client))

    def close(self):
        self.over.set()
        self.join()
        self.link.close()


def placed(raws, client):
    """Packets with their places in the streams."""
    first = {}
    for raw in raws:
        start = (raw[0] & 15) * 4
        source, _, seq = struct.unpack_from("!HHI", raw, start)
        sender = "client" if source == client else "server"
        payload = raw[start + (raw[start + 12] >> 4) * 4:int.from_bytes(raw[2:4], "big")]
        if raw[start + 13] & SYN:
            first[sender] = seq + 1
        if sender in first:
            # A stream is far shorter here than half of all sequence numbers.
            at = (seq - first[sender] + (1 << 31)) % (1 << 32) - (1 << 31)
            yield Packet(sender, at, payload, raw)


@dataclasses.dataclass
class Record:
    """A record of a sender's stream: where it stands, and the number of the packet that has completed it; None where the
    capture ends within it."""
    sender: str
    begin: int
    end: int
    complete: int | None
    octets: bytes


def records(packets):
    """The records of both streams, in the order in which they were completed."""
    streams, arrived = {"client": bytearray(), "server": bytearray()}, {"client": [], "server": []}
    for number, packet in enumerate(packets):
        stream = streams[packet.sender]
        if packet.at <= len(stream) < packet.end:
            stream += packet.octets[len(stream) - packet.at:]
            arrived[packet.sender].append((len(stream), number))
    found = []
    for sender, stream in streams.items():
        begin = 0
        for _, _, end in cut(stream):
            whole = end - begin >= 5 and end - begin == 5 + int.from_bytes(stream[begin + 3:begin + 5], "big")
            complete = next(number for have, number in arrived[sender] if have >= end) if whole else None
            found.append(Record(sender, begin, end, complete, bytes(stream[begin:end])))
            begin = end
    return sorted(found, key=lambda one: (len(packets) if one.complete is None else one.complete, one.begin))


def write(path, raws):
    """A capture file of packets, a millisecond apart."""
    with open(path, "wb") as file:
        file.write(HEADER.pack(MAGIC, 2, 4, 0, 0, 1 << 18, RAW))
        for number, raw in enumerate(raws):
            file.write(RECORD.pack(number // 1000, number % 1000 * 1000, len(raw), len(raw)) + raw)
