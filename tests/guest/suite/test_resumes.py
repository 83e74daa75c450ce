# SPDX-License-Identifier: GPL-2.0-only
"""A connection up to TLS 1.2 that resumes a session names the one that issued it."""

import json
import ssl
import threading
import unittest

from lab import PATIENCE, GatewayTest, ctl, forgets, load, on, unload, wait_for

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Resumes(GatewayTest):
    def setUp(self):
        super().setUp()
        ctl("track", "on")

    def full(self, server, version=TLS12):
        client = self.connect(server, version)
        self.assertFalse(client.tls.session_reused)
        return client

    def resumed(self, server, client, version=TLS12):
        resumed = self.connect(server, version, session=(client.context, client.tls.session))
        self.assertTrue(resumed.tls.session_reused)
        return resumed

    def seen(self, client):
        """What it was resumed by, and whose session it continues."""
        wait_for(lambda: (client.listed() or {}).get("state") == "established")
        seen = client.listed()
        return seen["resumption"], seen["resumes"]

    def forget(self, client):
        """Conntrack forgets a connection, and the tracker then does."""
        self.assertTrue(forgets(lambda: client.listed() is None, "--orig-port-src", str(client.port)))

    def story(self, how, options):
        server = self.server()
        server.context.options |= options
        other, first = self.full(server), self.full(server)
        self.assertEqual((self.seen(other), self.seen(first)), ((None, None), (None, None)))
        ids = [client.listed()["id"] for client in (other, first)]
        second, third = self.resumed(server, first), self.resumed(server, first)
        self.assertEqual([self.seen(client) for client in (second, third)], [(how, ids[1])] * 2)
        self.assertEqual(self.seen(self.resumed(server, other)), (how, ids[0]))
        shown = json.loads(ctl("show", str(second.listed()["id"])).stdout)["connections"]
        self.assertEqual([connection["resumes"] for connection in shown], [ids[1]])
        # Another server's session is another, though the client offers it.
        elsewhere = self.server()
        stranger = self.connect(elsewhere, TLS12, session=(first.context, first.tls.session))
        self.assertFalse(stranger.tls.session_reused)
        self.assertEqual(self.seen(stranger), (None, None))
        # What was noted stays; who comes later finds nobody.
        self.forget(first)
        self.assertEqual(self.seen(second), (how, ids[1]))
        self.assertEqual(self.seen(self.resumed(server, first)), (how, None))
        self.assertEqual(self.seen(self.resumed(server, other)), (how, ids[0]))

    def test_by_ticket(self):
        self.story("ticket", 0)

    def test_by_session_id(self):
        self.story("session-id", ssl.OP_NO_TICKET)

    def test_the_issuing_connection_is_closed(self):
        """Its record stays until conntrack's entry goes."""
        server = self.server()
        first = self.full(server)
        self.seen(first)
        number = first.listed()["id"]
        session = first.context, first.tls.session
        first.close()
        self.assertTrue(wait_for(lambda: first.listed() is None))
        second = self.connect(server, TLS12, session=session)
        self.assertEqual(self.seen(second), ("ticket", number))

    def test_tls13_names_none(self):
        server = self.server()
        first = self.full(server, TLS13)
        self.seen(first)
        server.connections[first.port].sendall(b"x")
        first.tls.settimeout(PATIENCE)
        first.tls.recv(1)
        self.assertEqual(self.seen(self.resumed(server, first, TLS13)), ("psk", None))

    def test_under_conntrack_flushes(self):
        """Sessions are issued and looked for while their connections go; the module leaves nothing behind."""
        server = self.server()
        first = self.full(server)
        stop = threading.Event()

        def flush():
            while not stop.wait(0.02):
                on("gateway", "conntrack", "-F")

        flusher = threading.Thread(target=flush)
        flusher.start()
        try:
            for _ in range(30):
                again = self.full(server)
                for client in (first, again):
                    self.resumed(server, client).close()
                again.close()
        finally:
            stop.set()
            flusher.join()
        self.net("net_down")
        # The kernel complains about what is left in the module's caches.
        unload()
        load()


if __name__ == "__main__":
    unittest.main()
