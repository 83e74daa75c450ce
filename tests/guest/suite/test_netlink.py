# SPDX-License-Identifier: GPL-2.0-only
"""The netlink family under strange requests, and dumps while connections come and go.

TLSCONN_NETLINK_MESSAGES says how many strange ones: 1000000 is the full size. TLSCONN_SEED has a run repeat itself.
A kernel that complains fails the guest as a whole."""

import errno
import json
import multiprocessing
import os
import random
import socket
import ssl
import struct
import sys
import time
import unittest

from forge import ACK, SYN, Forger
from lab import SERVER, GatewayTest, ctl, listed, load, on, unload, wait_for
from netlink import ACK as NLM_ACK
from netlink import DONE, DUMP, ERROR, NESTED, REQUEST, N, Netlink, Refused, attribute, attributes, uint

MESSAGES = int(os.environ.get("TLSCONN_NETLINK_MESSAGES", 20000))
SEED = int(os.environ.get("TLSCONN_SEED", time.time()))
# As many go out in one call.
BATCH = 200
# asm-generic/socket.h
SO_RCVBUFFORCE = 33


def selector(*fields):
    return b"".join(attribute(N["A_SELECTOR_" + name], value) for name, value in fields)


def sensible():
    """Requests that say something, a command and attributes each, to be spoilt."""
    name = attribute(N["A_PIN_NAME"], b"default\0")
    mark = attribute(N["A_PIN_MARK"], 0x54000000) + attribute(N["A_PIN_MASK"], 0xFF000000)
    ends = selector(("SNI", b"*.example"), ("SRC_ADDR", b"\x0a\1\0\2"), ("SRC_PREFIX", b"\x18"), ("DST_PORT", b"\1\xbb"))
    ids = selector(("CLIENT_RANDOM", b"\1\2\3"), ("SERVER_RANDOM", b"\4" * 32), ("SESSION_ID", b"\5"))
    replace = attribute(N["A_PIN_REPLACE"])
    return [
        (N["CMD_CONNECTION_GET"], attribute(N["A_CONNECTION_ID"], 1)),
        (N["CMD_CONNECTION_GET"], attribute(N["A_CONNECTION_SELECTOR"] | NESTED, ends)
         + attribute(N["A_CONNECTION_STATES"], 0xFF) + attribute(N["A_CONNECTION_LIVE"])),
        (N["CMD_PIN_GET"], name),
        (N["CMD_PIN_SET"], name + mark + attribute(N["A_PIN_CONNECTION"], 1) + replace),
        (N["CMD_PIN_SET"], name + attribute(N["A_PIN_NEXT"]) + replace + attribute(N["A_PIN_SELECTOR"] | NESTED, ids)),
        (N["CMD_PIN_SET"], attribute(N["A_PIN_CONNECTION"], 2) + attribute(N["A_PIN_LASTS"], 1)
         + attribute(N["A_PIN_FOLLOW"]) + replace + attribute(N["A_PIN_SELECTOR"] | NESTED, ends)),
        (N["CMD_PIN_DEL"], name),
        (N["CMD_PIN_DEL"], attribute(N["A_PIN_ALL"])),
        (N["CMD_TRACK_GET"], b""),
        (N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\1")),
        (N["CMD_STATS_GET"], b""),
    ]


class Strange:
    """Requests at random, most of them nearly right."""

    def __init__(self, seed, netlink):
        self.random = random.Random(seed)
        self.netlink = netlink
        self.sensible = sensible()

    def octets(self, most):
        return self.random.randbytes(self.random.randrange(most))

    def attributes(self, depth=0):
        """Of any number, length and nesting."""
        made = b""
        for _ in range(self.random.randrange(6)):
            nested = depth < 3 and self.random.random() < 0.3
            value = self.attributes(depth + 1) if nested else self.octets(40)
            made += attribute(self.random.randrange(18) | (NESTED if nested else 0), value)
        return made

    def spoilt(self, octets):
        """A few of them changed, cut, doubled or with others in between."""
        octets = bytearray(octets)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(octets) + 1)
            match self.random.randrange(5):
                case 0 if octets:
                    octets[at % len(octets)] ^= 1 << self.random.randrange(8)
                case 1 if octets:
                    octets[at % len(octets)] = self.random.choice((0, 1, 4, 5, 0x7F, 0x80, 0xFF))
                case 2:
                    del octets[at:at + self.random.randrange(9)]
                case 3:
                    octets[at:at] = octets[:self.random.randrange(len(octets) + 1)]
                case _:
                    octets[at:at] = self.octets(9)
        return bytes(octets)

    def message(self):
        """One that is answered: with an error, a yes or the end of a dump."""
        command, payload = self.random.choice(self.sensible)
        flags = REQUEST | NLM_ACK | (DUMP if self.random.random() < 0.05 else 0)
        kind = self.random.random()
        if kind < 0.1:
            payload = self.attributes()
        elif kind < 0.2:
            payload = self.octets(120)
        elif kind < 0.95:
            payload = self.spoilt(payload)
        if self.random.random() < 0.05:
            command = self.random.randrange(256)
        message = bytearray(self.netlink.message(command, payload, flags))
        if self.random.random() < 0.05:
            # The headers too: the number, the sender, the command, the version, what is reserved.
            message[self.random.randrange(8, 20)] = self.random.randrange(256)
        return bytes(message) + b"\0" * (-len(message) % 4)

    def batch(self):
        """Several, of which the kernel takes one after the other; the last may have any length, family and flags."""
        last = bytearray(self.message())
        last[self.random.randrange(8)] = self.random.randrange(256)
        return b"".join([self.message() for _ in range(BATCH)]) + last


