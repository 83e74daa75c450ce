# SPDX-License-Identifier: GPL-2.0-only
"""A pin goes on to a connection that resumes the session of the one it was on."""

import contextlib
import json
import ssl
import unittest

from lab import PATIENCE, GatewayTest, ctl, forgets, wait_for

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def pin():
    [pin] = json.loads(ctl("pins").stdout)["pins"]
    return pin["state"], pin["connection"]


class Follow(GatewayTest):
    def pinned(self, server, version, *arguments):
        """A connection that flows, with a pin that follows."""
        client = self.connect(server, version)
        number = wait_for(client.listed)["id"]
        shown = json.loads(ctl("pin", str(number), "--follow", *arguments).stdout)["pin"]
        self.assertTrue(shown["follow"])
        client.send(b"flows")
        self.assertArrives(client, b"flows")
        # It cannot be asked once the connection is closed.
        client.session = client.context, client.tls.session
        return client

    def resumed(self, server, client):
        resumed = self.connect(server, TLS12, session=client.session)
        self.assertTrue(resumed.tls.session_reused)
        return resumed

    def speak(self, server, client, octets):
        wait_for(lambda: client.port in server.connections)
        server.connections[client.port].sendall(octets)

    def ends(self, client):
        # OpenSSL's server forgets the session of a connection that ends without close_notify.
        client.tls.settimeout(0.3)
        with contextlib.suppress(OSError):
            client.tls.unwrap()
        client.close()
        self.assertTrue(wait_for(lambda: pin()[0] != "bound"))

    def story(self, options):
        self.hold()
        server = self.server()
        server.context.options |= options
        first = self.pinned(server, TLS12, "--for", "10m")
        self.ends(first)
        self.assertEqual(pin(), ("armed", None))
        # Its record goes, the pin remembers the session.
        self.assertTrue(forgets(lambda: str(first.port) not in ctl("list", "--all").stdout,
                                "--orig-port-src", str(first.port)))
        stranger = self.connect(server, TLS12)
        self.speak(server, stranger, b"held")
        # An alert proves nothing.
        alerted = self.resumed(server, first)
        wait_for(lambda: alerted.port in server.connections)
        server.connections[alerted.port].settimeout(0.3)
        with contextlib.suppress(OSError):
            server.connections[alerted.port].unwrap()
        second = self.resumed(server, first)
        second.send(b"held")
        self.assertHeld(second)
        self.assertEqual(pin(), ("armed", None))
        self.speak(server, second, b"greeting")
        second.tls.settimeout(PATIENCE)
        self.assertEqual(second.tls.recv(100), b"greeting")
        self.assertEqual(pin(), ("bound", second.listed()["id"]))
        self.assertArrives(second, b"held")
        # It is on one connection only, and goes on once that has ended.
        third = self.resumed(server, first)
        self.speak(server, third, b"held")
        self.assertEqual(pin(), ("bound", second.listed()["id"]))
        self.ends(second)
        fourth = self.resumed(server, first)
        self.speak(server, fourth, b"greeting")
        self.assertTrue(wait_for(lambda: pin() == ("bound", fourth.listed()["id"])))
        self.assertIsNone(third.listed()["pin"])
        self.assertIsNone(stranger.listed()["pin"])
        ctl("unpin")
        self.assertEqual(pin(), ("released", None))

    def test_a_ticket(self):
        self.story(0)

    def test_a_session_id(self):
        self.story(ssl.OP_NO_TICKET)

    def test_its_time_is_over_while_it_waits(self):
        self.hold()
        server = self.server()
        first = self.pinned(server, TLS12, "--for", "4s")
        self.ends(first)
        self.assertEqual(pin(), ("armed", None))
        self.assertTrue(wait_for(lambda: pin() == ("released", None)))
        second = self.resumed(server, first)
        self.speak(server, second, b"held")
        self.assertEqual(pin(), ("released", None))

    def test_tls13_is_not_followed(self):
        self.hold()
        first = self.pinned(self.server(), TLS13, "--for", "1m")
        self.ends(first)
        self.assertEqual(pin(), ("released", None))

    def test_it_needs_a_time(self):
        self.hold()
        self.connect(self.server(), TLS12)
        self.assertEqual(ctl("pin", "1", "--follow", check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
