# SPDX-License-Identifier: GPL-2.0-only
"""Every allocation of the module fails once, one after the other, in everything that it does: what was asked for is
refused, or its packets are held, nothing is half done, and it works right after."""

import contextlib
import ctypes
import os
import pathlib
import threading
import unittest

import faults
from conversation import DATA, Conversation, Wire
from faults import NO_MEMORY, Faults, refused
from hellos import client_hello, client_hello13
from lab import IPTABLES, GatewayTest, ctl, forgets, listed, load, loaded, on, run, unload, wait_for
from netlink import N, Netlink, attribute, attributes, uint
from scale import tell

FINIT_MODULE = 313
libc = ctypes.CDLL(None, use_errno=True)


def setUpModule():
    if not faults.mounted():
        raise unittest.SkipTest("this kernel injects no failures: make test-debug runs it in one that does")


def tearDownModule():
    left = faults.leaks()
    assert not left, "\n".join(left)


def join(netlink):
    """Has it listen to events, so that they are made."""
    answer = netlink.ask(3, attribute(2, b"tlsconn\0"), family=16)
    groups = dict(attributes(dict(attributes(answer[0]))[7]))
    [group] = [dict(attributes(one)) for one in groups.values()]
    netlink.socket.setsockopt(270, 1, uint(group[2]))


class Failing(GatewayTest):
    def faults(self, *arguments, **fields):
        found = Faults(*arguments, **fields)
        self.addCleanup(found.close)
        return found

    def told(self, what, found, must_show=True):
        tell(f"{what}: {found.failed} allocations failed, {found.shown} of them seen in the log with the module's stack")
        if found.failed and must_show:
            self.assertGreater(found.shown, 0)

    def stats(self, name):
        with contextlib.closing(Netlink()) as netlink:
            return uint(dict(attributes(netlink.ask(N["CMD_STATS_GET"])[0]))[N[f"A_STATS_{name}"]])


class Loading(unittest.TestCase):
    def test_loading(self):
        """All allocations of the system call, most of them the kernel's own."""
        [file] = pathlib.Path("/lib/modules").glob("*/extra/xt_tlsconn.ko")
        if loaded():
            unload()
        self.addCleanup(lambda: loaded() or load())
        for way, number in (("failslab", 0), ("fail_page_alloc", 1)):
            (faults.DEBUG / way / "ignore-gfp-wait").write_text("N")
            (faults.DEBUG / way / "verbose_ratelimit_interval_ms").write_text("0")
        (faults.DEBUG / "fail_page_alloc/min-order").write_text("1")
        run("dmesg", "-C")
        failed = ours = done = 0
        module = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        with open("/proc/thread-self/fail-nth", "r+b", buffering=0) as nth:
            for number in range(1, 5000):
                os.pwrite(nth.fileno(), b"%d" % number, 0)
                outcome = libc.syscall(FINIT_MODULE, module, b"", 0)
                error = ctypes.get_errno()
                left = int(os.pread(nth.fileno(), 16, 0))
                os.pwrite(nth.fileno(), b"0", 0)
                self.assertEqual(loaded(), outcome == 0)
                ours += "[xt_tlsconn]" in run("dmesg", "--read-clear").stdout
                if outcome == 0:
                    done += 1
                    unload()
                else:
                    self.assertIn(error, (NO_MEMORY,), number)
                if left:
                    break
                failed += 1
        os.close(module)
        tell(f"loading the module: {failed} allocations failed, {ours} of them its own, {done - 1} did not matter")
        self.assertGreater(ours, 0)
        load()


class Namespaces(Failing):
    def test_a_namespace_comes(self):
        found = self.faults()
        for number, error, hit in found.walk(self.another):
            self.assertIn(error, (0, NO_MEMORY) if hit else (0,), number)
        self.told("a network namespace comes", found)

    @staticmethod
    def another():
        """A network namespace, of a thread that ends at once."""
        errors = []
        thread = threading.Thread(target=lambda: errors.append(refused(os.unshare, os.CLONE_NEWNET)))
        thread.start()
        thread.join()
        return errors[0]

    def test_a_namespace_goes(self):
        """With connections, a pin, rules and a listener, and no memory at all for it."""
        self.hold()
        wire = Wire()
        self.addCleanup(wire.close)
        Conversation(wire, 4000).tls13()
        ctl("pin", "1")
        found = self.faults()
        found.arm(times=-1)
        on("gateway", "true")
        run("ip", "netns", "del", "gateway")
        self.assertTrue(wait_for(lambda: pathlib.Path("/sys/module/xt_tlsconn/refcnt").read_text() == "0\n"))
        found.set(times=0, probability=0)


