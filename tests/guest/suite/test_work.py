# SPDX-License-Identifier: GPL-2.0-only
"""What a packet may cost, in instructions, whatever it is made of: 300,000 for one of 16 KiB, and 2 more for each byte
above. Only where the guest's clock counts instructions: tests/lab/vm --icount.

Each is counted over a packet of the same size that comes in order, several times, and the least is taken: the guest does
other things too."""

import os
import random
import time
import unittest

import evasions
from conversation import RANDOM, Wire
from forge import ACK, PSH, SYN
from hellos import change_cipher_spec, client_hello, client_hello13, encrypted, extension, message, record, server_hello, server_hello13, vector
from lab import GatewayTest, listed, on, run, stats
from netlink import NESTED, N, Netlink, Refused, attribute
from scale import size, tell
from test_disorder import AT_ONCE, ORDERS, DisorderTest, stream

INSTRUCTIONS, EACH, LARGE = 300_000, 2, 16 * 1024
# Armed pins that may ask sets.
ASKING = 2
# Of the clock, for an instruction: tests/lab/guest.
NANOSECONDS = 2
MTU = 65_535


def data(count):
    return record(23, b"\x55" * count)


# Bytes that repeat: whatever may be a record, begin one, or lead a search nowhere.
UNITS = {
    "text": b"x",
    "types": b"\x17",
    "types and versions": b"\x17\3",
    "headers without lengths": b"\x17\3\3",
    "headers with lengths of none": b"\x17\3\3\0\0",
    "headers with lengths too large": b"\x17\3\3\xff\xff",
    "records of one byte": data(1),
    "alerts": record(21, b"\x55" * 2),
    "warnings": record(21, b"\1\x5a"),
    "types in turns": change_cipher_spec() + data(1),
    "all types": change_cipher_spec() + record(21, b"\1\x5a") + data(1) + record(24, b"\x55"),
    "messages in turns": record(22, b"\0") + change_cipher_spec(),
    "records of a message's parts": record(22, b"\0") + record(22, b"\0\0\1"),
    "encrypted alerts": record(21, b"\x55" * 27),
    "heartbeats": record(24, b"\x55" * 18),
    "ChangeCipherSpec": change_cipher_spec(),
    "pairs of records": data(1) * 2 + b"\0",
    "handshake records": record(22, b"\x17") + b"\x17",
    "encrypted handshake records": record(22, b"\x55" * 40),
    "handshake records of 27 bytes": record(22, b"\x55" * 27),
    "short types in turns": record(22, b"\x55" * 27) + record(24, b"\x55" * 27),
    "records of 72 bytes": data(72),
    "records of 80 bytes": data(80),
    "records of 91 bytes": data(91),
    "handshake records of 125 bytes": record(22, b"\x55" * 125),
    "records of 64 bytes": data(64),
    "records of 125 bytes": data(125),
    "records of 128 bytes": data(128),
    "longer types in turns": record(22, b"\x55" * 125) + data(125),
    "chains that end at a type": data(1) * 3 + b"\x19",
    "chains that end at a version": data(1) * 3 + b"\x17\3\x09",
    "records of 300 bytes": data(295),
    "random bytes": random.Random(17).randbytes(100_003),
}


class Timed:
    """A socket that notes how long it takes to send: the packet is taken in by all hosts meanwhile, as there is one
    processor."""

    def __init__(self, inner, times):
        self.inner, self.times = inner, times

    def sendto(self, *arguments):
        begun = time.perf_counter_ns()
        self.inner.sendto(*arguments)
        self.times.append(time.perf_counter_ns() - begun)


COUNTS = unittest.skipUnless(os.environ.get("TLSCONN_ICOUNT"), "the guest's clock counts no instructions: tests/lab/vm --icount")


