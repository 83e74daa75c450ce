# SPDX-License-Identifier: GPL-2.0-only
"""Under traffic the module goes and comes, namespaces go, conntrack is flushed, its settings change; again and again.
Memory is back where it began then. The guest fails when its kernel complains."""

import json
import pathlib
import random
import subprocess
import time
import unittest

import canned
import slabs
from lab import SERVER, GatewayTest, ctl, load, loaded, on, run, unload, wait_for
from scale import size, tell

TIMES = size(2, 100, uml=1)
# What a cache may have more of than before: less than one object for each connection that there was.
ALLOWED = 200
SETTINGS = {
    "net.netfilter.nf_conntrack_tcp_loose": (0, 1),
    "net.netfilter.nf_conntrack_tcp_be_liberal": (0, 1),
    "net.netfilter.nf_conntrack_checksum": (0, 1),
    "net.netfilter.nf_conntrack_acct": (0, 1),
    "net.netfilter.nf_conntrack_timestamp": (0, 1),
    "net.netfilter.nf_conntrack_events": (0, 1, 2),
    "net.netfilter.nf_conntrack_tcp_timeout_established": (2, 100, 432000),
    "net.netfilter.nf_conntrack_tcp_timeout_close": (1, 10),
    "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst": (0, 1),
    "net.netfilter.nf_conntrack_tcp_max_retrans": (1, 3),
}


class Churn(GatewayTest):
    def setUp(self):
        super().setUp()
        self.programs = []
        for host in "client", "server":
            on(host, "sysctl", "-qw", "net.ipv4.tcp_orphan_retries=1")

    def program(self, host, *arguments):
        program = subprocess.Popen(["ip", "netns", "exec", host, "python3", "-B", canned.__file__, *map(str, arguments)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.programs.append(program)
        return program

    def quiet(self):
        for program in self.programs:
            program.kill()
            program.communicate()
        self.programs.clear()

    def traffic(self):
        """Connections one behind the other from both kinds of IP, and some with data that stay open."""
        self.addCleanup(self.quiet)
        for ip in 4, 6:
            port = int(self.program("server", "serve", SERVER[ip]).stdout.readline())
            self.program("client", "hurry", SERVER[ip], port, 100_000)
        # There is some.
        self.assertTrue(wait_for(lambda: self.forwarded() > 200, 60))

    @staticmethod
    def forwarded():
        """Packets that have come to the gateway."""
        return int(on("gateway", "cat", "/sys/class/net/to-client/statistics/rx_packets").stdout)

    def hold_both(self):
        for iptables in "iptables-legacy", "ip6tables-legacy":
            self.hold(iptables)

    @staticmethod
    def flush_rules():
        for iptables in "iptables-legacy", "ip6tables-legacy":
            on("gateway", iptables, "-F")

    @staticmethod
    def told(*command):
        """What tlsconnctl says, not held against the schema: that takes long for many connections."""
        return json.loads(run("tlsconnctl", "-n", "gateway", "-j", *command).stdout)

    def tracked(self):
        return self.told("stats")["stats"]["connections-now"]

    def pin_any(self):
        """The newest: it may be gone by now."""
        connections = self.told("list")["connections"]
        if connections:
            ctl("pin", str(connections[-1]["id"]), "--replace", check=False)

    def again_and_again(self, what, once):
        """Does it, and compares memory with what there was after the first round; both times nothing is on its way."""
        self.traffic()
        once()
        self.settle()
        before, octets = slabs.in_use(), slabs.octets()
        self.traffic()
        start = time.monotonic()
        for _ in range(TIMES):
            once()
        took = time.monotonic() - start
        self.settle()
        grown = slabs.settled(before, ALLOWED)
        tell(f"{what}: {TIMES} times in {took:.0f} s; slab memory {octets >> 10} KiB before, {slabs.octets() >> 10} KiB after")
        self.assertEqual(grown, {})

    def settle(self):
        """The traffic has ended, and nothing is tracked any more."""
        self.quiet()

        def is_empty():
            # What sockets say at their end begins entries anew.
            on("gateway", "conntrack", "-F")
            time.sleep(0.3)
            count = on("gateway", "cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout
            return count == "0\n" and not (loaded() and self.tracked())

        self.assertTrue(wait_for(is_empty, 60), "something is tracked still")

    def test_the_module_goes_and_comes(self):
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "NEW")
        self.addCleanup(load)

        def once():
            load()
            self.hold_both()
            self.assertTrue(wait_for(self.tracked, 30), "connections are tracked")
            self.pin_any()
            self.flush_rules()
            unload()

        self.again_and_again("unloaded and loaded", once)
        self.assertEqual([name for name in slabs.in_use() if name.startswith("tlsconn_")], [])

    def test_conntrack_is_flushed(self):
        self.hold_both()

        def once():
            self.assertTrue(wait_for(self.tracked, 30), "connections are tracked")
            self.pin_any()
            on("gateway", "conntrack", "-F")

        self.again_and_again("conntrack flushed", once)

    def test_settings_change(self):
        self.hold_both()
        buckets = pathlib.Path("/sys/module/nf_conntrack/parameters/hashsize")
        self.addCleanup(buckets.write_text, buckets.read_text())
        seed = random.SystemRandom().getrandbits(32)
        tell(f"seed {seed}")
        chance = random.Random(seed)

        def once():
            on("gateway", "sysctl", "-qw", *(f"{name}={chance.choice(values)}" for name, values in SETTINGS.items()))
            buckets.write_text(str(chance.choice((1024, 4096, 16384))))
            self.pin_any()
            self.told("list", "--all")

        self.again_and_again("settings changed", once)

    def test_the_pass_mark_changes(self):
        """On, another bit, strict, off; the table that reads it is loaded in between. No held data passes meanwhile."""
        seed = random.SystemRandom().getrandbits(32)
        tell(f"seed {seed}")
        chance = random.Random(seed)

        def once():
            for _ in range(size(3, 20, uml=5)):
                bit = 1 << chance.randrange(32)
                ctl("track", *chance.choice((["on", "--pass-mark", hex(bit)], ["on", "--pass-mark", hex(bit), "--strict"], ["off"],
                                             ["on", "--strict"], ["on"])))
                ctl("rules", "--format", "nft", "--load")
                self.pin_any()
            # So that connections can be made in the next round.
            ctl("track", "on", "--pass-mark", "0x00800000")
            ctl("rules", "--format", "nft", "--load")
            self.assertTrue(wait_for(self.tracked, 30), "connections are tracked")

        self.again_and_again("the pass mark changed", once)
        ctl("unpin", "--all")
        self.assertEqual(json.loads(ctl("track", "off").stdout)["pass_mark"], None)

    def test_namespaces_go(self):
        """The gateway is taken away in the middle of traffic, with rules, connections and pins, and another comes."""
        def once():
            self.hold_both()
            ctl("track", "on", "--pass-mark", "0x00800000")
            self.assertTrue(wait_for(self.tracked, 30), "connections are tracked")
            self.pin_any()
            run("ip", "netns", "del", "gateway")
            for host in "client", "server":
                self.assertTrue(wait_for(lambda host=host: not self.has_link(host), 30))
            self.net("gateway_up")

        self.again_and_again("namespaces destroyed", once)
        self.net("net_down")
        unload()
        load()

    @staticmethod
    def has_link(host):
        return on(host, "ip", "link", "show", "eth0", check=False).returncode == 0


if __name__ == "__main__":
    unittest.main()
