# SPDX-License-Identifier: GPL-2.0-only
"""Sets of server names: what rules, pins and lists find in them, while they are changed too; who may have them, and for how long."""

import errno
import json
import os
import pathlib
import subprocess
import threading
import time
import unittest

import netlink
import test_memory
from counting import ForgedTest
from forge import ACK
from hellos import client_hello, server_hello
from lab import IPTABLES, GatewayTest, ctl, listed, on, run, wait_for
from netlink import N, Netlink, Refused, attribute
from scale import mostly_uml, size, tell
from test_events import Monitor

REPLACEMENTS = size(8, 100, uml=50)


def sets(netns="gateway"):
    return {one["name"]: one for one in json.loads(ctl("set", "list", netns=netns).stdout)["sets"]}


def names(name):
    """The names of a set, with their hits."""
    return {one["name"]: one["hits"] for one in json.loads(ctl("set", "show", name).stdout)["names"]}


def refused(*arguments, code=1):
    """The message of a command that fails."""
    done = ctl(*arguments, check=False)
    if done.returncode != code:
        raise AssertionError(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stderr)["error"]["message"]


def public_list(directory, first, count, *more):
    """A file of names, 17 bytes in the mean as in a public list, and some more."""
    ends = ("com", "net", "org", "co.uk")
    path = pathlib.Path(directory.name, f"list{first}")
    lines = (f"{number:06}{'x' * (number * 7919 % 14)}.{ends[number % 4]}" for number in range(first, first + count))
    path.write_text("\n".join([*lines, *more, ""]))
    return str(path)


class SetTest(GatewayTest):
    def file(self, *lines):
        number = len(list(pathlib.Path(self.directory.name).iterdir()))
        path = pathlib.Path(self.directory.name, f"names{number}")
        path.write_text("\n".join([*lines, ""]))
        return str(path)

    def load(self, name, *lines):
        ctl("set", "load", name, self.file(*lines))