class Fuzz(GatewayTest):
    def test_strange_requests(self):
        self.hold()
        server = self.server()
        for name in ("one.example", "two.example"):
            self.connect(server, name=name)
        netlink = Netlink()
        self.addCleanup(netlink.close)
        netlink.socket.setblocking(False)
        netlink.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        strange = Strange(SEED, netlink)
        answers, begun, sent = {}, time.monotonic(), 0
        while sent < MESSAGES:
            netlink.socket.send(strange.batch())
            sent += BATCH
            self.drain(netlink, answers)
        lasted = time.monotonic() - begun
        told = {errno.errorcode.get(number, number): count for number, count in sorted(answers.items())}
        print(f"\n{sent} messages in {lasted:.0f} s (seed {SEED}); answers: {told}", file=sys.stderr)
        # The last of a batch may have none, and be taken for several.
        self.assertGreaterEqual(sum(answers.values()), sent)
        self.assertGreater(answers[0], sent // 100, "some do something")
        self.assertGreater(answers[errno.EINVAL], sent // 10)
        # It goes on as before.
        ctl("unpin", "--all")
        self.assertEqual([c["mark"] for c in listed()], ["0x0", "0x0"])
        ctl("pin", "--sni", "two.example")
        self.assertEqual([c["pin"] for c in listed()], [None, "default"])
        ctl("track", "off")
        on("gateway", "iptables-legacy", "-F")
        netlink.close()
        unload()
        load()

    def drain(self, netlink, answers):
        while True:
            try:
                octets = netlink.socket.recv(1 << 20)
            except BlockingIOError:
                return
            while len(octets) >= 20:
                length, kind = struct.unpack_from("=IH", octets)
                if kind in (ERROR, DONE):
                    number = -struct.unpack_from("=i", octets, 16)[0]
                    answers[number] = answers.get(number, 0) + 1
                octets = octets[(length + 3) & ~3:]


class Refusals(GatewayTest):
    def test_every_refusal_has_words(self):
        self.hold()
        server = self.server()
        for _ in range(2):
            self.connect(server)
        netlink = Netlink()
        self.addCleanup(netlink.close)
        name = attribute(N["A_PIN_NAME"], b"default\0")
        one, two = (attribute(N["A_PIN_CONNECTION"], number) for number in (1, 2))
        netlink.ask(N["CMD_PIN_SET"], one)

        def nest(*fields):
            return attribute(N["A_PIN_NEXT"]) + attribute(N["A_PIN_SELECTOR"] | NESTED, selector(*fields))

        other = attribute(N["A_PIN_NAME"], b"other\0")
        for command, payload, number, words in (
            ("CONNECTION_GET", b"", errno.EINVAL, "no id given"),
            ("CONNECTION_GET", attribute(N["A_CONNECTION_ID"], 99), errno.ENOENT, "no connection of that id"),
            ("CONNECTION_GET", attribute(N["A_CONNECTION_ID"], b"\1"), errno.EINVAL, "invalid attribute length"),
            ("CONNECTION_GET", attribute(N["A_CONNECTION_STATES"], 1), errno.EINVAL, "Unknown attribute type"),
            ("PIN_GET", other, errno.ENOENT, "no pin of that name"),
            ("PIN_GET", one, errno.EINVAL, "Unknown attribute type"),
            ("PIN_SET", name, errno.EINVAL, "either a connection or next"),
            ("PIN_SET", two + attribute(N["A_PIN_NEXT"]), errno.EINVAL, "either a connection or next"),
            ("PIN_SET", two, errno.EBUSY, "the pin is bound"),
            ("PIN_SET", other + two + attribute(N["A_PIN_MARK"], 0x54000000), errno.EEXIST, "overlaps"),
            ("PIN_SET", other + one + attribute(N["A_PIN_MARK"], 0x53000000), errno.EEXIST, "another pin on this connection"),
            ("PIN_SET", other + attribute(N["A_PIN_MARK"], 1) + attribute(N["A_PIN_MASK"], 1)
             + attribute(N["A_PIN_CONNECTION"], 99), errno.ENOENT, "no live connection"),
            ("PIN_SET", attribute(N["A_PIN_NAME"], b"\0") + two, errno.EINVAL, "1 to 31 bytes"),
            ("PIN_SET", attribute(N["A_PIN_NAME"], b"x" * 32 + b"\0") + two, errno.EINVAL, "Attribute failed policy"),
            ("PIN_SET", attribute(N["A_PIN_MASK"], 0) + two, errno.EINVAL, "the mask is zero"),
            ("PIN_SET", attribute(N["A_PIN_MARK"], 1) + two, errno.EINVAL, "bits outside"),
            ("PIN_SET", attribute(N["A_PIN_MARK"], 0) + two, errno.EINVAL, "have mark zero"),
            ("PIN_SET", attribute(N["A_PIN_LASTS"], 0) + two, errno.EINVAL, "1 to 4294967295 seconds"),
            ("PIN_SET", attribute(N["A_PIN_LASTS"], 1 << 32) + two, errno.EINVAL, "1 to 4294967295 seconds"),
            ("PIN_SET", attribute(N["A_PIN_FOLLOW"]) + two, errno.EINVAL, "seconds that it lasts"),
            ("PIN_SET", attribute(N["A_PIN_STATE"], b"\1") + two, errno.EINVAL, "Attribute failed policy"),
            ("PIN_SET", nest(("SNI", b"")), errno.EINVAL, "empty or too long"),
            ("PIN_SET", nest(("CLIENT_RANDOM", bytes(33))), errno.ERANGE, "Attribute failed policy"),
            ("PIN_SET", nest(("SRC_ADDR", bytes(5))), errno.EINVAL, "4 or 16 bytes"),
            ("PIN_SET", nest(("SRC_PREFIX", b"\1")), errno.EINVAL, "4 or 16 bytes"),
            ("PIN_SET", nest(("DST_ADDR", bytes(4)), ("DST_PREFIX", b"\x21")), errno.EINVAL, "longer than its address"),
            ("PIN_SET", attribute(N["A_PIN_NEXT"]) + attribute(N["A_PIN_SELECTOR"] | NESTED, attribute(99, b"\1")),
             errno.EINVAL, "Unknown attribute type"),
            ("PIN_SET", attribute(N["A_PIN_NEXT"]) + attribute(N["A_PIN_SELECTOR"], b""), errno.EINVAL, "NLA_F_NESTED"),
            ("PIN_DEL", other, errno.ENOENT, "no pin of that name is bound or armed"),
            ("TRACK_GET", name, errno.EINVAL, "Unknown attribute type"),
            ("TRACK_SET", b"", errno.EINVAL, "0 or 1"),
            ("TRACK_SET", attribute(N["A_TRACK_REQUESTED"], b"\2"), errno.EINVAL, "0 or 1"),
            ("STATS_GET", name, errno.EINVAL, "Unknown attribute type"),
        ):
            with self.subTest(command=command, payload=payload.hex()):
                with self.assertRaises(Refused) as refused:
                    netlink.ask(N["CMD_" + command], payload)
                self.assertEqual(refused.exception.number, number, refused.exception.words)
                self.assertIn(words, refused.exception.words)
        for payload, number, words in (
            (attribute(N["A_CONNECTION_STATES"], 0x100), errno.EINVAL, "reserved bit set"),
            (attribute(N["A_CONNECTION_ID"], 1), errno.EINVAL, "Attribute failed policy"),
            (attribute(N["A_CONNECTION_LIVE"], b"\1"), errno.ERANGE, "Attribute failed policy"),
            (attribute(N["A_CONNECTION_SELECTOR"] | NESTED, selector(("SNI", b""))), errno.EINVAL, "empty or too long"),
        ):
            with self.subTest(payload=payload.hex()):
                with self.assertRaises(Refused) as refused:
                    netlink.dump(N["CMD_CONNECTION_GET"], payload)
                self.assertEqual(refused.exception.number, number, refused.exception.words)
                self.assertIn(words, refused.exception.words)
        # The pins of the namespace, and one too many: 64, of which a bit each makes 32 with two values.
        ctl("unpin", "--all")
        for number in range(64):
            pin = attribute(N["A_PIN_NAME"], b"p%d\0" % number) + attribute(N["A_PIN_MARK"], number + 1)
            netlink.ask(N["CMD_PIN_SET"], pin + attribute(N["A_PIN_MASK"], 0xFF) + attribute(N["A_PIN_NEXT"]))
        with self.assertRaises(Refused) as refused:
            netlink.ask(N["CMD_PIN_SET"], attribute(N["A_PIN_NEXT"]))
        self.assertEqual((refused.exception.number, "64 pins" in refused.exception.words), (errno.ENOSPC, True))
        self.assertEqual(len(json.loads(ctl("pins").stdout)["pins"]), 64)


class Filters(GatewayTest):
    """What the kernel chooses for a dump, by the tool."""

    def test_selectors(self):
        self.hold()
        server, other = self.server(), self.server(6)
        one, two = (self.connect(server, name=name) for name in ("one.example", "Two.Example"))
        six = self.connect(other, ip=6, name="six.example")
        self.assertEqual([c["id"] for c in listed()], [1, 2, 3])
        first, second, _ = listed()
        for arguments, ids in (
            (["--sni", "*.EXAMPLE."], [1, 2, 3]),
            (["--sni", "two.example"], [2]),
            (["--sni", "*.other"], []),
            (["--client-random", first["client_random"]], [1]),
            (["--client-random", first["client_random"][:8]], [1]),
            (["--server-random", second["server_random"][:16].upper()], [2]),
            (["--session-id", second["session_id"][:8]], [2]),
            (["--src", "10.1.0.0/16"], [1, 2]),
            (["--src", f"10.1.0.2:{one.port}"], [1]),
            (["--src", "0.0.0.0/0"], [1, 2]),
            (["--src", "fd01::/16"], [3]),
            (["--dst", f"[{SERVER[6]}]:{six.server.port}"], [3]),
            (["--dst", f"{SERVER[4]}:{server.port}", "--sni", "one.*"], [1]),
            (["--dst", f"{SERVER[4]}:{server.port}", "--sni", "six.*"], []),
            (["--state", "established"], [1, 2, 3]),
            (["--state", "established,lost", "--sni", "t*"], [2]),
            (["--state", "closed"], []),
        ):
            with self.subTest(arguments=arguments):
                self.assertEqual([c["id"] for c in listed(*arguments)], ids)
        two.close()

    def test_those_that_are_not_tracked_and_carry_a_mark(self):
        # The first connection was there before anybody looked, and says nothing from then on.
        server = self.server()
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "NEW")
        early = self.connect(server, ssl.TLSVersion.TLSv1_2)
        self.hold()
        client = self.connect(server)
        ctl("pin", str(client.listed()["id"]))
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(early.port), "--mark", "0x54000009")
        [pin] = json.loads(ctl("pins").stdout)["pins"]
        self.assertEqual(pin["others"], [f"10.1.0.2:{early.port} -> {SERVER[4]}:{server.port}"])
        self.assertEqual(client.listed()["pin"], "default")
        ctl("unpin")
        self.assertIn("mark=9 ", on("gateway", "conntrack", "-L", "-p", "tcp", "--orig-port-src", str(early.port)).stdout)


