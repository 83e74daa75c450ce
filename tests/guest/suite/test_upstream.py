# SPDX-License-Identifier: GPL-2.0-only
"""iptables' own test scripts, unmodified, over the extension's test files: both variants and versions of IP."""

import pathlib
import re
import subprocess
import unittest

TESTS = pathlib.Path(__file__).parents[2]
SCRIPTS = TESTS.parent / "build" / "iptables-tests"


class Upstream(unittest.TestCase):
    def script(self, name, file):
        """What it says at the end, which is shown with this test's own result."""
        script = SCRIPTS / name
        if not script.exists():
            self.skipTest(f"{script} is not there: tests/lab/iptables-tests fetches it from Debian's archive")
        done = subprocess.run(["python3", "-B", script, "--host", TESTS / file], capture_output=True, text=True,
                              timeout=900, check=False)
        print(done.stdout + done.stderr, end="")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_rules(self):
        said = self.script("iptables-test.py", "libxt_tlsconn.t")
        for variant in ("legacy", "nft"):
            [(tests, passed)] = re.findall(rf"^{variant}: 1 test files, (\d+) unit tests, (\d+) passed$", said, re.M)
            self.assertEqual(tests, passed)
            self.assertGreater(int(tests), 400)

    def test_translations(self):
        said = self.script("xlate-test.py", "libxt_tlsconn.txlate")
        [(tests, passed)] = re.findall(r"^1 test file, (\d+) tests, (\d+) tests passed, 0 tests failed, 0 errors$", said,
                                       re.M)
        self.assertEqual(tests, passed)
        self.assertGreater(int(tests), 5)


if __name__ == "__main__":
    unittest.main()
