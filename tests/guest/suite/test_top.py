# SPDX-License-Identifier: GPL-2.0-only
"""tlsconnctl top, as a person has it on a terminal.

TLSCONN_FULL=1 measures it with 10,000 connections."""

import contextlib
import json
import os
import pathlib
import re
import signal
import time
import unittest

from lab import GatewayTest, ctl, run, wait_for
from many import Many
from scale import size, tell
from terminal import Terminal

ENTER, ESCAPE, BACK, DOWN = "\r", "\x1b", "\x7f", "\x1b[B"
# Takes back what was typed in a line.
ALL_BACK = "\x15"
TOP = "tlsconnctl", "-n", "gateway", "top"


class Watched(GatewayTest):
    def top(self, *arguments, **options):
        terminal = Terminal(*TOP, "--delay", "0.2", *arguments, **options)
        self.addCleanup(terminal.close)
        self.assertShows(terminal, "tlsconnctl top: ")
        return terminal

    def assertShows(self, terminal, *texts):
        self.assertTrue(terminal.shows(*texts), f"{texts}:\n{terminal.shown()}")

    def held(self, *names):
        """Connections of these names, each of which waits to be let through."""
        server, clients = self.server(), []
        for name in names:
            client = self.connect(server, name=name)
            self.assertTrue(wait_for(lambda client=client: client.listed()["state"] == "established"))
            client.send(b"held")
            clients.append(client)
        return clients


class Top(Watched):
    def test_a_person_lets_a_connection_through(self):
        self.hold()
        top = self.top()
        self.assertShows(top, "0 of 0 connections")
        [client] = self.held("www.example.org")
        self.assertShows(top, "1 of 1 connections, 1 wait, 0 pinned", "www.example.org", "(waits)")
        # It came later: nothing is selected by itself.
        top.type("p")
        self.assertShows(top, "no connection is selected")
        self.assertHeld(client)
        top.type(DOWN + "p")
        self.assertShows(top, "pin default (0x54000000/0xff000000) bound to connection 1: 10.1.0.2:", "0 wait, 1 pinned")
        self.assertArrives(client, b"held")
        top.type("u")
        self.assertShows(top, "pin default released from connection 1", "0 pinned")
        time.sleep(0.5)
        client.send(b"held again")
        self.assertShows(top, "1 wait")
        self.assertHeld(client, arrived=b"held")
        top.type(ENTER)
        self.assertShows(top, "every field of connection 1", "client random", client.listed()["client_random"])
        # What was read there is still what is meant.
        top.type("p")
        self.assertShows(top, "bound to connection 1")
        self.assertArrives(client, b"held again")
        # Tickets that are not read would make a reset of it, which conntrack need not take.
        client.tls.settimeout(5)
        with contextlib.suppress(OSError):
            client.tls.unwrap()
        client.close()
        self.assertShows(top, "closed")
        top.type("q")
        self.assertShows(top, "0 of ")

    def test_shared_pins_and_denials(self):
        self.hold()
        self.held("one.example", "two.example", "three.example")
        top = self.top()
        self.assertShows(top, "3 wait, 0 pinned", "three.example")
        top.type("a")
        self.assertShows(top, "Add 3 to the shared pin: default")
        top.type(ALL_BACK + "approved" + ENTER + DOWN + "a" + ENTER)
        self.assertShows(top, "pin approved", "bound to connection 2", "2 pinned")
        top.type(DOWN + "d" + ALL_BACK + "no such" + ENTER)
        self.assertShows(top, "Deny 1 by the pin: no such", "a pin's name is made of")
        top.type(ALL_BACK + "never" + ENTER)
        self.assertShows(top, "pin never", "bound to connection 1", "0 wait, 3 pinned")
        pins = {pin["name"]: pin for pin in json.loads(ctl("pins").stdout)["pins"]}
        self.assertEqual([(name, pin["deny"], pin["connections"]) for name, pin in sorted(pins.items())],
                         [("approved", False, [2, 3]), ("never", True, [1])])
        # What the kernel refuses is said as other commands say it.
        top.type("u")
        self.assertShows(top, "pin never released from connection 1")
        top.type("p")
        self.assertShows(top, "pin default", "bound to connection 1")
        four = self.held("four.example")
        self.assertShows(top, "four.example")
        top.type("\x1b[Hp")
        refused = ctl("pin", str(four[0].listed()["id"]), check=False)
        self.assertShows(top, json.loads(refused.stderr)["error"]["message"][:60])

    def test_what_is_typed_chooses(self):
        self.hold()
        self.held("one.example", "two.example", "three.example")
        top = self.top("--state", "established")
        self.assertShows(top, "3 of 3 connections", "one.example", "two.example", "three.example")
        top.type("/--sni t*.exampl")
        self.assertShows(top, "0 of 3 connections", "Selectors: --sni t*.exampl")
        top.type("e --pinn")
        self.assertShows(top, "2 of 3 connections", "unexpected argument '--pinn' found")
        top.type(BACK * 7 + ENTER)
        self.assertShows(top, "2 of 3 connections, 2 wait, 0 pinned; --sni t*.example")
        self.assertNotIn("one.example", top.shown())
        top.type("/" + ALL_BACK + "--sni one*" + ESCAPE)
        self.assertShows(top, "2 of 3 connections, 2 wait, 0 pinned; --sni t*.example")
        top.type("ssni" + ENTER)
        self.assertShows(top, "SNI\u2193")
        order = [line.split()[5] for line in top.shown().splitlines()[2:4]]
        self.assertEqual(order, ["three.example", "two.example"])
        top.type("r")
        self.assertShows(top, "SNI\u2191")
        top.type("<")
        self.assertShows(top, "STATE\u2191")
        top.type("?")
        self.assertShows(top, "every field of it", "q back")

    def test_sets_of_names(self):
        self.hold()
        self.held("one.example", "two.example", "three.example")
        for name, members in ("some", ("one.example", "three.example")), ("other", ("three.example",)):
            ctl("set", "load", name, "--names", *members)
        top = self.top("--sni-set", "some")
        self.assertShows(top, "2 of 2 connections", "one.example", "three.example")
        self.assertNotIn("two.example", top.shown())
        # Until a set's name is typed whole there may be no such set.
        top.type("/--sni-set othe")
        self.assertShows(top, "0 of 2 connections", "there is no set of that name")
        top.type("r" + ENTER)
        self.assertShows(top, "1 of 2 connections, 1 wait, 0 pinned; --sni-set other", "three.example")
        # Names that come and go are followed.
        ctl("set", "add", "some", "two.example")
        ctl("set", "load", "other", "--names", "two.example", "one.example")
        self.assertShows(top, "2 of 3 connections", "one.example", "two.example")
        ctl("set", "destroy", "some")
        self.assertShows(top, "0 of 0 connections", "there is no set of that name")

    def test_it_fits_the_terminal(self):
        self.hold()
        self.held("www.example.org")
        top = self.top(columns=80)
        self.assertShows(top, "www.example.org", "REASON")
        self.assertNotIn("DESTINATION", top.shown())
        top.resize(140, 10)
        self.assertShows(top, "DESTINATION", "10.2.0.2:", "q leave")
        self.assertIn("q leave", top.shown().splitlines()[9])
        top.resize(20, 3)
        self.assertShows(top, "\u2026")
        top.resize(0, 0)
        top.resize(60, 6)
        self.assertShows(top, "www.example.org")
        self.assertRegex(top.said, rb"\x1b\[38;5;\d+;")

    def test_no_colour(self):
        self.hold()
        self.held("www.example.org")
        top = self.top(NO_COLOR="1")
        self.assertShows(top, "www.example.org", "(waits)")
        # Bold, reversed, and neither.
        self.assertLessEqual(set(re.findall(rb"\x1b\[([0-9;]*)m", top.said)), {b"", b"0", b"1", b"7", b"22", b"27"})


