# SPDX-License-Identifier: GPL-2.0-only
"""The kernel checks what is handed to it, whoever made it: garbage is refused, what is let in is a valid rule."""

import errno
import random
import socket
import struct
import time
import unittest

from lab import about_legacy, loaded, run, unload, wait_for
from rawrules import SIZE, Legacy, Nft, Refused, random_octets
from scale import UML, mostly_uml

# The emulated machine is slower by far.
FLIPS, GARBAGE = ((0xFF, 0x01), 500) if UML else ((0x01,), 50)
# --state new, without the extension.
BY_HAND = struct.pack("=IHHIH", 2, 0, 1, 0, 0).ljust(SIZE, b"\0")
RULE = ("-A FORWARD -p tcp -m tlsconn --record-type application-data --wire --state new --pinned --tls-version 1.2 "
        "! --resumed --sni *.a-b.c --alpn h2 ! --ech --session-id abcd --client-random 0102 --server-random ef")
# Places in struct xt_tlsconn_mtinfo. From HELD on it is the kernel's own, who shows zeros there whatever was given.
MATCH, FLAGS, STATES, INVERT, TYPES, VERSION_MAX, SNI_SET_LEN, JA4_LEN, HELD = 0, 4, 6, 8, 12, 16, 23, 672, 736


def changed(data, place, octet):
    return data[:place] + bytes([octet]) + data[place + 1:]


class Raw:
    """What is the same in both variants; `iptables` and `kernel` are theirs."""

    ipv6 = False

    def setUp(self):
        run(self.iptables, "-F")
        self.addCleanup(run, self.iptables, "-F")
        self.kernel = self.table(self.ipv6)
        self.addCleanup(self.kernel.close)
        run(self.iptables, *RULE.split())
        self.valid = self.kernel.data()
        self.assertEqual(len(self.valid), SIZE)

    def refusal(self, data, **more):
        """The error number with which the kernel refuses it; 0 if it does not."""
        self.clear()
        try:
            self.kernel.insert(data, **more)
        except Refused as refused:
            return refused.number
        return 0

    def assertRuleOrEinval(self, data):
        """Says whether it is a rule; one is written by iptables-save, and read back as the same octets."""
        number = self.refusal(data)
        if number != 0:
            # No set is there that it could ask.
            self.assertIn(number, (errno.EINVAL, errno.ENOENT))
            return False
        data = data[:HELD].ljust(SIZE, b"\0")
        self.assertEqual(self.kernel.data(), data)
        text = run(f"{self.iptables}-save", "-t", "filter").stdout
        run(f"{self.iptables}-restore", stdin=text)
        self.assertEqual(self.kernel.data(), data, text)
        return True

    def test_every_octet_changed(self):
        let_in = [place for place in range(HELD) for flip in FLIPS
                  if self.assertRuleOrEinval(changed(self.valid, place, self.valid[place] ^ flip))]
        # Ids, names, types, states, marks have other values: the others are refused.
        self.assertLess(len(let_in), 40)
        self.assertLessEqual({TYPES, 32, 64, 96, 384}, set(let_in))
        for place in (MATCH + 1, MATCH + 3, INVERT + 2, FLAGS + 1, SNI_SET_LEN, JA4_LEN, JA4_LEN + 1, 34, 127, 128 + 255, HELD - 1):
            self.assertNotIn(place, let_in)

    def test_what_the_kernel_keeps_for_itself(self):
        """Whatever is given there, of a rule with a set and without."""
        run("tlsconnctl", "set", "load", "some", "--names", "a.example")
        self.addCleanup(wait_for, lambda: run("tlsconnctl", "set", "destroy", "some", check=False).returncode == 0)
        run(self.iptables, "-F")
        run(self.iptables, *f"{RULE} --sni-set some".split())
        for valid in (self.valid, self.kernel.data()):
            for octets in (bytes(8), b"\xff" * 8, struct.pack("=Q", 0xFFFF888000000000)):
                self.assertTrue(self.assertRuleOrEinval(valid[:HELD] + octets))
        run(self.iptables, "-F")

    def test_garbage(self):
        source = random.Random(1)
        for _ in range(GARBAGE):
            self.assertRuleOrEinval(random_octets(source))
            # Random in a few places only, so that the first check does not catch all of it.
            data = self.valid
            for _ in range(source.randrange(1, 5)):
                data = changed(data, source.randrange(SIZE), source.getrandbits(8))
            self.assertRuleOrEinval(data)

    def test_made_by_hand(self):
        """By a binary that knows nothing of libxtables, and before anything else has asked for the module."""
        run(self.iptables, "-F")
        unload()
        self.kernel.make(BY_HAND)
        self.assertTrue(loaded())
        self.assertEqual(self.kernel.data(), BY_HAND)
        self.assertIn("-p tcp -m tlsconn --state new", run(self.iptables, "-S").stdout)

    def test_sizes(self):
        for size in (0, 8, SIZE - 8, SIZE + 8, 2048):
            self.assertNotMade(errno.EINVAL, (self.valid * 4)[:size])
        run(self.iptables, "-F")
        self.kernel.make(self.valid)

    def test_only_tcp(self):
        for protocol in (0, 1, 17, 132):
            self.assertNotMade(errno.EINVAL, self.valid, protocol=protocol)

    def assertNotMade(self, number, data, **more):
        run(self.iptables, "-F")
        with self.assertRaises(Refused) as refused:
            self.kernel.make(data, **more)
        self.assertEqual(refused.exception.number, number, (len(data), more))

    def test_another_revision_is_not_there(self):
        self.assertIn(self.refusal(self.valid, revision=1), (errno.ENOENT, errno.EOPNOTSUPP))

    def test_the_log_says_what_to_update(self):
        # The kernel prints ten lines in five seconds.
        time.sleep(5.5)
        run("dmesg", "--clear")
        # A condition, a flag, a type, a state and a version of another day.
        newer = [changed(self.valid, MATCH + 1, 0x80), changed(self.valid, FLAGS, 0x81),
                 changed(self.valid, TYPES + 1, 1), changed(self.valid, STATES + 1, 1),
                 changed(self.valid, VERSION_MAX, self.valid[VERSION_MAX] + 2)]
        for data in newer:
            self.assertEqual(self.refusal(data), errno.EINVAL)
        said = run("dmesg").stdout
        self.assertEqual(said.count("update the module xt_tlsconn to the version of libxt_tlsconn.so"), len(newer), said)
        self.assertEqual(self.refusal(changed(self.valid, 128, ord("A"))), errno.EINVAL)
        self.assertIn("--sni: the pattern is no name in lower case", run("dmesg").stdout)