class Rules(Failing):
    def test_first_rule(self):
        for iptables in IPTABLES:
            found = self.faults()
            rule = ("FORWARD", "-p", "tcp", "-m", "tlsconn", "--state", "lost")
            add = lambda iptables=iptables, rule=rule: on("gateway", iptables, "-A", *rule, check=False).returncode
            # What belongs to the tables is made before.
            on("gateway", iptables, "-A", "FORWARD", "-p", "tcp")
            for number, code, hit in found.walk(add):
                with self.subTest(iptables=iptables, number=number):
                    there = "tlsconn" in on("gateway", iptables, "-S").stdout
                    self.assertEqual(there, code == 0)
                    self.assertTrue(hit or code == 0, "it fails where nothing failed")
                    # A rule of nft that failed is destroyed a little later.
                    self.assertTrue(wait_for(lambda there=there: self.tracking() == (there, int(there))), self.tracking())
                    if there:
                        on("gateway", iptables, "-D", *rule)
            self.assertTrue(wait_for(lambda: self.tracking() == (False, 0)))
            self.told(f"the first rule of a namespace, {iptables}", found)

    @staticmethod
    def tracking():
        with contextlib.closing(Netlink()) as netlink:
            found = dict(attributes(netlink.ask(N["CMD_TRACK_GET"])[0]))
        return N["A_TRACK_TRACKING"] in found and found[N["A_TRACK_TRACKING"]] != b"\0", uint(found.get(N["A_TRACK_RULES"], b""))


class Packets(Failing):
    """A connection whose packets find no memory. Data that is not pinned never arrives, and the next connection is as
    ever."""

    def setUp(self):
        super().setUp()
        self.hold()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        self.port = 4000

    def conversation(self):
        self.port += 1
        return Conversation(self.wire, self.port)

    def walk(self, what, talk, prepare=None):
        """`talk` is given a new conversation each time. What becomes of it where memory was wanting is counted."""
        def operation():
            conversation = self.conversation()
            talk(conversation)
            return conversation

        def counted():
            return sum(map(self.stats, ("ALLOCATION_FAILURES", "LOST_TABLE_FULL", "OUT_OF_ORDER_DROPPED")))

        found = self.faults()
        before = counted()
        for number, conversation, hit in found.walk(operation, prepare):
            with self.subTest(what, number=number):
                self.assertEqual([piece.name for piece in conversation.pieces if piece.must is False and piece.arrived], [])
                listed = conversation.listed()
                if hit and (listed is None or listed["state"] != "established"):
                    self.assertIn(listed and listed["state"], (None, "lost"))
                    self.assertGreater(counted(), before)
                else:
                    self.assertEqual([piece.name for piece in conversation.pieces if piece.must and not piece.arrived], [])
                    self.assertEqual(listed["state"], "established")
            before = counted()
        self.told(what, found, must_show=False)
        self.assertGreater(found.failed, 0)
        after = self.conversation().tls13()
        after.data()
        self.assertEqual([piece for piece in after.pieces if piece.must != piece.arrived], [])
        self.assertEqual(after.listed()["state"], "established")
        return found

    def talk13(self, conversation):
        conversation.tls13()
        conversation.data()
        conversation.data(host="server")

    def talk12(self, conversation):
        conversation.tls12(client_hello(os.urandom(32), b"s" * 32, sni=b"first.example"), session_id=os.urandom(32))
        conversation.data()

    def disorder(self, conversation):
        """The flight's end comes before its beginning, twice over."""
        conversation.tls13()
        for at in (300, 200, 100):
            conversation.fake(DATA, at=at)
        conversation.data(must=False)

    def test_tls13(self):
        self.walk("a connection, TLS 1.3", self.talk13)

    def test_tls12(self):
        self.walk("a connection, TLS 1.2 with a session", self.talk12)

    def test_disorder(self):
        self.walk("segments out of order", self.disorder)

    def test_with_a_listener(self):
        listener = Netlink()
        self.addCleanup(listener.close)
        join(listener)
        self.walk("a connection, with somebody who listens", self.talk13)

    def test_with_an_armed_pin(self):
        def talk(conversation):
            conversation.tls12(client_hello(os.urandom(32), b"s" * 32, sni=b"first.example"), session_id=os.urandom(32))
            # It may be the pinned one.
            conversation.data(must=None)
        def arm():
            ctl("pin", "--next", "--replace", "--for", "1h", "--follow")

        self.walk("an armed pin is bound", talk, arm)
        ctl("unpin")
        self.walk("a shared one is bound", talk, lambda: ctl("pin", "--name", "all", "--shared", "--next", "--replace", "--for", "1h"))
        ctl("unpin", "all")

    def test_many(self):
        """The table grows, at once and later, without memory for it."""
        for what, way, fields in (("at once", "failslab", {}), ("at once, pages", "fail_page_alloc", {}),
                                  ("later", "failslab", {"text": faults.text_of("rht_deferred_worker")}),
                                  ("later, pages", "fail_page_alloc", {"text": faults.text_of("rht_deferred_worker")})):
            found = self.faults(way, **fields)
            # What the kernel has begun before.
            made = self.stats("CONNECTIONS_MADE")
            found.arm(times=1000, probability=50 if what.startswith("at once") else 100)
            for _ in range(300):
                self.conversation().open()
            left = found.left()
            found.set(times=0, probability=0)
            found.look()
            tell(f"300 connections, the table grows {what}: {1000 - left} allocations failed, "
                 f"{self.stats('CONNECTIONS_MADE') - made} connections are tracked")
            self.assertTrue(forgets(lambda: not listed("--all")))
        self.walk("after that", self.talk13)


