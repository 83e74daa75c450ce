# SPDX-License-Identifier: GPL-2.0-only
"""Queues of packets to user space (NFQUEUE), each with a verdict of its own."""

import contextlib
import socket
import struct
import threading

from lab import inside
from netlink import ACK, REQUEST, attribute, attributes

# linux/netlink.h, linux/netfilter/nfnetlink.h, nfnetlink_queue.h, linux/netfilter.h
NETLINK_NETFILTER, QUEUE = 12, 3 << 8
PACKET, VERDICT, CONFIG = 0, 1, 2
PACKET_HDR, VERDICT_HDR, MARK = 1, 2, 3
CFG_CMD, CFG_PARAMS, CFG_MAXLEN = 1, 2, 3
BIND, COPY_META = 1, 1
DROP, ACCEPT, REPEAT = 0, 1, 4


class Queues(threading.Thread):
    """Answers for queues, {number: (verdict, mark or None)}. With `held` a packet waits until `let_go` is called."""

    def __init__(self, verdicts, host="gateway", held=False):
        super().__init__(daemon=True)
        self.verdicts, self.held = verdicts, held
        # Packets by queue, and those that wait.
        self.came = dict.fromkeys(verdicts, 0)
        self.waiting = []
        with inside(host):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for number in verdicts:
            self.configure(number, attribute(CFG_CMD, struct.pack("!BBH", BIND, 0, 0)))
            self.configure(number, attribute(CFG_PARAMS, struct.pack("!IB", 0, COPY_META)))
            self.configure(number, attribute(CFG_MAXLEN, struct.pack("!I", 4096)))
        # A thread that waits in there would keep the socket open, and its namespace alive.
        self.closing = False
        self.socket.settimeout(0.2)
        self.start()

    @staticmethod
    def message(kind, number, payload, flags):
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, number) + payload
        return struct.pack("=IHHII", 16 + len(body), QUEUE | kind, flags, 0, 0) + body

    def configure(self, number, payload):
        self.socket.send(self.message(CONFIG, number, payload, REQUEST | ACK))
        error = struct.unpack_from("=i", self.socket.recv(4096), 16)[0]
        if error:
            raise OSError(-error, f"queue {number}")

    def run(self):
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                octets = self.socket.recv(1 << 16)
                while octets:
                    length, kind = struct.unpack_from("=IH", octets)
                    if kind == QUEUE | PACKET:
                        number = struct.unpack_from("!H", octets, 18)[0]
                        header = dict(attributes(octets[20:length]))[PACKET_HDR]
                        self.take(number, struct.unpack_from("!I", header)[0])
                    octets = octets[(length + 3) & ~3:]

    def take(self, number, packet):
        if self.held:
            self.waiting.append((number, packet))
        else:
            self.answer(number, packet)
        self.came[number] += 1

    def answer(self, number, packet):
        """The packet goes on its way before this returns."""
        verdict, mark = self.verdicts[number]
        payload = attribute(VERDICT_HDR, struct.pack("!II", verdict, packet))
        if mark is not None:
            payload += attribute(MARK, struct.pack("!I", mark))
        self.socket.send(self.message(VERDICT, number, payload, REQUEST))

    def let_go(self):
        for number, packet in self.waiting:
            self.answer(number, packet)
        self.waiting.clear()

    def close(self):
        """No queue any more: packets in it are dropped."""
        self.closing = True
        self.join()
        self.socket.close()
