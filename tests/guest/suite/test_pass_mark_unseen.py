# SPDX-License-Identifier: GPL-2.0-only
"""Nobody beside the chains between the two hooks sees the pass mark: whatever on the gateway reads or copies the packet mark, each
kind alone and several at random at once. Whoever sees the bit blocks, so that connections stop, or counts."""

import contextlib
import random
import socket
import struct
import threading
import unittest

from lab import PATIENCE, SERVER, inside, on, run, wait_for
from nfqueue import ACCEPT, Queues
from scale import size, tell
from test_pass_mark import AROUND, BETWEEN, BIT, NEAR, PassMarkTest

BIT_ALONE = f"{BIT:#x}/{BIT:#x}"


class Unsupported(Exception):
    """This kernel has no such thing."""


def tries(*command):
    """On the gateway; what the kernel was built without is left out."""
    done = on("gateway", *command, check=False)
    if done.returncode:
        words = done.stderr + done.stdout
        if any(word in words for word in ("not supported", "Unknown", "No such file", "Protocol not", "not found", "doesn't exist",
                                          "unknown", "Could not load", "missing")):
            raise Unsupported(words.strip().splitlines()[0])
        raise AssertionError(f"{command}: {words}")


def policy_routing():
    for family in "-4", "-6":
        tries("ip", family, "rule", "add", "fwmark", BIT_ALONE, "blackhole")


def vrf():
    tries("ip", "link", "add", "vrf-test", "type", "vrf", "table", "10")
    # The rule for VRFs comes before the table of local addresses.
    for family in "-4", "-6":
        tries("ip", family, "rule", "add", "l3mdev", "pref", "0")
        tries("ip", family, "rule", "add", "fwmark", BIT_ALONE, "pref", "1", "blackhole")
    tries("ip", "link", "set", "vrf-test", "up")
    tries("sysctl", "-qw", "net.ipv4.tcp_l3mdev_accept=1")
    for link in "to-client", "to-server":
        addresses = on("gateway", "ip", "-o", "-6", "addr", "show", "dev", link, "scope", "global").stdout.split()
        tries("ip", "link", "set", link, "master", "vrf-test")
        # Those of IPv6 go with the change.
        with contextlib.suppress(AssertionError, Unsupported):
            tries("ip", "addr", "add", addresses[3], "dev", link, "nodad")


def bridge():
    """The bridge's own hooks call those of IP for packets that it only passes on."""
    tries("ip", "link", "add", "bridge-test", "type", "bridge")
    tries("ip", "link", "set", "bridge-test", "up")
    run("modprobe", "-q", "br_netfilter", check=False)
    for family in "ip", "ip6":
        tries("sysctl", "-qw", f"net.bridge.bridge-nf-call-{family}tables=1")
    for host, far in (("client", "server"), ("server", "client")):
        tries("ip", "link", "set", f"to-{host}", "master", "bridge-test")
        number = {"client": 1, "server": 2}[far]
        on(host, "ip", "route", "add", f"10.{number}.0.0/24", "dev", "eth0")
        on(host, "ip", "-6", "route", "add", f"fd0{number}::/64", "dev", "eth0")


def xfrm():
    for ip, family in ((4, "0.0.0.0/0"), (6, "::/0")):
        for direction in "in", "out", "fwd":
            tries("ip", "xfrm", "policy", "add", "src", family, "dst", family, "dir", direction, "mark", hex(BIT), "mask", hex(BIT),
                  "action", "block")


def tc():
    for link in "to-client", "to-server":
        tries("tc", "qdisc", "add", "dev", link, "clsact")
        for way in "ingress", "egress":
            tries("tc", "filter", "add", "dev", link, way, "prio", "1", "handle", BIT_ALONE, "fw", "action", "drop")


def connmark():
    """Saved and restored at every place."""
    for iptables in "iptables-legacy", "ip6tables-legacy":
        for chain in "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING":
            for action in "--restore-mark", "--save-mark":
                tries(iptables, "-t", "mangle", "-A", chain, "-j", "CONNMARK", action)
        for chain in "INPUT", "FORWARD", "OUTPUT":
            for action in "--save-mark", "--restore-mark":
                tries(iptables, "-A", chain, "-j", "CONNMARK", action)


def reflecting():
    tries("sysctl", "-qw", "net.ipv4.fwmark_reflect=1", "net.ipv6.fwmark_reflect=1", "net.ipv4.tcp_fwmark_accept=1")


def copying():
    """Copies are made before and after the two, and pass LOCAL_OUT by themselves."""
    for table in "mangle", "filter":
        tries("iptables-legacy", "-t", table, "-A", "FORWARD", "-j", "TEE", "--gateway", SERVER[4])
        tries("ip6tables-legacy", "-t", table, "-A", "FORWARD", "-j", "TEE", "--gateway", SERVER[6])


def other_rules():
    """Chains of others that match the bit, everywhere but between the two."""
    for iptables in "iptables-legacy", "ip6tables-legacy":
        for table, chain in (("mangle", "FORWARD"), ("mangle", "INPUT"), ("filter", "FORWARD"), ("filter", "INPUT"),
                             ("filter", "OUTPUT"), ("mangle", "POSTROUTING")):
            tries(iptables, "-t", table, "-A", chain, "-m", "mark", "--mark", BIT_ALONE, "-j", "DROP")


KINDS = [policy_routing, vrf, bridge, xfrm, tc, connmark, reflecting, copying, other_rules]
# Each takes the links for itself.
TOPOLOGIES = {vrf, bridge}


