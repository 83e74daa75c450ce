# SPDX-License-Identifier: GPL-2.0-only
"""Rules that count: which of them each packet fits, of connections made by hand too."""

import time

from forge import ACK, PSH, SYN, Forger
from lab import SERVER, GatewayTest, on

CLIENT = "10.1.0.2"


class CountingTest(GatewayTest):
    def rules(self, iptables, rules, table="filter", chain="FORWARD"):
        """Rules without a target: they count."""
        self.iptables, self.listed_rules, self.place = iptables, sorted(rules), (table, chain)
        lines = [f"-A {chain} -p tcp -m tlsconn {' '.join(rule)}" for rule in self.listed_rules]
        on("gateway", f"{iptables}-restore", "--noflush", stdin="\n".join([f"*{table}", *lines, "COMMIT", ""]))
        self.before = self.counts()

    def counts(self):
        table, chain = self.place
        lines = on("gateway", self.iptables, "-t", table, "-nvxL", chain).stdout.splitlines()[2:]
        return [int(line.split()[0]) for line in lines]

    def counted(self):
        """The rules that have matched since this was asked before."""
        now = self.counts()
        matched = {rule for rule, old, new in zip(self.listed_rules, self.before, now, strict=True) if new > old}
        self.before = now
        return matched


class ForgedTest(CountingTest):
    def setUp(self):
        super().setUp()
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)
            forger.silence_the_stack()
        self.next = {"client": 1001, "server": 9001}
        self.ends = (CLIENT, 40001), (SERVER[4], 443)

    def packet(self, host, seq, ack, flags, payload=b""):
        source, destination = self.ends if host == "client" else self.ends[::-1]
        self.forgers[host].send(source, destination, seq, ack, flags, payload)
        time.sleep(0.05)

    def open(self):
        self.packet("client", 1000, 0, SYN)
        self.packet("server", 9000, 1001, SYN | ACK)
        self.packet("client", 1001, 9001, ACK)

    def send(self, host, payload):
        """The stream's next octets."""
        other = "server" if host == "client" else "client"
        self.packet(host, self.next[host], self.next[other], ACK | PSH, payload)
        self.next[host] += len(payload)
