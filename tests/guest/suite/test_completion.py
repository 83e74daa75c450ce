# SPDX-License-Identifier: GPL-2.0-only
"""Completion in the shell, with ids and pins of the moment, and the manual pages."""

import pathlib
import tempfile
import unittest

from lab import GatewayTest, ctl, run
from scale import mostly_uml

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


# fish says itself what it would propose, with what it says of each behind a tab.
FISH = """
tlsconnctl completions fish | source
complete -C "$argv"
"""
# zsh has no such thing, but what its completion system is handed can be seen in its place. It reads all completions that
# lie beside it, a thousand, so it is put elsewhere.
ZSH = """
cp /usr/share/zsh/functions/Completion/comp* $TMPDIR && fpath=($TMPDIR)
autoload -U compinit && compinit -D -u
tlsconnctl completions zsh >$TMPDIR/_tlsconnctl && source $TMPDIR/_tlsconnctl
[[ $_comps[tlsconnctl] = _clap_dynamic_completer_tlsconnctl ]] || exit 1
function _describe() { print -l -- "${(@P)3}" }
words=("$@") CURRENT=$#
_clap_dynamic_completer_tlsconnctl
"""


def others(shell, *words):
    """What zsh and fish propose, a line each, without options."""
    words = ["tlsconnctl", *words]
    if shell == "fish":
        done = run("fish", "--no-config", "-c", FISH, " ".join(words))
    else:
        with tempfile.TemporaryDirectory() as directory:
            done = run("env", f"TMPDIR={directory}", f"HOME={directory}", "zsh", "-f", "-c", ZSH, "zsh", *words)
    return [line for line in done.stdout.splitlines() if line and not line.startswith("-")]


# Beside fish's own completions for iptables, for which it needs its configuration.
MATCH = pathlib.Path(__file__).parents[3] / "libxt_tlsconn" / "tlsconn.fish"
FISH_MATCH = 'source $argv[1]; complete -C "$argv[2]"'


class Match(unittest.TestCase):
    def proposed(self, line):
        """What fish proposes of iptables' options, without what it says of each."""
        with tempfile.TemporaryDirectory() as home:
            done = run("env", f"HOME={home}", "fish", "-c", FISH_MATCH, MATCH, line)
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    def test_options_and_their_words(self):
        rule = "iptables-nft -A FORWARD -p tcp -m tlsconn"
        self.assertEqual(self.proposed("iptables -A FORWARD -m tls"), ["tlsconn"])
        self.assertEqual(self.proposed(f"{rule} --rec"), ["--record-type"])
        self.assertEqual(self.proposed(f"{rule} --record-type alert,hand"), ["alert,handshake"])
        self.assertEqual(self.proposed(f"{rule} ! --state not"), ["not-tls"])
        self.assertEqual(self.proposed("ip6tables -A FORWARD -p tcp --rec"), [])
        # Its own are still there.
        self.assertIn("--flush", self.proposed("iptables --flu"))


@mostly_uml
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
        for name in ("some", "other"):
            ctl("set", "create", name)
        self.assertEqual(values("-n", "gateway", "set", "show", ""), ["some", "other"])
        for command in ("list", "monitor", "pin", "top"):
            self.assertEqual(values("-n", "gateway", command, "--sni-set", "s"), ["some"], command)
        self.assertEqual(bash("-n", "gateway", "pin", "--name", ""), ["mine"])
        for shell, between in (("zsh", ":"), ("fish", "\t")):
            ids = others(shell, "-n", "gateway", "pin", "")
            self.assertEqual([line.split(between)[0] for line in ids], ["1", "2"], ids)
            self.assertIn("server.example", ids[0])
            self.assertEqual([line.split(between)[0] for line in others(shell, "unp")], ["unpin"])

    def test_a_shell_that_is_not_known(self):
        self.assertEqual(run("tlsconnctl", "completions", "csh", check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
