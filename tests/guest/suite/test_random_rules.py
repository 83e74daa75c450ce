# SPDX-License-Identifier: GPL-2.0-only
"""A thousand random rules in a table come back as the same octets and the same text, and go one by one."""

import random
import subprocess
import unittest

import specifications
from lab import IPTABLES, run, wait_for
from rawrules import Legacy, Nft
from scale import UML

# The emulated machine is slower by far; it gets every kind of rule too.
COUNT = 1000 if UML else 200


class RandomRules(unittest.TestCase):
    def setUp(self):
        self.seed = random.SystemRandom().getrandbits(32)
        self.random = random.Random(self.seed)
        run("tlsconnctl", "set", "load", specifications.SET, "--names")

    def tearDown(self):
        for iptables in IPTABLES:
            run(iptables, "-F")
        destroy = ("tlsconnctl", "set", "destroy", specifications.SET)
        wait_for(lambda: run(*destroy, check=False).returncode == 0)

    def saved(self, iptables):
        return [line for line in run(iptables, "-S").stdout.splitlines() if line.startswith("-A")]

    def restore(self, iptables, lines):
        run(f"{iptables}-restore", "--noflush", stdin="\n".join(["*filter", *lines, "COMMIT", ""]))

    @staticmethod
    def octets(iptables):
        """Every rule's data as the kernel has it."""
        kernel = (Nft if iptables.endswith("nft") else Legacy)(ipv6=iptables.startswith("ip6"))
        try:
            return kernel.all_data()
        finally:
            kernel.close()

    def test_a_thousand_valid_ones(self):
        rules = [specifications.valid(self.random) for _ in range(COUNT)]
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables, seed=self.seed):
                self.restore(iptables, [f"-A FORWARD {specifications.line(rule)}" for rule in rules])
                text, octets = self.saved(iptables), self.octets(iptables)
                self.assertEqual((len(text), len(octets)), (COUNT, COUNT))
                run(iptables, "-F")
                self.restore(iptables, text)
                self.assertEqual(self.saved(iptables), text)
                self.assertEqual(self.octets(iptables), octets)
                run(f"{iptables}-restore", stdin=run(f"{iptables}-save").stdout)
                self.assertEqual(self.octets(iptables), octets)
                # Rule by rule, by what was typed: in a process each for IPv4.
                if UML and not iptables.startswith("ip6"):
                    for rule in rules:
                        run(iptables, "-D", "FORWARD", *rule)
                else:
                    self.restore(iptables, [f"-D FORWARD {specifications.line(rule)}" for rule in rules])
                self.assertEqual(self.saved(iptables), [])

    def test_garbled_ones_are_refused_and_never_crash(self):
        refused = 0
        for number in range(COUNT // 2):
            iptables = IPTABLES[number % len(IPTABLES)]
            words = specifications.garbled(self.random)
            with self.subTest(iptables=iptables, words=words, seed=self.seed):
                done = subprocess.run([iptables, "-A", "FORWARD", *words], capture_output=True, timeout=60)
                rules = self.saved(iptables)
                if done.returncode == 0:
                    # What was changed made it another rule, which is one.
                    self.restore(iptables, rules)
                    self.assertEqual(self.saved(iptables), rules * 2)
                    run(iptables, "-F")
                else:
                    refused += 1
                    # Its own word for a wrong argument, and not the kernel's, but for a set that is not there.
                    self.assertIn(done.returncode, (2, 1, 4) if "--sni-set" in words else (2,), done.stderr)
                    self.assertEqual(rules, [])
        self.assertGreater(refused, COUNT // 8)


if __name__ == "__main__":
    unittest.main()
