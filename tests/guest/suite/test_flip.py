# SPDX-License-Identifier: GPL-2.0-only
"""A pin is flipped between two busy connections. TLSCONN_FLIPS says how often."""

import ctypes
import mmap
import os
import socket
import struct
import sys
import time
import unittest

from conversation import CLIENT, Conversation, Wire
from lab import SERVER, GatewayTest, ctl, inside, listed, on
from netlink import Netlink
from scale import KIND, size

# KCSAN's watches of a millisecond make the flood slow.
FLIPS = int(os.environ.get("TLSCONN_FLIPS", 100 if KIND == "kcsan" else size(300, 10_000, uml=1000)))
ETH_P_IP = 0x0800
# Behind the headers of Ethernet, IP, TCP and the record: who sent it, and of which flip.
TAG = 14 + 20 + 20 + 5
BURST, FLOOD = b"K", b"F"
PORTS = {"one": 40001, "two": 40002, "steady": 40003, "never": 40004}


class SockFilter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class SockProgram(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint16), ("filter", ctypes.POINTER(SockFilter))]


def receiver():
    """Sees what arrives at the server of the bursts, and nothing of the flood."""
    with inside("server"):
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # Load the octet; equal: all of the packet, else none.
    program = (SockFilter * 4)((0x30, 0, 0, TAG), (0x15, 0, 1, BURST[0]), (0x06, 0, 0, 65535), (0x06, 0, 0, 0))
    link.setsockopt(socket.SOL_SOCKET, 26, bytes(SockProgram(4, program)))
    link.bind(("eth0", ETH_P_IP))
    link.settimeout(30)
    return link


class Flood:
    """A process on another CPU, if there is one, that sends on all connections without a pause."""

    def __init__(self, send, names):
        self.shared = mmap.mmap(-1, 4096)
        self.names = names
        self.child = os.fork()
        if self.child == 0:
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            sent = 0
            try:
                while not self.shared[0]:
                    for name in names:
                        send(name)
                    sent += 1
                    self.shared[8:16] = struct.pack("=Q", sent)
            finally:
                os._exit(0)

    def sent(self):
        """How often on each."""
        return struct.unpack("=Q", self.shared[8:16])[0]

    def stop(self):
        if self.child:
            self.shared[0] = 1
            os.waitpid(self.child, 0)
            self.child = 0


class Flip(GatewayTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        self.before = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, self.before)

    def packet(self, name, tag, flip=0):
        """A record of application data, the same place of the stream each time: its octets may differ."""
        body = tag + struct.pack("!I", flip) + bytes(27)
        return self.streams[name].packet("client", b"\x17\x03\x03" + struct.pack("!H", len(body)) + body, flags=24)

    def send(self, packet):
        self.wire.forgers["client"].socket.sendto(packet, (SERVER[4], 0))

    def arrived(self, link):
        """Of a burst, which its last packet ends: it is of a connection that is always let through."""
        found = []
        while True:
            octets = link.recv(2048)
            port, = struct.unpack_from("!H", octets, 34)
            flip, = struct.unpack_from("!I", octets, TAG + 1)
            found.append((port, flip))
            if port == PORTS["steady"]:
                return found

    def counted(self, host, table, chain):
        lines = on(host, "iptables-legacy", "-t", table, "-nvxL", chain).stdout.splitlines()[2:]
        return [int(line.split()[0]) for line in lines]

    def test_flip(self):
        # What each connection may pass, and what it does: the rules that count come first.
        for port in PORTS.values():
            on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "--sport", str(port), "-m", "tlsconn", "--pinned")
            on("server", "iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "--sport", str(port),
               "-m", "u32", "--u32", "0&0xFFFF=77")
        self.hold()
        self.streams = {name: Conversation(self.wire, port).tls12() for name, port in PORTS.items()}
        ids = {c["src"]: c["id"] for c in listed()}
        ids = {name: ids[f"{CLIENT}:{port}"] for name, port in PORTS.items()}
        netlink = Netlink()
        self.addCleanup(netlink.close)
        netlink.pin(ids["steady"], b"steady", 0x1, 0x1)
        on("gateway", "iptables-legacy", "-I", "FORWARD", "-p", "tcp", "--sport", str(PORTS["steady"]), "-m", "tlsconn",
           "--pinned", "--pin-mark", "0x1/0x1", "-j", "ACCEPT")
        link = receiver()
        self.addCleanup(link.close)
        os.sched_setaffinity(0, {min(self.before)})
        flood_packets = {name: self.packet(name, FLOOD) for name in PORTS}
        flood = Flood(lambda name: self.send(flood_packets[name]), list(PORTS))
        self.addCleanup(flood.stop)
        begun = time.monotonic()
        for flip in range(FLIPS):
            bound, other = ("one", "two") if flip % 2 else ("two", "one")
            netlink.pin(ids[bound])
            # The same pin on the same connection, which is to miss nothing meanwhile.
            if flip % 16 == 0:
                netlink.pin(ids["steady"], b"steady", 0x1, 0x1)
            for name in (other, bound, "never", bound, other, "never", "steady"):
                self.send(self.packet(name, BURST, flip))
            expected = [(PORTS[bound], flip)] * 2 + [(PORTS["steady"], flip)]
            self.assertEqual(self.arrived(link), expected, f"flip {flip}: bound to {bound}")
        lasted = time.monotonic() - begun
        flood.stop()
        sent = flood.sent()
        self.assertGreater(sent, FLIPS // 10)
        # The last packets are on their way still, at most.
        self.send(self.packet("steady", BURST, FLIPS))
        self.assertEqual(self.arrived(link), [(PORTS["steady"], FLIPS)])
        time.sleep(1)
        received = dict(zip(PORTS, self.counted("server", "raw", "PREROUTING")))
        pinned = dict(zip(PORTS, self.counted("gateway", "filter", "FORWARD")[1:]))
        print(f"\n{FLIPS} flips in {lasted:.1f} s beside {sent} packets on each of four connections; let through: {received}",
              file=sys.stderr)
        self.assertEqual(received["never"], 0)
        self.assertEqual(pinned["never"], 0)
        self.assertEqual(received["steady"], sent + FLIPS + 1, "the pinned connection missed none")
        for name in ("one", "two"):
            self.assertEqual(received[name], pinned[name])
            self.assertGreater(received[name], FLIPS)
            self.assertLess(received[name], sent + 2 * FLIPS)
        [pin] = [c["pin"] for c in listed() if c["mark"] == "0x54000000"]
        self.assertEqual(pin, "default")
        ctl("unpin", "--all")


if __name__ == "__main__":
    unittest.main()
