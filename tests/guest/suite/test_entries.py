# SPDX-License-Identifier: GPL-2.0-only
"""Pins are made, by id, by both ends and for the next connection, while others make, delete and flush conntrack's entries of
the same connections. For the debug kernels, mostly: nothing of an entry may be touched that has gone or is not confirmed."""

import itertools
import random
import threading
import time
import unittest

import slabs
from conversation import CLIENT, RANDOM
from forge import ACK, PSH, SYN, Forger
from hellos import client_hello, server_hello
from lab import SERVER, GatewayTest, ctl, listed, on, wait_for
from netlink import Netlink, Refused
from scale import size, tell

# So many that one whose entry was deleted has none for a while.
PORTS = range(30_000, 30_400)
DATA = b"\x17\3\3\0\x20" + bytes(32)


class Entries(GatewayTest):
    def setUp(self):
        super().setUp()
        self.hold()
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "-m", "tlsconn", "--pinned")
        self.until = time.monotonic() + size(10, 120)
        self.did = dict.fromkeys(("packets", "inserted", "deleted", "flushed", "pinned", "refused"), 0)

    def again_and_again(self, *whats):
        failed = []

        def go_on(what):
            try:
                # On a slow machine until each has been done.
                while time.monotonic() < self.until + (60 if not all(self.did.values()) else 0):
                    what()
            except BaseException as error:
                failed.append(error)
                raise
        threads = [threading.Thread(target=go_on, args=(what,)) for what in whats]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])

    def test_made_deleted_and_flushed_meanwhile(self):
        before = slabs.in_use()
        forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in forgers.values():
            self.addCleanup(forger.close)
            forger.silence_the_stack()
        netlink = Netlink()
        self.addCleanup(netlink.close)

        def packets():
            ends = (CLIENT, random.choice(PORTS)), (SERVER[4], 443)
            back = tuple(reversed(ends))
            told = [("client", *ends, 1000, 0, SYN), ("server", *back, 5000, 1001, SYN | ACK),
                    ("client", *ends, 1001, 5001, ACK), ("client", *ends, 1001, 5001, ACK | PSH, client_hello(RANDOM)),
                    ("server", *back, 5001, 1300, ACK | PSH, server_hello(RANDOM)),
                    ("client", *ends, 1400, 5100, ACK | PSH, DATA), ("server", *back, 5100, 1400, ACK | PSH, DATA)]
            first = random.choice((0, 0, 0, 1, 3, 5, 6))
            for host, *packet in told[first:]:
                forgers[host].send(*packet)
                self.did["packets"] += 1

        # In turn: a slow machine does few of them. What it deletes last is what it inserted last, or one of 400 ports might never be
        # one that has an entry just then.
        kinds = itertools.cycle(range(5))
        port = "0"

        def conntrack():
            nonlocal port
            kind = next(kinds)
            if kind != 3:
                port = str(random.choice(PORTS))
            ends = ["-p", "tcp", "-s", CLIENT, "-d", SERVER[4], "--sport", port, "--dport", "443"]
            match kind:
                case 0:
                    on("gateway", "conntrack", "-F")
                    self.did["flushed"] += 1
                case 1 | 2:
                    on("gateway", "conntrack", "-D", *ends, check=False)
                    done = on("gateway", "conntrack", "-I", *ends, "--state", random.choice(("SYN_SENT", "ESTABLISHED")),
                              "-t", "30", "-m", str(random.choice((0, 0x54000000))), check=False)
                    self.did["inserted"] += not done.returncode
                case _:
                    self.did["deleted"] += not on("gateway", "conntrack", "-D", *ends, check=False).returncode

        def by_tool():
            ends = "--src", f"{CLIENT}:{random.choice(PORTS)}", "--dst", f"{SERVER[4]}:443"
            how = random.choice((["--next", *ends], ["--next"], ends, ["--next", "--sni", "*"]))
            code = ctl("pin", *how, "--replace", check=False).returncode
            self.did["pinned" if code == 0 else "refused"] += 1

        def by_id():
            for number in netlink.ids()[-3:]:
                try:
                    netlink.pin(number, b"other", 0x00000100, 0x0000ff00)
                    self.did["pinned"] += 1
                except Refused:
                    self.did["refused"] += 1

        self.again_and_again(packets, conntrack, by_tool, by_id)
        tell(", ".join(f"{what} {count}" for what, count in self.did.items()))
        self.assertTrue(all(self.did.values()), self.did)
        ctl("unpin", "--all", check=False)
        on("gateway", "conntrack", "-F")
        self.assertTrue(wait_for(lambda: not listed("--all"), 60))
        self.assertEqual(on("gateway", "conntrack", "-L", check=False).stdout, "")
        self.assertEqual(slabs.settled(before, 300), {})


if __name__ == "__main__":
    unittest.main()
