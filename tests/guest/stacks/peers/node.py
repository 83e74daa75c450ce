# SPDX-License-Identifier: GPL-2.0-only
"""Node.js, by a program of ours on its tls module."""

import shutil

from lab import run
from program import LibraryStack


class Node(LibraryStack):
    name = "node"
    title = "Node.js"
    program = "node.js"
    interpreter = ("node",)

    def missing(self):
        return None if shutil.which("node") else "there is no Node.js here"

    def version(self):
        library = run("node", "-p", "process.versions.openssl").stdout.split()[0]
        return f"{run('node', '--version').stdout.strip().removeprefix('v')} (OpenSSL {library})"

    def cannot_serve(self, case):
        return "no early data in Node.js's tls" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def limits(self, role):
        return role == "client"


STACK = Node()
