# SPDX-License-Identifier: GPL-2.0-only
"""Completion in the shell, with ids and pins of the moment, and the manual pages."""

import os
import subprocess
import unittest

from lab import GatewayTest, ctl, run

# What bash does when the tab key is pressed at the end of a line.
TAB = """
source <(tlsconnctl completions bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
_clap_complete_tlsconnctl tlsconnctl "${COMP_WORDS[COMP_CWORD]}" "" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(*words):
    return run("bash", "-c", TAB, "bash", "tlsconnctl", *words).stdout.split()


def values(*words):
    """The same without options, which are proposed everywhere."""
    return [word for word in bash(*words) if not word.startswith("-")]


def others(shell, *words):
    """What zsh's and fish's scripts ask; neither shell is needed for it."""
    environment = {**os.environ, "TLSCONNCTL_COMPLETE": shell, "_CLAP_COMPLETE_INDEX": str(len(words)),
                   "_CLAP_IFS": "\n"}
    done = subprocess.run(["tlsconnctl", "--", "tlsconnctl", *words], capture_output=True, text=True, env=environment,
                          check=True)
    return done.stdout.splitlines()


class Completion(GatewayTest):
    def test_words(self):
        self.assertLessEqual({"list", "pin", "rules", "doctor"}, set(bash("")))
        self.assertEqual(bash("unp"), ["unpin"])
        self.assertIn("--replace", bash("pin", "--"))
        self.assertEqual(set(bash("rules", "--on-data", "")), {"drop", "reset"})
        self.assertEqual(set(values("-n", "")), {"client", "gateway", "server"})

    def test_ids_and_pins(self):
        self.hold()
        server = self.server()
        for _ in range(2):
            self.connect(server)
        self.assertEqual(values("-n", "gateway", "show", ""), ["1", "2"])
        self.assertEqual(values("show", ""), [], "there is nothing in this namespace")
        self.assertEqual(values("-n", "gateway", "unpin", ""), [])
        ctl("pin", "2", "--name", "mine")
        self.assertEqual(bash("-n", "gateway", "unpin", "m"), ["mine"])
        ctl("unpin", "mine")
        self.assertEqual(values("-n", "gateway", "unpin", ""), [])
        self.assertEqual(bash("-n", "gateway", "pin", "--name", ""), ["mine"])
        for shell, between in (("zsh", ":"), ("fish", "\t")):
            ids = others(shell, "-n", "gateway", "pin", "")
            numbers = [line.split(between)[0] for line in ids if line[0].isdigit()]
            self.assertEqual(numbers, ["1", "2"], ids)
            self.assertIn("server.example", ids[0])

    def test_scripts_of_the_shells(self):
        self.assertIn("#compdef tlsconnctl", run("tlsconnctl", "completions", "zsh").stdout)
        self.assertIn("complete ", run("tlsconnctl", "completions", "fish").stdout)
        self.assertEqual(run("tlsconnctl", "completions", "csh", check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
