# SPDX-License-Identifier: GPL-2.0-only
"""A second gateway takes over: conntrackd carries the marks, and with them the pin. docs/failover.md tells of it."""

import json
import ssl
import subprocess
import unittest

from lab import GatewayTest, ctl, on, run, wait_for

STATE = "/run/tlsconn-failover"
CONFIGURATION = """
Sync {{
    Mode FTFW {{
        DisableExternalCache Off
    }}
    UDP {{
        IPv4_address {own}
        IPv4_Destination_Address {other}
        Port 3780
        Interface sync
        Checksum on
    }}
}}
General {{
    HashSize 4096
    HashLimit 16384
    Syslog off
    LogFile {state}/{host}.log
    LockFile {state}/{host}.lock
    UNIX {{
        Path {state}/{host}.ctl
    }}
    Filter From Userspace {{
        Protocol Accept {{
            TCP
        }}
    }}
}}
"""
ADDRESSES = {"gateway": "10.3.0.1", "standby": "10.3.0.2"}


def listed(host, *arguments):
    return json.loads(ctl("list", *arguments, netns=host).stdout)["connections"]


class Failover(GatewayTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(run, "ip", "netns", "del", "standby")
        run("ip", "netns", "add", "standby")
        run("ip", "-n", "standby", "link", "set", "lo", "up")
        run("ip", "link", "add", "sync", "netns", "gateway", "type", "veth", "peer", "name", "sync", "netns", "standby")
        for host, address in ADDRESSES.items():
            run("ip", "-n", host, "addr", "add", f"{address}/24", "dev", "sync")
            run("ip", "-n", host, "link", "set", "sync", "up")
        on("standby", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        # A way of its own to both ends; packets come and go by it once their routes say so.
        for host, net in (("client", 1), ("server", 2)):
            run("ip", "link", "add", f"to-{host}", "netns", "standby", "type", "veth", "peer", "name", "eth1", "netns", host)
            run("ip", "-n", "standby", "addr", "add", f"10.{net}.1.1/24", "dev", f"to-{host}")
            run("ip", "-n", host, "addr", "add", f"10.{net}.1.2/24", "dev", "eth1")
            run("ip", "-n", "standby", "link", "set", f"to-{host}", "up")
            run("ip", "-n", host, "link", "set", "eth1", "up")
            run("ip", "-n", "standby", "route", "add", f"10.{net}.0.0/24", "via", f"10.{net}.1.2")
        run("mkdir", "-p", STATE)
        self.addCleanup(run, "rm", "-r", STATE)
        for host in ADDRESSES:
            self.hold_on(host)
            self.start(host)

    def hold_on(self, host):
        ruleset = run("tlsconnctl", "rules").stdout
        on(host, "iptables-legacy-restore", "--noflush", stdin=ruleset)

    def start(self, host):
        [other] = [address for name, address in ADDRESSES.items() if name != host]
        with open(f"{STATE}/{host}.conf", "w") as file:
            file.write(CONFIGURATION.format(own=ADDRESSES[host], other=other, state=STATE, host=host))
        daemon = subprocess.Popen(["ip", "netns", "exec", host, "conntrackd", "-C", f"{STATE}/{host}.conf"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(daemon.communicate)
        self.addCleanup(daemon.kill)
        self.assertTrue(wait_for(lambda: self.conntrackd(host, "-s", check=False).returncode == 0, 30))

    def conntrackd(self, host, *arguments, check=True):
        return on(host, "conntrackd", "-C", f"{STATE}/{host}.conf", *arguments, check=check)

    def known(self, by="standby"):
        """What it has been told of, an entry a line."""
        return self.conntrackd(by, "-e").stdout

    def take_over(self, by="standby"):
        """What conntrackd's script for failover does: its entries into the kernel, the kernel's to the other; then the
        packets."""
        for step in ("-c", "-f", "-R", "-B"):
            self.conntrackd(by, step)
        self.route(by)

    def route(self, by):
        for host, net in (("client", 1), ("server", 2)):
            run("ip", "-n", host, "route", "replace", "default", "via", f"10.{net}.{int(by == 'standby')}.1")

    def test_the_pinned_connection_stays_pinned_and_others_stay_held(self):
        server = self.server()
        held, pinned = (self.connect(server, version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
        ctl("pin", str(pinned.listed()["id"]))
        pinned.send(b"before")
        self.assertArrives(pinned, b"before")
        held.send(b"held")
        marked = f"sport={pinned.port} "
        self.assertTrue(wait_for(lambda: [line for line in self.known().splitlines()
                                          if marked in line and "mark=1409286144" in line], 30), self.known())
        self.assertTrue(wait_for(lambda: f"sport={held.port} " in self.known(), 30))
        self.assertEqual(listed("standby", "--all"), [])

        self.take_over()
        pinned.send(b", after")
        self.assertArrives(pinned, b"before, after")
        server.connections[pinned.port].sendall(b"answer")
        pinned.tls.settimeout(30)
        self.assertEqual(pinned.tls.recv(100), b"answer")
        self.assertHeld(held)
        # Both are taken up in the middle: without an identity, and with what is in them unknown at first.
        seen = {int(c["src"].rsplit(":", 1)[1]): c for c in listed("standby")}
        self.assertEqual([(seen[c.port]["state"], seen[c.port]["reason"], seen[c.port]["sni"], seen[c.port]["mark"])
                          for c in (held, pinned)],
                         [("lost", "mid-stream", None, "0x0"), ("lost", "mid-stream", None, "0x54000000")])
        # The mark has come over, the pin has not: by id or address it is taken in hand again.
        self.assertEqual(json.loads(ctl("pins", netns="standby").stdout)["pins"], [])
        self.assertEqual(ctl("unpin", netns="standby", check=False).returncode, 3)
        ctl("pin", "--src", f"10.1.0.2:{pinned.port}", netns="standby")
        [pin] = json.loads(ctl("pins", netns="standby").stdout)["pins"]
        self.assertEqual((pin["state"], pin["others"]), ("bound", []))
        ctl("unpin", netns="standby")
        pinned.send(b", held")
        self.assertHeld(pinned, arrived=b"before, after")

    def test_a_pin_that_is_moved_is_moved_there_too(self):
        server = self.server()
        one, two = (self.connect(server) for _ in range(2))
        ctl("pin", str(one.listed()["id"]))
        self.assertTrue(wait_for(lambda: "mark=1409286144" in self.known(), 30))
        ctl("pin", str(two.listed()["id"]), "--replace")

        def marked():
            lines = [line for line in self.known().splitlines() if "mark=1409286144" in line]
            return [client for client in (one, two) for line in lines if f"sport={client.port} " in line]

        self.assertTrue(wait_for(lambda: marked() == [two], 30), self.known())
        self.take_over()
        two.send(b"flows")
        self.assertArrives(two, b"flows")
        one.send(b"held")
        self.assertHeld(one)

    def test_the_first_gateway_comes_back(self):
        server = self.server()
        held, pinned = (self.connect(server) for _ in range(2))
        ctl("pin", str(pinned.listed()["id"]))
        self.assertTrue(wait_for(lambda: "mark=1409286144" in self.known(), 30))
        self.take_over()
        for _ in range(10):
            pinned.send(bytes(3000))
        self.assertTrue(wait_for(lambda: len(pinned.arrived()) == 30000))
        self.assertTrue(wait_for(lambda: "mark=1409286144" in self.known("gateway"), 30))
        # What is left there from before is out of date: conntrack would take what comes now for invalid.
        on("gateway", "conntrack", "-F")
        self.take_over("gateway")
        pinned.send(b"back")
        self.assertArrives(pinned, b"back")
        held.send(b"held")
        self.assertHeld(held)
        # The pin went with the entry, and shows by the mark that has come back.
        [pin] = json.loads(ctl("pins").stdout)["pins"]
        self.assertEqual((pin["state"], pin["connection"]), ("released", None))
        seen = pinned.listed()
        self.assertEqual((seen["state"], seen["pin"], seen["mark"]), ("lost", "default", "0x54000000"))
        ctl("pin", str(seen["id"]))
        ctl("unpin")
        pinned.send(b"held")
        self.assertHeld(pinned, arrived=bytes(30000) + b"back")

    def test_packets_that_come_before_the_entries(self):
        """They make entries of their own, without a mark: all is held until the old entries are committed."""
        client = self.connect(self.server())
        ctl("pin", "1")
        client.send(b"before")
        self.assertArrives(client, b"before")
        self.assertTrue(wait_for(lambda: "mark=1409286144" in self.known(), 30))
        self.route("standby")
        client.send(b", after")
        self.assertHeld(client, arrived=b"before")
        self.conntrackd("standby", "-c")
        self.assertArrives(client, b"before, after")


if __name__ == "__main__":
    unittest.main()
