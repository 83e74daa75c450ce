# SPDX-License-Identifier: GPL-2.0-only
"""tlsconnctl for people and for scripts: exit codes with text and JSON, terminals of any width, colour, pipes."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
import unittest

from lab import GatewayTest, assert_valid, ctl, listed, load, on, run, unload
from scale import mostly_uml

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


def on_terminal(*arguments, columns=80, **environment):
    """What the tool writes to a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(["tlsconnctl", "-n", "gateway", *arguments], stdout=slave, stderr=slave,
                               env={"PATH": os.environ["PATH"], "TERM": "xterm", **environment})
    os.close(slave)
    written = b""
    try:
        while octets := os.read(master, 65536):
            written += octets
    except OSError:
        # The other end is closed.
        pass
    finally:
        os.close(master)
        process.wait()
    return written.decode().replace("\r\n", "\n")


class ExitCodes(GatewayTest):
    def ends(self, code, words, *arguments, command=("tlsconnctl", "-n", "gateway")):
        """The same code and the same message, as text and as JSON."""
        text = run(*command, *arguments, check=False)
        as_json = run(*command, "-j", *arguments, check=False)
        self.assertEqual((text.returncode, as_json.returncode), (code, code), text.stderr + as_json.stderr)
        if code == 0:
            self.assertEqual((text.stderr, as_json.stderr), ("", ""))
            json.loads(as_json.stdout)
            return text.stdout
        assert_valid("error", as_json.stderr)
        error = json.loads(as_json.stderr)["error"]
        self.assertEqual(error["code"], code)
        self.assertEqual(text.stderr.splitlines()[0], f"tlsconnctl: {error['message']}")
        self.assertEqual((text.stdout, as_json.stdout), ("", ""))
        self.assertIn(words, error["message"])
        return text.stderr

    @mostly_uml
    def test_every_code(self):
        self.hold()
        server = self.server()
        for _ in range(2):
            self.connect(server)
        self.assertIn("bound to connection 1: 10.1.0.2:", self.ends(0, "", "pin", "1", "--replace"))
        self.ends(1, "the pin is bound", "pin", "2")
        self.ends(1, "overlaps", "pin", "2", "--name", "other", "--mark", "0x54000000/0xff000000")
        self.ends(1, "there is no network namespace", "list", command=("tlsconnctl", "-n", "nowhere"))
        self.ends(2, "pin needs", "pin")
        self.ends(2, "--src", "list", "--src", "nowhere")
        self.ends(2, "", "unpin", "name", "--all")
        self.ends(3, "see `tlsconnctl list`", "show", "99")
        self.ends(3, "see `tlsconnctl list`", "pin", "99", "--replace")
        self.ends(3, "see `tlsconnctl list`", "pin", "--sni", "nobody.example")
        self.ends(3, "see `tlsconnctl pins`", "unpin", "other")
        candidates = self.ends(4, "2 connections fit, ids 1 2", "pin", "--sni", "server.example", "--replace")
        self.assertEqual([line.split()[0] for line in candidates.splitlines()[1:]], ["ID", "1", "2"])
        for command in (["list"], ["show", "1"], ["pin", "1"], ["unpin"], ["pins"], ["stats"], ["monitor"],
                        ["track", "status"]):
            self.ends(5, "not permitted", *command, command=(*NOBODY, "tlsconnctl"))
        on("gateway", "iptables-legacy", "-F")
        unload()
        try:
            for command in (["list"], ["show", "1"], ["pin", "--next"], ["unpin"], ["pins"], ["stats"], ["monitor"],
                            ["track", "on"]):
                self.ends(5, "modprobe xt_tlsconn", *command)
        finally:
            load()
        # Nothing to show is no failure.
        for command in (["list"], ["pins"]):
            done = run("tlsconnctl", "-n", "gateway", *command)
            self.assertEqual((done.stdout, len(done.stderr.splitlines())), ("", 1))
            self.assertEqual(run("tlsconnctl", "-qn", "gateway", *command).stderr, "")

    def test_a_user_namespace_of_one_s_own(self):
        """Root of it may do everything in a network namespace that it owns, and nothing in any other."""
        def own(*arguments, net=("--net",)):
            return run(*NOBODY, "unshare", "--user", "--map-root-user", *net, "sh", "-c", *arguments, check=False)

        done = own("tlsconnctl track on && tlsconnctl pin --next && tlsconnctl -j pins && tlsconnctl unpin")
        self.assertEqual(done.returncode, 0, done.stderr)
        [pins] = [line for line in done.stdout.splitlines() if line.startswith("{")]
        self.assertEqual(json.loads(pins)["pins"][0]["state"], "armed")
        self.assertEqual(json.loads(ctl("pins").stdout)["pins"], [])
        for command in ("list", "pins", "pin --next", "unpin --all", "track on", "stats", "monitor"):
            self.assertEqual(own(f"tlsconnctl {command}", net=()).returncode, 5, command)

    def test_pins_of_the_same_name_in_two_namespaces(self):
        self.hold()
        on("server", "tlsconnctl", "track", "on")
        self.connect(self.server())
        for host in ("gateway", "server"):
            ctl("pin", "1", netns=host)
        ctl("unpin", netns="server")
        states = [json.loads(ctl("pins", netns=host).stdout)["pins"][0]["state"] for host in ("gateway", "server")]
        self.assertEqual(states, ["bound", "released"])
        self.assertEqual(listed()[0]["pin"], "default")


