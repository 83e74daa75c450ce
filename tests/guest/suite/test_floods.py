# SPDX-License-Identifier: GPL-2.0-only
"""Floods of what costs the sender nothing: SYNs with data, spoofed SYNs that are answered, hellos that end early, hellos
without end. Memory is flat, what is pinned goes on, a real connection gets its handshake, and all comes back."""

import itertools
import multiprocessing
import os
import pathlib
import ssl
import time
import unittest
from concurrent.futures import ThreadPoolExecutor, wait

import slabs
from conversation import RANDOM
from forge import ACK, PSH, SYN, Forger
from hellos import client_hello, server_hello
from lab import SERVER, GatewayTest, ctl, listed, load, on, run, stats, unload, wait_for
from scale import size, tell

HELLO = client_hello(RANDOM, sni=b"flood.example", more=bytes([0, 21, 0, 200]) + bytes(200))
# A ClientHello of 16 MB, and as much of it as a segment holds.
ENDLESS = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03" + RANDOM + bytes(1300)
HANDSHAKES = "tlsconn_handshake"


def caches():
    """Of ours: objects in use, and bytes, by cache. Empty where they share caches of the kernel's (docs/architecture.md):
    then User Mode Linux has the figures."""
    slabs.shrink()
    found = {}
    for line in pathlib.Path("/proc/slabinfo").read_text().splitlines():
        name, *columns = line.split()
        if name.startswith("tlsconn_"):
            found[name] = int(columns[0]), int(columns[1]) * int(columns[2])
    return found


def octets():
    return sum(held for _, held in caches().values())


def handshakes():
    return caches().get(HANDSHAKES, (0, 0))[0]


