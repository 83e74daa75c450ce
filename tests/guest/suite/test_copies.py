# SPDX-License-Identifier: GPL-2.0-only
"""Connections that say the same as the pinned one, and hellos that race for a pin: exactly one is let through."""

import concurrent.futures
import json
import unittest

from conversation import RANDOM, Conversation, Wire
from hellos import client_hello, message, server_hello
from lab import GatewayTest, ctl, listed


def pin():
    [pin] = json.loads(ctl("pins").stdout)["pins"]
    return pin["state"], pin["connection"]


class Copies(GatewayTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        self.hold()
        self.port = 40000

    def conversation(self):
        self.port += 1
        return Conversation(self.wire, self.port)

    def greets(self, conversation):
        conversation.say("client", "ClientHello", True, client_hello(RANDOM, sni=b"first.example"))

    def answers(self, conversation):
        conversation.say("server", "ServerHello", True, server_hello(RANDOM, b"") + message(11, bytes(600)) + message(14, b""))

    def test_a_copied_client_random(self):
        """Both randoms are the same, and the name and the ends but for the port."""
        pinned = self.conversation().tls12()
        ctl("pin", "--client-random", RANDOM.hex())
        copy = self.conversation().tls12()
        self.assertEqual([c["client_random"] for c in listed()], [RANDOM.hex()] * 2)
        for _ in range(3):
            self.assertTrue(pinned.data())
            self.assertFalse(copy.data())
        self.assertEqual([c["pin"] for c in listed()], ["default", None])
        # Which of the two is meant is not for the tool to guess.
        ctl("unpin")
        done = ctl("pin", "--client-random", RANDOM.hex(), check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("ids 1 2", done.stderr)
        self.assertEqual([c["mark"] for c in listed()], ["0x0"] * 2)

    def test_the_pin_waits_for_one_of_them(self):
        for selector in ([], ["--client-random", RANDOM.hex()], ["--sni", "first.example"]):
            with self.subTest(selector=selector):
                first, second, third = (self.conversation().open() for _ in range(3))
                ctl("pin", "--next", *selector)
                # Both hellos are there before either is answered, and the later one's answer comes first.
                self.greets(first)
                self.greets(second)
                self.answers(second)
                self.assertEqual(pin(), ("armed", None), "kept for the first")
                self.answers(first)
                self.assertEqual(pin(), ("bound", first.listed()["id"]))
                first.finish12()
                second.finish12()
                self.greets(third)
                self.answers(third)
                third.finish12()
                self.assertEqual(pin(), ("bound", first.listed()["id"]))
                self.assertEqual([first.data(), second.data(), third.data()], [True, False, False])
                ctl("unpin")

    def test_hellos_from_two_processors_at_once(self):
        """Sent by threads that nobody keeps apart, and answered likewise."""
        for _ in range(10):
            several = [self.conversation().open() for _ in range(4)]
            packets = [c.packet("client", client_hello(RANDOM, sni=b"first.example"), flags=24) for c in several]
            ctl("pin", "--next")
            with concurrent.futures.ThreadPoolExecutor(len(several)) as threads:
                list(threads.map(lambda packet: self.wire.forgers["client"].socket.sendto(packet, ("10.2.0.2", 0)), packets))
            for conversation, packet in zip(several, packets):
                conversation.next["client"] += len(packet) - 40
                self.answers(conversation)
                conversation.finish12()
            bound = [c["id"] for c in listed() if c["pin"]]
            self.assertEqual(len(bound), 1)
            self.assertEqual(pin(), ("bound", bound[0]))
            through = [c for c in several if c.data()]
            self.assertEqual([c.listed()["id"] for c in through], bound)
            ctl("unpin")


if __name__ == "__main__":
    unittest.main()
