# SPDX-License-Identifier: GPL-2.0-only
"""Others see a pin by the connection mark, and what they mark is let through: conntrack, nft, connmark, tc."""

import json
import os
import subprocess
import unittest

from lab import GatewayTest, ctl, listed, on, run, wait_for
from scale import UML

MARK = "0x54000000/0xff000000"


class Beside(GatewayTest):
    def setUp(self):
        super().setUp()
        self.hold()
        server = self.server()
        self.pinned, self.other = (self.connect(server) for _ in range(2))

    def pin(self):
        ctl("pin", str(self.pinned.listed()["id"]))

    def flow(self):
        """Octets on both, of which the pinned one's arrive."""
        for client in (self.pinned, self.other):
            client.send(b"octets")
        self.assertArrives(self.pinned, b"octets")
        self.assertEqual(self.other.arrived(), b"")

    def test_conntrack_lists_and_tells(self):
        told = subprocess.Popen(["ip", "netns", "exec", "gateway", "stdbuf", "-oL", "conntrack", "-E", "-e", "UPDATES",
                                 "-p", "tcp", "--mark", MARK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(told.stdout.close)
        self.addCleanup(told.wait)
        self.addCleanup(told.kill)
        os.set_blocking(told.stdout.fileno(), False)
        # Events are kept for entries that were made while somebody listened.
        lines, clients = [], []

        def has_told():
            client = self.connect(self.pinned.server)
            clients.append(client)
            ctl("pin", str(client.listed()["id"]), "--replace")
            return wait_for(lambda: (lines.extend(told.stdout), [l for l in lines if f"sport={client.port} " in l])[1], 2)

        self.assertTrue(wait_for(has_told, 30), lines)
        self.assertIn("mark=1409286144", lines[-1])
        carry = on("gateway", "conntrack", "-L", "--mark", MARK).stdout.splitlines()
        self.assertEqual([f"sport={clients[-1].port} " in line for line in carry], [True])

    def test_nft_and_connmark(self):
        on("gateway", "nft", "-f", "-", stdin="table ip other { chain c { type filter hook forward priority -10; "
           "ct mark & 0xff000000 == 0x54000000 counter; }; }")
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-m", "connmark", "--mark", MARK)

        def counted():
            [rule] = [line for line in on("gateway", "nft", "list", "chain", "ip", "other", "c").stdout.splitlines()
                      if "counter" in line]
            connmark = on("gateway", "iptables-legacy", "-t", "mangle", "-nvxL", "FORWARD").stdout.splitlines()[2]
            pinned = on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines()[2]
            return [int(rule.split("packets ")[1].split()[0]), int(connmark.split()[0]), int(pinned.split()[0])]

        self.assertEqual(counted(), [0, 0, 0])
        self.pin()
        self.flow()
        first, *others = counted()
        self.assertGreater(first, 0)
        # The last acknowledgement may pass in between.
        self.assertTrue(wait_for(lambda: len(set(counted())) == 1), counted())

    def test_tc(self):
        if UML:
            self.skipTest("this kernel was built without tc's action connmark")
        run("tc", "-n", "gateway", "qdisc", "add", "dev", "to-server", "clsact")
        for filter_ in (["prio", "1", "matchall", "action", "connmark", "pipe", "action", "continue"],
                        ["prio", "2", "handle", MARK, "fw", "action", "ok"]):
            run("tc", "-n", "gateway", "filter", "add", "dev", "to-server", "egress", "protocol", "ip", *filter_)

        def counted():
            shown = json.loads(run("tc", "-n", "gateway", "-s", "-j", "filter", "show", "dev", "to-server", "egress").stdout)
            [action] = [f["options"]["actions"][0] for f in shown if f["kind"] == "fw" and "options" in f]
            return action["stats"]["packets"]

        self.other.send(b"held")
        self.assertEqual(counted(), 0)
        self.pin()
        self.pinned.send(b"octets")
        self.assertArrives(self.pinned, b"octets")
        self.assertGreater(counted(), 0)

    def test_a_mark_that_conntrack_sets(self):
        self.pinned.send(b"flows")
        self.assertHeld(self.pinned)
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(self.pinned.port), "--mark", "0x54000000")
        self.assertArrives(self.pinned, b"flows")
        self.assertEqual([(c["pin"], c["mark"]) for c in listed()], [(None, "0x54000000"), (None, "0x0")])
        lines = run("tlsconnctl", "-n", "gateway", "list").stdout.splitlines()
        self.assertEqual([line.split()[-1] for line in lines], ["PIN", "0x54000000", "-"])
        # Once there is a pin of that mark, it has a name; and whose it is shows.
        ctl("pin", "--next")
        self.assertEqual([c["pin"] for c in listed()], [None, None], "cleared: the pin waits for another")
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(self.other.port), "--mark", "0x54000000")
        self.assertEqual([c["pin"] for c in listed()], [None, "default"])
        self.assertEqual(json.loads(ctl("pins").stdout)["pins"][0]["others"], [self.other.listed()["id"]])
        # A pin that is given another mark leaves none of the one that it had.
        ctl("pin", str(self.pinned.listed()["id"]), "--replace", "--mark", "0x55000000/0xff000000")
        self.assertEqual([c["mark"] for c in listed()], ["0x55000000", "0x0"])


if __name__ == "__main__":
    unittest.main()
