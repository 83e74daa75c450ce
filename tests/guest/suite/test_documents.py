# SPDX-License-Identifier: GPL-2.0-only
"""The commands in the documents: each is run, or marked as an example (documents.py says how)."""

import json
import pathlib
import re
import subprocess
import unittest

import documents
from lab import SCHEMA, GatewayTest, listed, on, run, wait_for
from scale import UML, mostly_uml

# `doctor` ends with 1 where it has found something, which is no failure of its own.
PRELUDE = "tlsconnctl() { command tlsconnctl \"$@\" || [ \"$1 $?\" = 'doctor 1' ]; }\n"


@mostly_uml
class Marks(unittest.TestCase):
    def test_every_block_is_marked(self):
        found = documents.all_blocks()
        for block in found:
            with self.subTest(block=str(block)):
                self.assertIsNone(documents.wrong(block))
        # All of them were looked at.
        self.assertGreater(len(found), 40)
        self.assertLessEqual({"sh", "sh host", "sh example", "console example"}, {block.mark for block in found})

    def test_blocks_that_are_not_marked_are_seen(self):
        for text in ("    make test\n", "```\nmake test\n```\n", "```text\n$ make test\n```\n", "```sh run\nmake test\n```\n",
                     "```console\n$ make test\n```\n", "- item\n\n      make test\n", "```sh\nmake test\n", "```sh\n```\n"):
            with self.subTest(text=text):
                wrong = [documents.wrong(block) for block in documents.blocks(documents.REPO / "README.md", text)]
                self.assertTrue(any(wrong), wrong)

    def test_what_examples_name_is_there(self):
        for block in documents.all_blocks():
            if block.mark in documents.MARKS:
                for command in block.commands():
                    with self.subTest(block=str(block)):
                        self.assertIsNone(documents.missing(command))

    def test_links_lead_somewhere(self):
        followed = 0
        for path in documents.paths():
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
                with self.subTest(document=path.name, link=link):
                    self.assertTrue((path.parent / link).exists())
                    followed += 1
        self.assertGreater(followed, 20)

    def test_links_lead_to_headings(self):
        followed = 0
        for path in documents.paths():
            for name, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", path.read_text()):
                with self.subTest(document=path.name, link=f"{name}#{anchor}"):
                    self.assertIn(anchor, documents.anchors(path.parent / name if name else path))
                    followed += 1
        self.assertGreater(followed, 20)

    def test_examples_have_the_tool_s_own_options(self):
        asked = 0
        for block in documents.all_blocks():
            if block.mark.endswith("example"):
                for question in (question for command in block.commands() for question in documents.questions(command)):
                    with self.subTest(block=str(block)):
                        run(*question)
                        asked += 1
        self.assertGreater(asked, 10)


@mostly_uml
class Words(unittest.TestCase):
    """docs/operations.md has a word on everything that an administrator may meet."""

    def assertSaid(self, words, least):
        text = (documents.REPO / "docs/operations.md").read_text()
        self.assertGreaterEqual(len(words), least)
        self.assertEqual([word for word in words if f"`{word}`" not in text], [])

    def test_counters(self):
        counters = json.loads(run("tlsconnctl", "-j", "stats").stdout)["stats"]
        self.assertSaid(counters, 20)
        page = run("tlsconnctl", "man", "stats").stdout.replace("\\-", "-")
        self.assertEqual([counter for counter in counters if counter not in page], [])

    def test_reasons(self):
        reasons = SCHEMA["$defs"]["seen"]["properties"]["reason"]["enum"]
        self.assertSaid([reason for reason in reasons if reason], 10)

    def test_parameters(self):
        self.assertSaid([line.split(":")[0] for line in run("modinfo", "-p", "xt_tlsconn").stdout.splitlines()], 4)

    def test_checks_of_the_doctor(self):
        findings = json.loads(run("tlsconnctl", "-j", "doctor", check=False).stdout)["findings"]
        self.assertSaid({finding["check"] for finding in findings}, 10)


class FirstScreen(GatewayTest):
    """What README begins with does what it says."""

    def test_the_two_commands(self):
        server = self.server()
        [first, second] = documents.blocks(documents.REPO / "README.md")[0].commands()
        on("gateway", "bash", "-euc", first)
        clients = [self.connect(server, name=f"server-{number}.example") for number in (1, 2, 3)]
        for client in clients:
            client.send(b"line")
        self.assertHeld(*clients)
        on("gateway", "bash", "-euc", second)
        self.assertArrives(clients[1], b"line")
        self.assertHeld(clients[0], clients[2])

    @mostly_uml
    def test_the_demo(self):
        self.net("net_down")
        told = subprocess.run([documents.REPO / "tests/guest/demo"], capture_output=True, text=True, timeout=900)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertRegex(told.stdout, r"All \d+ expectations were met")


class Documents(GatewayTest):
    """A reader who types what a document says, block after block, on a gateway with three connections."""

    def connections(self):
        on("gateway", "tlsconnctl", "track", "on")
        server = self.server()
        self.clients = [self.connect(server, name=f"server-{number}.example") for number in (1, 2, 3)]
        established = ["established"] * len(self.clients)
        self.assertTrue(wait_for(lambda: [one["state"] for one in listed()] == established), listed())

    def follow(self, path):
        # The module is loaded with what is said there by whatever test comes next.
        self.addCleanup(pathlib.Path("/etc/modprobe.d/tlsconn.conf").unlink, missing_ok=True)
        self.connections()
        # The chain that Docker makes.
        on("gateway", "iptables", "-N", "DOCKER-USER")
        for block in documents.blocks(path):
            if block.mark == "sh":
                with self.subTest(block=str(block)):
                    if UML and "flowtable" in block.text:
                        self.skipTest("this kernel was built without flowtables")
                    # The gateway's own devices.
                    commands = re.sub(r"\beth0\b", "to-client", re.sub(r"\beth1\b", "to-server", block.text))
                    on("gateway", "env", "-C", self.directory.name, "bash", "-euo", "pipefail", "-c", PRELUDE + commands)


def follows(path):
    return lambda self: self.follow(path)


for document in documents.paths():
    if any(block.mark == "sh" for block in documents.blocks(document)):
        name = re.sub(r"\W", "_", str(document.relative_to(documents.REPO).with_suffix(""))).lower()
        # The longest is followed on the stock kernel too, which has all that it names.
        setattr(Documents, f"test_{name}", follows(document) if name == "docs_operations" else mostly_uml(follows(document)))


if __name__ == "__main__":
    unittest.main()
