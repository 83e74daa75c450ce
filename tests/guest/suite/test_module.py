# SPDX-License-Identifier: GPL-2.0-only
"""Loading, unloading and what the module says of itself."""

import os
import pathlib
import ssl
import time
import unittest

from lab import HAS_LEGACY, IPTABLES, GatewayTest, ctl, forgets, listed, load, loaded, on, run, stats, unload, wait_for
from scale import UML

RELEASE = os.uname().release


class Module(unittest.TestCase):
    def tearDown(self):
        load()

    def field(self, name):
        return run("modinfo", "-F", name, "xt_tlsconn").stdout.split("\n")[:-1]

    def test_it_was_built_for_this_kernel(self):
        self.assertEqual(self.field("vermagic")[0].split()[0], RELEASE)
        self.assertLessEqual({"ipt_tlsconn", "ip6t_tlsconn"}, set(self.field("alias")))
        if UML:
            self.skipTest("x_tables and nf_conntrack are built in here, so there is nothing to depend on")
        self.assertEqual(set(self.field("depends")[0].split(",")), {"x_tables", "nf_conntrack"})

    def test_what_the_lab_says_of_tables(self):
        """Tests that legacy tables are for must not be left out by mistake."""
        self.assertEqual(run("modprobe", "-nq", "iptable_filter", check=False).returncode == 0, HAS_LEGACY)

    def test_load_unload_reload(self):
        for _ in range(5):
            unload()
            self.assertFalse(loaded())
            load()
        run("iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--state", "new")
        self.assertNotEqual(run("rmmod", "xt_tlsconn", check=False).returncode, 0, "a rule uses it")
        run("iptables-legacy", "-F")
        unload()

    def test_parameters_that_are_too_large(self):
        """The module is not there then, and the kernel's log says why; with the largest value it is."""
        most = {"max_connections": 1 << 24, "max_connections_unprivileged": 1 << 24, "max_handshakes": 1 << 24,
                "handshake_octets_total": 1 << 30, "client_flight_budget": 1 << 20,
                "hole_octets": 1 << 20, "hole_octets_total": 1 << 30}
        for name, limit in most.items():
            for value in (limit + 1, (1 << 32) - 1):
                unload()
                refused = run("modprobe", "xt_tlsconn", f"{name}={value}", check=False)
                self.assertNotEqual(refused.returncode, 0, (name, value))
                self.assertIn("Invalid argument", refused.stderr)
                self.assertFalse(loaded())
                self.assertIn(f"xt_tlsconn: {name}={value} is too large: at most {limit}\n", run("dmesg").stdout)
                load()
            unload()
            run("modprobe", "xt_tlsconn", f"{name}={limit}")

    def test_a_rule_loads_it(self):
        for iptables in ("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft"):
            unload()
            run(iptables, "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--state", "new")
            self.assertTrue(loaded(), iptables)
            run(iptables, "-F")

    def test_saved_rules_load_it(self):
        """As when a machine starts: nobody has asked for it before iptables-restore does."""
        rules = lambda iptables: [line for line in run(iptables, "-S").stdout.splitlines() if line.startswith("-A")]
        for iptables in IPTABLES:
            with self.subTest(iptables=iptables):
                run(iptables, "-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--sni", "*.example.org", "-j", "DROP")
                before, text = rules(iptables), run(f"{iptables}-save", "-t", "filter").stdout
                run(iptables, "-F")
                unload()
                run(f"{iptables}-restore", stdin=text)
                self.assertTrue(loaded())
                self.assertEqual(rules(iptables), before)
                run(iptables, "-F")

    def test_where_it_is_not_installed(self):
        """Rules are read and translated, help is given; what the kernel lacks is named."""
        unload()
        configuration = pathlib.Path("/etc/modprobe.d/tlsconn-test.conf")
        configuration.write_text("install xt_tlsconn false\n")
        try:
            for iptables in IPTABLES:
                rule = ("-A", "FORWARD", "-p", "tcp", "-m", "tlsconn", "--sni")
                refused = run(iptables, *rule, "example.org", check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn("Extension tlsconn revision 0 not supported, missing kernel module?", refused.stderr)
                self.assertIn('begins with a dot', run(iptables, *rule, ".example.org", check=False).stderr)
                self.assertIn("--server-random HEX", run(iptables, "-m", "tlsconn", "--help").stdout)
                self.assertFalse(loaded(), iptables)
        finally:
            configuration.unlink()


class ModuleUnderTraffic(GatewayTest):
    def test_unload_with_connections_tracked_and_pinned(self):
        """Rules go, then the module, while connections are open: their data flows, and the pin's mark is cleared."""
        self.hold()
        client = self.connect(self.server())
        ctl("pin", str(wait_for(client.listed)["id"]))
        client.send(b"one")
        self.assertArrives(client, b"one")
        on("gateway", "iptables-legacy", "-F")
        # Without a rule nothing is looked at any more, but the pin stays.
        self.assertIn("mark=1409286144", on("gateway", "conntrack", "-L").stdout)
        unload()
        try:
            self.assertNotIn("mark=1409286144", on("gateway", "conntrack", "-L").stdout)
            client.send(b"two")
            self.assertArrives(client, b"onetwo")
        finally:
            load()

    def test_a_namespace_goes_with_connections_and_pins(self):
        for _ in range(3):
            self.hold()
            client = self.connect(self.server())
            ctl("pin", str(wait_for(client.listed)["id"]))
            self.net("net_down")
            self.net("net_up")
        # The old namespaces let go of the module, and of their entries.
        self.net("net_down")
        unload()
        load()

    def test_tracked_connections_go_with_conntrack_s_entries(self):
        self.hold()
        client = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        ctl("pin", str(wait_for(client.listed)["id"]))
        self.assertTrue(forgets(lambda: client.listed() is None))
        # What comes then is held, and nothing is kept of it, as each packet makes an entry that is never confirmed.
        client.send(b"after")
        self.assertHeld(client)
        self.assertEqual(listed("--all"), [])

    def test_a_connection_that_was_under_way_is_held(self):
        client = self.connect(self.server())
        client.send(b"before")
        self.assertArrives(client, b"before")
        self.hold()
        time.sleep(0.2)
        client.send(b" after")
        self.assertHeld(client, arrived=b"before")
        # Conntrack takes each packet for the first of an entry, which goes when the packet is dropped: nothing is kept of it.
        self.assertEqual(listed("--all"), [])
        self.assertEqual(stats()["connections-made"], 0)

    def test_a_connection_that_was_under_way_is_found_again(self):
        """Behind a chain of record headers data reads as data again; the connection stays lost, and may be pinned."""
        client = self.connect(self.server())
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-s", "10.1.0.2", "-p", "tcp", "-m", "tlsconn",
           "--record-type", "application-data", "-j", "ACCEPT")
        for _ in range(8):
            client.send(b"x" * 2000)
            time.sleep(0.05)
        seen = client.listed()
        self.assertEqual((seen["state"], seen["reason"], seen["client_random"]), ("lost", "mid-stream", None))
        counted = lambda: int(on("gateway", "iptables-legacy", "-nvxL", "FORWARD").stdout.splitlines()[2].split()[0])
        self.assertTrue(wait_for(lambda: counted() > 2))


if __name__ == "__main__":
    unittest.main()