@mostly_uml
class Commands(SetTest):
    def test_what_is_in_a_set(self):
        ctl("set", "create", "some")
        self.assertEqual(names("some"), {})
        ctl("set", "add", "some", "host.example", ".Domain.Example", "bücher.example")
        everything = {"host.example": 0, ".domain.example": 0, "xn--bcher-kva.example": 0}
        self.assertEqual(names("some"), everything)
        done = on("gateway", "tlsconnctl", "set", "add", "some", "host.example", "more.example")
        self.assertEqual(done.stdout, "1 name added, 1 was in it already; set some has 4 names\n")
        done = on("gateway", "tlsconnctl", "set", "del", "some", "more.example", "other.example")
        self.assertEqual(done.stdout, "1 name taken out, 1 was not in it; set some has 3 names\n")
        self.assertEqual(names("some"), everything)
        for host, by in (("host.example", "host.example"), ("HOST.example.", "host.example"), ("x.host.example", None),
                         ("domain.example", ".domain.example"), ("x.y.domain.example", ".domain.example"),
                         ("example", None), ("bücher.example", "xn--bcher-kva.example")):
            tested = ctl("set", "test", "some", host, check=False)
            self.assertEqual((json.loads(tested.stdout)["name"], tested.returncode), (by, int(by is None)), host)
        self.load("some", "# others", "0.0.0.0 ads.example tracker.example", "", ".example # all", "ads.example")
        self.assertEqual(names("some"), {"ads.example": 0, "tracker.example": 0, ".example": 0})
        self.assertEqual(on("gateway", "tlsconnctl", "set", "show", "some").stdout, ".example\nads.example\ntracker.example\n")
        ctl("set", "destroy", "some")
        self.assertEqual(sets(), {})

    def test_what_is_refused(self):
        self.load("some", "a.example")
        ctl("set", "create", "other")
        for arguments, code, words in (
            (("create", "some"), 1, "there is a set of that name already"),
            (("add", "none", "a.example"), 3, "there is no set of that name; see `tlsconnctl set list`"),
            (("show", "none"), 3, "there is no set of that name"),
            (("test", "none", "a.example"), 3, "there is no set of that name"),
            (("destroy", "none"), 3, "there is no set of that name"),
            (("add", "some", "*.example"), 2, "write .example for example"),
            (("create", "two words"), 2, "has a ' ' in it"),
            (("load", "some", self.file("b.example", "c d")), 1, ":2: there are several words"),
            (("load", "some", self.file("b.example", "c/d")), 1, ":2: \"c/d\" has a '/' in it"),
            (("load", "some", self.file("b.example", "c" * 256)), 1, ":2: the pattern has 256 bytes"),
            (("load", "some", "/none"), 1, "cannot read /none"),
        ):
            self.assertIn(words, refused("set", *arguments, code=code), arguments)
        self.assertEqual((names("some"), names("other")), ({"a.example": 0}, {}))

    def test_as_many_as_there_may_be(self):
        for number in range(64):
            ctl("set", "create", f"s{number}")
        self.assertIn("64 sets already: destroy one", refused("set", "create", "s64"))
        self.assertIn("64 sets already: destroy one", refused("set", "load", "s64", self.file("a")))
        self.assertEqual(len(sets()), 64)
        ctl("set", "destroy", "s7")
        self.load("s64", "a")

    def test_namespaces_share_nothing(self):
        self.load("some", "a.example")
        self.assertEqual(sets("client"), {})
        rule = ("-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--sni-set", "some")
        for iptables in IPTABLES:
            run("dmesg", "--clear")
            self.assertNotEqual(on("client", iptables, *rule, check=False).returncode, 0)
            self.assertIn("--sni-set: there is no set of that name", run("dmesg").stdout)
            # The kernel prints ten such lines in five seconds, and iptables tries more than once.
            time.sleep(1)

    def test_saved_and_brought_back(self):
        self.load("some", ".b.example", "a.example")
        ctl("set", "create", "none")
        ctl("pin", "--next", "--sni-set", "some")
        saved = on("gateway", "tlsconnctl", "save").stdout
        self.assertIn("\nset load some --names .b.example a.example\nset load none --names\npin ", saved)
        self.assertIn("--sni-set=some", saved)
        ctl("unpin")
        for name in ("some", "none"):
            ctl("set", "destroy", name)
        for _ in range(2):
            on("gateway", "tlsconnctl", "batch", "-", stdin=saved)
            self.assertEqual((names("some"), names("none")), ({".b.example": 0, "a.example": 0}, {}))
        self.assertEqual(on("gateway", "tlsconnctl", "save").stdout, saved)


