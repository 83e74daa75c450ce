# SPDX-License-Identifier: GPL-2.0-only
"""Handshakes that do not go on: how many hold memory, which one goes for another, and when it is given back."""

import collections
import unittest

from forge import ACK, PSH, SYN, Forger
from lab import GatewayTest, ctl, listed, load, run, stats, unload, wait_for
from scale import mostly_uml

# Addresses that nobody has, on the client's and on the server's side.
NOBODY = "10.1.0.77", "10.2.0.77"
MAX = 20
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 20


class Handshakes(GatewayTest):
    def setUp(self):
        # Once the namespaces have gone: the other tests have the module with its defaults.
        self.addCleanup(lambda: (unload(), load()))
        super().setUp()
        unload()
        run("modprobe", "xt_tlsconn", f"max_handshakes={MAX}")
        self.hold()
        self.forgers = [Forger(host) for host in ("client", "server")]
        for forger in self.forgers:
            self.addCleanup(forger.close)

    def begin(self, ports, hello=HELLO):
        """Connections with an answered SYN, and the beginning of a ClientHello if there is one."""
        for port in ports:
            ends = [(NOBODY[0], port), (NOBODY[1], 443)]
            self.forgers[0].send(*ends, 1000, 0, SYN)
            self.forgers[1].send(*reversed(ends), 5000, 1001, SYN | ACK)
            if hello:
                self.forgers[0].send(*ends, 1001, 5001, ACK | PSH, hello)

    @staticmethod
    def states():
        return collections.Counter((one["state"], one["reason"]) for one in listed("--all"))

    def completes(self):
        client = self.connect(self.server())
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established", 5), client.listed())
        client.send(b"held")
        self.assertHeld(client)
        return client

    def test_the_oldest_unfinished_one_goes_for_another(self):
        # What has no payload holds none.
        self.begin(range(9000, 9050), b"")
        client = self.completes()
        ctl("pin", str(client.listed()["id"]))
        for cut in (1, 3, 11, 31):
            with self.subTest(cut=cut):
                first = 10000 + 100 * cut
                before = stats()["lost-handshake-timeout"]
                self.begin(range(first, first + 2 * MAX), HELLO[:cut])
                self.assertGreaterEqual(stats()["lost-handshake-timeout"] - before, MAX)
                # The last ones are those that are left.
                left = {int(one["src"].rsplit(":", 1)[1]) for one in listed("--state", "hello", "--src", NOBODY[0])}
                self.assertEqual(left, set(range(first + MAX, first + 2 * MAX)))
        self.completes()
        client.send(b" and more")
        self.assertArrives(client, b"held and more")

    @mostly_uml
    def test_what_is_silent_gives_its_memory_back(self):
        """After a minute where over half are used; packets that come again count as signs of life."""
        self.begin(range(10000, 10000 + MAX))
        alive = (NOBODY[0], 10000), (NOBODY[1], 443)

        def given_back():
            self.forgers[0].send(*alive, 1001, 5001, ACK | PSH, HELLO)
            return self.states()["lost", "handshake-timeout"] >= MAX - 1

        self.assertTrue(wait_for(given_back, 90), self.states())
        [left] = listed("--state", "hello")
        self.assertEqual(left["src"], "%s:%s" % alive[0])


if __name__ == "__main__":
    unittest.main()