def churn(forgers, stop, rounds):
    """Has connections come and go, a thousand at a time. In a process of its own."""
    while not stop.is_set():
        for port in range(20000, 21000):
            open_connection(forgers, "10.1.0.9", port)
        on("gateway", "conntrack", "-D", "-p", "tcp", "--orig-src", "10.1.0.9", check=False)
        rounds.value += 1


def open_connection(forgers, address, port):
    ends = (address, port), ("10.2.0.9", 443)
    forgers["client"].send(*ends, 1000, 0, SYN)
    forgers["server"].send(*ends[::-1], 9000, 1001, SYN | ACK)
    forgers["client"].send(*ends, 1001, 9001, ACK)


class Dumps(GatewayTest):
    STEADY = 300

    def setUp(self):
        super().setUp()
        on("gateway", "tlsconnctl", "track", "on")
        # Hosts that are not there, so that none resets what it knows nothing of.
        for address, side in (("10.1.0.8", "client"), ("10.1.0.9", "client"), ("10.2.0.9", "server")):
            on("gateway", "ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:09", "dev", f"to-{side}")
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)

    def test_while_connections_come_and_go(self):
        forgers = self.forgers
        half = self.STEADY // 2
        for port in range(30000, 30000 + half):
            open_connection(forgers, "10.1.0.8", port)
        # Others in between that will be gone.
        for port in range(20000, 20500):
            open_connection(forgers, "10.1.0.9", port)
        for port in range(30000 + half, 30000 + self.STEADY):
            open_connection(forgers, "10.1.0.8", port)
        # A little at a time, so that a dump goes on where it stopped many times over.
        netlink = Netlink(most=4096)
        self.addCleanup(netlink.close)
        steady = attribute(N["A_CONNECTION_SELECTOR"] | NESTED, selector(("SRC_ADDR", b"\x0a\1\0\x08")))
        self.assertTrue(wait_for(lambda: len(netlink.ids(steady)) == self.STEADY))
        expected = netlink.ids(steady)
        stop, rounds = multiprocessing.Event(), multiprocessing.Value("q", 0)
        process = multiprocessing.get_context("fork").Process(target=churn, args=(forgers, stop, rounds))
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(stop.set)
        dumps = seen = 0
        until = time.monotonic() + 300
        while (dumps < 50 or rounds.value < 3) and time.monotonic() < until:
            ids = netlink.ids()
            self.assertEqual(ids, sorted(set(ids)), "in order, each once")
            self.assertLessEqual(set(expected), set(ids), "what was there all the time is there")
            self.assertEqual(netlink.ids(steady), expected)
            dumps, seen = dumps + 1, max(seen, len(ids))
        stop.set()
        print(f"\n{dumps} dumps of up to {seen} connections beside {rounds.value * 1000} that came and went", file=sys.stderr)
        self.assertGreaterEqual(rounds.value, 3)
        self.assertGreater(seen, self.STEADY)

    def test_a_reader_that_leaves_in_the_middle(self):
        for port in range(10000, 10200):
            open_connection(self.forgers, "10.1.0.8", port)
        self.assertTrue(wait_for(lambda: len(listed()) == 200))
        for _ in range(20):
            netlink = Netlink(most=4096)
            netlink.socket.send(netlink.message(N["CMD_CONNECTION_GET"], b"", REQUEST | DUMP))
            first = netlink.socket.recv(4096)
            self.assertGreater(uint(dict(attributes(first[20:]))[N["A_CONNECTION_ID"]]), 0)
            netlink.close()
        self.net("net_down")
        self.net("net_up")
        unload()
        load()


if __name__ == "__main__":
    unittest.main()
