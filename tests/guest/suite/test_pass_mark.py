# SPDX-License-Identifier: GPL-2.0-only
"""The pass mark: who sees the bit, and who does not; what comes back after it; what is refused."""

import errno
import json
import re
import socket
import unittest

from lab import PATIENCE, SERVER, GatewayTest, ctl, inside, on
from netlink import N, Netlink, Refused, attribute
from nfqueue import ACCEPT, Queues
from scale import tell

BIT = 0x00800000
NEAR = {4: "10.1.0.1", 6: "fd01::1"}
# Chains that count packets with the bit, by hook and priority: all of them around the two hooks, and one between.
AROUND = [(hook, priority) for hook in ("input", "forward", "output") for priority in (-150, -7, -3, 0, 10)]
AROUND += [(hook, priority) for hook in ("prerouting", "postrouting") for priority in (-150, -7, -5, -3, 100, 300)]
BETWEEN = [(hook, -5) for hook in ("input", "forward", "output")]


class PassMarkTest(GatewayTest):
    def setUp(self):
        super().setUp()
        ctl("track", "on", "--pass-mark", hex(BIT))

    def count(self, condition, *places, more=""):
        """Has packets counted that fit a condition, at hooks and priorities."""
        chains = [f"chain c{number} {{ type filter hook {hook} priority {priority}; {condition} counter; }}"
                  for number, (hook, priority) in enumerate(places)]
        on("gateway", "nft", "-f", "-", stdin="table inet counting\ndelete table inet counting\ntable inet counting {\n" +
           "\n".join(chains) + more + "\n}\n")
        self.places = places

    def counted(self):
        listed = json.loads(on("gateway", "nft", "-j", "list", "table", "inet", "counting").stdout)["nftables"]
        found = {}
        for entry in listed:
            rule = entry.get("rule")
            if rule and rule["chain"][1:].isdigit():
                [packets] = [what["counter"]["packets"] for what in rule["expr"] if "counter" in what]
                found[self.places[int(rule["chain"][1:])]] = packets
        return found

    def traffic(self, ip, host="client", to=None, server="server"):
        """A connection with data both ways, through the gateway or to it or from it."""
        server = self.server(ip, server, to)
        client = self.connect(server, ip=ip, to=to, host=host)
        client.send(b"data")
        self.assertArrives(client, b"data")
        server.connections[client.port].sendall(b"answer")
        self.assertEqual(client.recv(), b"answer")
        return server.connections[client.port]


