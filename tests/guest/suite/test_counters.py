# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of connections is counted, and told."""

import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import unittest

import canned
from forge import ACK, PSH, Forger, numbers
from hellos import change_cipher_spec, client_hello13, encrypted, server_hello13
from lab import SERVER, GatewayTest, forgets, inside, listed, load, on, run, stats, unload, wait_for
from test_events import Monitor

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Counters(GatewayTest):
    def setUp(self):
        super().setUp()
        on("gateway", "tlsconnctl", "track", "on")

    def monitor(self):
        monitor = Monitor("gateway")
        self.addCleanup(monitor.close)
        return monitor

    def plain(self):
        """A TCP connection that is not TLS."""
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        with inside("client"):
            client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        for end in (client, server, listener):
            self.addCleanup(end.close)
        return client, server

    def test_nothing_is_counted_that_was_not_there(self):
        self.assertEqual({name: value for name, value in stats().items() if value}, {})

    def test_in_the_format_of_prometheus(self):
        text = on("gateway", "tlsconnctl", "stats", "--prometheus").stdout
        # Each metric has its three lines, in that order, and nothing else is there.
        metric = re.compile(r"# HELP (tlsconn_[a-z0-9_]+) (?:[^\\\n]|\\\\|\\n)+\n# TYPE \1 (counter|gauge)\n\1 (\d+)\n")
        found = {match[1]: (match[2], int(match[3])) for match in metric.finditer(text)}
        self.assertEqual(metric.sub("", text), "")
        names = {name.removeprefix("tlsconn_").removesuffix("_total").replace("_", "-") for name in found}
        self.assertEqual(names, set(stats()))
        self.assertTrue(all(name.endswith("_total") == (kind == "counter") for name, (kind, _) in found.items()))
        self.assertEqual(found["tlsconn_connections_now"], ("gauge", 0))

    def test_promtool(self):
        """What Prometheus itself says of the format, and of the names."""
        if not shutil.which("promtool"):
            self.skipTest("there is no promtool here")
        text = on("gateway", "tlsconnctl", "stats", "--prometheus").stdout
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_dashboard(self):
        """It asks for what there is, and for all of it."""
        dashboard = json.loads((ROOT / "docs/grafana.json").read_text())
        asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
        asked = set(re.findall(r"tlsconn_(?:[a-z_]|\.\*)+", asked))
        text = on("gateway", "tlsconnctl", "stats", "--prometheus").stdout
        there = re.findall(r"^(tlsconn_\S+) ", text, re.MULTILINE)
        for pattern in asked:
            self.assertTrue(any(re.fullmatch(pattern, name) for name in there), pattern)
        for name in there:
            self.assertTrue(any(re.fullmatch(pattern, name) for pattern in asked), name)

    def test_packets_and_connections(self):
        client, server = self.plain()
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(server.recv(100), b"GET / HTTP/1.0\r\n\r\n")
        found = stats()
        self.assertEqual((found["connections-made"], found["connections-now"], found["connections-peak"]), (1, 1, 1))
        self.assertEqual((found["octets"], found["not-tls"]), (18, 1))
        self.assertGreaterEqual(found["packets"], 4)
        self.assertTrue(forgets(lambda: stats()["connections-now"] == 0))
        self.assertGreaterEqual(stats()["connections-peak"], 1)

    def test_a_handshake_its_resumption_and_its_end(self):
        monitor = self.monitor()
        server = self.server()
        first = self.connect(server, ssl.TLSVersion.TLSv1_2)
        first.send(b"x")
        self.assertArrives(first, b"x")
        session = first.context, first.tls.session
        second = self.connect(server, ssl.TLSVersion.TLSv1_2, session=session)
        second.send(b"y")
        self.assertArrives(second, b"y")
        self.assertTrue(second.tls.session_reused)
        second.close()
        self.assertTrue(wait_for(lambda: "closed" in monitor.names()))
        told = [(event["event"], event["connection"]["id"]) for event in monitor.events()]
        self.assertEqual([what for what, connection in told if connection == 1],
                         ["connection-new", "established", "data-waiting"])
        self.assertEqual([what for what, connection in told if connection == 2][:3],
                         ["connection-new", "resumed", "established"])

    def test_taint_and_loss(self):
        monitor = self.monitor()
        client = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        client.send(b"x")
        self.assertArrives(client, b"x")
        seq, expected = numbers(client.tls)
        forger = Forger("client")
        self.addCleanup(forger.close)
        ends = ("10.1.0.2", client.port), (SERVER[4], client.server.port)
        # Nothing that begins a record.
        forger.send(*ends, seq, expected, ACK | PSH, b"\x80" * 8)
        self.assertTrue(wait_for(lambda: listed()[0]["state"] == "tainted"))
        self.assertEqual(stats()["tainted-bad-header"], 1)
        self.assertTrue(wait_for(lambda: "tainted" in monitor.names()))
        event = next(event for event in monitor.events() if event["event"] == "tainted")
        self.assertEqual(event["connection"]["reason"], "bad-header")

    def test_found_in_the_middle(self):
        client = self.connect(self.server())
        client.send(b"x")
        self.assertArrives(client, b"x")
        monitor = self.monitor()
        self.assertTrue(forgets(lambda: stats()["connections-now"] == 0))
        before = stats()
        # Three record headers in a row show the way back.
        for octets in (b"1", b"2", b"3", b"4"):
            client.send(octets)
            self.assertArrives(client, octets)
        found = stats()
        for name in ("lost-mid-stream", "resynchronised"):
            self.assertEqual(found[name] - before[name], 1, name)
        self.assertTrue(wait_for(lambda: "lost" in monitor.names()))

    def test_what_passes_in_doubt(self):
        """What a TLS 1.3 server sends after its Finished, and a client with a certificate before its own: octets of records
        that may be data, and none of the others'."""
        client, server = self.plain()
        # EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished.
        asking = change_cipher_spec() + b"".join(map(encrypted, (23, 62, 795, 281, 53)))
        ticket, answer = encrypted(200), encrypted(766) + encrypted(281)
        for sender, receiver, octets in (
            (client, server, client_hello13(os.urandom(32))),
            (server, client, server_hello13(os.urandom(32)) + asking + ticket),
            (client, server, change_cipher_spec() + answer + encrypted(53) + canned.DATA),
            (server, client, canned.DATA),
        ):
            sender.sendall(octets)
            while octets:
                octets = octets[len(receiver.recv(len(octets))):]
        self.assertEqual(stats()["handshake-in-doubt"], len(ticket + answer))

    def test_out_of_order_segments(self):
        client = self.connect(self.server())
        client.send(b"x")
        self.assertArrives(client, b"x")
        seq, expected = numbers(client.tls)
        forger = Forger("client")
        self.addCleanup(forger.close)
        ends = ("10.1.0.2", client.port), (SERVER[4], client.server.port)
        forger.send(*ends, seq + 100, expected, ACK | PSH, bytes(50))
        self.assertTrue(wait_for(lambda: stats()["out-of-order-kept"] == 1))
        for start in range(200, 70000, 1000):
            forger.send(*ends, seq + start, expected, ACK | PSH, bytes(1000))
        self.assertTrue(wait_for(lambda: stats()["out-of-order-dropped"] == 1))
        self.assertEqual(stats()["lost-hole"], 1)


class Full(GatewayTest):
    def test_a_table_with_no_room(self):
        unload()
        run("modprobe", "xt_tlsconn", "max_connections=1")
        self.addCleanup(load)
        self.addCleanup(unload)
        on("gateway", "tlsconnctl", "track", "on")
        server = self.server()
        for _ in range(3):
            self.connect(server).send(b"x")
        found = stats()
        self.assertEqual((found["connections-made"], found["connections-now"]), (1, 1))
        self.assertGreaterEqual(found["connections-full"], 2)
        on("gateway", "tlsconnctl", "track", "off")


if __name__ == "__main__":
    unittest.main()
