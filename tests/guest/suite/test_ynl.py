# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own netlink tool, given docs/netlink/tlsconn.yaml: it lists, pins and watches."""

import json
import os
import signal
import subprocess
import sys
import unittest

from lab import HERE, GatewayTest, ctl, on, wait_for
from scale import mostly_uml

REPO = HERE.parents[2]
YNL = REPO / "build" / "ynl"
SPEC = REPO / "docs" / "netlink" / "tlsconn.yaml"


@mostly_uml
class Ynl(GatewayTest):
    def setUp(self):
        if not YNL.exists():
            self.skipTest(f"{YNL} is not there: tests/lab/ynl takes it out of the kernel's source")
        super().setUp()

    def command(self, *arguments):
        return [sys.executable, "-B", str(YNL / "pyynl" / "cli.py"), "--spec", str(SPEC), "--schema",
                str(YNL / "genetlink.yaml"), *arguments]

    def ynl(self, what, operation, code=0, **attributes):
        done = on("gateway", *self.command("--output-json", f"--{what}", operation, "--json", json.dumps(attributes)),
                  check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stdout

    def test_the_story(self):
        self.hold()
        watcher = subprocess.Popen(["ip", "netns", "exec", "gateway", *self.command(
            "--output-json", "--subscribe", "events")], stdout=subprocess.PIPE, text=True, env={**os.environ,
                                                                                               "PYTHONUNBUFFERED": "1"})
        self.addCleanup(watcher.stdout.close)
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.kill)
        server = self.server()
        # Whoever watches has joined the group once it is told of something.
        os.set_blocking(watcher.stdout.fileno(), False)
        told = []

        def events():
            told.extend(json.loads(line) for line in watcher.stdout)
            return told

        def wake():
            ctl("pin", "--next", "--name", "wake", "--mark", "1/1")
            ctl("unpin", "wake")
            return events()

        self.assertTrue(wait_for(wake, 60))
        one, two = (self.connect(server, name=name) for name in ("one.example", "two.example"))
        shown = self.ynl("dump", "connection-get", states=["established"])
        names = [bytes.fromhex(connection["sni"]) for connection in shown]
        self.assertEqual(names, [b"one.example", b"two.example"])
        [listed] = self.ynl("dump", "connection-get", selector={"sni": b"TWO.*".hex(), "src-addr": "10.1.0.0",
                                                                 "src-prefix": 24})
        # When a side last sent what is not acknowledged, and its interval, change by themselves.
        for connection in listed, shown[1]:
            # Computed anew by the clock.
            del connection["first"], connection["last"]
            for side in "src", "dst":
                for name in "tried", "interval":
                    connection.get(side, {}).pop(name, None)
        self.assertEqual(listed, shown[1])
        number = listed["id"]
        self.assertEqual(self.ynl("do", "connection-get", id=number)["client-random"], listed["client-random"])
        self.assertEqual((listed["dst-addr"], listed["version"], listed["state"]), ("10.2.0.2", "0x304", "established"))

        two.send(b"flows")
        pin = self.ynl("do", "pin-set", connection=number, lasts=600)
        self.assertEqual((pin["name"], pin["mark"], pin["state"], pin["connection"]),
                         ("default", "0x54000000", "bound", number))
        self.assertArrives(two, b"flows")
        self.assertEqual(self.ynl("do", "pin-get", name="default")["connection"], number)
        self.assertEqual([(pin["name"], pin["state"]) for pin in self.ynl("dump", "pin-get")],
                         [("wake", "released"), ("default", "bound")])
        # The kernel's words.
        self.assertIn("the pin is bound", self.ynl("do", "pin-set", code=1, connection=one.listed()["id"]))
        self.assertIn("no pin of that name", self.ynl("do", "pin-get", code=1, name="other"))
        # One that both share.
        self.ynl("do", "pin-del", name="default")
        for one_of in shown:
            shared = self.ynl("do", "pin-set", connection=one_of["id"], name="all", shared=True)
        self.assertEqual((shared["connection"], shared["members"], shared["mark"]), (shown[1]["id"], 2, "0x55000000"))
        [shared] = [pin for pin in self.ynl("dump", "pin-get") if pin["name"] == "all"]
        self.assertEqual(shared["connections"], [one_of["id"] for one_of in shown])
        self.ynl("do", "pin-del", name="all", connection=shown[0]["id"])
        self.assertIn("not on that connection", self.ynl("do", "pin-del", code=1, name="all", connection=shown[0]["id"]))
        self.ynl("do", "pin-del", name="all")
        self.assertEqual(json.loads(ctl("pins").stdout)["pins"][0]["state"], "released")

        self.assertTrue(wait_for(lambda: [e for e in events() if e["msg"].get("release") == "unpinned"
                                          and e["msg"]["pin"]["name"] == "default"], 30))
        of_pins = [event["msg"] for event in events() if event["msg"].get("pin", {}).get("name") == "default"]
        self.assertEqual([(event["kind"], event["pin"]["connection"], event.get("release")) for event in of_pins],
                         [("pin-bound", number, None), ("pin-released", number, "unpinned")])
        watcher.send_signal(signal.SIGINT)

    def test_tracking_and_counters(self):
        bound = {"max-connections": 262144}
        self.assertEqual(self.ynl("do", "track-get"), {"tracking": 0, "rules": 0, "requested": 0, "strict": 0, "ja4": 0} | bound)
        on = {"tracking": 1, "rules": 0, "requested": 1} | bound
        self.assertEqual(self.ynl("do", "track-set", requested=1), on | {"strict": 0, "ja4": 0})
        self.assertEqual(self.ynl("do", "track-set", requested=1, **{"pass-mark": 1 << 23, "strict": 1, "ja4": 1}),
                         on | {"pass-mark": 1 << 23, "strict": 1, "ja4": 1})
        self.connect(self.server())
        self.assertEqual(self.ynl("do", "stats-get")["connections-now"], 1)

    def test_what_it_knows_of_the_policies(self):
        """What the kernel says of the attributes that it takes agrees with the specification."""
        def policy(what, operation):
            done = on("gateway", *self.command("--output-json", "--policy", f"--{what}", operation))
            return json.loads(done.stdout)

        asked = policy("dump", "connection-get")
        self.assertEqual(set(asked), {"selector", "states", "live"})
        self.assertEqual(asked["states"]["mask"], 0xFF)
        self.assertEqual(set(asked["selector"]["policy"]), {
            "client-random", "server-random", "session-id", "sni", "src-addr", "src-prefix", "src-port", "dst-addr",
            "dst-prefix", "dst-port", "zone", "sni-set", "ja4"})
        self.assertEqual(set(policy("do", "pin-set")), {"name", "mark", "mask", "connection", "replace", "next", "selector",
                                                        "lasts", "follow", "shared", "deny"})
        self.assertEqual(set(policy("do", "pin-del")), {"name", "all", "connection"})


if __name__ == "__main__":
    unittest.main()
