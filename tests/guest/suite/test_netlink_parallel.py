# SPDX-License-Identifier: GPL-2.0-only
"""The netlink family's commands beside each other: in one namespace, while others come and go, while conntrack's entries
do, and while its table is resized; and dumps that look at much and find little."""

import errno
import json
import pathlib
import random
import re
import sys
import threading
import time
import unittest

from forge import Forger
from lab import GatewayTest, ctl, listed, load, on, run, unload, wait_for
from netlink import DUMP, NESTED, REQUEST, N, Netlink, Refused, attribute, attributes, uint
from test_netlink import open_connection, selector

# As many connections one call of a dump looks at (kmod/netlink/connection.rs).
LOOKED_AT = 1024
LOCKDEP = pathlib.Path("/proc/lockdep")
BUCKETS = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_buckets")
NOBODY = attribute(N["A_CONNECTION_SELECTOR"] | NESTED, selector(("SNI", b"nobody.example")))


def pin_name(name):
    return attribute(N["A_PIN_NAME"], name.encode() + b"\0")


def told(objects):
    return [dict(attributes(one)) for one in objects]


class Parallel(GatewayTest):
    """Hosts that are not there, behind a gateway that tracks."""

    def setUp(self):
        super().setUp()
        on("gateway", "tlsconnctl", "track", "on")
        for address, side in (("10.1.0.8", "client"), ("10.2.0.9", "server")):
            on("gateway", "ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:09", "dev", f"to-{side}")
        self.forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in self.forgers.values():
            self.addCleanup(forger.close)
        self.failed = []

    def open(self, ports):
        """Connections from these ports, tracked."""
        for port in ports:
            open_connection(self.forgers, "10.1.0.8", port)
        self.assertTrue(wait_for(lambda: len(self.ids()) >= len(ports)), len(self.ids()))

    def ids(self):
        netlink = Netlink()
        try:
            return netlink.ids()
        finally:
            netlink.close()

    def beside(self, *parts):
        """Runs functions in threads until the last argument, a function of its own, has ended."""
        stop = threading.Event()

        def guard(part):
            try:
                while not stop.is_set():
                    part()
            except BaseException as error:
                self.failed.append(error)
                raise

        threads = [threading.Thread(target=guard, args=(part,)) for part in parts[:-1]]
        for thread in threads:
            thread.start()
        try:
            parts[-1]()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.failed, [])


