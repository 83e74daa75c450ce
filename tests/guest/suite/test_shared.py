# SPDX-License-Identifier: GPL-2.0-only
"""Shared pins, which any number of connections may have, and denials, which have connections reset at both ends."""

import concurrent.futures
import json
import os
import random
import socket
import ssl
import subprocess
import threading
import time

import canned
import slabs
from conversation import DATA
from forge import ACK, PSH, SYN, Forger
from hellos import client_hello13, server_hello13
from lab import SERVER, GatewayTest, ctl, inside, listed, on, run, wait_for
from scale import size, tell

MASK = 0xFF000000


def pins():
    return {pin["name"]: pin for pin in json.loads(ctl("pins").stdout)["pins"]}


def fails(*arguments):
    """The exit code of a command."""
    return ctl(*arguments, check=False).returncode


def members(name):
    return pins()[name]["connections"]


class SharedTest(GatewayTest):
    def rules(self, *arguments):
        ctl("rules", "--load", "--quic", "pass", *arguments)
        self.addCleanup(ctl, "rules", "--unload")

    def opened(self, server, **fields):
        client = self.connect(server, **fields)
        self.assertTrue(wait_for(lambda: (client.listed() or {}).get("state") == "established"))
        client.id = client.listed()["id"]
        return client


class Shared(SharedTest):
    def test_members_join_and_leave(self):
        self.hold()
        server = self.server()
        one, two, three = (self.opened(server) for _ in range(3))
        ctl("pin", "--name", "approved", "--shared", str(one.id))
        pin = json.loads(ctl("pin", "--name", "approved", "--shared", str(two.id)).stdout)["pin"]
        self.assertEqual((pin["mark"], pin["shared"], pin["connection"], pin["state"]),
                         ("0x55000000", True, two.id, "bound"))
        self.assertEqual((pins()["approved"]["connections"], pins()["approved"]["connection"]), ([one.id, two.id], None))
        on("gateway", "iptables-legacy", "-F")
        self.rules("--allow", "approved")
        for client in one, two, three:
            client.send(b"data")
        self.assertArrives(one, b"data")
        self.assertArrives(two, b"data")
        self.assertHeld(three)
        self.assertEqual([c["pin"] for c in listed()], ["approved", "approved", None])
        self.assertEqual(json.loads(ctl("unpin", "approved", str(one.id)).stdout)["pins"][0]["connections"], [two.id])
        one.send(b"more")
        two.send(b"more")
        self.assertArrives(two, b"datamore")
        self.assertHeld(one, arrived=b"data")
        # Refused, with nothing changed: not on it, other mark, another pin's bits, no longer shared, no such connection.
        for code, *arguments in [(3, "unpin", "approved", str(one.id)),
                                 (1, "pin", "--name", "approved", "--shared", "--mark", "1/1", str(one.id)),
                                 (1, "pin", "--name", "other", "--shared", str(two.id)), (1, "pin", "--name", "approved", str(one.id)),
                                 (1, "pin", "--name", "approved", "--deny", str(one.id)), (3, "pin", "--name", "approved", "--shared", "99"),
                                 (2, "pin", "--name", "approved", "--shared"), (2, "unpin", "--all", "1"),
                                 (2, "pin", "--shared", "--follow", "--for", "1h", "1"), (3, "rules", "--allow", "unknown"),
                                 (3, "rules", "--deny", "unknown"), (2, "rules", "--allow", "approved", "--deny", "approved")]:
            self.assertEqual(fails(*arguments), code, arguments)
        self.assertEqual(members("approved"), [two.id])
        # Set anew as another kind it leaves them.
        ctl("pin", "--name", "approved", "--replace", str(one.id))
        self.assertEqual((members("approved"), pins()["approved"]["shared"]), ([one.id], False))
        self.assertEqual([c["mark"] for c in listed()], ["0x55000000", "0x0", "0x0"])
        ctl("unpin", "approved")
        self.assertEqual((pins()["approved"]["state"], [c["mark"] for c in listed()]), ("released", ["0x0"] * 3))

    def test_names_get_the_first_free_mark(self):
        self.hold()
        client = self.opened(self.server())
        for name, mark in (("a", 0x55), ("b", 0x56), ("c", 0x57)):
            pin = json.loads(ctl("pin", "--next", "--shared", "--name", name).stdout)["pin"]
            self.assertEqual(int(pin["mark"], 16), mark << 24)
        ctl("unpin", "b")
        ctl("pin", "--next", "--name", "d", "--mark", "0x58000000/0xff000000")
        self.assertEqual(json.loads(ctl("pin", "--next", "--name", "e").stdout)["pin"]["mark"], "0x59000000")
        self.assertEqual(json.loads(ctl("pin", "--next", "--deny", "--name", "b").stdout)["pin"]["mark"], "0x56000000")
        self.assertEqual(json.loads(ctl("pin", str(client.id)).stdout)["pin"]["mark"], "0x54000000")

    def test_an_armed_one_takes_every_connection_that_fits(self):
        self.hold()
        server = self.server()
        ctl("pin", "--name", "good", "--shared", "--next", "--sni", "good*")
        ctl("pin", "--name", "bad", "--deny", "--next", "--sni", "*bad*")
        names = ["good.example", "server.example", "good.other", "good.bad"]
        clients = [self.opened(server, name=name) for name in names]
        self.assertEqual((members("good"), members("bad")), ([clients[0].id, clients[2].id], [clients[3].id]))
        self.assertEqual((pins()["good"]["state"], pins()["bad"]["deny"]), ("armed", True))
        on("gateway", "iptables-legacy", "-F")
        self.rules("--allow", "good", "--deny", "bad")
        for client in clients[:3]:
            client.send(b"data")
        self.assertArrives(clients[0], b"data")
        self.assertArrives(clients[2], b"data")
        self.assertHeld(clients[1])
        # What is saved brings them back, and changes nothing while they are there.
        saved = json.loads(ctl("save").stdout)["commands"]
        self.assertIn("pin --name=good --mark 0x55000000/0xff000000 --next --replace --shared --sni='good*'", saved)
        self.assertIn("pin --name=bad --mark 0x56000000/0xff000000 --next --replace --deny --sni='*bad*'", saved)
        path = f"{self.directory.name}/saved"
        with open(path, "w") as file:
            file.write("\n".join(saved))
        run("tlsconnctl", "-n", "gateway", "batch", path)
        self.assertEqual(members("good"), [clients[0].id, clients[2].id])
        ctl("unpin", "good")
        # What the denied one's server says is answered with a reset, which closes it.
        self.assertEqual([one["pin"] for one in listed("--all")], [None, None, None, "bad"])
        self.opened(server, name="good.late")
        self.assertEqual(members("good"), [])

    def test_each_has_its_own_time(self):
        self.hold()
        server = self.server()
        one, two, three = (self.opened(server) for _ in range(3))
        ctl("pin", "--name", "a", "--shared", "--for", "3s", str(one.id))
        ctl("pin", "--name", "a", "--shared", "--for", "1h", str(two.id))
        ctl("pin", "--name", "a", "--shared", str(three.id))
        begun = time.monotonic()
        self.assertIn(pins()["a"]["expires_in"], range(5))
        self.assertTrue(wait_for(lambda: members("a") == [two.id, three.id]))
        self.assertLess(time.monotonic() - begun, 8)
        self.assertIn(pins()["a"]["expires_in"], range(3500, 3602))
        one.send(b"held")
        self.assertHeld(one)
        # The same one anew, without a time.
        ctl("pin", "--name", "a", "--shared", str(two.id))
        self.assertIsNone(pins()["a"]["expires_in"])

    def test_others_that_carry_the_mark_and_marks_that_are_lost(self):
        self.hold()
        server = self.server()
        one, two, three = (self.opened(server) for _ in range(3))

        def mark(client, value):
            on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(client.port), "--mark", value)

        ctl("pin", "--name", "a", "--shared", str(one.id))
        mark(three, "0x55000007")
        self.assertEqual(pins()["a"]["others"], [three.id])
        ctl("pin", "--name", "a", "--shared", str(two.id))
        self.assertEqual(([c["mark"] for c in listed()], pins()["a"]["others"]), (["0x55000000"] * 2 + ["0x7"], []))
        mark(one, "0x1")
        self.assertTrue(pins()["a"]["mark_lost"])
        ctl("pin", "--name", "a", "--shared", str(one.id))
        self.assertEqual((pins()["a"]["mark_lost"], members("a")), (False, [one.id, two.id]))

    def test_events_tell_of_each(self):
        self.hold()
        client = self.opened(self.server())
        with open(f"{self.directory.name}/events", "w+") as file:
            monitor = subprocess.Popen(["tlsconnctl", "-n", "gateway", "-j", "monitor"], stdout=file)
            self.addCleanup(monitor.wait)
            self.addCleanup(monitor.terminate)
            def told(event):
                # Others may tell too: what the server resends after the unpin is data that waits.
                return [e for e in map(json.loads, open(file.name)) if e["event"] == event]

            # Until the monitor has begun to listen.
            self.assertTrue(wait_for(lambda: (ctl("pin", "--name", "a", "--shared", str(client.id)),
                                              told("pin-bound"))[1]))
            ctl("unpin", "a", str(client.id))
            self.assertTrue(wait_for(lambda: told("pin-released")))
        bound, released = told("pin-bound")[0], told("pin-released")[0]
        self.assertEqual((bound["event"], bound["pin"]["connections"]), ("pin-bound", [client.id]))
        self.assertEqual((released["pin"]["connection"], released["reason"]), (client.id, "unpinned"))


