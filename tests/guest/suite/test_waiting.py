# SPDX-License-Identifier: GPL-2.0-only
"""Data that waits to be let through: who is told, and what is counted."""

import json
import re
import socket
import ssl
import time

from lab import SERVER, GatewayTest, ctl, inside, listed, on, wait_for
from test_events import Monitor

# What a record has beside its data: header, inner type, tag.
OVERHEAD = 5 + 1 + 16
# tcpi_retransmits of the kernel's struct tcp_info: how often the same was sent again since an acknowledgement.
RETRANSMITS = 2


class Waiting(GatewayTest):
    def setUp(self):
        super().setUp()
        self.hold()
        self.monitor = Monitor("gateway")
        self.addCleanup(self.monitor.close)

    def told(self):
        """Ids in the order in which they were told of."""
        return [event["connection"]["id"] for event in self.monitor.events() if event["event"] == "data-waiting"]

    def assertTold(self, *ids):
        """In time, and no more."""
        self.assertTrue(wait_for(lambda: len(self.told()) >= len(ids)), self.monitor.events())
        self.assertEqual(self.told(), list(ids))

    def established(self, server, version=ssl.TLSVersion.TLSv1_3):
        client = self.connect(server, version)
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"))
        return client

    def test_once_and_once_more_after_an_unpin(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version):
                before = self.told()
                client = self.established(self.server(), version)
                one = client.listed()["id"]
                # Tickets of TLS 1.3 may be data: the handshake itself tells nobody of TLS 1.2.
                if version == ssl.TLSVersion.TLSv1_2:
                    self.assertEqual(self.told(), before)
                client.send(b"x" * 100)
                self.assertTold(*before, one)
                # What is sent again, and more of it, is told no more.
                client.send(b"y" * 100)
                self.assertHeld(client)
                self.assertTold(*before, one)
                ctl("pin", str(one))
                self.assertArrives(client, b"y" * 100)
                client.send(b"z")
                self.assertArrives(client, b"z")
                self.assertTold(*before, one)
                ctl("unpin")
                time.sleep(0.5)
                client.send(b"late")
                self.assertTold(*before, one, one)
                client.close()

    def test_a_pin_that_was_there_first(self):
        ctl("pin", "--next")
        client = self.established(self.server())
        client.send(b"data")
        self.assertArrives(client, b"data")
        self.assertTold()
        self.assertEqual(client.listed()["waiting"], {"client": 0, "server": 0})
        ctl("unpin")
        client.send(b"more")
        self.assertTold(client.listed()["id"])

    def test_a_pin_whose_time_is_over(self):
        client = self.established(self.server(), ssl.TLSVersion.TLSv1_2)
        one = client.listed()["id"]
        ctl("pin", str(one), "--for", "1s")
        self.assertTrue(wait_for(lambda: client.listed()["pin"] is None))
        client.send(b"data")
        self.assertTold(one)

    def test_each_that_leaves_a_shared_pin(self):
        server = self.server()
        clients = [self.established(server, ssl.TLSVersion.TLSv1_2) for _ in range(3)]
        one, two, denied = ids = [client.listed()["id"] for client in clients]
        told = []

        def go_on(*left):
            """Told once of each, be it of what is sent again, which was held while another mark was on it."""
            for client in left:
                clients[ids.index(client)].send(b"more")
            told.extend(left)
            self.assertTrue(wait_for(lambda: len(self.told()) >= len(told)), self.monitor.events())
            self.assertCountEqual(self.told(), told)

        for client in one, two:
            ctl("pin", "--name", "a", "--shared", str(client))
        ctl("pin", "--name", "no", "--deny", str(denied))
        for client in clients:
            client.send(b"data")
        time.sleep(0.5)
        self.assertTold()
        ctl("unpin", "a", str(two))
        go_on(two)
        ctl("unpin", "a")
        go_on(one)
        ctl("unpin", "no")
        go_on(denied)
        ctl("pin", "--name", "a", "--shared", str(one), "--for", "1s")
        self.assertTrue(wait_for(lambda: clients[0].listed()["pin"] is None))
        go_on(one)
        for client in one, two:
            ctl("pin", "--name", "a", "--shared", str(client))
        # Of another mark it leaves those that it was on.
        ctl("pin", "--name", "a", "--shared", "--replace", "--mark", "0x60000000/0xff000000", str(denied))
        go_on(one, two)
        self.assertEqual(clients[2].listed()["waiting"], {"client": 0, "server": 0})

    def test_what_is_not_tls(self):
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        with inside("client"):
            plain = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        for one in listener, plain, server:
            self.addCleanup(one.close)
        plain.sendall(b"GET / HTTP/1.1\r\n")
        self.assertTold(1)
        [seen] = listed("--all")
        self.assertEqual((seen["state"], seen["waiting"]), ("not-tls", {"src": 16, "dst": 0}))
        ctl("pin", "1")
        self.assertEqual(server.recv(100), b"GET / HTTP/1.1\r\n")
        ctl("unpin")
        plain.sendall(b"Host: x\r\n")
        self.assertTold(1, 1)

    def test_each_byte_counts_once(self):
        client = self.established(self.server(), ssl.TLSVersion.TLSv1_3)
        before = client.listed()["waiting"]
        self.assertEqual(before["client"], 0)
        for octets in (b"a" * 100, b"b" * 1000):
            client.send(octets)
        expected = 1100 + 2 * OVERHEAD
        self.assertTrue(wait_for(lambda: client.listed()["waiting"]["client"] == expected), client.listed())
        # It is sent again meanwhile.
        self.assertHeld(client)
        self.assertEqual(client.listed()["waiting"]["client"], expected)
        one = str(client.listed()["id"])
        ctl("pin", one)
        self.assertArrives(client, b"b" * 1000)
        self.assertEqual(client.listed()["waiting"], {"client": 0, "server": 0})
        ctl("unpin")
        self.assertTrue(wait_for(lambda: client.listed()["waiting"]["client"] == 0), client.listed())
        client.send(b"c" * 10)
        self.assertTrue(wait_for(lambda: client.listed()["waiting"]["client"] == 10 + OVERHEAD), client.listed())

    def test_when_the_sender_tries_again(self):
        one, two = (self.established(server, ssl.TLSVersion.TLSv1_2) for server in (self.server(), self.server()))

        def pinned(client, *options):
            return on("gateway", "tlsconnctl", "pin", str(client.listed()["id"]), *options).stdout

        # Nothing waits.
        self.assertNotIn("sent again", pinned(one))
        two.send(b"data")
        self.assertTrue(wait_for(lambda: two.tls.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[RETRANSMITS] > 2))
        said = pinned(two, "--replace")
        at = time.monotonic()
        within = re.search(r"; what was held comes when it is sent again, within (\d+)s", said)
        self.assertTrue(within, said)
        self.assertArrives(two, b"data")
        self.assertLess(time.monotonic() - at, int(within[1]) + 5)

    def test_columns_order_and_limit(self):
        server = self.server()
        clients = [self.established(server, ssl.TLSVersion.TLSv1_2) for _ in range(3)]
        ids = [client.listed()["id"] for client in clients]
        for client, octets in zip(clients, (300, 100, 200), strict=True):
            client.send(b"x" * octets)
            self.assertTrue(wait_for(lambda client=client: client.listed()["waiting"]["client"] > 0))

        def shown(*options):
            table = on("gateway", "tlsconnctl", "-q", "list", *options).stdout
            return [line.split() for line in table.splitlines()]

        large, small, middle = ids
        self.assertEqual([int(one) for [one] in shown("-o", "id", "--sort", "waiting")], [small, middle, large])
        self.assertEqual([int(one) for [one] in shown("-o", "id", "--limit", "2")], ids[1:])
        self.assertEqual([one["id"] for one in listed("--sort", "waiting", "--limit", "1")], [large])
        [[one, waits, pin]] = shown("--output", "id,waiting,pin", "--sort", "bytes", "--limit", "1")
        self.assertEqual((int(one), pin), (large, "-"))
        self.assertEqual(waits, f"{clients[0].listed()['waiting']['client']}/0")
        for options in (("-o", "loose"), ("-o", "nothing"), ("--sort", "loose"), ("--limit", "x")):
            self.assertEqual(ctl("list", *options, check=False).returncode, 2, options)

    def test_selectors(self):
        server = self.server()
        waits, pinned, silent = (self.established(server, ssl.TLSVersion.TLSv1_2) for _ in range(3))
        ids = [client.listed()["id"] for client in (waits, pinned, silent)]
        ctl("pin", str(ids[1]))
        for client in (waits, pinned):
            client.send(b"data")
        self.assertTold(ids[0])

        def shown(*selectors):
            return [connection["id"] for connection in listed(*selectors)]

        self.assertEqual(shown("--waiting"), ids[:1])
        self.assertEqual(shown("--pinned"), ids[1:2])
        self.assertEqual(shown("--pinned", "other"), [])
        self.assertEqual(shown("--tls-version", "1.2", "--port", str(server.port)), ids)
        self.assertEqual(shown("--tls-version", "1.3"), [])
        bound = json.loads(ctl("pin", "--waiting", "--replace").stdout)["pin"]
        self.assertEqual(bound["connection"], ids[0])
        self.assertEqual(ctl("pin", "--next", "--waiting", check=False).returncode, 2)