class Commands(Parallel):
    def test_in_one_namespace_while_others_come_and_go(self):
        self.open(range(30000, 30008))
        ids, rounds = self.ids(), {}

        everybodys = (pin_name("everybody's") + attribute(N["A_PIN_MARK"], 0x54000000) + attribute(N["A_PIN_MASK"], 0xFF000000)
                      + attribute(N["A_PIN_REPLACE"]))

        def worker(number):
            """Has a pin of its own, which nobody else changes."""
            name, netlink, shift = f"of-{number}", Netlink(), 8 * (1 + number % 2)
            self.addCleanup(netlink.close)
            ours, mark = pin_name(name), number + 1 << shift
            marked = ours + attribute(N["A_PIN_MARK"], mark) + attribute(N["A_PIN_MASK"], 0xFF << shift)

            def act():
                connection = random.choice(ids)
                kind = random.randrange(4)
                try:
                    if kind == 0:
                        [pin] = told(netlink.ask(N["CMD_PIN_SET"], marked + attribute(N["A_PIN_NEXT"])
                                                 + attribute(N["A_PIN_REPLACE"])))
                        expected = N["PIN_STATE_ARMED"]
                    else:
                        [pin] = told(netlink.ask(N["CMD_PIN_SET"], marked + attribute(N["A_PIN_CONNECTION"], connection)
                                                 + attribute(N["A_PIN_REPLACE"])))
                        expected = N["PIN_STATE_BOUND"]
                        self.assertEqual(uint(pin[N["A_PIN_CONNECTION"]]), connection)
                except Refused as refused:
                    # Another pin with bits of the same mask is on that connection.
                    self.assertEqual(refused.number, errno.EEXIST, refused.words)
                    return
                self.assertEqual(uint(pin[N["A_PIN_STATE"]]), expected)
                self.assertNotIn(N["A_PIN_MARK_LOST"], pin)
                [pin] = told(netlink.ask(N["CMD_PIN_GET"], ours))
                self.assertEqual(uint(pin[N["A_PIN_STATE"]]), expected)
                self.assertEqual(uint(pin[N["A_PIN_MARK"]]), mark)
                self.assertEqual(netlink.ids(), ids)
                netlink.ask(N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\1"))
                self.assertIn(name.encode() + b"\0", [one[N["A_PIN_NAME"]] for one in told(netlink.dump(N["CMD_PIN_GET"]))])
                netlink.ask(N["CMD_STATS_GET"])
                netlink.ask(N["CMD_PIN_DEL"], ours)
                # One that everybody changes: whoever has taken it is told so, not what the next one has made of it.
                [pin] = told(netlink.ask(N["CMD_PIN_SET"], everybodys + attribute(N["A_PIN_CONNECTION"], connection)))
                self.assertEqual((uint(pin[N["A_PIN_STATE"]]), uint(pin[N["A_PIN_CONNECTION"]])),
                                 (N["PIN_STATE_BOUND"], connection))
                rounds[number] = rounds.get(number, 0) + 1

            return act

        def stranger(number):
            """Another namespace, with a socket that lives a little longer than its name."""
            name = f"stranger-{number}"

            def act():
                run("ip", "netns", "add", name)
                netlink = Netlink(name)
                try:
                    netlink.ask(N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\1"))
                    netlink.ask(N["CMD_PIN_SET"], attribute(N["A_PIN_NEXT"]))
                    self.assertEqual((netlink.ids(), len(netlink.dump(N["CMD_PIN_GET"]))), ([], 1))
                    run("ip", "netns", "delete", name)
                    netlink.ask(N["CMD_PIN_DEL"], attribute(N["A_PIN_ALL"]))
                    netlink.socket.send(netlink.message(N["CMD_PIN_GET"], b"", REQUEST | DUMP))
                finally:
                    netlink.close()
                rounds[name] = rounds.get(name, 0) + 1

            return act

        def enough():
            who = [*range(6), "stranger-0", "stranger-1"]
            self.assertTrue(wait_for(lambda: self.failed or all(rounds.get(one, 0) >= 20 for one in who), 300), rounds)

        self.beside(*(worker(number) for number in range(6)), *(stranger(number) for number in range(2)), enough)
        ctl("unpin", "--all")
        self.assertEqual({c["mark"] for c in listed()}, {"0x0"})
        ctl("track", "off")
        unload()
        load()

    def test_nothing_of_ours_is_taken_under_a_lock_of_the_whole_machine(self):
        if not LOCKDEP.exists():
            self.skipTest("this kernel does not say which locks are taken under which (CONFIG_PROVE_LOCKING)")
        self.open(range(30000, 30004))
        first, second, *_ = self.ids()
        # Every command, and what it goes through.
        ctl("pin", str(first))
        ctl("pin", str(second), "--name", "other", "--mark", "0x1/0x1")
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", "30003", "--mark", "0x54000001")
        ctl("pins")
        ctl("unpin")
        ctl("pin", "--next")
        ctl("unpin", "--all")
        ctl("track", "status")
        ctl("stats")
        listed()
        below, at = {}, None
        for line in LOCKDEP.read_text().splitlines():
            if found := re.match(r" -> \[\S+\] (.*)", line):
                below[at].add(found[1])
            elif found := re.match(r"\S+ FD: *\d+ BD: *\d+ \S+: (.*)", line):
                at = found[1]
                below.setdefault(at, set())

        def under(locks):
            seen, left = set(), list(locks)
            while left:
                for lock in below.get(left.pop(), ()):
                    if lock not in seen:
                        seen.add(lock)
                        left.append(lock)
            # Those without a name are called by where they are made.
            return {lock for lock in seen if lock.startswith("tlsconn") or "kmod/sys" in lock}

        self.assertLessEqual({"tlsconn commands", "tlsconn pins", "tlsconn entry", "genl_mutex"}, set(below))
        self.assertIn("tlsconn pins", under(["tlsconn commands"]), "the question finds what there is")
        everybodys = [lock for lock in below if lock.startswith(("genl_mutex", "nf_conntrack_mutex", "&nf_conntrack_locks"))]
        self.assertEqual(under(everybodys), set(), everybodys)


class Dumps(Parallel):
    MANY = 3 * LOOKED_AT + 100

    def test_a_selector_that_fits_nothing(self):
        self.open(range(20000, 20000 + self.MANY))
        netlink, other = Netlink(), Netlink()
        self.addCleanup(netlink.close)
        self.addCleanup(other.close)
        ids = netlink.ids()
        self.assertEqual((len(ids), netlink.empty), (self.MANY, 0))
        self.assertEqual((netlink.ids(NOBODY), netlink.empty), ([], self.MANY // LOOKED_AT))
        self.assertEqual(listed("--sni", "nobody.example"), [])
        # One far behind many that are not wanted.
        last = uint(dict(attributes(netlink.ask(N["CMD_CONNECTION_GET"], attribute(N["A_CONNECTION_ID"], ids[-1]))[0]))
                    [N["A_CONNECTION_ID"]])
        port = (20000 + self.MANY - 1).to_bytes(2, "big")
        wanted = attribute(N["A_CONNECTION_SELECTOR"] | NESTED, selector(("SRC_PORT", port)))
        self.assertEqual((netlink.ids(wanted), netlink.empty), ([last], self.MANY // LOOKED_AT))
        # While one stands still everything else goes on, in the same namespace too.
        netlink.socket.send(netlink.message(N["CMD_CONNECTION_GET"], NOBODY, REQUEST | DUMP))
        other.pin(ids[0])
        self.assertEqual(other.ids(NOBODY), [])
        other.ask(N["CMD_PIN_DEL"], pin_name("default"))
        self.assertEqual(len(netlink.socket.recv(65536)), 20, "a header, and nothing behind it")
        # Whoever asked goes away in the middle, and so does what there was.
        netlink.close()
        on("gateway", "conntrack", "-D", "-p", "tcp", check=False)
        self.assertTrue(wait_for(lambda: other.ids() == []))
        self.assertEqual(other.empty, 0)


class Forgotten(Parallel):
    """Conntrack's entries go, and come, while pins are made on them."""

    def conntrack(self, *arguments):
        return on("gateway", "conntrack", *arguments, check=False).stdout

    def test_an_entry_that_has_gone_or_is_over_is_not_bound(self):
        self.open([30000, 30001, 30002])
        deleted, over, there = self.ids()
        netlink = Netlink()
        self.addCleanup(netlink.close)

        def is_refused(connection):
            try:
                netlink.pin(connection)
            except Refused as refused:
                self.assertEqual(refused.number, errno.ENOENT, refused.words)
                return True
            netlink.ask(N["CMD_PIN_DEL"], pin_name("default"))
            return False

        self.conntrack("-D", "-p", "tcp", "--orig-port-src", "30000")
        self.assertTrue(is_refused(deleted))
        self.assertFalse(is_refused(over))
        self.conntrack("-U", "-p", "tcp", "--orig-port-src", "30001", "--timeout", "1")
        # Conntrack takes it out when it comes across it next, maybe in a minute.
        self.assertTrue(wait_for(lambda: is_refused(over), 10))
        self.assertFalse(is_refused(there))

    def test_while_they_come_and_go(self):
        netlink, answers = Netlink(), {}
        self.addCleanup(netlink.close)
        ports = iter(range(10000, 60000))

        def come():
            for _ in range(20):
                open_connection(self.forgers, "10.1.0.8", next(ports))

        def go():
            self.conntrack("-D", "-p", "tcp", "--orig-src", "10.1.0.8")
            time.sleep(random.random() / 50)
            self.conntrack("-F")

        def insert():
            """Entries of somebody else, with the mark."""
            port = str(random.randrange(1024, 65536))
            self.conntrack("-I", "-p", "tcp", "-s", "10.1.0.7", "-d", "10.2.0.9", "--sport", port, "--dport", "443",
                           "--state", "ESTABLISHED", "--timeout", "60", "--mark", "0x54000000")

        def pins():
            until = time.monotonic() + 300
            while sum(answers.values()) < 300 and not self.failed and time.monotonic() < until:
                for connection in netlink.ids()[-5:]:
                    try:
                        netlink.pin(connection)
                        told_of = "bound"
                    except Refused as refused:
                        told_of = errno.errorcode[refused.number]
                    answers[told_of] = answers.get(told_of, 0) + 1

        self.beside(come, go, insert, pins)
        print(f"\n{answers}", file=sys.stderr)
        self.assertLessEqual(set(answers), {"bound", "ENOENT"})
        self.assertGreater(answers.get("bound", 0), 0)
        # What was inserted carries the mark until somebody asks for the pin to be released.
        try:
            netlink.ask(N["CMD_PIN_DEL"], pin_name("default"))
        except Refused as refused:
            self.assertEqual(refused.number, errno.ENOENT)
        self.assertNotIn("mark=1409286144", self.conntrack("-L", "-p", "tcp"))

    def test_marks_are_cleared_while_the_table_is_resized(self):
        before = BUCKETS.read_text()
        self.addCleanup(BUCKETS.write_text, before)
        # Every connection is given the mark by somebody else, many to a bucket.
        BUCKETS.write_text("512")
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "-j", "CONNMARK", "--set-mark",
           "0x54000009")
        many = 2000
        self.open(range(20000, 20000 + many))
        on("gateway", "iptables-legacy", "-t", "mangle", "-F")
        sizes, resized = [512, 262144], 0
        # Not while somebody counts: entries are told of twice then.
        counts = threading.Lock()

        def marked():
            with counts:
                return self.conntrack("-L", "-p", "tcp", "--mark", "0x54000000/0xff000000").count("mark=")

        def resize():
            nonlocal resized
            with counts:
                BUCKETS.write_text(str(sizes[resized % len(sizes)]))
                resized += 1
            time.sleep(0)

        netlink = Netlink()
        self.addCleanup(netlink.close)
        rounds = []

        def clear():
            until = time.monotonic() + 60
            while len(rounds) < 3 or len(rounds) < 40 and time.monotonic() < until:
                self.assertEqual(marked(), many)
                at = resized
                netlink.pin(self.first)
                self.assertEqual(marked(), 1, "only the pinned one carries it")
                netlink.ask(N["CMD_PIN_DEL"], pin_name("default"))
                self.assertEqual(marked(), 0)
                rounds.append(resized - at)
                with counts:
                    self.conntrack("-U", "-p", "tcp", "--orig-src", "10.1.0.8", "--mark", "0x54000009")

        self.first = self.ids()[0]
        # Somebody who has the walks give way.
        self.beside(resize, lambda: sum(range(100000)), clear)
        print(f"\nresized {sum(rounds)} times while marks were cleared {len(rounds)} times", file=sys.stderr)
        self.assertGreater(sum(rounds), 0)
        self.assertEqual(json.loads(ctl("pins").stdout)["pins"][0]["state"], "released")


if __name__ == "__main__":
    unittest.main()
