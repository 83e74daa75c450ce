# SPDX-License-Identifier: GPL-2.0-only
"""Programs that are told by a file of configuration what to do, and tell in a log what they did."""

import pathlib

from lab import wait_for
from peer import Broken, Process, Server


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
