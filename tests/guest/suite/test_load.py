# SPDX-License-Identifier: GPL-2.0-only
"""Many connections: at once, one behind the other, more than there is room for, and ones that are only begun."""

import json
import os
import random
import socket
import ssl
import subprocess
import threading
import time
import unittest

import canned
import slabs
from conversation import DATA, ip_header
from forge import SYN, Forger, tcp
from lab import SERVER, GatewayTest, ctl, inside, listed, load, on, run, stats, unload, wait_for
from scale import size, tell

STATES = ("lost-mid-stream", "lost-hole", "lost-table-full", "not-tls", "allocation-failures")


class LoadTest(GatewayTest):
    def setUp(self):
        super().setUp()
        canned.many_files()

    def program(self, host, *arguments):
        """canned.py there."""
        program = subprocess.Popen(["ip", "netns", "exec", host, "python3", "-B", canned.__file__, *map(str, arguments)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, program)
        return program

    @staticmethod
    def end(program):
        program.kill()
        program.communicate()

    def serve(self, ip=4):
        """A canned server in a process of its own; its port."""
        self.serving = self.program("server", "serve", SERVER[ip])
        return int(self.serving.stdout.readline())

    def served(self):
        """What it has seen, once it has ended."""
        return json.loads(self.serving.communicate()[0])

    def nothing_is_left(self):
        on("gateway", "conntrack", "-F")
        self.assertTrue(wait_for(lambda: stats()["connections-now"] == 0, 60))


class Crowd(LoadTest):
    def test_in_parallel(self):
        """Real TLS, all of them open at once; one is pinned."""
        count = size(50, 2000, uml=40)
        threading.stack_size(256 * 1024)
        self.addCleanup(threading.stack_size, 0)
        self.hold()
        server = self.server()
        server.listener.listen(1024)
        before = slabs.octets()
        start = time.monotonic()
        versions = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
        clients = [self.connect(server, versions[number % 2]) for number in range(count)]
        took = time.monotonic() - start
        self.assertTrue(wait_for(lambda: [c["state"] for c in listed()] == ["established"] * count, 60))
        tell(f"{count} TLS connections in {took:.0f} s, {(slabs.octets() - before) / count:.0f} octets of slab memory "
             "each, their sockets and conntrack's entries with them")
        for client in clients:
            client.send(b"held")
        pinned = clients[count // 2]
        self.assertHeld(*clients)
        ctl("pin", str(pinned.listed()["id"]))
        self.assertArrives(pinned, b"held")
        self.assertHeld(*(client for client in clients if client is not pinned))
        found = stats()
        self.assertEqual((found["connections-now"], found["connections-peak"]), (count, count))
        self.assertEqual({name: found[name] for name in STATES if found[name]}, {})
        self.nothing_is_left()

    def test_one_behind_the_other(self):
        """Made and ended as fast as the machine can."""
        seconds = size(4, 60, uml=3)
        self.hold()
        # Entries go soon after their connections.
        for state in "time_wait", "close", "fin_wait", "last_ack":
            on("gateway", "sysctl", "-qw", f"net.netfilter.nf_conntrack_tcp_timeout_{state}=2")
        for host in "client", "server":
            on(host, "sysctl", "-qw", "net.ipv4.ip_local_port_range=1025 65000", "net.ipv4.tcp_max_tw_buckets=1000",
               "net.ipv4.tcp_orphan_retries=1")
        ports = {4: self.serve(4)}
        serving = [self.serving]
        ports[6] = self.serve(6)
        serving.append(self.serving)
        self.hold("ip6tables-legacy")
        before = slabs.in_use()
        hurrying = [self.program("client", "hurry", SERVER[ip], port, seconds) for ip, port in ports.items()]
        done = sum(json.loads(program.communicate()[0])["done"] for program in hurrying)
        found = stats()
        tell(f"{done} connections with a whole handshake in {seconds} s, {found['connections-peak']} at once")
        self.assertGreater(done, seconds)
        seen = [json.loads(program.communicate()[0]) for program in serving]
        self.assertEqual([one["data"] for one in seen], [0, 0], "octets behind handshakes")
        self.assertGreaterEqual(found["connections-made"], done)
        self.assertEqual({name: value for name, value in found.items()
                          if value and (name in STATES or name.startswith("tainted") or name == "connections-full")}, {})
        self.nothing_is_left()
        self.assertEqual(slabs.settled(before, max(64, done // 20)), {})


class Full(LoadTest):
    def test_more_than_the_table_holds(self):
        """Those that have said nothing go first, the oldest of them; one with a handshake stays. What finds no room is held and
        counted, and room that is free again is used."""
        limit, count = 100, size(400, 1000, uml=1000)
        unload()
        run("modprobe", "xt_tlsconn", f"max_connections={limit}")
        self.addCleanup(load)
        self.addCleanup(unload)
        self.addCleanup(on, "gateway", "iptables-legacy", "-F")
        self.hold()
        server = canned.Serving.__new__(canned.Serving)
        with inside("server"):
            server.__init__(SERVER[4])
        threading.Thread(target=server.serve, daemon=True).start()
        with inside("client"):
            clients = [canned.connect(SERVER[4], server.port) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(canned.client_hello13(os.urandom(32)))
        self.assertTrue(wait_for(lambda: server.accepted == count, 60))
        self.assertTrue(wait_for(lambda: server.answered == limit, 60), f"{server.answered} hellos came through")
        time.sleep(2.5)
        self.assertEqual(server.answered, limit, "no more of them come through")
        found = stats()
        self.assertEqual((found["connections-made"], found["connections-now"]), (count, limit))
        self.assertGreaterEqual(found["connections-full"], count - limit)
        # The last ones, for which the others had to go before they said anything.
        for client in clients[-limit:]:
            client.sendall(canned.CLIENT_FLIGHT + DATA)
        self.assertTrue(wait_for(lambda: len(listed("--state", "established")) == limit, 30))
        with inside("client"):
            late = [canned.connect(SERVER[4], server.port) for _ in range(limit)]
        for client in late:
            self.addCleanup(client.close)
            client.sendall(canned.client_hello13(os.urandom(32)))
        self.assertGreaterEqual(stats()["connections-full"], found["connections-full"] + limit)
        self.assertEqual(len(listed("--state", "established")), limit)
        time.sleep(2.5)
        self.assertEqual(server.data, {}, "they are held as well")
        for client in (*clients, *late):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, canned.ABORT)
            client.close()
        self.nothing_is_left()
        with inside("client"):
            again = [canned.connect(SERVER[4], server.port) for _ in range(limit)]
        for client in again:
            self.addCleanup(client.close)
            canned.handshake(client)
        self.assertEqual(len(listed("--state", "established")), limit)
        tell(f"{count} connections, room for {limit}: {found['connections-full']} times there was none")


class Flood(LoadTest):
    """SYNs from everywhere. Conntrack's table bounds what they can take; what is pinned goes on."""
    COUNT = size(4000, 100_000, uml=8000)
    ROOM = 1000

    def setUp(self):
        super().setUp()
        self.hold()
        with open("/proc/sys/net/netfilter/nf_conntrack_max") as file:
            before = file.read()
        # Of every namespace, but set where they all begin.
        run("sysctl", "-qw", f"net.netfilter.nf_conntrack_max={self.ROOM}")
        self.addCleanup(run, "sysctl", "-qw", f"net.netfilter.nf_conntrack_max={before}")
        # Answers go back through the gateway, whoever is meant.
        on("client", "iptables-legacy", "-A", "INPUT", "-p", "tcp", "--tcp-flags", "SYN,ACK,RST", "SYN,ACK", "!", "-d", "10.1.0.2",
           "-j", "DROP")
        on("gateway", "ip", "route", "add", "10.3.0.0/16", "via", "10.1.0.2")
        self.pinned = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        ctl("pin", str(wait_for(self.pinned.listed)["id"]))
        self.pinned.send(b"1")
        self.assertArrives(self.pinned, b"1")
        self.before = slabs.in_use()

    def flood(self, port):
        """From 65,536 addresses; the greatest number of connections that the tracker had meanwhile."""
        forger = Forger("client")
        self.addCleanup(forger.close)
        start, most = time.monotonic(), 0
        for number in range(self.COUNT):
            source = f"10.3.{number >> 8 & 255}.{number & 255}", 1024 + random.getrandbits(15)
            segment = tcp(source, (SERVER[4], port), random.getrandbits(32), 0, SYN)
            forger.socket.sendto(ip_header(source[0], SERVER[4], len(segment)) + segment, (SERVER[4], 0))
            if number % 1000 == 999:
                most = max(most, stats()["connections-now"])
        tell(f"{self.COUNT} SYNs in {time.monotonic() - start:.1f} s: {most} connections tracked at most")
        return most

    def afterwards(self):
        self.pinned.send(b"2")
        self.assertArrives(self.pinned, b"12")
        self.assertEqual(self.pinned.listed()["pin"], "default")
        on("gateway", "conntrack", "-D", "-p", "tcp", "-d", SERVER[4], "--state", "SYN_RECV", check=False)
        on("gateway", "conntrack", "-D", "-p", "tcp", "-d", SERVER[4], "--state", "SYN_SENT", check=False)
        self.assertTrue(wait_for(lambda: stats()["connections-now"] == 1, 30))
        self.assertEqual(slabs.settled(self.before, 500), {})
        another = self.connect(self.pinned.server)
        self.assertTrue(wait_for(lambda: another.listed()["state"] == "established"))

    def test_without_answers(self):
        on("server", "iptables-legacy", "-A", "INPUT", "-p", "tcp", "-s", "10.3.0.0/16", "-j", "DROP")
        self.assertEqual(self.flood(self.pinned.server.port), 1)
        self.assertEqual(stats()["connections-made"], 1)
        self.afterwards()

    def test_with_answers(self):
        on("server", "sysctl", "-qw", "net.ipv4.tcp_syncookies=2")
        most = self.flood(self.pinned.server.port)
        self.assertGreater(most, 100)
        # Entries that conntrack has evicted are held until they are collected, which is soon.
        self.assertLessEqual(most, self.ROOM + 2 * 1024)
        self.afterwards()


if __name__ == "__main__":
    unittest.main()
