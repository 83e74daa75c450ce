# SPDX-License-Identifier: GPL-2.0-only
"""JA4 of clients, which the module computes while something asks for it. That its values are those of FoxIO's captures is the
engine's and inspect's to show; here they are computed a second time, from FoxIO's description."""

import hashlib
import random
import re
import ssl

from conversation import RANDOM, Conversation, Wire
from hellos import client_hello, client_hello13, extension, vector
from lab import GatewayTest, ctl, listed, on, wait_for

FORM = r"t1[23][di]\d{4}[0-9a-zA-Z]{2}_[0-9a-f]{12}_[0-9a-f]{12}"
SIGNATURES = extension(13, vector(bytes.fromhex("040308040401050308050501"), 2))


def is_grease(number):
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def numbers(octets):
    every = [int.from_bytes(octets[at:at + 2], "big") for at in range(0, len(octets), 2)]
    return [number for number in every if not is_grease(number)]


def ja4(hello):
    """JA4 of a ClientHello in a record."""
    body = hello[9:]
    at = 34
    at += 1 + body[at]
    end = at + 2 + int.from_bytes(body[at:at + 2], "big")
    suites = numbers(body[at + 2:end])
    at = end + 1 + body[end]
    rest, found = body[at + 2:], []
    while rest:
        size = int.from_bytes(rest[2:4], "big")
        found.append((int.from_bytes(rest[:2], "big"), rest[4:4 + size]))
        rest = rest[4 + size:]
    found = [(number, value) for number, value in found if not is_grease(number)]
    values = dict(found)
    offered = max(numbers(values[43][1:])) if 43 in values else int.from_bytes(body[:2], "big")
    protocol = values[16][3:3 + values[16][2]].decode() if 16 in values else "00"
    signatures = numbers(values[13][2:]) if 13 in values else []

    def digest(text):
        return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12

    def listed_as(every):
        return ",".join(f"{number:04x}" for number in every)

    kept = listed_as(sorted(number for number, _ in found if number not in (0, 16)))
    if kept and signatures:
        kept += "_" + listed_as(signatures)
    return (f"t{ {0x304: '13', 0x303: '12'}[offered] }{'d' if 0 in values else 'i'}{min(len(suites), 99):02}{min(len(found), 99):02}"
            f"{protocol[0]}{protocol[-1]}_{digest(listed_as(sorted(suites)))}_{digest(kept)}")


class RealClients(GatewayTest):
    def test_versions(self):
        ctl("track", "on", "--ja4")
        server = self.server()
        found = []
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = self.connect(server, version)
            self.assertTrue(wait_for(lambda client=client: client.listed()["state"] == "established"))
            found.append(client.listed()["ja4"])
            self.assertRegex(found[-1], re.compile(FORM))
        self.assertEqual([text[:4] for text in found], ["t12d", "t13d"])


