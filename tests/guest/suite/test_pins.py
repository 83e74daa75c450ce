# SPDX-License-Identifier: GPL-2.0-only
"""Pins that wait for a connection, and pins that last for a while."""

import concurrent.futures
import json
import ssl
import time
import unittest

from forge import ACK, PSH, RST, SYN, Forger
from lab import SERVER, GatewayTest, ctl, listed, load, on, unload, wait_for

TLS12 = ssl.TLSVersion.TLSv1_2


def pins():
    return {pin["name"]: pin for pin in json.loads(ctl("pins").stdout)["pins"]}


class Lasting(GatewayTest):
    def test_for(self):
        self.hold()
        client = self.connect(self.server())
        begun = time.monotonic()
        ctl("pin", "1", "--for", "10s")
        self.assertIn(pins()["default"]["expires_in"], range(11))
        client.send(b"one")
        self.assertArrives(client, b"one")
        self.assertTrue(wait_for(lambda: pins()["default"]["state"] == "released"))
        lasted = time.monotonic() - begun
        self.assertGreaterEqual(lasted, 9.9)
        self.assertEqual((client.listed()["mark"], pins()["default"]["expires_in"]), ("0x0", None))
        client.send(b"two")
        self.assertHeld(client, arrived=b"one")

    def test_the_shorter_of_two_and_a_time_that_is_set_anew(self):
        self.hold()
        server = self.server()
        for _ in range(2):
            self.connect(server)
        ctl("pin", "1", "--for", "1d")
        ctl("pin", "2", "--for", "2s", "--name", "short", "--mark", "1/1")
        self.assertTrue(wait_for(lambda: pins()["short"]["state"] == "released"))
        self.assertGreater(pins()["default"]["expires_in"], 86390)
        # The same pin on the same connection: its bits stay set.
        ctl("pin", "1", "--replace", "--for", "1s")
        self.assertTrue(wait_for(lambda: pins()["default"]["state"] == "released"))
        ctl("pin", "1")
        self.assertIsNone(pins()["default"]["expires_in"])

    def test_the_module_goes_before_its_time(self):
        self.hold()
        self.connect(self.server())
        ctl("pin", "1", "--for", "2s")
        ctl("pin", "--next", "--name", "armed", "--mark", "1/1")
        on("gateway", "iptables-legacy", "-F")
        unload()
        time.sleep(2.5)
        load()
        self.assertEqual(pins(), {})

    def test_marks_on_what_is_not_tracked(self):
        """Each pin tells of those that carry its own mark, of 16 of them at most."""
        self.hold()
        carried = {"few": ("0x100", range(1001, 1004)), "many": ("0x200", range(2001, 2021)), "none": ("0x400", ())}
        for name, (mark, ports) in carried.items():
            ctl("pin", "--next", "--name", name, "--mark", f"{mark}/{mark}")
            for port in ports:
                on("gateway", "conntrack", "-I", "-p", "tcp", "-s", "192.0.2.1", "-d", "192.0.2.2", "--sport", str(port),
                   "--dport", "443", "--state", "ESTABLISHED", "-t", "600", "-u", "SEEN_REPLY", "--mark", mark)
        told = {name: [int(other.split(" -> ")[0].rsplit(":")[-1]) for other in pin["others"]]
                for name, pin in pins().items()}
        self.assertEqual((sorted(told["few"]), told["none"]), (list(carried["few"][1]), []))
        self.assertEqual((len(set(told["many"])), len(told["many"])), (16, 16))
        self.assertLess(set(told["many"]), set(carried["many"][1]))
        # Of one that is released nothing is told, and its marks are cleared.
        ctl("unpin", "many")
        self.assertEqual((pins()["many"]["others"], sorted(pins()["few"]["others"])[0]),
                         ([], "192.0.2.1:1001 -> 192.0.2.2:443"))

    def test_a_mark_that_is_overwritten(self):
        self.hold()
        client = self.connect(self.server())
        ctl("pin", "1")
        self.assertFalse(pins()["default"]["mark_lost"])
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(client.port), "--mark", "0x1")
        self.assertTrue(pins()["default"]["mark_lost"])
        client.send(b"held")
        self.assertHeld(client)
        ctl("pin", "1", "--replace")
        self.assertEqual((pins()["default"]["mark_lost"], client.listed()["mark"]), (False, "0x54000001"))
        self.assertArrives(client, b"held")


    def test_others_that_carry_the_mark(self):
        """They are listed, and cleared by what is done to the pin."""
        self.hold()
        server = self.server()
        one, two, three = (self.connect(server) for _ in range(3))

        def mark(*clients):
            for client in clients:
                on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(client.port), "--mark", "0x54000007")

        ctl("pin", "1")
        mark(two, three)
        self.assertEqual(pins()["default"]["others"], [2, 3])
        two.send(b"their own way")
        self.assertArrives(two, b"their own way")
        ctl("pin", "1", "--replace")
        self.assertEqual([c["mark"] for c in listed()], ["0x54000000", "0x7", "0x7"])
        self.assertEqual(pins()["default"]["others"], [])
        mark(two)
        ctl("pin", "2", "--name", "other", "--mark", "0x100/0x100")
        self.assertEqual(two.listed()["mark"], "0x54000107", "another pin's name is not meant")
        ctl("unpin")
        self.assertEqual([c["mark"] for c in listed()], ["0x0", "0x107", "0x7"])
        ctl("unpin", "--all")
        self.assertEqual([c["mark"] for c in listed()], ["0x0", "0x7", "0x7"])

    def test_others_that_carry_the_mark_of_a_released_one(self):
        self.hold()
        server = self.server()
        clients = [self.connect(server) for _ in range(3)]

        def mark(client):
            on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(client.port), "--mark", "0x54000007")

        ctl("pin", "1", "--for", "1h")
        done = json.loads(ctl("unpin").stdout)["pins"]
        self.assertEqual([(pin["state"], pin["connection"], pin["expires_in"]) for pin in done],
                         [("released", None, None)])
        self.assertEqual(ctl("unpin", check=False).returncode, 3)
        mark(clients[1])
        self.assertEqual(pins()["default"]["others"], [2])
        self.assertEqual(json.loads(ctl("unpin").stdout)["pins"][0]["others"], [])
        self.assertEqual((clients[1].listed()["mark"], pins()["default"]["others"]), ("0x7", []))
        self.assertEqual(ctl("unpin", check=False).returncode, 3)
        # Another pin has its mark, or bits of it, now: that is no other's doing.
        ctl("pin", "3", "--name", "next", "--mark", "0x54100000/0xfff00000")
        mark(clients[1])
        self.assertEqual((pins()["default"]["others"], pins()["next"]["others"]), ([2], []))
        ctl("unpin")
        self.assertEqual([c["mark"] for c in listed()], ["0x0", "0x7", "0x54100000"])
        self.assertEqual(ctl("unpin", check=False).returncode, 3)
        self.assertEqual(clients[2].listed()["mark"], "0x54100000")