@mostly_uml
class Sending(SetTest):
    """By netlink, as whoever else might."""

    def setUp(self):
        super().setUp()
        self.load("some", "a.example")
        self.netlink = Netlink()
        self.addCleanup(self.netlink.close)

    def fill(self, content=None, begin=False, change=None, name=b"some", socket=None):
        payload = attribute(N["A_SET_NAME"], name + b"\0") + (attribute(N["A_SET_BEGIN"]) if begin else b"")
        if content is not None:
            payload += attribute(N["A_SET_CONTENT"], content)
        if change is not None:
            payload += attribute(N["A_SET_CHANGE"], bytes([change]))
        return (socket or self.netlink).ask(N["CMD_SET_FILL"], payload)

    def assertRefused(self, number, **what):
        with self.assertRaises(Refused) as told:
            self.fill(**what)
        self.assertEqual(told.exception.number, number, what)
        return told.exception.words

    def test_a_set_that_was_not_sent_whole(self):
        self.fill(b"b.example\0", begin=True)
        self.fill(b"c.example\0")
        self.assertEqual(names("some"), {"a.example": 0})
        other = Netlink()
        self.addCleanup(other.close)
        self.assertRefused(errno.EINVAL, content=b"d.example\0", change=0, socket=other)
        # It goes with the socket: an other of the same number would go on with it.
        port = self.netlink.socket.getsockname()
        self.netlink.close()
        self.netlink = Netlink()
        self.netlink.socket.close()
        with netlink.inside("gateway"):
            self.netlink.socket = netlink.socket.socket(netlink.socket.AF_NETLINK, netlink.socket.SOCK_RAW, 16)
        self.netlink.socket.setsockopt(netlink.SOL_NETLINK, netlink.NETLINK_EXT_ACK, 1)
        self.netlink.socket.bind(port)
        self.assertRefused(errno.EINVAL, change=0)
        self.assertEqual(names("some"), {"a.example": 0})
        # Another begin forgets what was begun.
        self.fill(b"b.example\0", begin=True)
        self.fill(b"c.example\0", begin=True, change=N["SET_CHANGE_ADD"])
        self.assertEqual(names("some"), {"a.example": 0, "c.example": 0})

    def test_names_that_are_none(self):
        for content in (b"", b"\0", b"a", b"a\0b", b"A\0", b"a..b\0", b".\0", b"..a\0", b"a.\0", b"-a\0", b"*.a\0", b"a b\0",
                        b"a\0\0", b"\xff\0", b"a" * 256 + b"\0", b"." + b"a" * 256 + b"\0", b"a\0" * 9 + b"b/\0"):
            self.fill(b"good.example\0", begin=True)
            self.assertTrue(self.assertRefused(errno.EINVAL, content=content))
            self.assertRefused(errno.EINVAL, change=0)
        self.assertRefused(errno.EINVAL, begin=True, change=3)
        self.assertRefused(errno.EINVAL, begin=True, name=b"no/name")
        self.assertRefused(errno.ENOENT, begin=True, change=1, name=b"none")
        self.assertRefused(errno.ERANGE, content=b"a\0" * 16385, begin=True)
        self.assertEqual(names("some"), {"a.example": 0})
        self.assertEqual(list(sets()), ["some"])

    def test_the_longest_names(self):
        labels = b".".join([b"a"] * 128)
        self.fill(labels + b"\0." + b"b" * 255 + b"\0", begin=True, change=0)
        self.assertEqual(set(names("some")), {labels.decode(), "." + "b" * 255})
        for host, is_in in ((labels, True), (labels[2:], False), (b"b" * 255, True)):
            self.assertEqual(ctl("set", "test", "some", host.decode(), check=False).returncode, int(not is_in), host)

    def test_as_many_at_once_as_there_may_be(self):
        sockets = [Netlink() for _ in range(16)]
        for socket in sockets:
            self.addCleanup(socket.close)
            self.fill(begin=True, socket=socket)
        self.assertRefused(errno.EBUSY, begin=True)
        sockets[3].close()
        self.fill(begin=True, change=0)
        self.assertEqual(names("some"), {})