class Unseen(PassMarkTest):
    def everywhere(self, kinds):
        """Traffic of both versions; a bridge or a VRF is not spoken to itself."""
        for ip in 4, 6:
            self.traffic(ip)
            if not TOPOLOGIES & set(kinds):
                self.traffic(ip, to=NEAR[ip], server="gateway")
                self.traffic(ip, host="gateway")

    def story(self, kinds):
        for kind in kinds:
            kind()
        self.count(f"meta mark & {BIT:#x} != 0", *AROUND, *BETWEEN)
        self.everywhere(kinds)
        found = self.counted()
        self.assertEqual({place: packets for place, packets in found.items() if packets and place in AROUND}, {})
        self.assertGreater(found["forward", -5], 10)
        marked = [line for line in on("gateway", "conntrack", "-L", "-p", "tcp").stdout.splitlines() if " mark=0 " not in line]
        self.assertEqual(marked, [])

    def again(self):
        """The same hosts, with nothing of it."""
        self.net("net_down")
        self.net("net_up")
        on("gateway", "tlsconnctl", "track", "on", "--pass-mark", hex(BIT))

    def test_each_kind_and_several_at_once(self):
        there = []
        for kind in KINDS:
            with self.subTest(kind.__name__):
                self.again()
                try:
                    self.story([kind])
                    there.append(kind)
                except Unsupported as why:
                    tell(f"{kind.__name__}: left out, as this kernel has no such thing: {why}")
        self.assertGreater(len(there), 2)
        seed = random.SystemRandom().getrandbits(32)
        tell(f"seed {seed}")
        chance = random.Random(seed)
        for _ in range(size(2, 30, uml=4)):
            kinds = chance.sample(there, chance.randint(2, min(5, len(there))))
            if TOPOLOGIES <= set(kinds):
                kinds.remove(vrf)
            names = [kind.__name__ for kind in kinds]
            with self.subTest(names, seed=seed):
                self.again()
                self.story(kinds)

    def test_a_socket_with_a_mark_keeps_it(self):
        """A mark that a local process has given its socket leaves as it was, with the bit and without."""
        for mark in BIT | 5, 5, 0xffffffff:
            for ip in 4, 6:
                with self.subTest(hex(mark), ip=ip):
                    places = [("postrouting", 300), ("output", -3), ("output", 0)]
                    self.count(f"meta l4proto tcp meta mark != {mark:#x}", *places)
                    server = self.server(ip)
                    with inside("gateway"), socket.socket(socket.AF_INET6 if ip == 6 else socket.AF_INET) as raw:
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", mark))
                        raw.settimeout(PATIENCE)
                        raw.connect((SERVER[ip], server.port))
                        # Which is not TLS: the server does not wait for all of it.
                        with contextlib.suppress(OSError):
                            raw.sendall(b"x" * 100_000)
                    self.assertEqual(set(self.counted().values()), {0})


class Kept(PassMarkTest):
    """The bit's old value, where packets wait between the two hooks."""
    HOOKS = ("forward", "input", "output")

    def queues(self, number, **fields):
        try:
            queues = Queues({number: (ACCEPT, None)}, **fields)
        except OSError as error:
            self.skipTest(f"this kernel has no queues: {error}")
        self.addCleanup(queues.close)
        return queues

    def between(self, mark):
        """All is marked by others first, and waits in a queue in the middle."""
        queueing = "".join(f"\nchain q{hook} {{ type filter hook {hook} priority -5; meta l4proto tcp queue to 3; }}" for hook in self.HOOKS)
        return (f"\nchain marking {{ type filter hook prerouting priority mangle; meta mark set {mark:#x}; }}"
                f"\nchain leaving {{ type route hook output priority mangle; meta mark set {mark:#x}; }}" + queueing)

    def test_whole_and_cut_into_segments(self):
        queues = self.queues(3)
        for mark in BIT | 1, 1:
            for condition, expected in ((f"!= {mark:#x}", False), (f"== {mark:#x}", True)):
                places = [("postrouting", 300), ("input", 300), ("forward", -3)]
                self.count(f"meta l4proto tcp meta mark {condition}", *places, more=self.between(mark))
                for fields in ({}, {"to": NEAR[4], "server": "gateway"}, {"host": "gateway"}):
                    client = self.big(**fields)
                    self.assertTrue(wait_for(lambda client=client: len(client.arrived()) == 200_000))
                self.assertEqual({place: packets > 0 for place, packets in self.counted().items()}, dict.fromkeys(places, expected),
                                 condition)
        self.assertGreater(queues.came[3], 100)

    def big(self, host="client", to=None, server="server"):
        """Packets that are merged on their way: a queue that does not take those whole has them cut."""
        server = self.server(4, server, to)
        client = self.connect(server, to=to, host=host)
        # Not before the server has taken it in, as it sends what it gets nowhere.
        sender = threading.Thread(target=client.send, args=(b"x" * 200_000,))
        sender.start()
        self.addCleanup(sender.join)
        return client

    def test_dropped_and_sent_again(self):
        """A packet that is dropped in the middle leaves nothing behind for the next one, which may lie at its address."""
        for mark in BIT | 1, 1:
            theirs = (f"\nchain marking {{ type filter hook prerouting priority mangle; ip saddr 10.1.0.2 meta mark set {mark:#x}; }}"
                      "\nchain dropping { type filter hook forward priority -5; ip saddr 10.1.0.2 ip id & 3 == 0 drop; }")
            conditions = (f"ip saddr 10.1.0.2 meta mark != {mark:#x}", "ip saddr 10.2.0.2 meta mark != 0")
            for condition in conditions:
                self.count(condition, ("postrouting", 300), ("forward", -3), more=theirs)
                self.traffic(4)
                self.assertEqual(set(self.counted().values()), {0}, condition)


if __name__ == "__main__":
    unittest.main()
