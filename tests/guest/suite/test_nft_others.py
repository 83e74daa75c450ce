# SPDX-License-Identifier: GPL-2.0-only
"""Our table of nft's beside random rulesets of others: chains at any hook and priority, jumps, sets, marks, policies, NAT. Without
legacy tables, the match and iptables. Data of what is not pinned never passes, and what is pinned flows unless their rules drop it."""

import itertools
import random
import unittest

from lab import ctl, on, wait_for
from scale import size, tell
from test_nft import BIT, NEAR, NftTest, nft, printed, ruleset

HOOKS = ("prerouting", "input", "forward", "output", "postrouting")
PRIORITIES = ("-400", "raw", "-250", "mangle", "-100", "-60", "-7", "-6", "-5", "-4", "filter", "security", "90", "300")
# Bits that ours are not among: the pin's 0xff000000 of the connection mark, the pass mark of the packet's.
MARKS = ("0x1", "0x100", "0x7f", "0x00400000", "0x000fffff")


class Others:
    """A ruleset that drops nothing."""

    def __init__(self, chance):
        self.chance = chance
        self.names = (f"x{number}" for number in itertools.count())

    def text(self):
        return "\n".join(self.table(f"others{number}") for number in range(self.chance.randint(1, 4)))

    def table(self, name):
        chance = self.chance
        self.family = chance.choice(("inet", "inet", "ip", "ip6"))
        self.version = {"ip": (4,), "ip6": (6,)}.get(self.family, (4, 6))
        lines = ["set ports { type inet_service; flags interval; elements = { 1-1023, 4000-5000, 32768-60999 }; }",
                 "set seen { type inet_service; size 1000; flags dynamic, timeout; timeout 1m; }",
                 "map marks { type inet_service : mark; elements = { 443 : 0x1, 8443 : 0x100 }; }", "counter every { }"]
        # Those that are jumped to come first, each jumps to earlier ones.
        self.regular = []
        for _ in range(chance.randint(0, 4)):
            chain = next(self.names)
            lines.append(f"chain {chain} {{\n{self.rules()}\n}}")
            self.regular.append(chain)
        for _ in range(chance.randint(1, 5)):
            hook = chance.choice(HOOKS)
            lines.append(f"chain {next(self.names)} {{ type filter hook {hook} priority {chance.choice(PRIORITIES)}; policy accept;\n"
                         f"{self.rules()}\n}}")
        if chance.random() < 0.4:
            lines.append(f"chain {next(self.names)} {{ type nat hook postrouting priority srcnat; oifname \"to-server\" tcp dport "
                         "1-65535 masquerade; }")
        return f"table {self.family} {name} {{\n" + "\n".join(lines) + "\n}"

    def rules(self):
        return "\n".join(self.rule() for _ in range(self.chance.randint(0, 5)))

    def rule(self):
        return f"{' '.join(self.condition() for _ in range(self.chance.randint(0, 2)))} {self.action()}"

    def condition(self):
        chance = self.chance
        address = {4: ("ip saddr 10.1.0.0/16", "ip daddr != 192.0.2.1", "ip saddr { 10.1.0.2, 10.2.0.2, 10.1.0.1 }"),
                   6: ("ip6 saddr fd00::/8", "ip6 daddr != 2001:db8::1")}[chance.choice(self.version)]
        return chance.choice((*address, "ct state established,related", "ct state new", "tcp dport @ports", "tcp sport 1024-65535",
                              f"meta mark & {chance.choice(MARKS)} == 0", f"ct mark & {chance.choice(MARKS)} == 0",
                              'iifname "to-client"', 'oifname "to-*"', "meta l4proto { tcp, udp }", "limit rate 10/second",
                              "tcp flags & (syn | ack) == ack", "meta length > 100", f"meta mark & {BIT:#x} == 0",
                              f"meta mark & {BIT:#x} != 0"))

    def action(self):
        chance = self.chance
        bits = chance.choice(MARKS)
        actions = ["counter", "accept", "counter name every", f"meta mark set meta mark | {bits}", f"ct mark set ct mark | {bits}",
                   f"meta mark set meta mark ^ {bits}", "return", "continue",
                   f"meta mark set ct mark & {bits}", "meta priority set 1:1", "update @seen { tcp dport }"]
        if self.regular:
            actions += [f"jump {chance.choice(self.regular)}", f"goto {chance.choice(self.regular)}"]
        return chance.choice(actions)