class Seen(PassMarkTest):
    def everywhere(self):
        for ip in 4, 6:
            self.traffic(ip)
            self.traffic(ip, to=NEAR[ip], server="gateway")
            self.traffic(ip, host="gateway")
            for host, address in (("client", SERVER[ip]), ("client", NEAR[ip]), ("gateway", SERVER[ip])):
                on(host, "ping", "-qc1", address)

    def test_between_the_two_hooks_and_nowhere_else(self):
        self.count(f"meta mark & {BIT:#x} != 0", *AROUND, *BETWEEN)
        self.everywhere()
        found = self.counted()
        self.assertEqual({place: packets for place, packets in found.items() if packets and place in AROUND}, {})
        for place in BETWEEN:
            self.assertGreater(found[place], 10, place)

    def test_other_protocols_and_packets_without_an_entry_do_not_have_it(self):
        for what, raw in (("meta l4proto != tcp", ""), ("meta l4proto tcp", "\nchain incoming { type filter hook prerouting "
                          "priority raw; notrack; }\nchain outgoing { type filter hook output priority raw; notrack; }")):
            with self.subTest(what):
                self.count(f"{what} meta mark & {BIT:#x} != 0", *BETWEEN, more=raw)
                self.everywhere()
                self.assertEqual(set(self.counted().values()), {0})
                self.count(f"{what} meta mark & {BIT:#x} == 0", *BETWEEN, more=raw)
                self.everywhere()
                self.assertGreater(min(self.counted().values()), 0)

    def test_an_icmp_error_of_a_connection_does_not_have_it(self):
        """It has the connection's entry, and is no packet of it."""
        self.count(f"meta l4proto {{ icmp, icmpv6 }} ct state related meta mark & {BIT:#x} != 0", *BETWEEN)
        with inside("client"), socket.socket() as raw:
            raw.settimeout(PATIENCE)
            on("server", "iptables-legacy", "-A", "INPUT", "-p", "tcp", "-j", "REJECT")
            with self.assertRaises(OSError):
                raw.connect((SERVER[4], 9))
        self.assertEqual(set(self.counted().values()), {0})
        self.count(f"meta l4proto {{ icmp, icmpv6 }} ct state related meta mark & {BIT:#x} == 0", *BETWEEN)
        with inside("client"), socket.socket() as raw:
            raw.settimeout(PATIENCE)
            with self.assertRaises(OSError):
                raw.connect((SERVER[4], 9))
        self.assertGreater(self.counted()["forward", -5], 0)

    def test_connmark_routing_and_sockets_do_not_see_it(self):
        for iptables in "iptables-legacy", "ip6tables-legacy":
            for chain in "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING":
                on("gateway", iptables, "-t", "mangle", "-A", chain, "-j", "CONNMARK", "--save-mark", "--mask", hex(BIT))
            on("gateway", iptables, "-A", "FORWARD", "-j", "CONNMARK", "--save-mark", "--mask", hex(BIT))
        for family in "-4", "-6":
            # Whoever is routed by the bit goes nowhere.
            made = on("gateway", "ip", family, "rule", "add", "fwmark", f"{BIT:#x}/{BIT:#x}", "blackhole", check=False)
            if "not supported" in made.stderr:
                tell(f"this kernel has no routing rules for ip {family}")
            else:
                self.assertEqual(made.returncode, 0, made.stderr)
        on("gateway", "sysctl", "-qw", "net.ipv4.fwmark_reflect=1", "net.ipv6.fwmark_reflect=1", "net.ipv4.tcp_fwmark_accept=1")
        self.count(f"meta mark & {BIT:#x} != 0", *BETWEEN)
        self.everywhere()
        accepted = self.traffic(4, to=NEAR[4], server="gateway")
        self.assertEqual(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_MARK), 0)
        self.assertGreater(min(self.counted().values()), 0)
        marks = set(re.findall(r" mark=(\d+)", on("gateway", "conntrack", "-L", "-p", "tcp").stdout))
        self.assertEqual(marks, {"0"})
        # A reset of a port that nobody listens on.
        with inside("client"), socket.socket() as raw:
            raw.settimeout(PATIENCE)
            with self.assertRaises(ConnectionRefusedError):
                raw.connect((NEAR[4], 9))

    def test_its_old_value_comes_back(self):
        """Of bits that others have set, all come back as they were, and what has none gets none."""
        for mark in BIT | 1, 1, 0xffffffff, 0xffffffff & ~BIT:
            with self.subTest(hex(mark)):
                places = [("postrouting", 300), ("input", 300), ("forward", -3)]
                theirs = (f"\nchain marking {{ type filter hook prerouting priority mangle; meta mark set {mark:#x}; }}"
                          f"\nchain leaving {{ type route hook output priority mangle; meta mark set {mark:#x}; }}")
                for comparison, expected in (("!=", False), ("==", True)):
                    self.count(f"meta mark {comparison} {mark:#x}", *places, more=theirs)
                    self.everywhere()
                    self.assertEqual({place: packets > 0 for place, packets in self.counted().items()},
                                     dict.fromkeys(places, expected))

    def test_a_bit_of_others_lets_nothing_pass(self):
        on("gateway", "nft", "-f", "-", stdin=f"table inet theirs {{ chain marking {{ type filter hook prerouting priority mangle; "
           f"meta mark set {BIT:#x}; }}; }}")
        ctl("rules", "--format", "nft", "--load")
        server = self.server()
        self.assertOnlyThePinnedFlows(self.connect(server), self.connect(server))


