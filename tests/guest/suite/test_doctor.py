# SPDX-License-Identifier: GPL-2.0-only
"""tlsconnctl doctor: set-ups that are broken, what it says of them, and that its commands mend them. What it says of rulesets
by kinds, and what passes there: test_doctor_gateways."""

import json
import pathlib
import ssl
import time
import unittest

from lab import GatewayTest, about_legacy, ctl, load, on, run, unload

ESTABLISHED = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"]


class Doctor(GatewayTest):
    def findings(self, code):
        done = ctl("doctor", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        findings = json.loads(done.stdout)["findings"]
        for finding in findings:
            self.assertEqual(set(finding), {"check", "ok", "detail", "fix"})
            if finding["ok"]:
                self.assertIsNone(finding["fix"], finding)
        return findings

    def of(self, check, code=0):
        return [finding for finding in self.findings(code) if finding["check"] == check]

    def wrong(self):
        return [finding for finding in self.findings(1) if finding["ok"] is False]

    def mend(self, *expected, limit=12):
        """Runs every command that is proposed, until nothing is wrong any more."""
        wrong = self.wrong()
        self.assertEqual(sorted({finding["check"] for finding in wrong}), sorted(expected), wrong)
        for _ in range(limit):
            on("gateway", "sh", "-ec", next(finding["fix"] for finding in wrong if finding["fix"]))
            done = ctl("doctor", check=False)
            if done.returncode == 0:
                return
            wrong = [f for f in json.loads(done.stdout)["findings"] if f["ok"] is False]
        self.fail(f"still wrong: {wrong}")

    def iptables(self, *rule, command="iptables-legacy"):
        on("gateway", command, *rule)

    def healthy(self, command="iptables-legacy"):
        """A gateway of IPv4 with nothing wrong, and nothing that cannot be told."""
        on("gateway", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
        on("gateway", "sh", "-ec", f"tlsconnctl rules | {command}-restore --noflush")
        for finding in self.findings(0):
            self.assertTrue(finding["ok"], finding)

    def test_nothing_is_set_up(self):
        """From no rules at all to a working gateway, by its own commands alone."""
        self.mend("rules")
        client = self.connect(self.server())
        client.send(b"held")
        self.assertHeld(client)
        checks = [finding["check"] for finding in self.findings(0)]
        self.assertEqual(checks, ["kernel", "module", "conntrack", "extension", "rules", "order", "raw-table", "variants", "paths",
                                  "flow-offload", "quic", "marks"])

    def test_a_rule_that_accepts_established_in_front(self):
        for command in ("iptables-legacy", "iptables-nft"):
            with self.subTest(command=command):
                self.healthy(command)
                self.iptables("-I", "FORWARD", *ESTABLISHED, command=command)
                client = self.connect(self.server())
                client.send(b"flows")
                self.assertArrives(client, b"flows")
                [wrong] = [finding for finding in self.wrong() if finding["check"] == "order"]
                self.assertIn(f"{command}: rule 1 of FORWARD", wrong["detail"])
                self.mend("order")
                client = self.connect(self.server())
                client.send(b"held")
                self.assertHeld(client)
                self.assertIn("ESTABLISHED", on("gateway", command, "-S", "FORWARD").stdout)
                for variant in ("iptables-legacy", "iptables-nft", "ip6tables-legacy", "ip6tables-nft"):
                    on("gateway", variant, "-F")
                    on("gateway", variant, "-X")

    def test_pins_that_rules_allow_and_deny(self):
        """What fixes the rules' order allows and denies them still."""
        self.healthy("iptables")
        client = self.connect(self.server())
        on("gateway", "sh", "-ec", f"tlsconnctl pin {client.listed()['id']} --name a --shared; "
           "tlsconnctl pin --name d --deny --next --sni nobody.example; tlsconnctl rules --load --allow a --deny d")
        self.findings(0)
        self.iptables("-I", "FORWARD", "-j", "ACCEPT", command="iptables")
        [wrong] = [finding for finding in self.wrong() if finding["check"] == "order"]
        self.assertEqual(wrong["fix"], "tlsconnctl rules --load --allow a --deny d")
        on("gateway", "sh", "-ec", wrong["fix"])
        client.send(b"flows")
        self.assertArrives(client, b"flows")
        self.iptables("-F", "FORWARD", command="iptables")
        on("gateway", "sh", "-ec", "tlsconnctl track on --pass-mark 0x00800000; "
           "tlsconnctl rules --format nft --load --allow a --deny d; nft add table inet tlsconn '{ flags dormant; }'")
        [wrong] = [finding for finding in self.wrong() if finding["check"] == "rules"]
        self.assertEqual(wrong["fix"], "tlsconnctl rules --format nft --load --allow a --deny d")
        on("gateway", "sh", "-ec", wrong["fix"])
        self.findings(0)

    def test_a_table_that_stands_in(self):
        """What batch --fail-closed leaves when a line fails is told, and goes once the file is right."""
        file = pathlib.Path("/etc/tlsconn/tlsconn.conf")
        self.addCleanup(file.unlink, missing_ok=True)
        file.parent.mkdir(exist_ok=True)
        file.write_text("rules --load --port 443\nshow 999999999\n")
        on("gateway", "tlsconnctl", "batch", "--fail-closed", str(file), check=False)
        [wrong] = [finding for finding in self.wrong() if finding["check"] == "boot"]
        self.assertEqual(wrong["fix"], f"tlsconnctl batch --fail-closed {file}")
        file.write_text("rules --load\n")
        on("gateway", "sh", "-ec", wrong["fix"])
        for finding in self.findings(0):
            self.assertTrue(finding["ok"], finding)

    def test_the_raw_table(self):
        """What is there holds too much: nothing is wrong, and it is told."""
        self.healthy()
        self.iptables("-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-m", "tlsconn", "--pinned", "-j", "ACCEPT")
        self.iptables("-t", "raw", "-A", "OUTPUT", "-p", "tcp", "-j", "CT", "--notrack")
        found = self.of("raw-table")
        self.assertEqual([(finding["ok"], finding["fix"]) for finding in found], [(None, None)] * 2, found)

    @about_legacy
    def test_both_variants(self):
        """Packets pass both: rules of the other variant neither hide nor undo ours."""
        self.healthy()
        self.iptables("-A", "FORWARD", "-s", "192.0.2.1", "-j", "DROP", command="iptables-nft")
        [found] = self.of("variants")
        self.assertTrue(found["ok"], found)
        self.assertIn("iptables-legacy and iptables-nft both have rules", found["detail"])

    def test_marks_of_others(self):
        self.healthy()
        self.iptables("-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "-j", "CONNMARK", "--set-mark", "0x7")
        on("gateway", "nft", "-f", "-", stdin="table inet other { chain c { type filter hook prerouting priority -140; "
           "tcp dport 22 ct mark set 0x8; }; }")
        # Without tickets, which would be held and sent again. Any packet would set the mark back.
        client = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        time.sleep(1)
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(client.port), "--mark", "0x54000007")
        wrong = self.wrong()
        self.assertEqual([finding["check"] for finding in wrong], ["marks"] * 3, wrong)
        self.mend("marks")
        self.assertEqual(client.listed()["mark"], "0x7")
        self.assertIn("0x7/0xffffff", on("gateway", "iptables-legacy", "-t", "mangle", "-S").stdout)
        ctl("pin", str(client.listed()["id"]))
        self.findings(0)

    def test_marks_by_iptables_over_nft(self):
        """nft shows such a rule too: it is one finding all the same."""
        self.healthy("iptables-nft")
        self.iptables("-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "-j", "CONNMARK", "--set-mark", "0x7",
                      command="iptables-nft")
        self.assertEqual([finding["check"] for finding in self.wrong()], ["marks"])
        self.mend("marks")

    def test_a_mark_of_others_on_what_is_not_tracked(self):
        # The first connection was there before anybody looked, and says nothing from then on.
        on("gateway", "iptables-legacy", "-t", "mangle", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "NEW")
        early = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        self.healthy()
        ctl("pin", "--next")
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(early.port), "--mark", "0x54000007")
        self.mend("marks")
        self.assertIn("mark=7 ", on("gateway", "conntrack", "-L", "-p", "tcp", "--orig-port-src", str(early.port)).stdout)

    def test_flow_offload(self):
        """A flowtable before rules that hold in another table is wrong; one that only pinned connections come to is not."""
        self.healthy()
        on("gateway", "nft", "-f", "-", stdin="add table inet other\n"
           "add chain inet other c { type filter hook forward priority filter; }\n")
        made = on("gateway", "nft", "-f", "-", check=False, stdin="add flowtable inet other f { hook ingress priority "
                  "filter; devices = { \"to-client\", \"to-server\" }; }\n"
                  "add rule inet other c ct state established flow add @f\n")
        if "No such file" in made.stderr or "not supported" in made.stderr:
            self.skipTest("this kernel has no flow tables")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.mend("flow-offload")

    def test_the_module_is_not_loaded(self):
        unload()
        try:
            wrong = self.wrong()
            self.assertIn(("module", "modprobe xt_tlsconn"), [(f["check"], f["fix"]) for f in wrong])
            run("sh", "-ec", next(f["fix"] for f in wrong if f["check"] == "module"))
            self.assertNotIn("module", [finding["check"] for finding in self.wrong()])
        finally:
            load()

    def test_more_entries_than_connections(self):
        """What conntrack has room for and the module has not would be held."""
        max_now = run("sysctl", "-n", "net.netfilter.nf_conntrack_max").stdout.strip()
        options = pathlib.Path("/etc/modprobe.d/tlsconn.conf")
        self.addCleanup(lambda: (unload(), options.unlink(missing_ok=True), load()))
        unload()
        run("modprobe", "xt_tlsconn", "max_connections=1000")
        [wrong] = [finding for finding in self.wrong() if finding["check"] == "conntrack"]
        self.assertIn(f"up to {max_now} entries", wrong["detail"])
        self.assertIn("1000 connections", wrong["detail"])
        run("sh", "-ec", wrong["fix"])
        self.assertNotIn("conntrack", [finding["check"] for finding in self.wrong()])

    def test_text_for_people(self):
        text = run("tlsconnctl", "-n", "gateway", "doctor", check=False).stdout.splitlines()
        place = next(n for n, line in enumerate(text) if line.startswith("wrong    rules"))
        self.assertIn("fix it: tlsconnctl rules --load", text[place + 1])
        self.assertTrue(any(line.startswith("ok       kernel") for line in text), text)
        # What cannot be told is counted where nothing is wrong.
        self.healthy()
        self.iptables("-I", "FORWARD", "-m", "mark", "--mark", "0x1/0x1", "-j", "ACCEPT")
        done = run("tlsconnctl", "-n", "gateway", "doctor")
        self.assertTrue(done.stdout.splitlines()[-1].endswith("could not be told"), done.stdout)


if __name__ == "__main__":
    unittest.main()
