# SPDX-License-Identifier: GPL-2.0-only
"""What listeners are told, and tracking without a rule."""

import contextlib
import datetime
import json
import os
import signal
import ssl
import subprocess
import time
import unittest

from forge import ACK, PSH, Forger
from lab import SERVER, GatewayTest, assert_valid, ctl, forgets, listed, load, on, run, stats, unload, wait_for
from scale import mostly_uml


class Monitor:
    """tlsconnctl monitor on a host, and the events that it has printed."""

    def __init__(self, host, *arguments):
        self.process = subprocess.Popen(["tlsconnctl", "-n", host, "-j", "monitor", *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.octets = b""
        # It sleeps when there is nothing to do but to listen.
        for _ in range(3):
            assert wait_for(lambda: run("ps", "-o", "stat=", "-p", str(self.process.pid)).stdout.startswith("S"))
            time.sleep(0.1)

    def events(self):
        # Nothing there yet is no error, whatever Python makes of it in higher layers.
        with contextlib.suppress(BlockingIOError):
            while octets := os.read(self.process.stdout.fileno(), 65536):
                self.octets += octets
        complete = [line for line in self.octets.decode().splitlines(keepends=True) if line.endswith("\n")]
        for line in complete:
            assert_valid("monitor", line)
        return [json.loads(line) for line in complete]

    def names(self):
        return [event["event"] for event in self.events()]

    def close(self):
        self.process.kill()
        self.process.communicate()


def waiting(host):
    """Octets in the kernel's queues for those who listen with generic netlink (16) on a host."""
    sockets = [line.split() for line in on(host, "cat", "/proc/net/netlink").stdout.splitlines()[1:]]
    return sum(int(fields[4]) for fields in sockets if fields[1] == "16")


class Events(GatewayTest):
    def monitor(self, host="gateway"):
        monitor = Monitor(host)
        self.addCleanup(monitor.close)
        return monitor

    def test_the_story_of_a_pin(self):
        self.hold()
        monitor, elsewhere = self.monitor(), self.monitor("server")
        server = self.server()
        one, two = (self.connect(server, ssl.TLSVersion.TLSv1_2) for _ in range(2))
        ctl("pin", "1")
        ctl("pin", "2", "--replace")
        ctl("unpin")
        ctl("pin", "1")
        one.close()
        wait_for(lambda: monitor.names().count("pin-released") == 3)
        pins = [(e["event"], e["pin"]["connection"], e["reason"]) for e in monitor.events() if "pin" in e]
        self.assertEqual(pins, [
            ("pin-bound", 1, None),
            ("pin-released", 1, "replaced"),
            ("pin-bound", 2, None),
            ("pin-released", 2, "unpinned"),
            ("pin-bound", 1, None),
            ("pin-released", 1, "closed"),
        ])
        new = [e for e in monitor.events() if e["event"] == "connection-new"]
        self.assertEqual([e["connection"]["id"] for e in new], [1, 2])
        self.assertEqual([e["connection"]["src"] for e in new], [f"10.1.0.2:{c.port}" for c in (one, two)])
        told = datetime.datetime.fromisoformat(new[0]["time"])
        self.assertLess(abs(datetime.datetime.now(datetime.UTC) - told), datetime.timedelta(seconds=60))
        self.assertEqual(elsewhere.events(), [], "another namespace's")

    def test_when_conntrack_drops_the_entry(self):
        self.hold()
        monitor = self.monitor()
        self.connect(self.server())
        ctl("pin", "1")
        on("gateway", "conntrack", "-F")
        self.assertTrue(wait_for(lambda: monitor.names().count("pin-released")))
        released = [event["reason"] for event in monitor.events() if event["event"] == "pin-released"]
        self.assertEqual(released, ["gone"])

    @mostly_uml
    def test_events_are_lost_and_it_carries_on(self):
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--state", "lost")
        # A RST would have conntrack forget.
        on("server", "iptables-legacy", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
        most = run("sysctl", "-n", "net.core.rmem_max").stdout.strip()
        self.addCleanup(run, "sysctl", "-qw", f"net.core.rmem_max={most}")
        run("sysctl", "-qw", "net.core.rmem_max=65536")
        monitor = self.monitor()
        monitor.process.send_signal(signal.SIGSTOP)
        # The gateway's link address is known from then on, so that no packet waits for it.
        on("client", "ping", "-c1", "10.1.0.1")
        forger = Forger("client")
        self.addCleanup(forger.close)

        def picked_up(port):
            # The first one's entry is confirmed when it has passed; the second begins a connection.
            for _ in range(2):
                forger.send(("10.1.0.2", port), (SERVER[4], 443), 1, 1, ACK | PSH, b"x")

        for port in range(10000, 10500):
            picked_up(port)
        monitor.process.send_signal(signal.SIGCONT)
        self.assertTrue(wait_for(lambda: "events-lost" in monitor.names()))
        forgets(lambda: not listed("--all"))
        # Until its queue is empty the kernel gives it nothing more.
        self.assertTrue(wait_for(lambda: monitor.events() and not waiting("gateway")))
        picked_up(12000)

        def told():
            """Of that one."""
            return [(event["event"], event["reason"]) for event in monitor.events()
                    if event.get("connection", {}).get("src") == "10.1.0.2:12000"]

        self.assertTrue(wait_for(lambda: len(told()) > 2))
        self.assertEqual(told(), [("connection-new", "mid-stream"), ("lost", "mid-stream"), ("data-waiting", "mid-stream")])

    def test_who_may_listen(self):
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        for command in (["monitor"], ["stats"], ["track", "status"], ["track", "on"]):
            done = run(*nobody, "tlsconnctl", "-j", *command, check=False)
            self.assertEqual(done.returncode, 5, done.stderr)
        done = run(*nobody, "unshare", "--user", "--map-root-user", "--net", "tlsconnctl", "-j", "track", "on")
        assert_valid("track", done.stdout)
        # Root of its own user namespace, but not of the network namespace's.
        done = run(*nobody, "unshare", "--user", "--map-root-user", "tlsconnctl", "monitor", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        done = run(*nobody, "unshare", "--user", "--map-root-user", "--net", "timeout", "1", "tlsconnctl", "monitor",
                   check=False)
        self.assertEqual(done.returncode, 124, done.stderr)

    def test_a_reader_that_has_enough(self):
        self.hold()
        first = subprocess.Popen(["sh", "-c", "tlsconnctl -n gateway monitor | head -n 1"], stdout=subprocess.PIPE,
                                 text=True)
        self.addCleanup(first.wait)
        self.addCleanup(first.stdout.close)
        server = self.server()
        self.assertTrue(wait_for(lambda: (self.connect(server), first.poll() is not None)[1]))
        # Which event comes first depends on when the monitor was ready.
        self.assertRegex(first.stdout.read(), r"  connection \d+: ")


class Track(GatewayTest):
    def track(self, what):
        return json.loads(ctl("track", what).stdout)

    def assertTracking(self, what, tracking, rules, requested):
        """There is no pass mark meanwhile."""
        self.assertEqual(self.track(what), {"tracking": tracking, "rules": rules, "requested": requested, "pass_mark": None,
                                            "strict": False, "ja4": False})

    def test_tracking_without_a_rule(self):
        self.assertTracking("status", False, 0, False)
        for _ in range(2):
            self.assertTracking("on", True, 0, True)
        server = self.server()
        client = self.connect(server)
        self.assertTrue(wait_for(lambda: client.listed()["state"] == "established"), "conntrack is on too")
        self.assertEqual(stats()["connections-now"], 1)
        # A rule comes and goes.
        self.hold()
        self.assertTracking("status", True, 2, True)
        on("gateway", "iptables-legacy", "-F")
        self.assertEqual(self.track("status")["rules"], 0)
        self.assertTrue(wait_for(lambda: self.connect(server).listed()["id"]))
        self.hold()
        for _ in range(2):
            self.assertTracking("off", True, 2, False)
        on("gateway", "iptables-legacy", "-F")
        self.assertTracking("off", False, 0, False)
        before = len(listed())
        self.connect(server)
        self.assertEqual(len(listed()), before)

    def test_namespaces_and_the_module_go_while_it_is_on(self):
        self.track("on")
        self.assertFalse(json.loads(ctl("track", "status", netns="server").stdout)["requested"])
        client = self.connect(self.server())
        self.assertTrue(wait_for(client.listed))
        unload()
        load()
        self.assertFalse(self.track("status")["tracking"])
        self.track("on")
        self.net("net_down")
        self.net("net_up")
        self.assertFalse(self.track("status")["tracking"])


if __name__ == "__main__":
    unittest.main()
