# SPDX-License-Identifier: GPL-2.0-only
"""A user without privilege who has the match track connections that he makes up, in namespaces of his own. Run as a program,
by `Tenant`, it obeys lines on its standard input."""

import json
import os
import socket
import struct
import subprocess
import sys

from forge import ACK, PSH, SYN, Forger
from lab import run

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 20
ADDRESSES = 2 ** 16


class Tenant:
    """Namespaces of users and network that the initial user namespace does not own, and a program in them."""

    def __init__(self, cgroup=None):
        join = f"echo $$ >{cgroup}/cgroup.procs && " if cgroup else ""
        self.program = subprocess.Popen(["sh", "-c", f"{join}exec unshare -Urn python3 -B {__file__}"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.program.stdout.readline() != '"ready"\n':
            raise AssertionError("the program does not start")

    def begin(self, first, last):
        """Has connections of these numbers begun."""
        self.program.stdin.write(f"{first} {last}\n")
        self.program.stdin.flush()
        if not self.program.stdout.readline():
            raise AssertionError("the program has ended")

    def stats(self):
        """Asked from outside: a cgroup that is full has no room for a program more."""
        net = f"--net=/proc/{self.program.pid}/ns/net"
        return json.loads(run("nsenter", net, "tlsconnctl", "-j", "stats").stdout)["stats"]

    def close(self):
        self.program.stdin.close()
        self.program.wait(60)
        self.program.stdout.close()


def prepare():
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "sink", "type", "dummy")
    run("ip", "link", "set", "sink", "up")
    run("ip", "address", "add", "10.9.255.254/32", "dev", "sink")
    run("ip", "route", "add", "10.0.0.0/8", "dev", "sink")
    run("iptables-nft", "-A", "OUTPUT", "-p", "tcp", "-m", "tlsconn", "--state", "tainted")


def address(number):
    return socket.inet_ntoa(struct.pack("!I", (10 << 24) + (8 << 16) + number))


def begin(first, last):
    """Connections with an answered SYN and the beginning of a ClientHello. The server is no one."""
    forger = Forger()
    for number in range(first, last):
        client, server = (address(number % ADDRESSES), 1024 + number // ADDRESSES), ("10.7.0.1", 443)
        forger.send(client, server, 1000, 0, SYN)
        forger.send(server, client, 5000, 1001, SYN | ACK)
        forger.send(client, server, 1001, 5001, ACK | PSH, HELLO)
    forger.close()


def serve():
    prepare()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        begin(*map(int, line.split()))
        print(json.dumps("done"), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    serve()
