# SPDX-License-Identifier: GPL-2.0-only
"""Packets that conntrack lets pass without having accepted them are no part of a connection."""

import json
import pathlib
import random
import socket
import ssl
import time
import unittest

import pcap
from conversation import ETH_P_IP, ip_header
from forge import ACK, FIN, PSH, RST, SYN, URG, Forger, numbers, tcp
from lab import SERVER, GatewayTest, ctl, inside, listed, on, run, stats, wait_for
from scale import mostly_uml
from test_holes import client_hello

CLIENT = "10.1.0.2"


class Ignored(GatewayTest):
    def setUp(self):
        super().setUp()
        self.setUpHosts()

    def setUpHosts(self):
        self.hold()
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)

    def established(self):
        client = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"))
        self.ends = (CLIENT, client.port), (SERVER[4], client.server.port)
        return client

    def forge(self, host, seq, ack, flags, payload=b"", urgent=0):
        source, destination = self.ends if host == "client" else self.ends[::-1]
        self.forgers[host].send(source, destination, seq, ack, flags, payload, urgent)
        time.sleep(0.1)

    def test_a_syn_with_a_record_header_in_it(self):
        client = self.established()
        before = client.listed()
        seq, _ = numbers(client.tls)
        # The receiver drops it; whoever reads it takes the next 12,000 octets for handshake.
        self.forge("client", seq - 1, 0, SYN, b"\x16\x03\x03\x2e\xe0")
        self.assertEqual(client.listed()["bytes"], before["bytes"])
        client.send(b"held")
        self.assertHeld(client)
        self.assertEqual(client.listed()["state"], "established")

    def test_resets_and_openings_made_blindly(self):
        client = self.established()
        before = client.listed()
        ctl("pin", str(before["id"]))
        for _ in range(4):
            self.forge("client", random.getrandbits(32), 0, SYN | URG, b"x", urgent=1)
            self.forge("client", random.getrandbits(32), random.getrandbits(32), RST | ACK, b"x")
            for ack in (0, 0x80000000, random.getrandbits(32)):
                self.forge("server", random.getrandbits(32), ack, SYN | ACK, b"x")
        # A FIN in front of what was acknowledged long ago ends nothing, nor does it taint.
        old = {host: seq - 0x40000000 for host, seq in zip(("client", "server"), numbers(client.tls))}
        for host, other in (("client", "server"), ("server", "client")):
            for payload in (b"", b"x"):
                self.forge(host, old[host], old[other], FIN | ACK, payload)
        after = client.listed()
        self.assertEqual((after["id"], after["state"], after["bytes"], after["pin"]),
                         (before["id"], "established", before["bytes"], "default"))
        client.send(b"flows")
        self.assertArrives(client, b"flows")

    def test_a_syn_with_old_numbers(self):
        """Its octets are no part of the connection, whatever had these numbers before."""
        client = self.established()
        for types in ("handshake", "unknown"):
            on("gateway", "iptables-legacy", "-I", "FORWARD", "-p", "tcp", "--syn", "-m", "tlsconn", "--record-type", types,
               "-m", "comment", "--comment", types)
        seq, _ = numbers(client.tls)
        # Among the client's last octets, which are of its handshake.
        self.forge("client", seq - 31, 0, SYN, b"GET / HTTP/1.1\r\n\r\n")
        counts = {line.split()[-2]: int(line.split()[0]) for line in
                  on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines() if "/*" in line}
        self.assertEqual(counts, {"handshake": 0, "unknown": 1})
        self.assertEqual(client.listed()["state"], "established")

    def test_the_recipe_against_data_on_syns(self):
        """The rule of docs/operations.md drops any SYN with data, however little or whatever it is, and no other."""
        rule = "-p", "tcp", "--syn", "-m", "tlsconn", "!", "--record-type", "none"
        on("gateway", "iptables-legacy", "-I", "FORWARD", *rule, "-j", "DROP")
        for number, (payload, hits) in enumerate((
            (b"", 0), (b"x", 1), (bytes(40), 1), (client_hello()[:1400], 1), (client_hello()[:3], 1), (b"\x17\3\3\0\x05hello", 1),
        )):
            with self.subTest(payload=payload[:10], bytes=len(payload)):
                self.ends = (CLIENT, 40010 + number), (SERVER[4], 443)
                on("gateway", "iptables-legacy", "-Z", "FORWARD")
                self.forge("client", 1000, 0, SYN, payload)
                first = on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines()[2]
                self.assertEqual(int(first.split()[0]), hits, first)

    @mostly_uml
    def test_several_syns_and_data_on_one(self):
        """Each may have got lost, so that it is not known what the answer is to, though it fits: nothing is followed then.
        `inspect` says the same of a capture."""
        fake = client_hello()[:100]
        data, empty = (1000, fake), (1000, b"")
        behind, in_front = (1100, b""), (500, b"")
        for port, (syns, answered, state) in enumerate((
            ((data, empty), 1101, "hello"),
            ((data, data, empty), 1001, "hello"),
            ((data, behind), 1101, "lost"),
            ((data, behind, data), 1101, "lost"),
            ((data, in_front), 1101, "lost"),
            ((behind, data), 1101, "lost"),
            ((empty, behind), 1101, "new"),
            ((data,), 1051, "lost"),
        ), start=40010):
            with self.subTest(syns=[(seq, len(octets)) for seq, octets in syns], answered=answered):
                self.net("net_down")
                self.net("net_up")
                self.setUpHosts()
                self.ends = (CLIENT, port), (SERVER[4], 443)
                for forger in self.forgers.values():
                    forger.silence_the_stack()
                sent = [("client", seq, 0, SYN, octets) for seq, octets in syns]
                sent += [("server", 9000, answered, SYN | ACK), ("client", answered, 9001, ACK)]
                # What would fill the hello that was begun, or begin it.
                sent.append(("client", answered, 9001, ACK | PSH, b"GET / HTTP/1.1\r\n\r\n"))
                for one in sent[:-1]:
                    self.forge(*one)
                [before] = listed("--all")
                self.assertEqual((before["state"], before["reason"]), (state, "mid-stream" if state == "lost" else None))
                self.forge(*sent[-1])
                [after] = listed("--all")
                expected = {"hello": "tainted" if answered == 1001 else "hello", "new": "not-tls"}.get(state, state)
                self.assertEqual(after["state"], expected)
                [said] = self.inspected(sent)
                same = ("state", "reason", "bytes")
                self.assertEqual([said[name] for name in same], [after[name] for name in same])

    def test_data_on_a_syn_says_nothing_of_a_hello_that_is_not_complete(self):
        """Whatever is asked of it is false, with ! too, until a SYN-ACK has come and the rest."""
        rules = (("--sni", "a.example"), ("!", "--sni", "a.example"), ("!", "--ech"), ("!", "--resumed"),
                 ("!", "--tls-version", "1.2"), ("--state", "hello"))
        for rule in rules:
            on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", *rule)
        self.ends = (CLIENT, 40100), (SERVER[4], 443)
        for forger in self.forgers.values():
            forger.silence_the_stack()
        self.forge("client", 1000, 0, SYN, client_hello()[:60])
        listing = on("gateway", "iptables-legacy", "-t", "mangle", "-nvxL", "FORWARD").stdout.splitlines()[2:]
        self.assertEqual([int(line.split()[0]) for line in listing], [0] * (len(rules) - 1) + [1], listing)

    @mostly_uml
    def test_data_on_a_syn_that_is_answered_late(self):
        """It is kept for a minute. After that a SYN-ACK that acknowledges it opens a lost connection, another one does not."""
        for forger in self.forgers.values():
            forger.silence_the_stack()
        hello, ports = client_hello()[:100], {40200: 1101, 40201: 1001}
        for port in ports:
            self.ends = (CLIENT, port), (SERVER[4], 443)
            self.forge("client", 1000, 0, SYN, hello)
        time.sleep(62)
        found = {}
        for port, ack in ports.items():
            self.ends = (CLIENT, port), (SERVER[4], 443)
            self.forge("server", 9000, ack, SYN | ACK)
            found[port] = [(one["state"], one["reason"]) for one in listed("--all") if one["src"].endswith(f":{port}")]
        self.assertEqual(found[40200], [("lost", "syn-data")])
        # Its SYN-ACK belongs to no SYN that is known, as conntrack's idea of the end is another: nothing is followed.
        self.assertEqual(found[40201], [])

    def inspected(self, sent):
        capture = pathlib.Path(self.directory.name) / "sent.pcap"
        ends = {"client": self.ends, "server": self.ends[::-1]}
        segments = [(ends[host], tcp(*ends[host], *fields)) for host, *fields in sent]
        pcap.write(capture, [ip_header(source[0], destination[0], len(segment)) + segment
                             for (source, destination), segment in segments], 1)
        return json.loads(run("tlsconnctl", "inspect", "--json", str(capture)).stdout)["connections"]

    def test_another_syn_ack_before_the_handshake_s_last_ack(self):
        """Only the SYN-ACK that conntrack accepted starts a connection."""
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        self.addCleanup(listener.close)
        self.ends = (CLIENT, 40000), listener.getsockname()
        # The client's own stack knows nothing of this connection and would reset it.
        self.forgers["client"].silence_the_stack()
        self.forge("client", 1000, 0, SYN)
        seen = wait_for(listed)
        ctl("pin", str(seen[0]["id"]))
        for _ in range(4):
            self.forge("server", random.getrandbits(32), random.getrandbits(32), SYN | ACK)
        self.assertEqual([(c["id"], c["state"], c["pin"]) for c in listed()], [(seen[0]["id"], "new", "default")])

    def test_a_connection_taken_over(self):
        """A SYN that conntrack ignored is answered: the entry is a new connection's, and the pin goes."""
        client = self.established()
        first = client.listed()
        ctl("pin", str(first["id"]))
        for forger in self.forgers.values():
            forger.silence_the_stack()
        self.forge("client", 5000, 0, SYN)
        self.forge("server", 9000, 5001, SYN | ACK)
        seen = wait_for(lambda: [c for c in listed() if c["id"] != first["id"]])
        self.assertEqual([(c["state"], c["mark"], c["pin"]) for c in seen], [("new", "0x0", None)])
        self.assertNotIn(first["id"], [c["id"] for c in listed("--all")])
        # What the new connection sends is held, too.
        self.forge("client", 5001, 9001, ACK)
        self.forge("client", 5001, 9001, ACK | PSH, b"\x17\x03\x03\x00\x05hello")
        self.assertIn(wait_for(lambda: [c["state"] for c in listed("--all") if c["id"] == seen[0]["id"]]), [["not-tls"]])

    def opened(self):
        """A connection of forged packets: the first octets are 1001 and 9001."""
        self.ends = (CLIENT, 40001), (SERVER[4], 443)
        for forger in self.forgers.values():
            forger.silence_the_stack()
        self.forge("client", 1000, 0, SYN)
        self.forge("server", 9000, 1001, SYN | ACK)
        self.forge("client", 1001, 9001, ACK)

    def test_octets_that_come_again_as_others(self):
        hello = b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + bytes(range(32))
        for change, state, reason in ((20, "tainted", "resent-differently"), (None, "hello", None)):
            with self.subTest(change=change):
                self.net("net_down")
                self.net("net_up")
                self.setUpHosts()
                self.opened()
                self.forge("client", 1001, 9001, ACK | PSH, hello)
                again = bytearray(hello)
                if change is not None:
                    again[change] ^= 1
                self.forge("client", 1001, 9001, ACK | PSH, bytes(again))
                [seen] = listed("--all")
                self.assertEqual((seen["state"], seen["reason"]), (state, reason))

    def test_an_acknowledgement_from_the_sender_s_own_side(self):
        """A client that acknowledges in its server's name what never got there: the recipe of docs/operations.md drops that in
        front of the tracker, so that other octets in the same place taint."""
        raw = ("iptables-legacy", "-t", "raw", "-I", "PREROUTING", "-m", "rpfilter", "--invert", "-j", "DROP")
        if on("gateway", *raw, check=False).returncode:
            self.skipTest("this kernel has no rpfilter match")
        client = self.established()
        # What is dropped behind the tracker: a fake that never arrives.
        on("gateway", "iptables-legacy", "-I", "FORWARD", "-p", "tcp", "--sport", str(client.port), "-m", "length",
           "--length", "45", "-j", "DROP")
        seq, ack = numbers(client.tls)
        self.forge("client", seq, ack, ACK | PSH, b"\x18\x03\x03\x40\x00")
        mac = on("gateway", "cat", "/sys/class/net/to-client/address").stdout.strip().replace(":", "")
        segment = tcp(*self.ends[::-1], ack, seq + 5, ACK)
        with inside("client"), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as wire:
            header = ip_header(SERVER[4], CLIENT, len(segment), socket.IPPROTO_TCP)
            wire.sendto(header + segment, ("eth0", ETH_P_IP, 0, 0, bytes.fromhex(mac)))
        self.forge("client", seq, ack, ACK | PSH, b"\x17\x03\x03\x00\x10" + bytes(16))
        self.assertEqual((client.listed()["state"], client.listed()["reason"]), ("tainted", "resent-differently"))

    def test_dropped_packets_leave_nothing(self):
        """Their entries are never confirmed: each belongs to its packet, and goes with it."""
        for port in range(10000, 16000):
            self.forgers["client"].send((CLIENT, port), (SERVER[4], 443), 1, 1, ACK | PSH, b"x")
        count = int(on("gateway", "cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)
        self.assertLess(count, 100)
        found = stats()
        self.assertEqual((found["connections-made"], found["connections-full"]), (0, 0))
        self.assertGreaterEqual(found["packets"], 6000)
        self.assertEqual(listed("--all"), [])


if __name__ == "__main__":
    unittest.main()
