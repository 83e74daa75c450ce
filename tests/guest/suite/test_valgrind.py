# SPDX-License-Identifier: GPL-2.0-only
"""The extension uses no memory that is not its own, and loses none, whatever it is given."""

import random
import unittest

import specifications
from lab import IPTABLES, run, wait_for
from scale import UML
from test_rules import cases

# Exit code where valgrind has something to say.
SAID = 99
WRONG = [
    "", "--bogus", "--record-type bogus", "--record-type", "--state ,", "--wire", "--pin-mark 1", "--pinned --pin-mark 2/1",
    "--tls-version 1.3:1.2", "--sni .a", "--sni " + "a" * 300, "--sni b*ü", "--sni \u200d", "--sni a --no-sni",
    "--alpn \\x", "--alpn " + "p" * 300, "--session-id abc", "--client-random " + "00" * 33, "--resumed --resumed",
    "! --all --record-type 23",
]


@unittest.skipUnless(UML, "valgrind on an emulated processor takes too long: it runs in User Mode Linux")
class Valgrind(unittest.TestCase):
    def setUp(self):
        run("tlsconnctl", "set", "load", specifications.SET, "--names")

    def tearDown(self):
        for iptables in IPTABLES:
            run(iptables, "-F")
        destroy = ("tlsconnctl", "set", "destroy", specifications.SET)
        wait_for(lambda: run(*destroy, check=False).returncode == 0)

    def valgrind(self, *command, stdin=None):
        done = run("valgrind", "-q", f"--error-exitcode={SAID}", "--leak-check=full", "--show-leak-kinds=definite",
                   "--errors-for-leak-kinds=definite", *command, check=False, stdin=stdin)
        self.assertNotEqual(done.returncode, SAID, done.stderr)
        return done

    def test_rules_added_written_and_found(self):
        source = random.Random(2)
        rules = [specifications.line(specifications.valid(source)) for _ in range(100)]
        rules += [rule for _, rule, _, verdict in cases() if verdict == "OK"]
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables):
                for command in ("-A", "-C"):
                    lines = ["*filter", *(f"{command} FORWARD {rule}" for rule in rules), "COMMIT", ""]
                    done = self.valgrind(f"{iptables}-restore", "--noflush", stdin="\n".join(lines))
                    self.assertEqual(done.returncode, 0, done.stderr)
                saved = self.valgrind(f"{iptables}-save").stdout
                self.assertGreaterEqual(saved.count("-m tlsconn"), len(rules))
                listed = self.valgrind(iptables, "-nvL", "FORWARD").stdout
                self.assertGreaterEqual(listed.count(" tlsconn "), len(rules))

    def test_what_is_refused(self):
        for number, wrong in enumerate(WRONG):
            iptables = IPTABLES[number % len(IPTABLES)]
            with self.subTest(iptables=iptables, wrong=wrong):
                done = self.valgrind(iptables, "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", *wrong.split())
                self.assertEqual(done.returncode, 2, done.stderr)

    def test_translations_and_help(self):
        for rule in ("--pinned", "--sni a", "--pinned --pin-mark 7"):
            done = self.valgrind("iptables-translate", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", *rule.split())
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--server-random HEX", self.valgrind("iptables", "-m", "tlsconn", "--help").stdout)


if __name__ == "__main__":
    unittest.main()