class Ends(Watched):
    def test_the_terminal_is_given_back(self):
        for how in ("q", "\x03", signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(how=how):
                top = self.top()
                self.assertTrue(top.alternate)
                self.assertFalse(top.is_as_before())
                if isinstance(how, str):
                    top.type(how)
                else:
                    top.program.send_signal(how)
                # Who waits for it learns of the signal.
                self.assertEqual(top.ended(), (0 if isinstance(how, str) else -how, ""))
                self.assertTrue(top.is_as_before(), top.said[-200:])

    def test_it_stops_and_goes_on(self):
        top = self.top()
        top.type("\x1a")
        _, status = os.waitpid(top.program.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        self.assertTrue(wait_for(top.is_as_before))
        top.program.send_signal(signal.SIGCONT)
        self.assertTrue(wait_for(lambda: top.alternate))
        self.assertShows(top, "0 of 0 connections", "q leave")
        top.type("q")
        self.assertEqual(top.ended()[0], 0)

    def test_what_goes_wrong(self):
        done = run(*TOP, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for word in ("terminal", "`tlsconnctl list`", "`tlsconnctl monitor`"):
            self.assertIn(word, done.stderr)
        none = Terminal(*TOP, "--sni-set", "none")
        self.addCleanup(none.close)
        code, errors = none.program.wait(60), none.program.stderr.read().decode()
        self.assertEqual((code, none.alternate), (3, None), errors)
        self.assertIn("there is no set of that name", errors)
        # Nobody without privilege gets as far as the screen.
        top = Terminal("setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set=-all", "tlsconnctl", "top")
        self.addCleanup(top.close)
        code, errors = top.program.wait(60), top.program.stderr.read().decode()
        self.assertEqual((code, top.alternate), (5, None), errors)
        self.assertIn("not permitted", errors)


class Cost(Watched, Many):
    COUNT = size(1000, 10_000, uml=2000)

    def test_of_many_connections(self):
        self.establish(0, self.COUNT)
        top = Terminal(*TOP, columns=200, rows=50)
        self.addCleanup(top.close)
        self.assertShows(top, f"{self.COUNT} of {self.COUNT} connections")

        def used():
            """Seconds of a processor, in the program and in the kernel."""
            fields = pathlib.Path(f"/proc/{top.program.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return [int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:13]]

        before, begun, said = used(), time.monotonic(), len(top.said)
        time.sleep(20)
        seconds = time.monotonic() - begun
        own, kernel = (100 * (after - then) / seconds for after, then in zip(used(), before))
        tell(f"{self.COUNT} connections, every 2 s: {own:.1f} % of a processor, and {kernel:.1f} % in the kernel; "
             f"{len(top.said) - said} bytes written in {seconds:.0f} s")
        # Of an emulated processor, with a kernel that checks itself: a fifth is what top allows itself.
        self.assertLess(own + kernel, 40)
        # What stays as it is is not drawn again.
        self.assertLess(len(top.said) - said, 10 * 50 * 200)
        self.assertNotIn(b"\x1b[2J", top.said[said:])


if __name__ == "__main__":
    unittest.main()