class Denied(SharedTest):
    """Real connections, with the kernel's own resets."""

    def is_reset(self, raw, octets=b"x"):
        def is_over():
            try:
                raw.send(octets)
            except (BlockingIOError, ssl.SSLWantWriteError):
                return False
            except OSError:
                # Of the server's side the thread that reads may have known before.
                return True
            return False
        return wait_for(is_over)

    def deny(self, *form):
        if "nft" in form:
            ctl("track", "on", "--pass-mark", "0x00800000")
            self.addCleanup(ctl, "track", "off")
        server = self.server()
        first, second, third = (self.tracked(server, *form) for _ in range(3))
        ctl("pin", "--name", "ok", "--shared", str(first.id))
        ctl("pin", "--name", "ok", "--shared", str(second.id))
        ctl("pin", "--name", "no", "--deny", str(third.id))
        self.rules("--allow", "ok,default", "--deny", "no", *form)
        first.send(b"one")
        second.send(b"two")
        self.assertArrives(first, b"one")
        self.assertArrives(second, b"two")
        # One that is allowed is denied: taken from the other pin, whose bits the denial has.
        ctl("pin", "--name", "no", "--deny", str(first.id))
        self.assertEqual((members("ok"), members("no")), ([second.id], [first.id, third.id]))
        first.tls.setblocking(False)
        self.assertTrue(self.is_reset(first.tls))
        # The reset has put conntrack's entry into CLOSE: the mark stays, and the other end is reset by the same rule.
        entry = lambda client: next(c for c in listed("--all") if c["id"] == client.id)
        self.assertTrue(wait_for(lambda: entry(first)["state"] == "closed"))
        self.assertIn(first.id, members("no"))
        self.assertEqual(entry(first)["mark"], "0x56000000")
        self.assertEqual(first.arrived(), b"one")
        self.assertTrue(self.is_reset(server.connections[first.port]))
        # From the server's side first.
        self.assertTrue(self.is_reset(server.connections[third.port]))
        third.tls.setblocking(False)
        self.assertTrue(self.is_reset(third.tls))
        self.assertEqual(third.arrived(), b"")
        second.send(b"goes on")
        self.assertArrives(second, b"twogoes on")
        # Until its entry goes.
        on("gateway", "conntrack", "-D", "-p", "tcp", "--orig-port-src", str(third.port), check=False)
        self.assertTrue(wait_for(lambda: third.id not in members("no")))
        # What comes later of it is picked up without a pin, and held.
        forger = Forger("client")
        self.addCleanup(forger.close)
        for _ in range(3):
            forger.send(("10.1.0.2", third.port), (SERVER[4], server.port), 1, 1, PSH | ACK, b"late")
        self.assertNotIn(third.id, members("no"))
        ctl("unpin", "--all")
        self.assertEqual([c["pin"] for c in listed("--all")], [None] * len(listed("--all")))

    def tracked(self, server, *form):
        if "nft" not in form:
            ctl("track", "on")
            self.addCleanup(ctl, "track", "off")
        return self.opened(server)

    def test_iptables(self):
        self.deny()

    def test_nft(self):
        self.deny("--format", "nft")

    def test_a_reset_of_an_end_s_own_lets_the_other_know(self):
        ctl("track", "on")
        self.addCleanup(ctl, "track", "off")
        server = self.server()
        client = self.opened(server)
        ctl("pin", "--name", "no", "--deny", str(client.id))
        self.rules("--deny", "no")
        client.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, canned.ABORT)
        client.tls.close()
        self.assertTrue(wait_for(lambda: server.connections[client.port].fileno() == -1), "the server knows")
        self.assertEqual(members("no"), [client.id])


