# SPDX-License-Identifier: GPL-2.0-only
"""Segments after a hole by the thousand, of one byte each: in any order, sent again, with other bytes. test_work
says what a packet costs then."""

import random
import time
import unittest

import slabs
from conversation import CLIENT, FINISHED12, RANDOM, Conversation, Wire
from forge import ACK, PSH, SYN
from hellos import change_cipher_spec, client_hello, message, record, server_hello
from lab import GatewayTest, load, on, run, stats, unload, wait_for
from scale import mostly_uml, size

# What a packet takes in of what is kept.
AT_ONCE = 64
ORDERS = {
    "increasing": lambda places: places,
    "decreasing": lambda places: places[::-1],
    "random": lambda places: random.Random(17).sample(places, len(places)),
}
TYPES = "unknown", "handshake", "application-data"


class Talk(Conversation):
    """A connection whose packets are sent without a look at what arrives."""

    def put(self, host, octets=b"", at=0, **fields):
        """Sends a packet. Its nanoseconds: it is taken in by all hosts meanwhile where there is one processor."""
        fields.setdefault("flags", ACK | PSH if octets else ACK)
        packet = self.packet(host, octets, at=at, **fields)
        to = self.ends[self.other(host)][0], 0
        begun = time.perf_counter_ns()
        self.wire.forgers[host].socket.sendto(packet, to)
        taken = time.perf_counter_ns() - begun
        self.wire.sent += 1
        return taken

    def moved(self, host, count):
        self.next[host] = (self.next[host] + count) & 0xFFFFFFFF

    def tell(self, host, octets):
        self.put(host, octets)
        self.moved(host, len(octets))

    def established(self):
        self.put("client", flags=SYN, at=-1)
        self.put("server", flags=SYN | ACK, at=-1)
        self.put("client")
        self.tell("client", client_hello(RANDOM, sni=b"first.example"))
        self.tell("server", server_hello(RANDOM) + message(11, bytes(600)) + message(14, b""))
        self.tell("client", message(16, bytes(66)) + change_cipher_spec() + FINISHED12)
        self.tell("server", change_cipher_spec() + FINISHED12)
        self.put("client")
        return self


def stream(count):
    """So many bytes of application data in records of 195 bytes, the last a shorter one: of a thousand bytes, no more records
    than are known when they come again."""
    octets = b""
    while len(octets) + 200 < count:
        octets += record(23, b"d" * 195)
    return octets + record(23, b"d" * (count - len(octets) - 5))