@COUNTS
class Work(DisorderTest):
    TIMES = 3

    def setUp(self):
        super().setUp()
        self.plains = {}
        self.ports = iter(range(10_000, 60_000))
        for host, link in ("client", "eth0"), ("gateway", "to-client"), ("gateway", "to-server"), ("server", "eth0"):
            on(host, "ip", "link", "set", link, "mtu", str(MTU))

    def plain(self, octets):
        """What a packet of that size costs whose records are large."""
        if octets not in self.plains:
            payload = (data(16_000) * (octets // 16_000 + 1))[:octets]
            times = [self.talk().established().put("client", payload) for _ in range(5)]
            self.plains[octets] = min(times) // NANOSECONDS
        return self.plains[octets]

    def judge(self, name, packets, octets=0):
        """`packets`: their nanoseconds, of each time that the story was told."""
        plain = self.plain(octets)
        least = [min(times) // NANOSECONDS - plain for times in zip(*packets, strict=True)]
        worst = max(least)
        most = INSTRUCTIONS + EACH * max(0, octets - LARGE)
        tell(f"{name}: {worst} instructions at most, of {most}; packet {least.index(worst) + 1} of {len(least)}; in the "
             "middle", sorted(least)[len(least) // 2])
        self.assertLess(worst, most, name)
        return worst

    def least(self, story):
        return [story(self.talk().established()) for _ in range(self.TIMES)]

    # Segments after a hole.

    def test_one_byte_segments(self):
        count = 1000
        for order in ORDERS:
            for host in "client", "server":
                def story(talk, order=order, host=host):
                    octets = stream(count)
                    times = self.keep(talk, host, octets, order)
                    times.append(talk.put(host, octets[:1]))
                    talk.moved(host, count)
                    other = "server" if host == "client" else "client"
                    times += [talk.put(other) for _ in range(count // AT_ONCE + 1)]
                    return times
                with self.subTest(order=order, host=host):
                    self.judge(f"{order}, {host}", self.least(story))

    def test_given_up(self):
        """One segment more than there is room for."""
        self.judge("given up", self.least(lambda talk: self.keep(talk, "client", stream(1100), "decreasing")))

    def test_the_entry_used_again(self):
        """A SYN-ACK of another connection ends one that keeps a thousand."""
        def story(talk):
            self.keep(talk, "client", stream(1000), "random")
            self.counted()
            before = talk.listed()
            talk.next = {"client": 77_000_001, "server": 88_000_001}
            talk.put("client", flags=SYN, at=-1)
            times = [talk.put("server", flags=SYN | ACK, at=-1)]
            self.counted()
            after = talk.listed()
            self.assertGreater(after["id"], before["id"])
            self.assertEqual(after["state"], "new")
            return times
        self.judge("the entry used again", self.least(story))

    def test_large_ones_at_one_place(self):
        """The same length, and other bytes at the end: they are compared."""
        def story(talk):
            large = b"d" * 15_900
            return [talk.put("client", large + bytes([number // 2]), at=1) for number in range(8)]
        self.judge("large ones at one place", self.least(story), 15_901)

    def test_large_ones(self):
        """More than is taken in at once."""
        def story(talk):
            octets = stream(48_000)
            times = [talk.put("client", octets[place:place + 16_000], at=place) for place in (32_001, 16_001, 1)]
            times.append(talk.put("client", octets[:1]))
            talk.moved("client", len(octets))
            times += [talk.put("server") for _ in range(4)]
            self.counted()
            self.assertEqual(self.took(talk, "client")[0], "established")
            return times
        self.judge("large ones", self.least(story))

    # What one packet is made of, wherever the connection is.

    def opened(self, *told):
        talk = self.talk()
        talk.put("client", flags=SYN, at=-1)
        talk.put("server", flags=SYN | ACK, at=-1)
        talk.put("client")
        for host, octets in told:
            talk.tell(host, octets)
        return talk

    def places(self):
        """Connections that a packet may come to, and who sends it."""
        flight = server_hello13(RANDOM) + change_cipher_spec() + b"".join(map(encrypted, (23, 795, 281, 53)))
        hello = "client", client_hello13(RANDOM)
        finished = "client", change_cipher_spec() + encrypted(53)

        def lost(*more):
            talk = self.talk()
            for octets in (b"text", b"text", *more):
                talk.tell("client", octets)
            return talk
        yield "picked up", "client", lost
        yield "resynchronised", "client", lambda: lost(data(9), data(9), data(9))
        yield "TLS 1.2", "client", lambda: self.talk().established()
        yield "TLS 1.3", "client", lambda: self.opened(hello, ("server", flight), finished)
        yield "opened", "client", self.opened
        yield "after ClientHello", "client", lambda: self.opened(hello)
        yield "before ServerHello", "server", lambda: self.opened(hello)
        yield "before Finished", "client", lambda: self.opened(hello, ("server", flight))
        begun = server_hello13(RANDOM) + change_cipher_spec() + encrypted(23)
        yield "in the server's flight", "server", lambda: self.opened(hello, ("server", begun))
        hello12 = ("client", client_hello(RANDOM)), ("server", server_hello(RANDOM))
        yield "after ServerHello of TLS 1.2", "server", lambda: self.opened(*hello12)
        yield "encrypted, TLS 1.2", "client", lambda: self.opened(*hello12, ("client", change_cipher_spec()))

    def test_what_a_packet_is_made_of(self):
        found = []
        for place, host, begin in self.places():
            for unit, octets in UNITS.items():
                for count in (15_900, 65_000):
                    payload = (octets * (count // len(octets) + 1))[:count]
                    times = [[begin().put(host, payload)] for _ in range(self.TIMES)]
                    with self.subTest(place=place, unit=unit, count=count):
                        found.append((self.judge(f"{place}, {unit}, {count}", times, count), place, unit))
        self.assertEqual(len({place for _, place, _ in found}), 11)

    # What is looked for, and tables that are full.

    def test_patterns(self):
        """64 pins wait for names that fit their patterns until the last byte, or do not at all."""
        netlink = Netlink()
        self.addCleanup(netlink.close)
        name = b"a" * 253
        # The longest that may have a second star are 32 bytes from there to the first, where there are 64 of them.
        patterns = {"one star": b"*" + b"a" * 251 + b"b", "no star": b"a" * 252 + b"b",
                    "two stars": b"*" + b"a" * 30 + b"b*", "many stars": b"*a" * 15 + b"*b*",
                    "question marks": b"*" + b"?" * 30 + b"b*"}
        for what, pattern in patterns.items():
            for number in range(64):
                self.arm(netlink, number, SNI=pattern)
            hello = client_hello(RANDOM, sni=name)
            with_pins = [[self.opened().put("client", hello)] for _ in range(self.TIMES)]
            with self.assertRaisesRegex(Refused, "between first and last|64 pins"):
                self.arm(netlink, 64, SNI=b"*a*")
            netlink.ask(N["CMD_PIN_DEL"], attribute(N["A_PIN_ALL"]))
            without = [[self.opened().put("client", hello)] for _ in range(self.TIMES)]
            with self.subTest(patterns=what):
                spent = (min(with_pins)[0] - min(without)[0]) // NANOSECONDS
                tell(f"64 patterns, {what}: {spent} instructions")
                self.assertGreater(spent, 1000)
                self.assertLess(spent, INSTRUCTIONS)
        # A few long ones, up to the bound.
        for number in range(8):
            self.arm(netlink, number, SNI=b"*" + b"a" * 251 + b"b*")
        with self.assertRaisesRegex(Refused, "between first and last"):
            self.arm(netlink, 8, SNI=b"*" + b"a" * 251 + b"b*")

    def test_sets(self):
        """As many pins as may ask sets do, for a host of the most labels, of which each is looked for among names that are as long as
        may be."""
        netlink = Netlink()
        self.addCleanup(netlink.close)
        names = "\n".join(f"{number:05}.{'b' * 249}" for number in range(2000))
        hello = client_hello(RANDOM, sni=b".".join([b"a"] * 127))
        for number in range(ASKING):
            run("tlsconnctl", "-n", "gateway", "set", "load", f"s{number}", "-", stdin=names)
            self.arm(netlink, number, SNI_SET=b"s%d\0" % number)
        with self.assertRaisesRegex(Refused, "ask sets already"):
            self.arm(netlink, ASKING, SNI_SET=b"s0\0")
        with_pins = [[self.opened().put("client", hello)] for _ in range(self.TIMES)]
        netlink.ask(N["CMD_PIN_DEL"], attribute(N["A_PIN_ALL"]))
        without = [[self.opened().put("client", hello)] for _ in range(self.TIMES)]
        spent = (min(with_pins)[0] - min(without)[0]) // NANOSECONDS
        tell(f"{ASKING} pins that ask sets: {spent} instructions")
        self.assertGreater(spent, 1000)
        # What the bound on pins goes by (kmod/pins/list.rs).
        self.assertLess(spent, ASKING * 36_000)

    def test_ja4_and_everything_beside_it(self):
        """A hello that has as much of everything as any JA4 is made of, where all pins' patterns fit until the JA4's last character,
        and as many of them as may ask sets."""
        netlink = Netlink()
        self.addCleanup(netlink.close)
        name = b".".join([b"a"] * 127)
        suites = b"".join(number.to_bytes(2, "big") for number in range(256, 0, -1))
        more = b"".join(extension(number, b"") for number in range(300, 300 - 121, -1))
        more += extension(0, vector(b"\0" + vector(name, 2), 2)) + extension(13, vector(bytes(range(1, 129)), 2))
        more += extension(43, b"\2\3\4") + extension(51, bytes(38))
        body = b"\3\3" + RANDOM + b"\0" + vector(suites, 2) + b"\1\0" + vector(more, 2)
        hello = message(1, body)
        spent = {"nothing": min([self.opened().put("client", hello)] for _ in range(self.TIMES))[0]}
        run("tlsconnctl", "-n", "gateway", "track", "on", "--ja4")
        spent["JA4"] = min([self.opened().put("client", hello)] for _ in range(self.TIMES))[0]
        ja4 = listed("--all")[-1]["ja4"]
        self.assertRegex(ja4, "^t13d99")
        names = "\n".join(f"{number:05}.{'b' * 249}" for number in range(2000))
        almost = ja4[:-1].encode() + (b"1" if ja4[-1] == "0" else b"0") + b"\0"
        for number in range(ASKING):
            run("tlsconnctl", "-n", "gateway", "set", "load", f"s{number}", "-", stdin=names)
        # As many sets, names with two stars and JA4s with two stars as the bound on all pins lets in.
        for sets, stars, ja4s in ((ASKING, 1, 0), (0, 64, 0), (0, 0, 22)):
            for number in range(64):
                pattern = b"*" + name[2:32] + b"*" + name[32:] if number < stars else b"*" + name[2:]
                more = ({"SNI_SET": b"s%d\0" % number} if number < sets
                        else {"JA4": b"*zz*"} if number < ja4s else {"JA4": almost})
                self.arm(netlink, number, SNI=pattern, **more)
            all_of_it = min([self.opened().put("client", hello)] for _ in range(self.TIMES))[0]
            netlink.ask(N["CMD_PIN_DEL"], attribute(N["A_PIN_ALL"]))
            nothing, with_ja4, all_of_it = (value // NANOSECONDS for value in (*spent.values(), all_of_it))
            with self.subTest(sets=sets, stars=stars, ja4s=ja4s):
                tell(f"hello of {len(hello)} bytes: {nothing} instructions; JA4 {with_ja4 - nothing}; 64 pins, {sets} sets, {stars} "
                     f"names and {ja4s} JA4s with two stars: {all_of_it - with_ja4}; {all_of_it} in all")
                self.assertGreater(all_of_it, with_ja4 + 10_000)
                self.assertLess(all_of_it, INSTRUCTIONS)

    def arm(self, netlink, number, **selectors):
        selector = b"".join(attribute(N[f"A_SELECTOR_{of}"], value) for of, value in selectors.items())
        netlink.ask(N["CMD_PIN_SET"], attribute(N["A_PIN_NAME"], b"p%d\0" % number)
                    + attribute(N["A_PIN_MARK"], number + 1 << 24) + attribute(N["A_PIN_MASK"], 0xFF000000)
                    + attribute(N["A_PIN_NEXT"]) + attribute(N["A_PIN_REPLACE"])
                    + attribute(N["A_PIN_SELECTOR"] | NESTED, selector))

    def many(self, count):
        """Connections of which only the beginning came."""
        for number in range(count):
            talk = self.talk()
            talk.put("client", flags=SYN, at=-1)
            talk.put("server", flags=SYN | ACK, at=-1)
            talk.put("client", client_hello(RANDOM)[:40])

    def test_full_tables(self):
        """The next connection where there is room for no other, or no other handshake."""
        count = size(600, 20_000)
        for parameter in "max_handshakes", "max_connections":
            with self.subTest(parameter=parameter):
                self.with_parameters(f"{parameter}={count}")
                self.many(count + 10)
                times = [[talk.put(*packet[:2], **packet[2]) for packet in (
                    ("client", b"", {"flags": SYN, "at": -1}), ("server", b"", {"flags": SYN | ACK, "at": -1}),
                    ("client", client_hello(RANDOM)[:40], {}))] for talk in (self.talk() for _ in range(self.TIMES))]
                self.judge(f"full: {parameter}", times)
                on("gateway", "conntrack", "-F")

    def test_syns_with_data(self):
        """More than are kept, by bytes and by number, and more than are remembered as gone."""
        before = stats()["lost-syn-data"]
        for count, octets in ((1100, b"x"), (1100, bytes(2048)), (size(4200, 20_000), b"y" * 6)):
            with self.subTest(count=count, octets=len(octets)):
                talks = [self.talk() for _ in range(count)]
                for talk in talks:
                    talk.put("client", octets, flags=SYN, at=-1)
                times = [[talk.put("client", octets, flags=SYN, at=-1), talk.put("server", flags=SYN | ACK, at=-1,
                          ack=(talk.next["client"] + len(octets)) & 0xFFFFFFFF)] for talk in
                         (self.talk() for _ in range(self.TIMES))]
                self.judge(f"{count} SYNs with {len(octets)} bytes", times, len(octets))
                # The oldest one's data has gone.
                talk = talks[0]
                talk.put("server", flags=SYN | ACK, at=-1, ack=(talk.next["client"] + len(octets)) & 0xFFFFFFFF)
                on("gateway", "conntrack", "-F")
        self.assertGreater(stats()["lost-syn-data"], before)


@COUNTS
class Evasions(GatewayTest):
    """All that the table of evasions sends, with the ruleset that is printed."""

    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)

    def test_evasions(self):
        for row, title, function in evasions.in_order()[::size(6, 1)]:
            times = [self.timed(function) for _ in range(2)]
            with self.subTest(title):
                least = [min(both) // NANOSECONDS for both in zip(*times, strict=False)]
                worst = max(least, default=0)
                tell(f"evasion {row}: {worst} instructions at most of {len(least)} packets, all of the path")
                self.assertLess(worst, INSTRUCTIONS)

    def timed(self, function):
        times = []
        for forger in self.wire.forgers.values():
            forger.socket = Timed(forger.socket, times)
        try:
            evasions.Field(self.wire, evasions.Tlsconn()).play(function)
        finally:
            for forger in self.wire.forgers.values():
                forger.socket = forger.socket.inner
        return times


if __name__ == "__main__":
    unittest.main()
