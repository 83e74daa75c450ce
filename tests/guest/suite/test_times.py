# SPDX-License-Identifier: GPL-2.0-only
"""When the first and the last packet of a connection came."""

import datetime
import time

from conversation import Conversation, Wire
from lab import GatewayTest, ctl, on, wait_for

# What the module's times are exact to, and what clocks that are read one after the other differ by.
UNIT, NEAR = 0.7, 0.1
QUIET = 3


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


class Times(GatewayTest):
    def setUp(self):
        super().setUp()
        ctl("track", "on")

    def assertBetween(self, earliest, text, latest):
        """However slow the machine is: by clocks that were read before and after."""
        self.assertGreaterEqual(seconds(text), earliest - UNIT)
        self.assertLessEqual(seconds(text), latest + NEAR)

    def columns(self):
        text = on("gateway", "tlsconnctl", "list", "-o", "id,age,idle,rate", "--all", "--sort", "age").stdout
        lines = [line.split() for line in text.splitlines()]
        self.assertEqual(lines[0], ["ID", "AGE", "IDLE", "RATE"])
        # A rate is none where all came at one time.
        return [[0.0 if word == "-" else float(word.rstrip("s")) for word in line] for line in lines[1:]]

    def test_tls(self):
        server = self.server()
        begun = time.time()
        client = self.connect(server)
        connected = time.time()
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"))
        established = time.time()
        time.sleep(QUIET)
        seen = client.listed()
        self.assertBetween(begun, seen["first"], connected)
        self.assertBetween(begun, seen["last"], established)
        [[_, age, idle, _]] = self.columns()
        now = time.time()
        self.assertGreaterEqual(age, QUIET - NEAR)
        self.assertLessEqual(age, now - begun + UNIT)
        self.assertGreaterEqual(idle, QUIET - NEAR)
        self.assertLessEqual(idle, now - begun + UNIT)
        # Of an established connection, data and what acknowledges it.
        sent = time.time()
        client.send(b"more")
        self.assertArrives(client, b"more")
        [[*_, rate]] = self.columns()
        self.assertGreater(rate, 0)
        moved = client.listed()
        self.assertLess(abs(seconds(moved["first"]) - seconds(seen["first"])), NEAR)
        self.assertBetween(sent, moved["last"], time.time())
        other = self.connect(server)
        self.assertTrue(wait_for(lambda: other.listed()["state"] == "established"))
        # The younger one comes first.
        self.assertEqual([row[0] for row in self.columns()], [other.listed()["id"], client.listed()["id"]])

    def test_packets_that_are_passed_by(self):
        """Not TLS: packets with payload, and those without, take another way each."""
        wire = Wire()
        self.addCleanup(wire.close)
        talk = Conversation(wire, 30100)
        talk.next = {"client": 1000, "server": 5000}
        talk.open()
        for _ in range(3):
            talk.say("client", "text", None, b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(talk.listed()["state"], "not-tls")
        first = talk.listed()["first"]
        for step in (lambda: talk.say("client", "text", None, b"x: y\r\n"), lambda: talk.ack("server")):
            quiet = time.time()
            time.sleep(QUIET)
            self.assertLessEqual(seconds(talk.listed()["last"]), quiet + NEAR)
            begun = time.time()
            step()
            self.assertBetween(begun, talk.listed()["last"], time.time())
        self.assertLess(abs(seconds(talk.listed()["first"]) - seconds(first)), NEAR)

    def test_the_clock_is_set(self):
        """Ages are those by the clock as it is: both times move with it."""
        client = self.connect(self.server())
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"))
        before = client.listed()["first"]
        try:
            time.clock_settime(time.CLOCK_REALTIME, time.time() + 86_400)
            after = client.listed()["first"]
        finally:
            time.clock_settime(time.CLOCK_REALTIME, time.time() - 86_400)
        self.assertLess(abs(seconds(after) - seconds(before) - 86_400), UNIT)
