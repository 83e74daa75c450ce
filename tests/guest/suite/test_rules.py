# SPDX-License-Identifier: GPL-2.0-only
"""Rules go in, come back as they were, and go out, in both variants and for both versions of IP."""

import pathlib
import shlex
import unittest

from lab import IPTABLES, run

CASES = pathlib.Path(__file__).parents[2] / "libxt_tlsconn.t"


def cases():
    """The lines of upstream's format: rule ; what is saved ("=": as given) ; OK or FAIL; for the chains above them."""
    for number, line in enumerate(CASES.read_text().splitlines(), 1):
        line = line.strip()
        if line and not line.startswith(("#", ":", "@", "*", "%")):
            yield number, *(part.strip() for part in line.split(";"))


class Rules(unittest.TestCase):
    def tearDown(self):
        for iptables in IPTABLES:
            run(iptables, "-F")

    def saved(self, iptables):
        return [line for line in run(iptables, "-S").stdout.splitlines() if line.startswith("-A")]

    def test_every_line_of_the_extension_s_test_file(self):
        tried = 0
        for iptables in IPTABLES:
            for number, rule, saved, verdict in cases():
                tried += 1
                with self.subTest(iptables=iptables, line=number, rule=rule):
                    words = ["FORWARD", *shlex.split(rule), "-j", "ACCEPT"]
                    added = run(iptables, "-A", *words, check=False)
                    self.assertEqual(added.returncode == 0, verdict == "OK", added.stderr)
                    if verdict != "OK":
                        self.assertEqual(self.saved(iptables), [])
                        continue
                    expected = rule if saved == "=" else saved
                    self.assertEqual(self.saved(iptables), [f"-A FORWARD {expected} -j ACCEPT"])
                    run(iptables, "-C", *words)
                    run(iptables, "-D", *words)
                    self.assertEqual(self.saved(iptables), [])
        self.assertGreater(tried, 200)

    def test_save_and_restore(self):
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables):
                for rule in ("--record-type application-data,unknown --all", "! --state new,lost",
                             "! --pinned --pin-mark 0x1/0xff", "--record-type 22 --wire --pinned"):
                    run(iptables, "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", *rule.split(), "-j", "DROP")
                before = self.saved(iptables)
                text = run(f"{iptables}-save").stdout
                run(iptables, "-F")
                run(f"{iptables}-restore", stdin=text)
                self.assertEqual(self.saved(iptables), before)
                self.assertEqual(len(before), 4)

    def test_refusals_name_the_cause_in_one_line(self):
        for iptables in IPTABLES:
            for rule, word in (
                ("-p tcp -m tlsconn --record-type bogus", "bogus"),
                ("-p tcp -m tlsconn --state bogus", "bogus"),
                ("-p tcp -m tlsconn --record-type ,", "missing"),
                ("-p tcp -m tlsconn --pinned --pin-mark 0x100000000", "0x100000000"),
                ("-p tcp -m tlsconn --pinned --pin-mark 0x1/0x2", "0x1/0x2"),
                ("-p tcp -m tlsconn --bogus", "--bogus"),
                ("-p udp -m tlsconn --state new", "tcp"),
                ("-m tlsconn --state new", "tcp"),
                ("-p tcp -m tlsconn", "condition"),
            ):
                with self.subTest(iptables=iptables, rule=rule):
                    done = run(iptables, "-A", "FORWARD", *rule.split(), check=False)
                    self.assertNotEqual(done.returncode, 0)
                    said = [line for line in done.stderr.splitlines()
                            if line and not line.startswith(("Try ", "# Warning"))]
                    self.assertEqual(len(said), 1, done.stderr)
                    self.assertIn(word, said[0])
                    self.assertEqual(self.saved(iptables), [])


if __name__ == "__main__":
    unittest.main()