class Beside(NftTest):
    def setUp(self):
        super().setUp()
        seed = random.SystemRandom().getrandbits(32)
        tell(f"seed {seed}")
        self.chance = random.Random(seed)

    def take(self, others):
        """Loads it, before ours or after; what nft or this kernel refuses says nothing of ours: another one is generated."""
        for _ in range(20):
            text = others.text()
            done = on("gateway", "nft", "-f", "-", stdin=text, check=False)
            if done.returncode == 0:
                return text
        raise AssertionError(f"nft takes none of them: {done.stderr}")

    def rounds(self, count):
        for _ in range(count):
            nft("flush ruleset")
            before = self.chance.random() < 0.5
            if before:
                nft(printed())
            others = self.take(Others(self.chance))
            if not before:
                nft(printed())
            for chain in "INPUT", "OUTPUT":
                nft(printed("--chain", chain))
            yield others

    def reloads(self):
        """What nft lists, loaded again, is the same."""
        listed = ruleset()
        nft("flush ruleset\n" + on("gateway", "nft", "-s", "list", "ruleset").stdout)
        self.assertEqual(ruleset(), listed)

    def test_held_and_pinned(self):
        ways = ({}, {"ip": 6}, {"to": NEAR[4], "server": "gateway"}, {"host": "gateway"}, {"ip": 6, "host": "gateway"})
        done = 0
        for others in self.rounds(size(3, 60, uml=8)):
            fields = dict(self.chance.choice(ways))
            with self.subTest(others=others, **fields):
                if self.chance.random() < 0.5:
                    self.reloads()
                self.story(**fields)
                done += 1
        self.nobody_uses_the_match()
        tell(f"{done} rulesets of others")

    def story(self, ip=4, to=None, server="server", host="client"):
        server = self.server(ip, server, to)
        clients = [self.connect(server, ip=ip, to=to, host=host) for _ in range(2)]
        for client in clients:
            # Masquerading may have given it another port.
            client.says = f"of {client.port}.".encode()
            client.heard = lambda client=client: any(client.says in octets for octets in server.received.values())
            self.assertTrue(wait_for(lambda client=client: (client.listed() or {}).get("state") == "established"))
            client.send(client.says)
        self.assertFalse(wait_for(lambda: any(client.heard() for client in clients), 1.5))
        ctl("pin", str(clients[0].listed()["id"]), "--replace")
        self.assertTrue(wait_for(clients[0].heard))
        self.assertFalse(clients[1].heard())

    def test_what_theirs_drop_stays_dropped(self):
        """Our table accepts for itself only: what is pinned is still theirs to drop."""
        for _ in range(size(2, 10)):
            nft("flush ruleset")
            nft(printed())
            others = self.take(Others(self.chance))
            with self.subTest(others=others):
                server = self.server()
                client = self.connect(server)
                self.assertTrue(wait_for(lambda client=client: (client.listed() or {}).get("state") == "established"))
                ctl("pin", str(client.listed()["id"]), "--replace")
                nft(f"table inet dropping {{ chain c {{ type filter hook forward priority {self.chance.choice(PRIORITIES)}; "
                    "meta l4proto tcp meta length > 1000 drop; }; }")
                client.send(b"x" * 1200)
                self.assertFalse(wait_for(lambda: any(server.received.values()), 1.5))
                ctl("unpin", "--all")


if __name__ == "__main__":
    unittest.main()
