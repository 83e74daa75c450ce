# SPDX-License-Identifier: GPL-2.0-only
"""Rules go in, come back as they were, and go out, in both variants and for both versions of IP."""

import pathlib
import shlex
import unittest

from lab import IPTABLES, run

CASES = pathlib.Path(__file__).parents[2] / "libxt_tlsconn.t"
# Well formed: only the kernel knows which sets there are.
NO_SUCH_SET = "-p tcp -m tlsconn --sni-set no.such_set-1"


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

    def restore(self, iptables, *lines):
        run(f"{iptables}-restore", "--noflush", "--counters", stdin="\n".join(["*filter", *lines, "COMMIT", ""]))

    def test_every_valid_line_of_the_extension_s_test_file(self):
        """All of them in a table at once: saved in canonical form, found and deleted by what was typed."""
        valid = [(rule, rule if saved == "=" else saved) for _, rule, saved, verdict in cases() if verdict == "OK"]
        self.assertGreater(len(valid), 100)
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables):
                self.restore(iptables, *(f"-A FORWARD {rule} -j ACCEPT" for rule, _ in valid))
                self.assertEqual(self.saved(iptables), [f"-A FORWARD {saved} -j ACCEPT" for _, saved in valid])
                self.restore(iptables, *(f"-C FORWARD {rule} -j ACCEPT" for rule, _ in valid))
                self.restore(iptables, *(f"-D FORWARD {rule} -j ACCEPT" for rule, _ in reversed(valid)))
                self.assertEqual(self.saved(iptables), [])

    def test_every_other_line_of_the_extension_s_test_file(self):
        self.assertIn(NO_SUCH_SET, [rule for _, rule, _, _ in cases()])
        for iptables in IPTABLES:
            for number, rule, _, verdict in cases():
                if verdict == "OK":
                    continue
                with self.subTest(iptables=iptables, line=number, rule=rule):
                    added = run(iptables, "-A", "FORWARD", *shlex.split(rule), check=False)
                    # 2: what the extension refuses, a wrong option or argument. What the kernel refuses has 1, over nftables 4.
                    codes = (1, 4) if rule == NO_SUCH_SET else (2,)
                    self.assertIn(added.returncode, codes, added.stderr)
                    if rule == NO_SUCH_SET:
                        self.assertRegex(added.stderr, "No such file|No chain/target/match by that name")
            self.assertEqual(self.saved(iptables), [])

    def test_save_with_counters_replace_and_the_whole_table(self):
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables):
                self.restore(iptables, "[7:420] -A FORWARD -p tcp -m tlsconn --sni *.example.org -j DROP",
                             "[1:2] -A FORWARD -p tcp -m tlsconn ! --pinned --pin-mark 1/255 -j DROP")
                run(iptables, "-R", "FORWARD", "2", "-p", "tcp", "-m", "tlsconn", "--alpn", "a b", "-j", "ACCEPT")
                run(iptables, "-I", "FORWARD", "-p", "tcp", "-m", "tlsconn", "!", "--resumed")
                before = self.saved(iptables)
                self.assertEqual(before, ["-A FORWARD -p tcp -m tlsconn ! --resumed",
                                          "-A FORWARD -p tcp -m tlsconn --sni *.example.org -j DROP",
                                          r"-A FORWARD -p tcp -m tlsconn --alpn a\x20b -j ACCEPT"])
                text = run(f"{iptables}-save", "-c", "-t", "filter").stdout
                self.assertIn("[7:420] -A FORWARD -p tcp -m tlsconn --sni *.example.org -j DROP\n", text)
                run(iptables, "-F")
                run(f"{iptables}-restore", "-c", stdin=text)
                self.assertEqual(self.saved(iptables), before)
                again = run(f"{iptables}-save", "-c", "-t", "filter").stdout
                rules = [[line for line in of.splitlines() if line.startswith("[")] for of in (text, again)]
                self.assertEqual(rules[0], rules[1])
                run(f"{iptables}-restore", "--test", stdin=text)

    def test_listings_are_short(self):
        """No more than what was asked for, without the dashes, behind iptables' own columns."""
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables):
                self.restore(iptables, "-A FORWARD -p tcp -m tlsconn --pinned -j ACCEPT",
                             "-A FORWARD -p tcp -m tlsconn ! --record-type 23,heartbeat,unknown --wire -j DROP")
                listed = run(iptables, "-nvL", "FORWARD").stdout.splitlines()[2:]
                self.assertTrue(listed[0].endswith("  tlsconn pinned"), listed[0])
                self.assertTrue(listed[1].endswith("  tlsconn ! record-type application-data,heartbeat,unknown wire"),
                                listed[1])

    def test_refusals_name_the_cause_in_one_line(self):
        for iptables in IPTABLES:
            for rule, word in (
                ("-p tcp -m tlsconn --record-type bogus", "bogus"),
                ("-p tcp -m tlsconn --state bogus", "bogus"),
                ("-p tcp -m tlsconn --record-type ,", "missing"),
                ("-p tcp -m tlsconn --pinned --pin-mark 0x100000000", "0x100000000"),
                ("-p tcp -m tlsconn --pinned --pin-mark 0x1/0x2", "0x1/0x2"),
                ("-p tcp -m tlsconn --bogus", "--bogus"),
                ("-p tcp -m tlsconn --tls-version 1.4", "1.4"),
                ("-p tcp -m tlsconn --sni .example.org", "write *.example.org"),
                ("-p tcp -m tlsconn --sni a --no-sni", "leave one out"),
                ("-p tcp -m tlsconn --alpn a\\", "backslash"),
                ("-p tcp -m tlsconn --client-random abc", "abc"),
                ("-p tcp -m tlsconn --wire", "add --record-type"),
                ("-p tcp -m tlsconn --all --state new", "add --record-type"),
                ("-p tcp -m tlsconn --pin-mark 1", "add --pinned"),
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

    def test_what_nft_cannot_express_is_said_by_translators_only(self):
        rule = "-A FORWARD -p tcp -m tlsconn --state new -j DROP"
        for family in ("iptables", "ip6tables"):
            with self.subTest(family=family):
                for translated in (run(f"{family}-translate", *rule.split()),
                                   run(f"{family}-restore-translate", "-f", "/dev/stdin",
                                       stdin=f"*filter\n{rule}\nCOMMIT\n")):
                    self.assertRegex(translated.stdout, rf"(?m)# (-t filter )?{rule} $")
                    self.assertIn("nft cannot express --state new; ", translated.stderr)
                run(f"{family}-nft", *rule.split())
                # It asks for a translation too, in the middle of a line.
                done = run("nft", "list", "ruleset")
                self.assertNotIn("tlsconn", done.stderr)
                self.assertIn('xt match "tlsconn"', done.stdout)


if __name__ == "__main__":
    unittest.main()
