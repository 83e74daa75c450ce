# SPDX-License-Identifier: GPL-2.0-only
"""doctor is never wrong: gateways of many kinds are set up, data of connections without a pin is sent through each, and what doctor
says has to agree; its commands are run, and let nothing through that was held."""

import contextlib
import functools
import json
import os
import socket
import struct
import threading
import time
import unittest

import gateways
from canned import ANSWER_SIZE, CLIENT_FLIGHT, HANDSHAKE_SIZE, HELLO_SIZE, SERVER_FLIGHT
from conversation import DATA
from hellos import client_hello13, server_hello13
from lab import SERVER, GatewayTest, ctl, inside, on
from scale import size, tell

PORTS = (443, 8443)
# Seconds after which what has not come is held, if nothing has been sent or has come meanwhile; and where that is in doubt.
QUIET = size(0.6, 1, 0.3)
LONG = 5
TEXT = b"GET / HTTP/1.1\r\n\r\n"
# Checks that say nothing of whether data is held.
BESIDE = {"kernel", "module", "conntrack", "extension", "variants", "marks"}


def takes(*rule):
    """Whether this kernel takes such a rule; asked once, in a namespace that is empty."""
    return functools.cache(lambda: on("gateway", *rule, check=False).returncode == 0)


# What kernels may lack of it: words of a ruleset, and whether there is what they ask for.
PARTS = {
    f"-m {name} ": takes("iptables-nft", "-t", "mangle", "-A", "INPUT", "-m", name, *options)
    for name, options in (("length", ("--length", "100")), ("statistic", ("--mode", "random", "--probability", "0.5")))
} | {
    "*security": takes("iptables-legacy", "-t", "security", "-L"),
    "flowtable": takes("nft", "add table inet part; add flowtable inet part f { hook ingress priority 0; }"),
}
# Ends a connection with an RST.
ABORT = struct.pack("ii", 1, 0)
# What becomes of one connection in doubt is to be seen, and not what came before it.
EMPTY = "".join(f"*{table}\n" + "".join(f":{chain} ACCEPT [0:0]\n" for chain in chains) + "COMMIT\n" for table, chains in (
    ("raw", ("PREROUTING", "OUTPUT")),
    ("mangle", ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")),
    ("nat", ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")),
    ("filter", ("INPUT", "FORWARD", "OUTPUT"))))


class Measuring:
    """A server that listens at all ports of both versions of IP, and clients that try each of them at once."""

    def __init__(self):
        self.came, self.changed, self.quiet = set(), time.monotonic(), QUIET
        self.listening = []
        with inside("server"):
            for ip in 4, 6:
                for port in PORTS:
                    family = socket.AF_INET if ip == 4 else socket.AF_INET6
                    listener = socket.create_server((SERVER[ip], port), family=family, backlog=256)
                    self.listening.append(listener)
                    threading.Thread(target=self.accept, args=(listener, ip, port), daemon=True).start()
                datagrams = socket.socket(family, socket.SOCK_DGRAM)
                datagrams.bind((SERVER[ip], 443))
                self.listening.append(datagrams)
                threading.Thread(target=self.datagrams, args=(datagrams, ip), daemon=True).start()

    def close(self):
        for one in self.listening:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def note(self, *what):
        self.came.add(what)
        self.changed = time.monotonic()

    def accept(self, listener, ip, port):
        with listener, contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.serve, args=(connection, ip, port), daemon=True).start()

    def datagrams(self, datagrams, ip):
        with datagrams, contextlib.suppress(OSError):
            while octets := datagrams.recv(2048):
                if octets == self.secret:
                    self.note("QUIC", ip, 443)

    def serve(self, connection, ip, port):
        """Says what came, and sends data of its own once the handshake is over."""
        octets, answered, sent = b"", False, False
        with connection, contextlib.suppress(OSError):
            while more := connection.recv(65536):
                octets += more
                if not octets.startswith(b"\x16"):
                    self.note("text", ip, port)
                    return
                if len(octets) >= HELLO_SIZE and not answered:
                    answered = True
                    connection.sendall(server_hello13(os.urandom(32)) + SERVER_FLIGHT)
                if len(octets) >= HANDSHAKE_SIZE and not sent:
                    sent = True
                    self.note("handshake", ip, port)
                    connection.sendall(DATA)
                if len(octets) > HANDSHAKE_SIZE:
                    self.note("data", ip, port)

    def client(self, ip, port, kind):
        with inside("client"):
            connection = socket.socket(socket.AF_INET if ip == 4 else socket.AF_INET6)
        with connection, contextlib.suppress(OSError):
            connection.settimeout(3 * self.quiet)
            connection.connect((SERVER[ip], port))
            # Nothing is sent any more once it is closed.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            if kind == "text":
                connection.sendall(TEXT)
                self.changed = time.monotonic()
            else:
                connection.sendall(client_hello13(os.urandom(32)))
                left = ANSWER_SIZE
                while left:
                    octets = connection.recv(left)
                    if not octets:
                        return
                    left -= len(octets)
                connection.sendall(CLIENT_FLIGHT)
                connection.sendall(DATA)
                self.changed = time.monotonic()
                if connection.recv(1):
                    self.note("answer", ip, port)
            while not self.over.wait(0.02):
                pass

    def measure(self, quiet=QUIET):
        """What has come of all that was sent: handshakes, data, answers, text that is no TLS, and datagrams."""
        self.came, self.over, self.secret, self.quiet = set(), threading.Event(), os.urandom(8), quiet
        self.changed = time.monotonic()
        clients = [threading.Thread(target=self.client, args=(ip, port, kind), daemon=True)
                   for ip in (4, 6) for port in PORTS for kind in ("TLS", "text")]
        for client in clients:
            client.start()
        with inside("client"):
            for ip in 4, 6:
                with socket.socket(socket.AF_INET if ip == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as one, \
                        contextlib.suppress(OSError):
                    one.sendto(self.secret, (SERVER[ip], 443))
        everything = 4 * len(PORTS) * 2 + 2
        while len(self.came) < everything and time.monotonic() < self.changed + quiet:
            time.sleep(0.01)
        came = set(self.came)
        self.over.set()
        for client in clients:
            client.join()
        return came


def held_back(came):
    """What has passed of what rules are to hold."""
    return {what for what in came if what[0] != "handshake"}


class Agreement(GatewayTest):
    def setUp(self):
        super().setUp()
        self.measuring = Measuring()
        self.addCleanup(self.measuring.close)

    def empty(self):
        on("gateway", "sh", "-c", "tlsconnctl track off >/dev/null; nft flush ruleset; for tool in iptables ip6tables; do "
           "$tool-legacy-restore <$0; for t in raw mangle nat filter; do $tool-legacy -t $t -X 2>/dev/null; done; "
           "$tool-legacy -t security -F 2>/dev/null; done; conntrack -F 2>/dev/null; "
           "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1", f"{self.directory.name}/empty")

    def set_up(self, gateway):
        """What of it this kernel has not got, where that is so; a ruleset that is refused otherwise fails the test."""
        self.empty()
        for command, stdin in gateway.steps:
            done = on("gateway", "sh", "-ec", command, stdin=stdin, check=False)
            if done.returncode == 0:
                continue
            lacks = [part for part, loaded in PARTS.items() if part in f"{command} {stdin}" and not loaded()]
            self.assertTrue(lacks, f"{gateway.name}: {command}\n{stdin}{done.stderr}")
            return ", ".join(lacks)
        return None

    def doctor(self):
        done = ctl("doctor", check=False)
        findings = json.loads(done.stdout)["findings"]
        self.assertEqual(done.returncode, int(any(finding["ok"] is False for finding in findings)), findings)
        return [finding for finding in findings if finding["check"] not in BESIDE]

    @staticmethod
    def word(findings):
        said = {finding["ok"] for finding in findings}
        return "wrong" if False in said else "unknown" if None in said else "ok"

    def judge(self, name, came, findings, problems):
        """What doctor says, and what it may not have said."""
        passed, word = held_back(came), self.word(findings)
        if word == "wrong" and not passed:
            # It may have been slow.
            passed = held_back(self.measuring.measure(LONG))
        if (word == "ok" and passed) or (word == "wrong" and not passed):
            told = [f for f in findings if f["ok"] is not True]
            problems.append(f"{name}: doctor says {word}, and {sorted(passed) or 'nothing'} passed: {told}")
            return "mistaken"
        return word

    def mend(self, name, came, findings, problems):
        """Runs the commands that are proposed, one after the other. None may let through what was held."""
        for _ in range(4):
            fixes = [finding["fix"] for finding in findings if finding["fix"]]
            if not fixes:
                return
            done = on("gateway", "sh", "-ec", fixes[0], check=False)
            if done.returncode:
                problems.append(f"{name}: {fixes[0]}: {done.stderr}")
                return
            after = self.measuring.measure()
            more = held_back(after) - held_back(came)
            if more:
                problems.append(f"{name}: {fixes[0]} lets through {sorted(more)}")
            came, findings = after, self.doctor()
            if self.judge(f"{name}, after {fixes[0]}", came, findings, problems) == "ok":
                return

    def test_all_kinds(self):
        with open(f"{self.directory.name}/empty", "w") as file:
            file.write(EMPTY)
        every = gateways.all_of_them()
        only = os.environ.get("TLSCONN_GATEWAY", "")
        # Each kind of condition comes six times: the step takes another of them each time.
        step = size(11, 1, 5)
        chosen = [gateway for gateway in every if only in gateway.name] if only else every[::step]
        counts = dict.fromkeys(("agreed", "unknown", "mistaken", "left out"), 0)
        problems, began = [], time.monotonic()
        for gateway in chosen:
            missing = self.set_up(gateway)
            if missing is not None:
                counts["left out"] += 1
                tell(f"left out  {gateway.name}: {missing}")
                continue
            came = self.measuring.measure()
            findings = self.doctor()
            word = self.judge(gateway.name, came, findings, problems)
            counts[{"ok": "agreed", "wrong": "agreed"}.get(word, word)] += 1
            passed = sorted({what[0] for what in held_back(came)})
            tell(f"{word:9} {'passes ' + ' '.join(passed) if passed else 'holds':32} {gateway.name}")
            if word in ("wrong", "unknown"):
                self.mend(gateway.name, came, findings, problems)
        tell(f"gateways {len(chosen)}: " + ", ".join(f"{name} {count}" for name, count in counts.items())
             + f"; {time.monotonic() - began:.0f} s")
        self.assertEqual(problems, [], "\n".join(problems))
        if not only:
            self.assertGreaterEqual(counts["agreed"] + counts["unknown"], size(25, 350, 60))
            # Who says that nothing can be told is never wrong.
            self.assertGreater(counts["agreed"], counts["unknown"])


if __name__ == "__main__":
    unittest.main()