class FloodTest(GatewayTest):
    def setUp(self):
        # Once the namespaces have gone: the other tests have the module with its defaults.
        self.addCleanup(lambda: (unload(), load()))
        super().setUp()

    def begin(self, *parameters):
        if parameters:
            unload()
            run("modprobe", "xt_tlsconn", *parameters)
        # What conntrack has no room for it drops itself.
        now = run("sysctl", "-n", "net.netfilter.nf_conntrack_max").stdout.strip()
        run("sysctl", "-qw", "net.netfilter.nf_conntrack_max=262144")
        self.addCleanup(run, "sysctl", "-qw", f"net.netfilter.nf_conntrack_max={now}")
        self.hold()
        # The flood's addresses are the client's, its answers go that way; nobody takes anything of it.
        on("gateway", "ip", "route", "add", "10.3.0.0/16", "via", "10.1.0.2")
        on("server", "iptables-legacy", "-A", "INPUT", "-s", "10.3.0.0/16", "-j", "DROP")
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)
        self.numbers = itertools.count()
        self.pinned = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        ctl("pin", str(wait_for(self.pinned.listed)["id"]))
        self.sent = b""

    def goes_on(self):
        self.sent += b"x"
        self.pinned.send(b"x")
        self.assertArrives(self.pinned, self.sent)

    def ends(self):
        number = next(self.numbers)
        return (f"10.3.{number >> 8 & 255}.{number & 255}", 1024 + number % 60_000), (SERVER[4], 443)

    def syn_with_data(self):
        self.forgers["client"].send(*self.ends(), 1000, 0, SYN, b"\x16\3\1\2\0\1")

    def answered(self, *payloads):
        ends = self.ends()
        self.forgers["client"].send(*ends, 1000, 0, SYN)
        self.forgers["server"].send(*reversed(ends), 5000, 1001, SYN | ACK)
        seq = 1001
        for payload in payloads:
            self.forgers["client"].send(*ends, seq, 5001, ACK | PSH, payload)
            seq += len(payload)
        return ends

    def cut_hello(self):
        self.answered(HELLO[:1 + next(self.numbers) % 200])

    def endless_hello(self):
        self.answered(ENDLESS, *[bytes(1400)] * 4)

    def flood(self, what, count, room):
        """Sends so many; the bytes that our caches had after each tenth. In its middle a connection is made: while it is, only
        so many are sent as there is room for beside it, for a race between a flood and a machine's TLS shows nothing."""
        held = []

        def connect():
            begun = time.monotonic()
            client = self.connect(self.pinned.server)
            connected = time.monotonic() - begun
            # All that are there would take long to list.
            ask = "tlsconnctl", "-n", "gateway", "-j", "list", "--src", f"10.1.0.2:{client.port}"
            self.assertTrue(wait_for(lambda: '"established"' in run(*ask).stdout, 20), run(*ask).stdout)
            return connected, time.monotonic() - begun

        begun, middle = time.monotonic(), count // 2
        with ThreadPoolExecutor(1) as beside:
            for number in range(count):
                if number == middle:
                    another = beside.submit(connect)
                if number == middle + room:
                    wait([another])
                what()
                if number % (count // 10) == count // 10 - 1:
                    held.append(octets())
                    self.goes_on()
        took = another.result()
        tell(f"{what.__name__}: {count} in {time.monotonic() - begun:.0f} s, {held[0] >> 10} to {held[-1] >> 10} KiB; a "
             f"connection meanwhile: {took} s")
        # What is held back is sent again after 1, 2, 4, 8 seconds.
        self.assertLess(took[0], 15)
        return held


class Floods(FloodTest):
    KINDS = "syn_with_data", "answered", "endless_hello", "cut_hello"

    def test_small_bounds(self):
        """More than there is room for, and more handshakes by far."""
        connections, most = size(200, 2000, uml=2000), size(100, 200, uml=200)
        self.begin(f"max_connections={connections}", f"max_handshakes={most}")
        before = octets()
        for kind in self.KINDS:
            with self.subTest(kind):
                held = self.flood(getattr(self, kind), size(500, 30_000, uml=3000), most // 2)
                # A record takes less than 1 KiB, a handshake less than 4 KiB, and what is kept of SYNs 2 MiB.
                self.assertLess(max(held) - before, (connections << 10) + (most << 12) + (2 << 20))
                self.assertLessEqual(handshakes(), most + 64)
        begun = time.monotonic()
        # Those of the connections that are there stay until they are idle.
        self.assertTrue(wait_for(lambda: handshakes() <= 8, 90), caches())
        tell(f"handshakes' memory is back after {time.monotonic() - begun:.0f} s")
        self.comes_back()

    def test_defaults(self):
        self.begin()
        for kind in self.KINDS:
            with self.subTest(kind):
                count = size(100, 40_000, uml=1500)
                before = octets()
                held = self.flood(getattr(self, kind), count, count)
                # A record, a handshake, and what it has outstanding.
                each = 0 if kind == "syn_with_data" else 8 << 10
                self.assertLess(max(held) - before, count * each + (3 << 20))
        self.comes_back()

    def test_what_a_server_answered_stays(self):
        """Hellos that no server answers push out one another, not a handshake that goes on."""
        self.begin("max_handshakes=50")
        ends = self.answered(HELLO)
        self.forgers["server"].send(*reversed(ends), 5001, 1001 + len(HELLO), ACK | PSH, server_hello(RANDOM))
        ask = "--all", "--src", f"{ends[0][0]}:{ends[0][1]}"
        self.assertEqual([one["state"] for one in listed(*ask)], ["handshake"])
        for _ in range(200):
            self.cut_hello()
        self.assertEqual([one["state"] for one in listed(*ask)], ["handshake"])
        self.assertGreaterEqual(stats()["lost-handshake-timeout"], 150)

    def test_as_many_as_there_is_room_for(self):
        """A hello is there still after as many others as fit beside it, at whatever place of the search for the oldest."""
        most = 64
        self.begin(f"max_handshakes={most}", "max_connections=128")
        for kind in self.KINDS * 3:
            for _ in range(most + next(self.numbers) % most):
                getattr(self, kind)()
            # Some are answered, and stay.
            stays = [self.answered(HELLO) for _ in range(3)]
            for ends in stays[:2]:
                self.forgers["server"].send(*reversed(ends), 5001, 1001 + len(HELLO), ACK | PSH, server_hello(RANDOM))
            for _ in range(most * 3 // 4):
                self.cut_hello()
            found = [one["state"] for ends in stays for one in listed("--all", "--src", f"{ends[0][0]}:{ends[0][1]}")]
            self.assertEqual(found, ["handshake", "handshake", "hello"], kind)

    @unittest.skipIf(os.cpu_count() < 2, "one processor: nobody else takes the room that was made")
    def test_two_processors(self):
        """Whoever has made room gets it, though others make and take room at the same time."""
        self.begin("max_handshakes=50", "max_connections=100")
        before, count = stats(), size(2000, 40_000)

        def flood(cpu):
            os.sched_setaffinity(0, {cpu})
            self.numbers = itertools.count(cpu * count)
            for _ in range(count):
                self.cut_hello()

        context = multiprocessing.get_context("fork")
        floods = [context.Process(target=flood, args=(cpu,)) for cpu in (0, 1)]
        for one in floods:
            one.start()
        for one in floods:
            one.join()
        self.assertEqual([one.exitcode for one in floods], [0, 0])
        grown = {name: stats()[name] - before[name] for name in ("connections-made", "connections-full", "lost-table-full")}
        self.assertEqual(grown, {"connections-made": 2 * count, "connections-full": 0, "lost-table-full": 0})
        self.comes_back()

    def comes_back(self):
        """All but the connections that are there: as conntrack's entries go."""
        self.goes_on()
        on("gateway", "conntrack", "-D", "-s", "10.3.0.0/16", check=False)
        self.assertTrue(wait_for(lambda: not [one for one in listed("--all") if one["src"].startswith("10.3.")], 60))
        self.goes_on()


if __name__ == "__main__":
    unittest.main()