@about_legacy
class RawLegacy(Raw, unittest.TestCase):
    iptables, table = "iptables-legacy", Legacy

    def clear(self):
        """A rule is replaced in one go."""


@about_legacy
@mostly_uml
class RawLegacyIpv6(RawLegacy):
    iptables, ipv6 = "ip6tables-legacy", True


class RawNft(Raw, unittest.TestCase):
    iptables, table = "iptables-nft", Nft

    def clear(self):
        self.kernel.flush()

    def test_sizes_that_are_not_aligned(self):
        for size in (1, SIZE - 1, SIZE + 1):
            self.assertEqual(self.refusal((self.valid * 4)[:size]), errno.EINVAL, size)

    def test_packets_of_other_protocols(self):
        """A rule made by hand may meet any packet: one that is not TCP reads as untracked."""
        run(self.iptables, "-A", "OUTPUT", "-p", "tcp", "-j", "ACCEPT")
        output = Nft(self.ipv6, "OUTPUT")
        self.addCleanup(output.close)
        for rule in ("--state lost", "--record-type unknown", "! --sni a", "--state new", "! --pinned"):
            run(self.iptables, "-F", "FORWARD")
            run(self.iptables, "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", *rule.split())
            output.insert(self.kernel.data(), only_tcp=False)
        host = "::1" if self.ipv6 else "127.0.0.1"
        with socket.socket(socket.AF_INET6 if self.ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            for size in (0, 1, 20, 60000):
                datagrams.sendto(b"\x16\x03\x01" * (size // 3), (host, 9))
        run("ping", "-c", "2", "-s", "1400", host)
        listed = run(self.iptables, "-nvxL", "OUTPUT").stdout.splitlines()[3:]
        counts = [int(line.split()[0]) for line in listed]
        self.assertEqual([count > 5 for count in counts], [True, True, False, False, True], counts)


@mostly_uml
class RawNftIpv6(RawNft):
    iptables, ipv6 = "ip6tables-nft", True


if __name__ == "__main__":
    unittest.main()