class Ja4(GatewayTest):
    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        self.port = 31000

    def talk(self):
        self.port += 1
        return Conversation(self.wire, self.port).open()

    def hello(self, octets, cuts=(), order=None):
        """A connection whose client says that, cut there, in that order."""
        talk = self.talk()
        places = [0, *cuts, len(octets)]
        pieces = list(zip(places, places[1:]))
        for place in order or range(len(pieces)):
            begin, end = pieces[place]
            talk.say("client", "hello", None, octets[begin:end], at=begin, moves=False)
        talk.next["client"] = (talk.next["client"] + len(octets)) & 0xFFFFFFFF
        return talk

    def known(self, talk):
        return talk.listed()["ja4"]

    def count(self, *options):
        """A rule that counts, and what to call for its packets."""
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--record-type", "handshake", *options)
        number = len(on("gateway", "iptables-legacy", "-S", "FORWARD").stdout.splitlines()) + 1
        return lambda: int(on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines()[number - 1].split()[0])

    def test_any_hello_cut_anywhere(self):
        ctl("track", "on", "--ja4")
        chance = random.Random(4)
        for _ in range(30):
            more = SIGNATURES if chance.random() < 0.7 else b""
            for number in chance.sample(range(20, 40), chance.randrange(6)) + [0x1A1A]:
                more += extension(number, bytes(chance.randrange(40)))
            fields = {"sni": chance.choice([None, b"first.example"]), "alpn": chance.choice([None, b"h2", b"http/1.1"])}
            octets = chance.choice([client_hello, client_hello13])(RANDOM, more=more, **fields)
            cuts = sorted(chance.sample(range(1, len(octets)), chance.randrange(5)))
            order = chance.sample(range(len(cuts) + 1), len(cuts) + 1)
            with self.subTest(octets=octets.hex(), cuts=cuts, order=order):
                self.assertEqual(self.known(self.hello(octets, cuts, order)), ja4(octets))

    def test_it_stays_after_the_handshake(self):
        ctl("track", "on", "--ja4")
        hello = client_hello13(RANDOM, alpn=b"h2", more=SIGNATURES)
        talk = self.talk()
        talk.say("client", "ClientHello", None, hello)
        talk.finish13()
        seen = talk.listed()
        self.assertEqual((seen["state"], seen["ja4"], seen["sni"]), ("established", ja4(hello), "first.example"))
        self.assertEqual([one["id"] for one in listed("--ja4", ja4(hello)[:10] + "_*")], [seen["id"]])
        self.assertEqual(listed("--ja4", "t12*"), [])

    def test_it_is_computed_while_it_is_asked_for(self):
        hello = client_hello13(RANDOM)
        ctl("track", "on")
        nobody = self.hello(hello)
        self.assertEqual(self.known(nobody), None)
        askers = {
            "track": (("track", "on", "--ja4"), ("track", "off")),
            "a pin": (("pin", "--name", "a", "--next", "--ja4", "t10*"), ("unpin", "a")),
            "a shared pin": (("pin", "--name", "b", "--shared", "--next", "--ja4", "t10*"), ("unpin", "b")),
        }
        for name, (ask, stop) in askers.items():
            with self.subTest(name):
                ctl(*ask)
                self.assertEqual(self.known(self.hello(hello)), ja4(hello))
                ctl(*stop)
                ctl("track", "on")
                self.assertEqual(self.known(self.hello(hello)), None)
        for iptables in ("iptables-legacy", "iptables-nft"):
            with self.subTest(iptables):
                rule = ("FORWARD", "-p", "tcp", "-m", "tlsconn", "--ja4", "t13*")
                on("gateway", iptables, "-A", *rule)
                on("gateway", iptables, "-A", *rule)
                self.assertEqual(self.known(self.hello(hello)), ja4(hello))
                on("gateway", iptables, "-D", *rule)
                self.assertEqual(self.known(self.hello(hello)), ja4(hello))
                on("gateway", iptables, "-F", "FORWARD")
                # nft gives up what a rule held after a grace period.
                self.assertTrue(wait_for(lambda: self.known(self.hello(hello)) is None))
        # A hello that was half there is not taken up in the middle.
        talk = self.talk()
        talk.say("client", "hello", None, hello[:40])
        ctl("track", "on", "--ja4")
        talk.say("client", "hello", None, hello[40:])
        self.assertEqual(self.known(talk), None)
        # What was computed stays known.
        last = self.hello(hello)
        ctl("track", "off")
        ctl("track", "on")
        self.assertEqual(self.known(last), ja4(hello))

    def test_rules(self):
        """True from the hello's last byte on; before that false both ways, and for one that has none true with `!`."""
        hello = client_hello13(RANDOM, more=SIGNATURES)
        fits, not_fits = self.count("--ja4", ja4(hello).upper()), self.count("!", "--ja4", "?13*" + ja4(hello)[-6:])
        other = self.count("--ja4", "t12*")
        self.hello(hello[:60])
        self.assertEqual((fits(), not_fits(), other()), (0, 0, 0))
        self.hello(hello)
        self.assertEqual((fits(), not_fits(), other()), (1, 0, 0))
        self.hello(client_hello(RANDOM))
        self.assertEqual((fits(), not_fits(), other()), (1, 1, 1))
        # More signature algorithms than any JA4 is made of.
        many = extension(13, vector(bytes(range(2, 134)) , 2))
        self.assertEqual(self.known(self.hello(client_hello13(RANDOM, more=many))), None)
        self.assertEqual((fits(), not_fits(), other()), (1, 2, 1))

    def test_pins_take_whoever_fits(self):
        hello, other = client_hello13(RANDOM, more=SIGNATURES), client_hello13(RANDOM)
        ctl("track", "on")
        ctl("pin", "--next", "--ja4", ja4(hello))
        self.assertIn("--ja4=" + ja4(hello), on("gateway", "tlsconnctl", "save").stdout)
        for octets, pin in ((other, None), (hello, "default"), (hello, None)):
            talk = self.talk()
            talk.say("client", "ClientHello", None, octets)
            talk.finish13()
            self.assertEqual(talk.listed()["pin"], pin)

    def test_what_is_no_pattern(self):
        for pattern in ("", "t13-", "x" * 37, "*" * 64):
            self.assertEqual(ctl("list", "--ja4", pattern, check=False).returncode, 2, pattern)
            rule = ("-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--ja4", pattern)
            self.assertEqual(on("gateway", "iptables-legacy", *rule, check=False).returncode, 2, pattern)
        self.assertEqual(ctl("track", "off", "--ja4", check=False).returncode, 2)
