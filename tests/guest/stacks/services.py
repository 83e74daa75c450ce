# SPDX-License-Identifier: GPL-2.0-only
"""Programs that are told by a file of configuration what to do, and tell in a log what they did."""

import pathlib
import socket

from lab import PATIENCE, inside, wait_for
from peer import PORTS, Broken, Client, Process, Server


class Service(Process):
    """Such a program; its class says by `event_of` what its log means."""

    def __init__(self, host, command, folder, ports, environment=None):
        super().__init__(host, command, folder, environment)
        if not wait_for(lambda: not self.open or all(self.listens(port) for port in ports)) or not self.open:
            self.close()
            raise Broken(f"{command[0]} does not listen: {self.said[-5:]}")

    def listens(self, port):
        """Whether a TCP socket of the host's does; nothing is to connect that is not a client's."""
        try:
            lines = pathlib.Path(f"/proc/{self.process.pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            return False
        local = f":{port:04X}"
        return any(fields[1].endswith(local) and fields[3] == "0A" for fields in map(str.split, lines))


class ServiceServer(Server):
    """A server of such a kind."""

    def __init__(self, process, pump=True):
        self.process, self.pump = process, pump

    def handshake(self, number):
        return self.process.wait_for("handshake", number)

    def close(self):
        self.process.close()


class ServiceClient(Client):
    """A client of such a kind, which joins what connects to it to a server. Sessions are of what it listens at: the first
    connection's is resumed, and those beside it are of another, that resumes none."""

    def __init__(self):
        self.first, self.beside = next(PORTS), next(PORTS)
        self.opened = 0
        self.process = None

    def open(self, resume=False):
        at = self.first if resume or not self.opened else self.beside
        self.opened += 1
        with inside("client"):
            return socket.create_connection(("127.0.0.1", at), timeout=PATIENCE)

    def handshake(self, number):
        return self.process.wait_for("handshake", number)

    def close(self):
        self.process.close()


class RunClient(Client):
    """A client that is a program, which runs for each connection, and its output the response's body."""
    pump = False

    def __init__(self):
        self.runs = []

    def start(self, stdout):
        """Begins a run, whose output that is."""
        raise NotImplementedError

    def open(self, resume=False):
        ours, its = socket.socketpair()
        ours.settimeout(PATIENCE)
        with its:
            self.runs.append(self.start(its))
        return ours

    def handshake(self, number):
        # A run is there once for each of its connections.
        one = self.runs[number - 1]
        return one.wait_for("handshake", self.runs[:number].count(one))

    def close(self):
        for one in self.runs:
            one.close()
