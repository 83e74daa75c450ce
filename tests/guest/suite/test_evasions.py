# SPDX-License-Identifier: GPL-2.0-only
"""The evasion table, as packets through the gateway: what docs/evasions.md says of the old recipe and of tlsconn."""

import unittest

import evasions
from conversation import Wire
from lab import GatewayTest


class Evasions(unittest.TestCase):
    """A test for each line of the table; they share hosts, and each has ports of its own."""

    @classmethod
    def setUpClass(cls):
        GatewayTest.net("net_down")
        cls.addClassCleanup(GatewayTest.net, "net_down")
        GatewayTest.net("net_up")
        cls.wire = Wire()
        cls.addClassCleanup(cls.wire.close)
        cls.table = evasions.committed()[1]

    def check(self, row, title, function):
        found = evasions.play(self.wire, function)
        pieces, states = found[1]
        wrong = [p for p in pieces if p.must is not None and p.must is not p.arrived]
        self.assertEqual(wrong, [], f"through tlsconn; states: {states}")
        self.assertIn(evasions.line(row, title, found), self.table, "docs/evasions.md says something else; it is made by "
                      "tests/lab/uml 'python3 -B tests/guest/suite/evasions.py'")

    def test_the_table_has_no_other_lines(self):
        self.assertEqual([line.split(" | ")[:2] for line in self.table],
                         [[f"| {row}", title] for row, title, _ in evasions.in_order()])


def check(row, title, function):
    def test(self):
        self.check(row, title, function)
    test.__doc__ = f"{row}: {title}"
    return test


for row, title, function in evasions.in_order():
    setattr(Evasions, f"test_{int(row):02}_{function.__name__}", check(row, title, function))


if __name__ == "__main__":
    unittest.main()