class Requests(Failing):
    """What people ask for. Refused for want of memory, it has changed nothing."""

    def setUp(self):
        super().setUp()
        self.hold()
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        for port in range(4000, 4008):
            Conversation(self.wire, port).tls13(client_hello13(bytes(32), sni=b"%d.example" % port))
        self.netlink = Netlink()
        self.addCleanup(self.netlink.close)

    def pins(self):
        def steady(one):
            return [(kind, value) for kind, value in attributes(one) if kind != N["A_PIN_EXPIRES_IN"]]
        return [steady(one) for one in self.netlink.dump(N["CMD_PIN_GET"])]

    def selector(self, sni):
        return attribute(N["A_PIN_SELECTOR"] | 0x8000, attribute(N["A_SELECTOR_SNI"], sni + b"\0"))

    def test_requests(self):
        pin = attribute(N["A_PIN_NAME"], b"default\0") + attribute(N["A_PIN_MARK"], 0x54000000) + attribute(N["A_PIN_MASK"], 0xFF000000)
        replace = attribute(N["A_PIN_REPLACE"])
        ask, dump = self.netlink.ask, self.netlink.dump
        requests = {
            "list": lambda: dump(N["CMD_CONNECTION_GET"]),
            "list, by a selector": lambda: dump(N["CMD_CONNECTION_GET"], attribute(
                N["A_CONNECTION_SELECTOR"] | 0x8000, attribute(N["A_SELECTOR_SNI"], b"4001.*\0"))),
            "show": lambda: ask(N["CMD_CONNECTION_GET"], attribute(N["A_CONNECTION_ID"], 1)),
            "stats": lambda: ask(N["CMD_STATS_GET"]),
            "track status": lambda: ask(N["CMD_TRACK_GET"]),
            "track on": lambda: ask(N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\1")),
            "track on, with a pass mark": lambda: ask(N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\1")
                                                      + attribute(N["A_TRACK_PASS_MARK"], 0x800000)),
            "another pass mark": lambda: ask(N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\1")
                                             + attribute(N["A_TRACK_PASS_MARK"], 1)),
            "track off": lambda: ask(N["CMD_TRACK_SET"], attribute(N["A_TRACK_REQUESTED"], b"\0")),
            "pin, by id": lambda: ask(N["CMD_PIN_SET"], pin + replace + attribute(N["A_PIN_CONNECTION"], 2)),
            "pin, the next": lambda: ask(N["CMD_PIN_SET"], pin + replace + attribute(N["A_PIN_NEXT"]) + self.selector(b"*")
                                         + attribute(N["A_PIN_LASTS"], 3600)),
            "pin, shared": lambda: ask(N["CMD_PIN_SET"], attribute(N["A_PIN_NAME"], b"all\0") + attribute(N["A_PIN_SHARED"])
                                       + attribute(N["A_PIN_CONNECTION"], 3) + attribute(N["A_PIN_LASTS"], 3600)),
            "pins": lambda: dump(N["CMD_PIN_GET"]),
            "unpin": lambda: ask(N["CMD_PIN_DEL"], attribute(N["A_PIN_NAME"], b"default\0")),
        }
        listener = Netlink()
        self.addCleanup(listener.close)
        join(listener)
        for name, request in requests.items():
            found = self.faults()
            before = self.pins()
            if name == "unpin":
                again = lambda: self.netlink.pin(1)
            else:
                again = lambda: None
            again()
            before = self.pins()
            for number, error, hit in found.walk(lambda request=request: refused(request)):
                with self.subTest(name, number=number):
                    self.assertIn(error, (0, NO_MEMORY) if hit else (0,))
                    if error:
                        self.assertEqual(self.pins(), before, "half done")
                    again()
                    before = self.pins()
            # The log is not told of packets' memory.
            self.told(name, found, must_show=False)
        self.assertEqual(refused(requests["pin, by id"]), 0)
