# SPDX-License-Identifier: GPL-2.0-only
"""The scripts of docs/approval.md, as they stand there."""

import http.server
import json
import os
import signal
import subprocess
import threading
import time

import documents
from lab import GatewayTest, ctl, inside, listed, on, wait_for
from scale import mostly_uml


def script(name):
    """The block of docs/approval.md that begins with its name."""
    blocks = documents.blocks(documents.REPO / "docs/approval.md")
    [block] = [block for block in blocks if block.text.startswith(f"# {name}\n")]
    return block.text


class Hook(http.server.BaseHTTPRequestHandler):
    """Approves names in .good, has those in .never reset, cannot tell of others, and is silent about those in .slow."""

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name = json.loads(asked)["connection"]["sni"] or ""
        if name.endswith(".slow"):
            time.sleep(30)
        self.send_response({"good": 204, "never": 403}.get(name.rpartition(".")[2], 404))
        self.end_headers()

    def log_message(self, *_):
        pass


@mostly_uml
class Approval(GatewayTest):
    def setUp(self):
        super().setUp()
        self.hold()

    def approver(self, name, **environment):
        """Runs a script on the gateway until the test is over, or it is killed."""
        process = subprocess.Popen(["ip", "netns", "exec", "gateway", "sh", "-c", script(name)], start_new_session=True,
                                   env=os.environ | environment, stdout=subprocess.DEVNULL)
        self.addCleanup(self.kill, process)
        return process

    def kill(self, process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def waits(self, server, name):
        """A connection to a server of that name, with data that waits."""
        client = self.connect(server, name=name)
        client.send(b"data")
        return client

    def assertApproves(self, name, good, bad, **environment):
        """One that was there before, one that comes; never the other; and nothing once the approver is gone."""
        server = self.server()
        early = self.waits(server, good)
        self.assertTrue(wait_for(lambda: listed("--waiting")))
        process = self.approver(name, **environment)
        self.assertArrives(early, b"data")
        late, refused = self.waits(server, good), self.waits(server, bad)
        self.assertArrives(late, b"data")
        self.assertHeld(refused)
        self.assertEqual(refused.listed()["pin"], None)
        self.kill(process)
        alone = self.waits(server, good)
        self.assertTrue(wait_for(lambda: len(listed("--waiting")) == 2))
        self.assertHeld(alone, refused)
        # Approved ones flow still.
        late.send(b"more")
        self.assertArrives(late, b"more")
        # Another approver catches up.
        self.approver(name, **environment)
        self.assertArrives(alone, b"data")
        self.assertHeld(refused)
        return server

    def test_pattern(self):
        self.assertApproves("approve-pattern", "one.allowed.example", "one.other.example")

    def test_file(self):
        path = f"{self.directory.name}/allowed"
        with open(path, "w") as file:
            file.write("www.good.example\n")
        server = self.assertApproves("approve-file", "WWW.good.example", "good.example", ALLOWED=path)
        os.unlink(path)
        self.assertHeld(self.waits(server, "www.good.example"))

    def test_hook(self):
        with inside("gateway"):
            hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.addCleanup(hook.server_close)
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        self.addCleanup(hook.shutdown)
        url = f"http://127.0.0.1:{hook.server_port}/"
        server = self.assertApproves("approve-hook", "one.good", "one.bad", HOOK=url)
        # Beside one that gets no answer another is approved.
        slow = self.waits(server, "one.slow")
        self.assertArrives(self.waits(server, "two.good"), b"data")
        self.assertHeld(slow, seconds=7)
        lasting = [pin["expires_in"] for pin in json.loads(ctl("pins").stdout)["pins"]]
        self.assertTrue(all(3000 < seconds <= 3600 for seconds in lasting), lasting)
        ctl("pin", "--name", "refused", "--deny", "--next", "--sni", "refused.invalid")
        on("gateway", "iptables-legacy", "-F")
        ctl("rules", "--load", "--deny", "refused", "--quic", "pass")
        self.addCleanup(ctl, "rules", "--unload")
        never = self.waits(server, "one.never")
        self.assertTrue(wait_for(lambda: self.is_reset(never)))
        self.assertEqual(never.arrived(), b"")
        self.assertArrives(self.waits(server, "three.good"), b"data")

    def is_reset(self, client):
        try:
            client.send(b"x")
        except OSError:
            return True
        return False