class Courses(GatewayTest):
    """What happens to several connections and pins in any order, against what has to come of it."""
    NAMES = {"a": "--shared", "b": "--shared", "x": "--deny", "y": "--deny", "s": None}

    def setUp(self):
        super().setUp()
        self.hold()
        # Entries of what is over stay, as far as it is not said otherwise.
        for state in "close", "time_wait", "last_ack", "fin_wait", "close_wait":
            on("gateway", "sysctl", "-qw", f"net.netfilter.nf_conntrack_tcp_timeout_{state}=600")
        server = canned.Serving.__new__(canned.Serving)
        with inside("server"):
            server.__init__(SERVER[4])
        threading.Thread(target=server.serve, daemon=True).start()
        self.server = server
        self.open, self.over, self.on = {}, {}, {name: set() for name in self.NAMES}

    def test_any_order(self):
        seed = int(os.environ.get("TLSCONN_SEED", random.getrandbits(32)))
        tell(f"TLSCONN_SEED={seed}")
        self.random = random.Random(seed)
        steps = size(20, 1000, uml=40)
        for number in range(steps):
            step = self.random.choice([self.begin, self.pin, self.pin, self.pin, self.unpin, self.unpin_one, self.finish, self.forget])
            self.course = f"seed {seed}, step {number}: {step.__name__}"
            step()
            self.compare()

    def compare(self):
        has = lambda: {name: set(pins().get(name, {"connections": ()})["connections"]) for name in self.NAMES}
        self.assertTrue(wait_for(lambda: has() == self.on, 10), f"{self.course}: {has()} and not {self.on}")
        marks = {name: int(pin["mark"], 16) for name, pin in pins().items()}
        self.assertEqual(len(set(marks.values())), len(marks))
        for connection in listed("--all"):
            holders = [marks[name] for name, ids in self.on.items() if connection["id"] in ids]
            self.assertEqual([int(connection["mark"], 16) & MASK], holders or [0], f"{self.course}: {connection}")

    def begin(self):
        if len(self.open) < 8:
            with inside("client"):
                raw = canned.connect(SERVER[4], self.server.port)
            self.addCleanup(raw.close)
            canned.handshake(raw)
            port = raw.getsockname()[1]
            mine = lambda: [c["id"] for c in listed() if c["src"].endswith(f":{port}") and c["state"] == "established"]
            self.open[wait_for(mine)[0]] = raw

    def any_id(self):
        known = [*self.open, *self.over]
        return self.random.choice(known) if known else 99_999

    def pin(self):
        name, of = self.random.choice(list(self.NAMES)), self.any_id()
        kind = self.NAMES[name]
        arguments = ["pin", "--name", name, str(of), *([kind] if kind else ["--replace"])]
        elsewhere = any(of in ids for other, ids in self.on.items() if other != name)
        code = fails(*arguments)
        if of not in self.open:
            self.assertEqual(code, 3, self.course)
        elif elsewhere and kind != "--deny":
            self.assertEqual(code, 1, self.course)
        else:
            self.assertEqual(code, 0, self.course)
            if kind == "--deny":
                for ids in self.on.values():
                    ids.discard(of)
            self.on[name] = self.on[name] | {of} if kind else {of}

    def unpin(self):
        name = self.random.choice(list(self.NAMES))
        self.assertEqual(fails("unpin", name), 0 if self.on[name] else 3, self.course)
        self.on[name] = set()

    def unpin_one(self):
        name, of = self.random.choice(list(self.NAMES)), self.any_id()
        self.assertEqual(fails("unpin", name, str(of)), 0 if of in self.on[name] else 3, self.course)
        self.on[name].discard(of)

    def finish(self):
        """Both FINs, or a reset."""
        if not self.open:
            return
        of = self.random.choice(list(self.open))
        raw = self.open.pop(of)
        self.over[of] = raw.getsockname()[1]
        if self.random.getrandbits(1):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, canned.ABORT)
        raw.close()
        for name, kind in self.NAMES.items():
            if kind != "--deny":
                self.on[name].discard(of)
        self.assertTrue(wait_for(lambda: of not in [c["id"] for c in listed()]))

    def forget(self):
        if self.over:
            of, port = self.over.popitem()
            on("gateway", "conntrack", "-D", "-p", "tcp", "--orig-port-src", str(port), check=False)
            for ids in self.on.values():
                ids.discard(of)