class Rules(ForgedTest):
    def load(self, *lines):
        path = pathlib.Path(self.directory.name, "names")
        path.write_text("\n".join([*lines, ""]))
        ctl("set", "load", "some", str(path))

    def test_which_packets_fit(self):
        within, without = ("--sni-set", "some"), ("!", "--sni-set", "some")
        names = ((b"HOST.Domain.example", within), (b"b" * 255, without), (None, without), (b"other.example", without),
                 (b"host.example", within), (b".".join([b"a"] * 127), within))
        for iptables in IPTABLES[:size(1, 2, uml=2)]:
            for name, expected in names[:size(2, 6, uml=6)]:
                with self.subTest(iptables=iptables, name=name):
                    self.load("host.example", ".domain.example", ".a.a", "b" * 254)
                    self.rules(iptables, {within, without})
                    self.next = {"client": 1001, "server": 9001}
                    self.ends = (self.ends[0][0], self.ends[0][1] + 1), self.ends[1]
                    self.open()
                    self.assertEqual(self.counted(), set(), "no hello yet")
                    hello = client_hello(bytes(32), sni=name)
                    self.send("client", hello[:9])
                    self.assertEqual(self.counted(), set(), "nor is it whole")
                    self.send("client", hello[9:])
                    self.assertEqual(self.counted(), {expected})
                    self.send("server", server_hello(bytes(32)))
                    self.assertEqual(self.counted(), {expected})
                    # Other names from the next packet on.
                    self.load("none.example" if expected == within else ".example", "b" * 255)
                    self.packet("client", self.next["client"], self.next["server"], ACK)
                    self.assertEqual(self.counted(), {without if expected == within or name is None else within})
                    on("gateway", iptables, "-F", "FORWARD")

    def test_a_set_that_is_used(self):
        self.load("a.example")
        for iptables in IPTABLES[::size(2, 1, uml=1)]:
            with self.subTest(iptables=iptables):
                rule = ("FORWARD", "-p", "tcp", "-m", "tlsconn", "--sni-set", "some")
                on("gateway", iptables, "-A", *rule)
                on("gateway", iptables, "-C", *rule)
                self.assertIn("-m tlsconn --sni-set some", on("gateway", iptables, "-S").stdout)
                self.assertEqual(sets()["some"]["rules"], 1)
                self.assertIn("a rule uses the set (--sni-set): delete the rule first", refused("set", "destroy", "some"))
                saved = on("gateway", f"{iptables}-save").stdout
                on("gateway", f"{iptables}-restore", stdin=saved)
                on("gateway", iptables, "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "!", "--sni-set", "some")
                # Rules of nft are destroyed a little later.
                self.assertTrue(wait_for(lambda: sets()["some"]["rules"] == 2))
                on("gateway", iptables, "-D", *rule)
                on("gateway", iptables, "-F", "FORWARD")
                self.assertTrue(wait_for(lambda: sets()["some"]["rules"] == 0))
        ctl("set", "destroy", "some")
        self.assertNotEqual(on("gateway", "iptables-legacy", "-A", *rule, check=False).returncode, 0)

    def test_a_namespace_that_goes_with_its_rules(self):
        self.load("a.example")
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--sni-set", "some")
        on("gateway", "iptables-nft", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--sni-set", "some")
        self.net("net_down")
        self.net("net_up")
        self.assertEqual(sets(), {})

    def talk(self, host, until):
        """Acknowledgements, as fast as they go, each host's on a processor of its own; how many there were."""
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(threading.get_native_id(), {processors[host == "client"] if len(processors) > 1 else processors[0]})
        source, destination = self.ends if host == "client" else self.ends[::-1]
        other = "server" if host == "client" else "client"
        sent = 0
        while not until.is_set():
            self.forgers[host].send(source, destination, self.next[host], self.next[other], ACK)
            sent += 1
        return sent

    def talking(self, do):
        """Both sides talk while something is done."""
        until, sent = threading.Event(), []
        threads = [threading.Thread(target=lambda host=host: sent.append(self.talk(host, until))) for host in self.next]
        for thread in threads:
            thread.start()
        try:
            do()
        finally:
            until.set()
            for thread in threads:
                thread.join()
        return sent

    def count(self):
        lines = on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines()[2:]
        return [int(line.split()[0]) for line in lines]

    def test_replaced_under_traffic(self):
        """A name that is in the old set and in the new one is never missed, and its hits are as many as the rule counted: what the old
        table counted goes on in the new one."""
        count = size(2000, 1_000_000)
        files = [public_list(self.directory, number * count // 3, count, "kept.example", ".example") for number in range(3)]
        ctl("set", "load", "some", files[0])
        for rule in ("--sni-set",), ("!", "--sni-set"):
            on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", *rule, "some")
        self.open()
        self.send("client", client_hello(bytes(32), sni=b"kept.example"))
        self.send("server", server_hello(bytes(32)))
        [before, missed] = self.count()
        self.assertGreater(before, 0)
        seconds = []

        def replace():
            for number in range(REPLACEMENTS):
                begun = time.monotonic()
                ctl("set", "load", "some", files[number % 3])
                seconds.append(time.monotonic() - begun)
                if number % 10 == 9:
                    ctl("set", "add", "some", f"more{number}.example")
                    ctl("set", "del", "some", f"more{number}.example")
        sent = self.talking(replace)
        # What is still in the hosts' queues.
        self.assertTrue(wait_for(lambda: self.count() == [time.sleep(0.2), self.count()][1]))
        [found, missed_then] = self.count()
        tell(f"{REPLACEMENTS} replacements of {count} names, {min(seconds):.2f} to {max(seconds):.2f} s each, beside "
             f"{' and '.join(map(str, sent))} packets on {os.cpu_count()} processors: {found - before} found, {missed_then - missed} missed")
        self.assertEqual(missed_then, missed)
        self.assertGreater(min(sent), REPLACEMENTS)
        self.assertGreater(found - before, REPLACEMENTS)
        self.assertLessEqual(found - before, sum(sent))
        # Both rules have found it, the one with ! too.
        self.assertEqual(sets()["some"]["hits"], 2 * found)
        # Asking is no hit.
        ctl("set", "test", "some", "kept.example")
        listed("--sni-set", "some")
        shown = on("gateway", "tlsconnctl", "set", "show", "some", "--hits").stdout.splitlines()
        self.assertEqual([line.split() for line in shown[1:3]], [["kept.example", str(2 * found)], [".example", "0"]])
        self.assertEqual(sets()["some"]["hits"], 2 * found)


@mostly_uml
class Selecting(SetTest):
    def test_lists_and_pins(self):
        self.load("some", "kept.example", ".sub.example")
        ctl("track", "on")
        server = self.server()
        clients = [self.connect(server, name=name) for name in ("kept.example", "a.sub.example", "other.example")]
        self.assertTrue(wait_for(lambda: len(listed()) == 3))
        self.assertEqual([one["sni"] for one in listed("--sni-set", "some")], ["kept.example", "a.sub.example"])
        self.assertIn("no set of that name", refused("list", "--sni-set", "none", code=3))
        self.assertIn("no set of that name", refused("pin", "--next", "--sni-set", "none", code=3))
        ctl("pin", "--sni-set", "some", "--src", f"10.1.0.2:{clients[0].port}")
        self.assertEqual(clients[0].listed()["pin"], "default")
        # One that waits has the set stay.
        pin = json.loads(ctl("pin", "--next", "--sni-set", "some", "--name", "waits").stdout)["pin"]
        self.assertEqual((pin["state"], pin["selector"]), ("armed", {"sni_set": "some"}))
        self.assertEqual(sets()["some"]["pins"], 1)
        self.assertIn("an armed pin waits for names of the set: unpin it first", refused("set", "destroy", "some"))
        other, meant = (self.connect(server, name=name) for name in ("no.example", "b.sub.example"))
        self.assertTrue(wait_for(lambda: meant.listed()["pin"] == "waits"))
        self.assertIsNone(other.listed()["pin"])
        ctl("set", "destroy", "some")
        self.assertEqual(meant.listed()["pin"], "waits")

    def test_monitor(self):
        self.load("some", "kept.example", ".sub.example")
        self.assertIn("there is no set of that name", refused("monitor", "--sni-set", "none", code=3))
        ctl("track", "on")
        server = self.server()
        monitor = Monitor("gateway", "--event", "established", "--sni-set", "some")
        self.addCleanup(monitor.close)

        def told():
            return [event["connection"]["sni"] for event in monitor.events()]
        for name in ("other.example", "kept.example", None, "a.sub.example"):
            self.connect(server, name=name)
        self.assertTrue(wait_for(lambda: len(told()) == 2))
        # Names that come are asked for as they are then.
        self.load("some", "late.example")
        for name in ("kept.example", "late.example"):
            self.connect(server, name=name)
        self.assertTrue(wait_for(lambda: len(told()) == 3))
        self.assertEqual(told(), ["kept.example", "a.sub.example", "late.example"])
        ctl("set", "destroy", "some")
        self.connect(server, name="late.example")
        self.assertEqual(monitor.process.wait(60), 3)
        self.assertIn(b"there is no set of that name", monitor.process.stderr.read())

    def test_as_many_pins_as_may_ask(self):
        """What a ClientHello takes is bounded."""
        self.load("some", "a.example")
        for number in range(2):
            ctl("pin", "--next", "--shared", "--name", f"p{number}", "--sni-set", "some")
        self.assertIn("2 armed pins ask sets already", refused("pin", "--next", "--shared", "--name", "p2", "--sni-set", "some"))
        # They leave 48 of the 2,048 bytes that patterns may have from their first * to their last.
        pattern = "pin", "--next", "--shared", "--name", "p2", "--sni"
        self.assertIn("a set takes 1000", refused(*pattern, f"*{'a' * 48}*"))
        ctl(*pattern, f"*{'a' * 47}*")
        # Where a JA4 pattern has several, its characters take 90 more: 11 times 92 of what one set leaves.
        self.assertIn("a JA4 with several * 90", refused("pin", "--next", "--shared", "--name", "p3", "--ja4", "t*1*"))
        for name in ("p1", "p2"):
            ctl("unpin", name)
        for number in range(12):
            pin = "pin", "--next", "--shared", "--name", f"j{number}", "--ja4", "t*1*"
            if number < 11:
                ctl(*pin)
            else:
                self.assertIn("a JA4 with several * 90", refused(*pin))


class Large(SetTest):
    def test_a_public_list(self):
        """A million are promised in 24 MB, and in two seconds on a machine that is not emulated: times are told, as they are of whatever
        else the machine does."""
        count = size(20_000, 1_000_000, uml=100_000)
        path = pathlib.Path(public_list(self.directory, 0, count))
        mean = path.stat().st_size / count - 1
        self.assertTrue(16.8 < mean < 17.5, mean)
        times = []
        for _ in range(2):
            begun = time.monotonic()
            ctl("set", "load", "many", str(path))
            times.append(time.monotonic() - begun)
        many = sets()["many"]
        self.assertEqual(many["size"], count)
        begun = time.monotonic()
        ctl("set", "add", "many", "one.more.example")
        added = time.monotonic() - begun
        tell(f"{count} names of {mean:.1f} bytes: {many['memory']} bytes of kernel memory; loaded in {times[0]:.2f} s, "
             f"replaced in {times[1]:.2f} s, one added in {added:.2f} s")
        self.assertLess(many["memory"], 24 * count)
        begun = time.monotonic()
        shown = on("gateway", "tlsconnctl", "set", "show", "many").stdout
        tell(f"shown in {time.monotonic() - begun:.2f} s")
        self.assertEqual(set(shown.split()), {*path.read_text().split(), "one.more.example"})

    def test_its_memory_is_of_who_loads_it(self):
        group = test_memory.Memory.cgroup(self, 64 << 20)
        self.removed = test_memory.Memory.removed
        count = size(20_000, 50_000)
        path = self.file(*(f"{number:08}.some.example" for number in range(count)))
        command = f"echo $$ >{group}/cgroup.procs && exec ip netns exec gateway tlsconnctl set load many {path}"
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)
        memory = sets()["many"]["memory"]

        def kernel():
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            return int(stat["kernel"])

        charged = kernel()
        tell(f"{memory} bytes of names, {charged} charged")
        self.assertGreater(charged, memory * 9 // 10)
        ctl("set", "destroy", "many")
        self.assertTrue(wait_for(lambda: kernel() < memory // 2), kernel())


if __name__ == "__main__":
    unittest.main()