class DisorderTest(GatewayTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        # Nobody looks at what arrives, and what nobody reads takes memory.
        for frames in self.wire.frames.values():
            frames.close()
        self.wire.sent = 0
        self.ports = iter(range(40001, 41000))
        # They count: one rule for all, one a type.
        rules = ["-A PREROUTING -p tcp", *(f"-A PREROUTING -p tcp -m tlsconn --record-type {name}" for name in TYPES)]
        on("gateway", "iptables-legacy-restore", "--noflush", stdin="\n".join(["*mangle", *rules, "COMMIT", ""]))

    def with_parameters(self, *parameters):
        """The module loaded anew, with the same rules."""
        saved = on("gateway", "iptables-legacy-save", "-c").stdout
        flush = lambda: [on("gateway", "iptables-legacy", "-t", table, "-F") for table in ("mangle", "filter")]
        flush()
        unload()
        run("modprobe", "xt_tlsconn", *parameters)
        for cleanup in (load, unload, flush):
            self.addCleanup(cleanup)
        on("gateway", "iptables-legacy-restore", "-c", stdin=saved)

    def talk(self):
        return Talk(self.wire, next(self.ports))

    def counted(self):
        """Packets, once all that were sent have been seen: of each rule."""
        def count():
            lines = on("gateway", "iptables-legacy", "-t", "mangle", "-nvxL", "PREROUTING").stdout.splitlines()[2:]
            return [int(line.split()[0]) for line in lines]
        self.assertTrue(wait_for(lambda: count()[0] == self.wire.sent), (count(), self.wire.sent))
        return count()[1:]

    def types(self):
        """Packets of each type since this was asked for before."""
        now = self.counted()
        before, self.before = getattr(self, "before", now), now
        return dict(zip(TYPES, (new - old for old, new in zip(before, now, strict=True)), strict=True))

    def keep(self, talk, host, octets, order, times=1):
        """Sends all but the first byte, each in a segment."""
        return [talk.put(host, octets[place:place + 1], at=place)
                for place in ORDERS[order](list(range(1, len(octets)))) for _ in range(times)]

    def took(self, talk, host):
        connection = talk.listed()
        return connection["state"], connection["bytes"][host]


class Disorder(DisorderTest):
    # Under 1,008 segments, which is what 64 KiB have room for.
    COUNT = 1000

    def each(self):
        for order in ORDERS:
            for host in "client", "server":
                yield order, host

    @mostly_uml
    def test_the_hole_fills(self):
        """In the end all is as if it had come in order, and until then nothing reads anything but unknown."""
        for order, host in self.each():
            with self.subTest(order=order, host=host):
                talk = self.talk().established()
                octets = stream(self.COUNT)
                _, before = self.took(talk, host)
                self.types()
                # The same once more is not kept once more: there would be no room.
                self.keep(talk, host, octets, order, times=2)
                self.assertEqual(self.types(), {"unknown": 2 * (self.COUNT - 1), "handshake": 0, "application-data": 0})
                self.assertEqual(self.took(talk, host), ("established", before))
                talk.put(host, octets[:1])
                # Nothing else comes: it is taken in all the same.
                self.assertTrue(wait_for(lambda: self.took(talk, host)[1] == before + self.COUNT, 20), self.took(talk, host))
                self.types()
                self.keep(talk, host, octets, order)
                talk.moved(host, self.COUNT)
                talk.tell(host, stream(100))
                self.assertEqual(self.types(), {"unknown": 0, "handshake": 0, "application-data": self.COUNT})
                now = talk.listed()
                self.assertEqual((now["state"], now["reason"]), ("established", None))
                records = now["records"][host]["application-data"]
                self.assertEqual(records, stream(self.COUNT).count(b"\x17\3\3") + 1)

    def test_what_waits_is_taken_in_with_later_packets(self):
        """Of either side, and these are not taken for anything meanwhile: what they acknowledge has been seen, though it was
        not taken in, and what follows from it can be told after it."""
        count = 900
        for host in "client", "server":
            with self.subTest(host=host):
                other = "server" if host == "client" else "client"
                talk = self.talk().established()
                octets, answer = stream(count), stream(60)
                _, before = self.took(talk, host)
                self.keep(talk, host, octets, "random")
                self.types()
                talk.put(host, octets[:1])
                talk.moved(host, count)
                # 64 with each; the periodic work may take some too.
                talk.tell(other, answer)
                self.assertIn(self.types()["unknown"], (0, 1))
                for _ in range(count // AT_ONCE):
                    talk.put(other)
                self.counted()
                self.assertEqual(self.took(talk, host), ("established", before + count))
                self.types()
                talk.put(other, answer, at=-len(answer))
                self.assertEqual(self.types(), {"unknown": 0, "handshake": 0, "application-data": 1})
                self.assertEqual(talk.listed()["state"], "established")

    def test_a_finished_that_waits(self):
        """The server answers a client's Finished that the gateway has not taken in yet: data, not its own flight."""
        talk = self.talk()
        talk.put("client", flags=SYN, at=-1)
        talk.put("server", flags=SYN | ACK, at=-1)
        talk.put("client")
        talk.tell("client", client_hello(RANDOM, sni=b"first.example"))
        talk.tell("server", server_hello(RANDOM) + message(11, bytes(600)) + message(14, b""))
        flight = message(16, bytes(650)) + change_cipher_spec() + FINISHED12
        self.keep(talk, "client", flight, "decreasing")
        self.types()
        talk.put("client", flight[:1])
        talk.moved("client", len(flight))
        talk.tell("server", change_cipher_spec() + FINISHED12)
        talk.tell("server", stream(300))
        found = self.types()
        self.assertEqual(found["handshake"] + found["unknown"], 3 if found["unknown"] else 2, found)
        for _ in range(len(flight) // AT_ONCE):
            talk.put("client")
        self.counted()
        now = talk.listed()
        self.assertEqual((now["state"], now["reason"], now["sni"]), ("established", None, "first.example"))
        self.assertEqual(now["records"]["server"]["application-data"], 2)

    def test_others_at_the_same_place(self):
        """Which of them the receiver takes is not known, so all are kept; but not more than four."""
        hello = client_hello(RANDOM, sni=b"first.example")
        for copies, found in ((4, ("tainted", "resent-differently")), (5, ("lost", "hole"))):
            with self.subTest(copies=copies):
                talk = self.talk()
                talk.put("client", flags=SYN, at=-1)
                talk.put("server", flags=SYN | ACK, at=-1)
                talk.put("client")
                for number in range(copies):
                    for _ in range(3):
                        talk.put("client", bytes([hello[20] + number]) + hello[21:], at=20)
                self.counted()
                self.assertEqual(talk.listed()["state"], "new" if copies == 4 else "lost")
                talk.put("client", hello[:20])
                self.counted()
                now = talk.listed()
                self.assertEqual((now["state"], now["reason"]), found)

    def test_no_more_than_a_thousand(self):
        """Whatever the parameters are, and all are given back at once then."""
        self.with_parameters("hole_octets=1048576", "hole_octets_total=1073741824")
        before = slabs.in_use()
        for order in ORDERS:
            with self.subTest(order=order):
                talk = self.talk().established()
                octets, dropped = stream(1100), stats()["out-of-order-dropped"]
                self.keep(talk, "client", octets[:1025], order)
                self.counted()
                self.assertEqual(talk.listed()["state"], "established")
                self.keep(talk, "client", octets[:1] + octets[1025:1027], order)
                self.counted()
                now = talk.listed()
                self.assertEqual((now["state"], now["reason"]), ("lost", "hole"))
                self.assertEqual(stats()["out-of-order-dropped"], dropped + 1)
        on("gateway", "conntrack", "-F")
        self.assertEqual(slabs.settled(before, 300), {})

    def test_nothing_is_left(self):
        """Filled, given up, ended while full: no memory stays."""
        before = slabs.in_use()
        for number in range(size(12, 60)):
            talk = self.talk().established()
            octets = stream(900)
            self.keep(talk, "client", octets, random.Random(number).choice(list(ORDERS)))
            if number % 3 == 0:
                talk.put("client", octets[:1])
            elif number % 3 == 1:
                self.keep(talk, "server", stream(200), "random")
        on("gateway", "conntrack", "-F")
        self.assertEqual(slabs.settled(before, 300), {})


if __name__ == "__main__":
    unittest.main()
