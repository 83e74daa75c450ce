# SPDX-License-Identifier: GPL-2.0-only
"""tlsconnctl against the kernel: what it lists and pins, and its exit codes."""

import json
import pathlib
import socket
import ssl
import time
import unittest

from lab import PATIENCE, SERVER, GatewayTest, ctl, inside, listed, load, on, run, unload, wait_for

# Fields of a connection, as documented.
FIELDS = {
    "id", "src", "dst", "client", "state", "confirmed", "version", "offered", "cipher", "sni", "alpn", "client_random",
    "server_random", "session_id", "server_session_id", "resumed", "resumption", "resumes", "early_data", "ech",
    "hello_retry", "records", "bytes", "ja4", "reason", "waiting", "pin", "mark", "first", "last",
}
PIN_FIELDS = {"name", "mark", "mask", "state", "connection", "selector", "expires_in", "follow", "shared", "deny", "mark_lost",
              "connections", "others"}


class Tool(GatewayTest):
    def refused(self, code, word, *arguments, netns="gateway"):
        done = ctl(*arguments, netns=netns, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        error = json.loads(done.stderr)["error"]
        self.assertEqual(error["code"], code)
        self.assertIn(word, error["message"])

    def test_list_gives_every_field(self):
        self.hold()
        client = self.connect(self.server())
        wait_for(lambda: client.listed()["state"] == "established")
        seen = client.listed()
        self.assertEqual(set(seen), FIELDS)
        self.assertEqual((seen["src"], seen["dst"]), (f"10.1.0.2:{client.port}", f"10.2.0.2:{client.server.port}"))
        self.assertEqual((seen["id"], seen["mark"], seen["pin"], seen["reason"]), (1, "0x0", None, None))
        self.assertEqual(seen["records"]["client"]["handshake"], 1)
        self.assertEqual(seen["records"]["client"]["application-data"], 1)
        self.assertGreater(seen["bytes"]["server"], 300)
        [shown] = json.loads(ctl("show", "1").stdout)["connections"]
        self.assertEqual(shown["client_random"], seen["client_random"])

    def test_ids_count_up_and_closed_ones_are_listed_on_demand(self):
        self.hold()
        server = self.server()
        clients = [self.connect(server, ssl.TLSVersion.TLSv1_2) for _ in range(3)]
        self.assertEqual([client.listed()["id"] for client in clients], [1, 2, 3])
        clients[1].close()
        wait_for(lambda: len(listed()) == 2)
        self.assertEqual([connection["id"] for connection in listed()], [1, 3])
        self.assertEqual([c["state"] for c in listed("--state", "closed")], ["closed"])

    def test_what_is_saved_comes_back(self):
        """Armed pins and tracking, after the module went: once, and once more."""
        conf = f"{self.directory.name}/tlsconn.conf"
        save, batch = ("tlsconnctl", "-n", "gateway", "save"), ("tlsconnctl", "-n", "gateway", "batch")
        ctl("track", "on")
        ctl("pin", "--next", "--sni", "*.held.example", "--src", "10.1.0.0/24", "--for", "1h30m")
        ctl("pin", "--next", "--name", "other", "--mark", "0x1/0x1", "--client-random", "c1ff")
        saved = run(*save).stdout
        pins = json.loads(ctl("pins").stdout)
        pathlib.Path(conf).write_text(saved, encoding="ascii")
        self.assertEqual(json.loads(ctl("save").stdout)["commands"], saved.splitlines()[1:])
        unload()
        load()
        self.assertEqual(json.loads(ctl("pins").stdout)["pins"], [])
        for _ in range(2):
            run(*batch, conf)
            self.assertEqual(json.loads(ctl("pins").stdout), pins)
            self.assertTrue(json.loads(ctl("track", "status").stdout)["requested"])
            self.assertEqual(run(*save).stdout, saved)
        # All lines are read before the first is run.
        pathlib.Path(conf).write_text("unpin --all\npin --next --sin x\n", encoding="ascii")
        self.refused(2, f"{conf}:2: ", "batch", conf)
        self.assertEqual(json.loads(ctl("pins").stdout), pins)
        # What cannot be done ends it, and is named.
        pathlib.Path(conf).write_text("unpin other\nunpin nobody\nunpin default\n", encoding="ascii")
        self.refused(3, f"{conf}:2: ", "batch", conf)
        self.assertEqual([pin["state"] for pin in json.loads(ctl("pins").stdout)["pins"]], ["armed", "released"])

    def test_what_is_over_is_no_candidate(self):
        """Connections that are not TLS read so to the end, so that their state does not tell."""
        on("gateway", "tlsconnctl", "track", "on")
        with inside("server"):
            listener = socket.create_server((SERVER[4], 0))
        self.addCleanup(listener.close)
        where = "{}:{}".format(*listener.getsockname())

        def plain():
            with inside("client"):
                client = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
            accepted = listener.accept()[0]
            client.sendall(b"plain text")
            self.assertEqual(accepted.recv(10, socket.MSG_WAITALL), b"plain text")
            for end in (client, accepted):
                self.addCleanup(end.close)
            return client, accepted

        first, _ = plain(), plain()
        self.refused(4, "ids 1 2", "pin", "--dst", where)
        for end in first:
            end.close()
        self.assertTrue(wait_for(lambda: ctl("pin", "--dst", where, check=False).returncode == 0))
        self.assertEqual([(c["state"], c["pin"]) for c in listed("--all")], [("not-tls", None), ("not-tls", "default")])
        self.refused(3, "no live connection", "pin", "1", "--replace")

    def test_pins(self):
        self.hold()
        server = self.server()
        one, two = (self.connect(server) for _ in range(2))
        for nobody in ("99", "0"):
            self.refused(3, "", "show", nobody)
            self.refused(3, "", "pin", nobody)
        self.refused(3, "", "unpin")
        self.refused(3, "", "pin", "--sni", "nobody.example")
        self.refused(4, "", "pin", "--sni", "server.example")
        self.assertEqual(json.loads(ctl("pins").stdout), {"pins": []})

        ctl("pin", str(one.listed()["id"]))
        [pin] = json.loads(ctl("pins").stdout)["pins"]
        self.assertEqual(set(pin), PIN_FIELDS)
        self.assertEqual((pin["mark"], pin["mask"], pin["state"], pin["connection"]),
                         ("0x54000000", "0xff000000", "bound", one.listed()["id"]))
        self.assertEqual((one.listed()["pin"], one.listed()["mark"]), ("default", "0x54000000"))
        self.refused(1, "", "pin", str(two.listed()["id"]))
        self.refused(1, "", "pin", str(two.listed()["id"]), "--name", "other", "--mark", "0x54000000/0xff000000")
        self.assertIsNone(two.listed()["pin"])

        # Taken over: exactly one carries the mark.
        ctl("pin", str(two.listed()["id"]), "--replace")
        self.assertEqual((one.listed()["mark"], two.listed()["mark"]), ("0x0", "0x54000000"))
        marked = on("gateway", "conntrack", "-L", "--mark", "0x54000000/0xff000000").stdout
        self.assertEqual(marked.count("mark=1409286144"), 1, marked)

        # A second pin beside it, by other bits; others' bits stay.
        on("gateway", "conntrack", "-U", "-p", "tcp", "--orig-port-src", str(one.port), "--mark", "0x7/0xff")
        ctl("pin", str(one.listed()["id"]), "--name", "other", "--mark", "0x100/0x100")
        self.assertEqual((one.listed()["mark"], one.listed()["pin"]), ("0x107", "other"))
        ctl("unpin", "other")
        self.assertEqual(one.listed()["mark"], "0x7")
        ctl("unpin", "--all")
        self.assertEqual(two.listed()["mark"], "0x0")
        # Both outlive the pins that they have lost: the table is gone through twice a second.
        time.sleep(1.2)
        self.assertEqual([one.listed()["id"], two.listed()["id"]], [1, 2])

    def test_a_pin_is_released_when_its_connection_closes(self):
        self.hold()
        client = self.connect(self.server(), ssl.TLSVersion.TLSv1_2)
        ctl("pin", "1")
        client.close()
        self.assertTrue(wait_for(lambda: json.loads(ctl("pins").stdout)["pins"][0]["state"] == "released"))
        self.refused(3, "", "pin", "1", "--name", "late")

    def test_namespaces_do_not_share(self):
        self.hold()
        on("server", "iptables-legacy", "-A", "INPUT", "-p", "tcp", "-m", "tlsconn", "--state", "new")
        client = self.connect(self.server())
        theirs = json.loads(ctl("list", netns="server").stdout)["connections"]
        self.assertEqual([c["client_random"] for c in theirs], [c["client_random"] for c in listed()])
        self.assertEqual([c["id"] for c in theirs], [1])
        ctl("pin", "1", netns="server")
        self.assertIsNone(client.listed()["pin"])

    def test_privilege_and_the_module(self):
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        done = run(*nobody, "tlsconnctl", "-j", "list", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        # Root of a user namespace of its own may ask about a network namespace of its own, and no other.
        done = run(*nobody, "unshare", "--user", "--map-root-user", "--net", "tlsconnctl", "-j", "list", check=False)
        self.assertEqual((done.returncode, done.stdout), (0, '{"connections":[]}\n'), done.stderr)
        done = run(*nobody, "unshare", "--user", "--map-root-user", "tlsconnctl", "-j", "list", check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        unload()
        try:
            for command in (["list"], ["pins"], ["pin", "1"], ["unpin"]):
                done = run("tlsconnctl", *command, check=False)
                self.assertEqual(done.returncode, 5, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn("modprobe xt_tlsconn", done.stderr)
        finally:
            load()


if __name__ == "__main__":
    unittest.main()