@mostly_uml
class Terminals(GatewayTest):
    def setUp(self):
        super().setUp()
        self.hold()
        server, six = self.server(), self.server(6)
        self.connect(server, name="a-rather-long-name.with.many.labels.example.org")
        self.connect(six, ip=6, name="six.example")
        ctl("pin", "1", "--for", "10m")

    def test_any_width(self):
        wide = on_terminal("list", columns=200, NO_COLOR="1").splitlines()
        self.assertIn("a-rather-long-name.with.many.labels.example.org", wide[1])
        self.assertIn("[fd01::2]:", wide[2])
        for columns in (80, 100, 200):
            for command in (["list"], ["pins"]):
                lines = on_terminal(*command, columns=columns, NO_COLOR="1").splitlines()
                self.assertLessEqual(max(map(len, lines)), columns, lines)
        narrow = on_terminal("list", columns=40, NO_COLOR="1").splitlines()
        self.assertEqual(len(narrow), 3, "a line is a connection, however narrow")
        self.assertEqual([line.split()[0] for line in narrow], ["ID", "1", "2"])

    def test_colour_is_for_terminals(self):
        self.assertIn("\x1b[", on_terminal("list"))
        self.assertNotIn("\x1b[", on_terminal("list", NO_COLOR="1"))
        self.assertNotIn("\x1b[", on_terminal("list", TERM="dumb"))
        self.assertIn("\x1b[", on_terminal("list", NO_COLOR=""))
        for command in (["list"], ["pins"], ["show", "1"]):
            piped = run("tlsconnctl", "-n", "gateway", *command).stdout
            self.assertNotIn("\x1b", piped)
        # A pipe is no terminal of any width: nothing is cut.
        self.assertIn("a-rather-long-name.with.many.labels.example.org", run("tlsconnctl", "-n", "gateway", "list").stdout)
        self.assertNotIn("\x1b", on_terminal("-j", "list"))

    def test_the_reader_leaves(self):
        for command in ("list", "-j list", "pins", "show 1", "stats"):
            done = run("bash", "-c", f"set -o pipefail; tlsconnctl -n gateway {command} | true", check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        full = run("bash", "-c", "tlsconnctl -n gateway list >/dev/full", check=False)
        self.assertEqual(full.returncode, 1)
        self.assertIn("cannot write to standard output", full.stderr)


if __name__ == "__main__":
    unittest.main()
