# SPDX-License-Identifier: GPL-2.0-only
"""A module that only looks changes nothing for others: with a rule of ours anywhere, NFQUEUE and nft's conntrack expressions
do with a connection's first packet what they do without it. Its conntrack entry is not confirmed then, and belongs to that
packet alone."""

import itertools
import re
import unittest

from conversation import DATA, RANDOM
from forge import ACK, PSH, SYN
from frames import CLIENT, Link, packet
from hellos import client_hello
from lab import SERVER, GatewayTest, about_legacy, on, wait_for
from nfqueue import ACCEPT, DROP, REPEAT, Queues
from scale import UML, mostly_uml

COUNT = 5
FIRSTS = {"SYN": (SYN, 0, b""), "SYN with data": (SYN, 0, client_hello(RANDOM)[:60]), "pickup": (ACK | PSH, 1, DATA)}
# What the queue's program says, and how many of COUNT packets arrive. One that is to pass its hook once more is queued
# again, unless a rule leaves out what is marked.
VERDICTS = {"accept": (ACCEPT, None, COUNT), "drop": (DROP, None, 0), "repeat": (REPEAT, 1, COUNT), "mark": (ACCEPT, 2, COUNT)}
HOOKS = {"PREROUTING": "mangle", "FORWARD": "filter"}
# A queue, and a port of the server, for each hook and verdict.
QUEUES = {case: number for number, case in enumerate(itertools.product(HOOKS, VERDICTS), start=1)}
FIRST_PORT = 4000
ANY_TYPE = "-m tlsconn --record-type change-cipher-spec,alert,handshake,application-data,heartbeat,unknown,none"
# A rule without a target counts.
OURS = f"-p tcp {ANY_TYPE}"


def ruleset(place):
    """Rules that queue, and where ours are; None: nowhere. A packet that comes back from a queue goes on in the next hook."""
    tables = {table: [] for table in ("mangle", "filter")}
    if place == "before":
        for hook, table in HOOKS.items():
            tables[table].append(f"-A {hook} {OURS}")
    for (hook, verdict), number in QUEUES.items():
        ours = ANY_TYPE if place == "within" else ""
        tables[HOOKS[hook]].append(f"-A {hook} -p tcp --dport {FIRST_PORT + number} -m mark ! --mark 1 {ours} "
                                   f"-j NFQUEUE --queue-num {number}")
    tables["mangle"].append("-A POSTROUTING -p tcp -m mark --mark 2 -m conntrack --ctstate NEW,ESTABLISHED")
    if place == "after":
        tables["mangle"].append(f"-A POSTROUTING {OURS}")
    return "\n".join(line for table, rules in tables.items() for line in (f"*{table}", *rules, "COMMIT", ""))


def native():
    """The same queues as expressions of nft's own."""
    chains = {"PREROUTING": "mangle", "FORWARD": "filter"}
    lines = []
    for hook, priority in chains.items():
        rules = " ".join(f"tcp dport {FIRST_PORT + number} meta mark != 1 queue to {number};"
                         for (at, _), number in QUEUES.items() if at == hook)
        lines.append(f"chain {hook} {{ type filter hook {hook.lower()} priority {priority}; {rules} }}")
    return "\n".join(("table inet queues", "delete table inet queues", "table inet queues {", *lines, "}"))