class Waiting(GatewayTest):
    def refused(self, code, word, *arguments):
        done = ctl(*arguments, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(word, done.stderr)

    def test_the_next_connection_and_no_other(self):
        self.hold()
        server = self.server()
        before = self.connect(server)
        pin = json.loads(ctl("pin", "--next").stdout)["pin"]
        self.assertEqual((pin["state"], pin["connection"], pin["selector"]), ("armed", None, {}))
        before.send(b"held")
        client, after = self.connect(server), self.connect(server)
        self.assertEqual((pins()["default"]["state"], pins()["default"]["connection"]), ("bound", client.listed()["id"]))
        client.send(b"flows")
        after.send(b"held")
        self.assertArrives(client, b"flows")
        self.assertHeld(before, after)
        # A pin binds once.
        client.close()
        self.assertTrue(wait_for(lambda: pins()["default"]["state"] == "released"))
        self.connect(server)
        self.assertEqual(pins()["default"]["state"], "released")

    def test_selectors(self):
        self.hold()
        server, other = self.server(), self.server()
        for selector, fits, does_not in (
            (["--sni", "*.Example."], {"name": "two.example"}, {"name": "two.other"}),
            (["--dst", f"{SERVER[4]}:{server.port}"], {}, {"server": other}),
            (["--src", "10.1.0.0/24"], {}, None),
            (["--src", "10.1.0.2:1"], None, {}),
            (["--src", "fd01::/64"], None, {}),
            (["--client-random", "00" * 32], None, {}),
            (["--server-random", "00" * 32], None, {}),
            (["--session-id", "00" * 32], None, {}),
            (["--sni", "two.example", "--dst", "10.2.0.0/16"], {"name": "two.example"}, {}),
        ):
            for version in (TLS12, ssl.TLSVersion.TLSv1_3):
                with self.subTest(selector=selector, version=version):
                    ctl("pin", "--next", *selector)
                    shown = pins()["default"]["selector"]
                    self.assertEqual(set(shown), {word[2:].replace("-", "_") for word in selector[::2]})
                    if does_not is not None:
                        self.connect(**{"server": server, "version": version, **does_not})
                        self.assertEqual(pins()["default"]["state"], "armed")
                    if fits is not None:
                        client = self.connect(**{"server": server, "version": version, **fits})
                        self.assertEqual(pins()["default"]["connection"], client.listed()["id"])
                    ctl("unpin")

    def test_server_s_side_of_a_selector(self):
        """A session id or a server's random shows at the ServerHello."""
        self.hold()
        server = self.server()
        first = self.connect(server, TLS12)
        ctl("pin", "1")
        first.send(b"x")
        self.assertArrives(first, b"x")
        session = first.listed()["session_id"]
        ctl("unpin")
        # Nothing is known of it yet: a single octet, of 256, until one comes.
        ctl("pin", "--next", "--server-random", "00", "--name", "random", "--mark", "1/1")
        bound = None
        for _ in range(40):
            client = self.connect(server, TLS12)
            random = client.listed()["server_random"]
            bound = pins()["random"]["connection"]
            self.assertEqual(bound is not None, random.startswith("00"), random)
            client.close()
            if bound:
                break
        ctl("unpin", "--all")
        self.assertIsNotNone(session)

    def test_many_at_once(self):
        """Of connections that begin in the same moment exactly one is bound."""
        self.hold()
        server = self.server()
        for round_ in range(8):
            ctl("pin", "--next", *(["--sni", "server.example"] if round_ % 2 else []))
            with concurrent.futures.ThreadPoolExecutor(6) as threads:
                clients = list(threads.map(lambda _: self.connect(server), range(6)))
            pinned = [c for c in listed() if c["pin"]]
            self.assertEqual([c["id"] for c in pinned], [pins()["default"]["connection"]])
            for client in clients:
                client.close()
            ctl("unpin", check=False)

    def test_refusals(self):
        self.hold()
        self.connect(self.server())
        ctl("pin", "--next")
        self.refused(1, "armed", "pin", "--next")
        self.refused(1, "armed", "pin", "1")
        self.refused(1, "overlaps", "pin", "1", "--name", "other", "--mark", "0x54100000/0xfff00000")
        self.refused(1, "overlaps", "pin", "--next", "--name", "other", "--mark", "0x54000000/0xff000000")
        ctl("pin", "1", "--replace")
        self.refused(1, "bound", "pin", "--next")
        ctl("pin", "--next", "--replace")
        self.assertEqual((pins()["default"]["state"], listed()[0]["mark"]), ("armed", "0x0"))
        [released] = json.loads(ctl("unpin").stdout)["pins"]
        self.assertEqual((released["state"], released["connection"]), ("released", None))
        self.refused(3, "", "unpin")

    def test_a_hello_that_nobody_answers(self):
        """It keeps the pin from others only until it has ended."""
        self.hold()
        server = self.server()
        forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in forgers.values():
            self.addCleanup(forger.close)
        # Hosts that are not there, so that none resets what it knows nothing of.
        ends = ("10.1.0.9", 40001), ("10.2.0.9", 443)
        for end, side in zip(ends, ("client", "server")):
            on("gateway", "ip", "neigh", "replace", end[0], "lladdr", "02:00:00:00:00:09", "dev", f"to-{side}")

        def forge(host, *arguments):
            forgers[host].send(*(ends if host == "client" else ends[::-1]), *arguments)

        hello = bytes([22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3, *range(32), 0, 0, 4, 0, 156, 0, 255, 1, 0])
        forge("client", 1000, 0, SYN)
        forge("server", 9000, 1001, SYN | ACK)
        forge("client", 1001, 9001, ACK)
        ctl("pin", "--next")
        forge("client", 1001, 9001, ACK | PSH, hello)
        self.assertTrue(wait_for(lambda: listed()[0]["client_random"]))
        self.connect(server)
        self.assertEqual(pins()["default"]["state"], "armed")
        forge("client", 1001 + len(hello), 9001, RST | ACK)
        self.assertTrue(wait_for(lambda: not [c for c in listed() if c["src"].startswith("10.1.0.9")]))
        client = self.connect(server)
        self.assertEqual(pins()["default"]["connection"], client.listed()["id"])


if __name__ == "__main__":
    unittest.main()