class Many(GatewayTest):
    COUNT = size(2000, 100_000)

    def test_many_members(self):
        """An armed one takes all of them, and each step afterwards takes a time that does not hinder packets."""
        self.hold()
        with open("/proc/sys/net/netfilter/nf_conntrack_max") as file:
            before = file.read()
        run("sysctl", "-qw", "net.netfilter.nf_conntrack_max=262144")
        self.addCleanup(run, "sysctl", "-qw", f"net.netfilter.nf_conntrack_max={before}")
        on("gateway", "ip", "route", "add", "10.3.0.0/16", "via", "10.1.0.2")
        forgers = {host: Forger(host) for host in ("client", "server")}
        for forger in forgers.values():
            self.addCleanup(forger.close)
            forger.silence_the_stack()
        used = slabs.octets()
        ctl("pin", "--name", "all", "--shared", "--next")
        # Whole handshakes: of unfinished ones there is room for 65,536.
        hello, answer = client_hello13(bytes(32)), server_hello13(bytes(32)) + canned.SERVER_FLIGHT
        finished = canned.CLIENT_FLIGHT
        there, begun = (SERVER[4], 443), time.monotonic()
        for number in range(self.COUNT):
            here = f"10.3.0.{1 + number // 50_000}", 2000 + number % 50_000
            client, server = forgers["client"], forgers["server"]
            client.send(here, there, 100, 0, SYN)
            server.send(there, here, 200, 101, SYN | ACK)
            client.send(here, there, 101, 201, PSH | ACK, hello)
            server.send(there, here, 201, 101 + len(hello), PSH | ACK, answer)
            client.send(here, there, 101 + len(hello), 201 + len(answer), PSH | ACK, finished)
            server.send(there, here, 201 + len(answer), 101 + len(hello) + len(finished), ACK)
        tell(f"{self.COUNT} connections in {time.monotonic() - begun:.1f} s, {(slabs.octets() - used) / self.COUNT:.0f} bytes each")
        self.assertTrue(wait_for(lambda: len(self.found()["connections"]) == self.COUNT, 60), len(self.found()["connections"]))
        ids = self.found()["connections"]
        self.assertEqual(ids, sorted(set(ids)))
        self.timed("pins", "pins")
        self.timed("list", "list")
        self.timed("unpin one", "unpin", "all", str(ids[len(ids) // 2]))
        self.timed("pin one", "pin", "--name", "all", "--shared", str(ids[len(ids) // 2]))
        self.assertEqual(len(self.found()["connections"]), self.COUNT)
        # Conntrack lets go of some: they are members no longer within about a second.
        on("gateway", "conntrack", "-D", "-s", "10.3.0.1", "-p", "tcp", "--orig-port-src", "2000")
        self.assertTrue(wait_for(lambda: ids[0] not in self.found()["connections"], 5))
        self.timed("unpin all", "unpin", "all")
        self.assertEqual((self.found()["connections"], self.found()["state"]), ([], "released"))
        carried = on("gateway", "conntrack", "-L", "--mark", "0x55000000/0xff000000").stdout
        self.assertEqual(carried, "")

    @staticmethod
    def found():
        """The pin; the schema is not held against so many."""
        done = run("tlsconnctl", "-n", "gateway", "-j", "pins")
        return json.loads(done.stdout)["pins"][0]

    @staticmethod
    def timed(what, *command):
        begun = time.monotonic()
        run("tlsconnctl", "-n", "gateway", "-j", *command)
        tell(f"{what}: {1000 * (time.monotonic() - begun):.0f} ms")


class Races(GatewayTest):
    def test_binders_and_releasers_at_once(self):
        """Whatever the order: who is a member carries the mark, and nobody else."""
        self.hold()
        server = self.server()
        clients = [self.connect(server) for _ in range(4)]
        self.assertTrue(wait_for(lambda: [c["state"] for c in listed()] == ["established"] * 4))
        ids = [str(client.listed()["id"]) for client in clients]
        rounds = size(10, 200, uml=40)

        def work(number):
            chance = random.Random(number)
            for _ in range(rounds):
                name = chance.choice(["a", "a", "x"])
                what = chance.choice([("pin", "--name", name, "--deny" if name == "x" else "--shared", chance.choice(ids)),
                                      ("unpin", name, chance.choice(ids)), ("unpin", name)])
                self.assertIn(fails(*what), (0, 1, 3))

        with concurrent.futures.ThreadPoolExecutor() as pool:
            for done in [pool.submit(work, number) for number in range(4)]:
                done.result()
        found = pins()
        for connection in listed():
            on_it = [int(pin["mark"], 16) for pin in found.values() if connection["id"] in pin["connections"]]
            self.assertEqual([int(connection["mark"], 16) & MASK], on_it or [0])
        self.assertEqual([pin["others"] for pin in found.values()], [[]] * len(found))

    def test_a_namespace_goes_with_members(self):
        self.hold()
        server = self.server()
        before = slabs.in_use()
        ctl("pin", "--name", "a", "--shared", "--next")
        clients = [self.connect(server) for _ in range(5)]
        self.assertTrue(wait_for(lambda: len(members("a")) == 5))
        for client in clients:
            client.close()
        self.net("net_down")
        self.assertEqual(slabs.settled(before, 64), {})
        self.net("net_up")