class FirstPackets(GatewayTest):
    """Sends first packets of connections, and looks at what comes of them."""
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.links = {host: Link(host) for host in ("client", "server")}
        for link in self.links.values():
            self.addCleanup(link.close)
        self.ports = itertools.count(20000)

    def entries(self):
        return int(on("gateway", "cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)

    def forgotten(self):
        """What was there before is gone."""
        on("gateway", "conntrack", "-F")
        self.assertTrue(wait_for(lambda: self.entries() == 0, 30), "entries that nobody lets go of")

    def firsts(self, ip, ports, count=COUNT):
        """Of `count` connections of each kind to each of the server's ports; gives the kind and server's port by the client's
        end, and the packets."""
        kinds, packets = {}, []
        for port, (kind, (flags, ack, payload)) in itertools.product(ports, FIRSTS.items()):
            for _ in range(count):
                client = CLIENT[ip], next(self.ports)
                kinds[client] = kind, port
                packets.append(packet(client, (SERVER[ip], port), 1000, ack, flags, payload))
        return kinds, packets

    def everything(self, ip):
        return self.links["server"].everything(self.links["client"], CLIENT[ip], SERVER[ip])


class Queue(FirstPackets):
    def setUp(self):
        super().setUp()
        self.queues = None

    def queued(self, held=False):
        if self.queues:
            self.queues.close()
        try:
            self.queues = Queues({number: VERDICTS[verdict][:2] for (_, verdict), number in QUEUES.items()}, held=held)
        except OSError as error:
            self.skipTest(f"this kernel has no queues: {error}")
        self.addCleanup(self.queues.close)

    def load(self, variant, place):
        """Rules of iptables' kinds, or nft's own queues with our rule in iptables-nft."""
        iptables, _, own = variant.partition(", ")
        rules = ruleset(place)
        if own:
            if UML:
                self.skipTest("this kernel has no queue expression of nft's")
            rules = "\n".join(line for line in rules.splitlines() if "NFQUEUE" not in line) + "\n"
            on("gateway", "nft", "-f", "-", stdin=native())
        loaded = on("gateway", f"{iptables}-restore", stdin=rules, check=False)
        if loaded.returncode and "NFQUEUE" in loaded.stderr:
            self.skipTest(f"this kernel has no NFQUEUE target: {loaded.stderr}")
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        self.iptables = iptables

    def marked(self):
        """Packets that left with the mark of a verdict."""
        return int(on("gateway", self.iptables, "-t", "mangle", "-nvxL", "POSTROUTING").stdout.splitlines()[2].split()[0])

    def answered(self, ip):
        """What has arrived of first packets by hook, verdict and kind; how many were queued; entries; marked packets."""
        self.forgotten()
        kinds, packets = self.firsts(ip, [FIRST_PORT + number for number in QUEUES.values()])
        expected = sum(VERDICTS[verdict][2] for _, verdict in QUEUES) * len(FIRSTS)
        before, queued = len(self.everything(ip)), dict(self.queues.came)
        self.forgotten()
        self.links["client"].send(*packets)
        server = self.links["server"]

        def came():
            return {number: self.queues.came[number] - queued[number] for number in queued}

        # A packet that is dropped may be counted after all that arrive have arrived.
        wait_for(lambda: len(server.arrived()) - before >= expected and sum(came().values()) >= len(packets), 5)
        entries, marked = self.entries(), self.marked()
        arrived = dict.fromkeys(itertools.product(QUEUES, FIRSTS), 0)
        cases = {FIRST_PORT + number: case for case, number in QUEUES.items()}
        for seen in self.everything(ip)[before:]:
            kind, port = kinds[seen.source]
            arrived[cases[port], kind] += 1
        return arrived, came(), entries, marked

    def story(self, ip, variant):
        self.queued()
        for place in (None, "before", "within", "after"):
            if place == "within" and "," in variant:
                # nft's own expressions and ours are not in one rule.
                continue
            with self.subTest(ours=place):
                self.load(variant, place)
                arrived, came, entries, marked = self.answered(ip)
                self.assertEqual(arrived, {(case, kind): VERDICTS[case[1]][2] for case, kind in arrived})
                self.assertEqual(set(came.values()), {COUNT * len(FIRSTS)}, "each was queued once")
                self.assertEqual((entries, marked), (sum(arrived.values()), COUNT * len(FIRSTS) * len(HOOKS)))

    @about_legacy
    def test_legacy_ipv4(self):
        self.story(4, "iptables-legacy")

    @about_legacy
    @mostly_uml
    def test_legacy_ipv6(self):
        self.story(6, "ip6tables-legacy")

    @mostly_uml
    def test_nft_ipv4(self):
        self.story(4, "iptables-nft")

    def test_nft_ipv6(self):
        self.story(6, "ip6tables-nft")

    def test_queues_of_nft_ipv4(self):
        self.story(4, "iptables-nft, nft")

    @mostly_uml
    def test_queues_of_nft_ipv6(self):
        self.story(6, "ip6tables-nft, nft")

    def test_sent_again_while_queued(self):
        """Two packets of a connection wait in a queue, each with an entry of its own."""
        self.queued(held=True)
        found = {}
        for place in (None, "before", "after"):
            self.load("iptables-legacy", place)
            self.forgotten()
            before, waited = len(self.everything(4)), sum(self.queues.came.values())
            kinds, packets = self.firsts(4, [FIRST_PORT + number for number in QUEUES.values()], count=2)
            self.links["client"].send(*packets, *packets)
            self.assertTrue(wait_for(lambda: sum(self.queues.came.values()) - waited == 2 * len(packets)))
            self.queues.let_go()
            # A packet that is to pass its hook once more may be queued again: its entry was taken by the other one.
            wait_for(lambda: len(self.links["server"].arrived()) - before >= sum(found.get(None, {}).values()), 5)
            found[place] = dict.fromkeys(itertools.product(FIRSTS, VERDICTS, HOOKS), 0)
            cases = {FIRST_PORT + number: case for case, number in QUEUES.items()}
            for seen in self.everything(4)[before:]:
                kind, port = kinds[seen.source]
                found[place][(kind, *cases[port][::-1])] += 1
        self.assertGreater(sum(found[None].values()), 0)
        self.assertEqual(found["before"], found[None])
        self.assertEqual(found["after"], found[None])


class Expressions(FirstPackets):
    """nft's own, which extend an entry that is not confirmed."""
    PORTS = {"helper": 21, "timeout": 22, "masquerade": 23, "all of them": 24, "mark": 25}

    def theirs(self, ip, hook, priority):
        family, port = {4: "ip", 6: "ip6"}[ip], self.PORTS
        return f"""table {family} theirs {{
            ct helper ftp {{ type "ftp" protocol tcp; }}
            ct timeout short {{ protocol tcp; policy = {{ syn_sent : 7, established : 8, unack : 9 }}; }}
            chain first {{
                type filter hook {hook} priority {priority};
                tcp dport {{ {port['helper']}, {port['all of them']} }} ct helper set "ftp"
                tcp dport {{ {port['timeout']}, {port['all of them']} }} ct timeout set "short"
                tcp dport {{ {port['mark']}, {port['all of them']} }} ct mark set 0x21
            }}
            chain last {{
                type nat hook postrouting priority srcnat;
                tcp dport {{ {port['masquerade']}, {port['all of them']} }} masquerade
            }}
        }}"""

    def outcome(self, ip):
        """What arrived from where, and how conntrack has it: by kind and port."""
        self.forgotten()
        before = len(self.everything(ip))
        kinds, packets = self.firsts(ip, self.PORTS.values(), count=1)
        self.links["client"].send(*packets)
        # The client's ports stay what they are.
        by_port = {client[1]: case for client, case in kinds.items()}
        arrived = sorted((*by_port[seen.source[1]], seen.source[0], seen.payload) for seen in self.everything(ip)[before:])
        entries = []
        for line in on("gateway", "conntrack", "-L", "-f", f"ipv{ip}", "-p", "tcp").stdout.splitlines():
            words = line.split()
            numbers = dict(word.split("=", 1) for word in reversed(words) if "=" in word)
            replies = re.findall(r"dst=(\S+)", line)
            entries.append((*by_port[int(numbers["sport"])], words[3], int(words[2]) < 10, replies[1],
                            numbers.get("helper"), numbers["mark"]))
        return arrived, sorted(entries, key=str)

    def story(self, ip):
        ours = f"ip{'6' * (ip == 6)}tables-"
        for hook, priority in (("prerouting", "mangle"), ("forward", "filter")):
            on("gateway", "nft", "-f", "-", stdin=self.theirs(ip, hook, priority))
            without = self.outcome(ip)
            self.assertEqual((len(without[0]), len(without[1])), (len(self.PORTS) * len(FIRSTS),) * 2)
            told = {(entry[3], entry[5], entry[6]) for entry in without[1] if entry[1] == self.PORTS["all of them"]}
            self.assertEqual(told, {(True, "ftp", "33")}, without[1])
            for variant, table, chain in (("legacy", "mangle", "PREROUTING"), ("legacy", "mangle", "POSTROUTING"),
                                          ("nft", "filter", "FORWARD")):
                with self.subTest(hook=hook, ours=(variant, chain)):
                    rule = ("-t", table, "-A", chain, *OURS.split())
                    on("gateway", ours + variant, *rule)
                    self.assertEqual(self.outcome(ip), without)
                    on("gateway", ours + variant, "-t", table, "-F", chain)
            on("gateway", "nft", "flush", "ruleset")

    @mostly_uml
    def test_ipv4(self):
        self.story(4)

    def test_ipv6(self):
        self.story(6)


class SynProxy(GatewayTest):
    """nft's own: it answers SYNs, and lets the server have them later. (With legacy rules it is in test_paths.)"""

    RULES = """table inet theirs {
        chain raw { type filter hook prerouting priority raw; iifname "to-client" tcp flags syn / fin,syn,rst,ack notrack; }
        chain forward { type filter hook forward priority filter;
            ct state invalid,untracked iifname "to-client" meta l4proto tcp synproxy mss 1400 wscale 7 timestamp sack-perm; }
    }"""

    def test_a_connection_through_it(self):
        made = on("gateway", "nft", "-f", "-", stdin=self.RULES, check=False)
        if "No such file" in made.stderr:
            self.skipTest(f"this kernel has no SYNPROXY: {made.stderr.splitlines()[0]}")
        self.assertEqual(made.returncode, 0, made.stderr)
        on("gateway", "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0")
        for ours in False, True:
            if ours:
                for iptables in "iptables-legacy", "ip6tables-legacy":
                    on("gateway", iptables, "-A", "FORWARD", *OURS.split())
            for ip in 4, 6:
                with self.subTest(ours=ours, ip=ip):
                    client = self.connect(self.server(ip), ip=ip)
                    client.send(b"through it")
                    self.assertArrives(client, b"through it")
                    client.server.connections[client.port].sendall(b"and back")
                    client.tls.settimeout(30)
                    self.assertEqual(client.tls.recv(100), b"and back")
        column = [line.split()[3] for line in on("gateway", "cat", "/proc/net/stat/synproxy").stdout.splitlines()[1:]]
        self.assertGreaterEqual(sum(int(value, 16) for value in column), 4, "connections went through it")


if __name__ == "__main__":
    unittest.main()