class Queued(PassMarkTest):
    def queues(self, *numbers):
        try:
            queues = Queues({number: (ACCEPT, None) for number in numbers})
        except OSError as error:
            self.skipTest(f"this kernel has no queues: {error}")
        self.addCleanup(queues.close)
        return queues

    def story(self, ip):
        """Packets come from a queue to the first hook: the table says what they are."""
        queues = self.queues(1, 2)
        iptables = "iptables-legacy" if ip == 4 else "ip6tables-legacy"
        on("gateway", iptables, "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "1")
        on("gateway", iptables, "-A", "FORWARD", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "2")
        ctl("rules", "--format", "nft", "--load")
        server = self.server(ip)
        self.assertOnlyThePinnedFlows(self.connect(server, ip=ip), self.connect(server, ip=ip))
        self.assertGreater(queues.came[2], 10)
        self.assertGreater(queues.came[1], queues.came[2], "what is held does not come to the second")

    def test_before_and_after_ipv4(self):
        self.story(4)

    def test_before_and_after_ipv6(self):
        self.story(6)

    def test_between(self):
        """What comes back from a queue between the two hooks leaves with the bit as it came: clear. Set: test_pass_mark_unseen."""
        queues = self.queues(3)
        queue = "\nchain queueing { type filter hook forward priority -5; meta l4proto tcp queue to 3; }"
        self.count(f"meta mark & {BIT:#x} != 0", ("forward", -3), ("postrouting", 300), more=queue)
        self.traffic(4)
        self.assertEqual(set(self.counted().values()), {0})
        self.assertGreater(queues.came[3], 5)


class Command(GatewayTest):
    def track(self, *arguments):
        return json.loads(ctl("track", *arguments).stdout)

    def test_status(self):
        off = {"tracking": False, "rules": 0, "requested": False, "pass_mark": None, "strict": False, "ja4": False}
        on_ = {**off, "tracking": True, "requested": True}
        marked = {**on_, "pass_mark": f"{BIT:#010x}"}
        for arguments, expected in (
            ((), off),
            (("on",), on_),
            (("on", "--pass-mark", hex(BIT)), marked),
            (("on",), marked),
            (("on", "--strict"), {**marked, "strict": True}),
            (("status",), {**marked, "strict": True}),
            (("on", "--pass-mark", "0x80000000"), {**on_, "pass_mark": "0x80000000"}),
            (("on", "--pass-mark", "1", "--strict"), {**on_, "pass_mark": "0x00000001", "strict": True}),
            (("off",), off),
            (("on", "--strict"), {**on_, "strict": True}),
            (("off",), off),
            (("on",), on_),
        ):
            self.assertEqual(self.track(*arguments), expected, arguments)

    def test_a_pass_mark_goes_with_tracking_that_rules_go_on_with(self):
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--pinned")
        self.track("on", "--pass-mark", hex(BIT))
        self.assertEqual(self.track("off"), {"tracking": True, "rules": 1, "requested": False, "pass_mark": None,
                                             "strict": False, "ja4": False})

    def test_what_is_refused(self):
        for arguments in (("on", "--pass-mark", "0"), ("on", "--pass-mark", "0x3"), ("on", "--pass-mark", "0x100000000"),
                          ("off", "--pass-mark", "1"), ("off", "--strict"), ("status", "--strict")):
            self.assertEqual(ctl("track", *arguments, check=False).returncode, 2, arguments)

    def test_what_the_kernel_refuses(self):
        netlink = Netlink()
        self.addCleanup(netlink.close)
        for requested, mark, strict, word in ((1, 3, None, "exactly one bit"), (1, 0, None, "exactly one bit"),
                                              (1, 1, 2, "strict is 0 or 1"), (0, 1, None, "turned on"), (0, None, 1, "turned on")):
            with self.subTest(requested=requested, mark=mark, strict=strict):
                asked = attribute(N["A_TRACK_REQUESTED"], bytes([requested]))
                if mark is not None:
                    asked += attribute(N["A_TRACK_PASS_MARK"], mark)
                if strict is not None:
                    asked += attribute(N["A_TRACK_STRICT"], bytes([strict]))
                with self.assertRaises(Refused) as refused:
                    netlink.ask(N["CMD_TRACK_SET"], asked)
                self.assertEqual(refused.exception.number, errno.EINVAL)
                self.assertIn(word, refused.exception.words)
        self.assertFalse(self.track()["tracking"])


if __name__ == "__main__":
    unittest.main()
