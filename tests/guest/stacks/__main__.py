# SPDX-License-Identifier: GPL-2.0-only
"""Runs the table's cells in a guest, each client through the gateway to each server, and prints a JSON object for each:

  python3 -B tests/guest/stacks [--client NAME…] [--server NAME…] [--version 1.2|1.3…] [--mode NAME…] [--sample N]
          [--skip FILE]

--sample: a cell of so many, spread over clients, servers and columns. --skip: results of a run before; cells that it has are
left out, but for those that failed. The first line is about the run itself."""

import argparse
import dataclasses
import json
import pathlib
import platform
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "suite")]

import course  # noqa: E402
import gateway  # noqa: E402
import peers  # noqa: E402
import results  # noqa: E402
from kinds import FLIGHTS, UNPADDED  # noqa: E402
from lab import GatewayTest, on  # noqa: E402
from peer import MODES, ONE, PORTS, Broken, Case  # noqa: E402
from place import Place  # noqa: E402
from stream import LARGE, SMALL, Backend  # noqa: E402

# What TLS 1.2 has of them.
MODES12 = ("full", "resumed", "certificate")


def tell(**what):
    print(json.dumps(what), flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    for name, known in (("client", peers.NAMES), ("server", peers.NAMES), ("version", ("1.2", "1.3")), ("mode", MODES)):
        parser.add_argument(f"--{name}", nargs="+", choices=known, default=known)
    parser.add_argument("--sample", type=int, default=1)
    parser.add_argument("--skip")
    return parser.parse_args()


def cases(given):
    """What matters most first."""
    for mode in given.mode:
        for version in given.version:
            if version == "1.3" or mode in MODES12:
                yield Case(version, mode)


def case_of(stack, role, case):
    """What a stack is told of a case: where the other side pads, or limits its records, it need not be able to."""
    if case.kind.pads and not stack.pads(role):
        return Case(case.version, UNPADDED if case.kind.certificate else "full")
    if case.mode == "long" and role == "server":
        return Case(case.version, "certificate")
    return Case(case.version, "certificate") if case.mode == "limited" and not stack.limits(role) else case


def cannot(client, server, case):
    """Why a pair cannot do a case: what is so in all cases first."""
    if "client" not in client.roles:
        return f"{client.title} is a server"
    if "server" not in server.roles:
        return f"{server.title} is a client"
    if client.protocol != server.protocol:
        return "PostgreSQL speaks its own protocol"
    if case.mode == "padding" and not (client.pads("client") or server.pads("server")):
        return client.padding or server.padding or "neither side pads"
    if case.mode == "limited" and not (client.limits("client") or server.limits("server")):
        return "neither side can limit its records"
    if client.long and (case.kind.certificate == "long.pem" or (client.long == ONE and case.mode in FLIGHTS)):
        return client.long
    if case.mode in FLIGHTS and case.kind.limit and not client.limits("client"):
        return "its client cannot limit its records"
    if case.kind.certificate == "mldsa.pem" and client.mldsa:
        return client.mldsa
    return (client.missing() or server.missing() or client.cannot_connect(case_of(client, "client", case))
            or server.cannot_serve(case_of(server, "server", case)) or client.cannot_meet(server, case))


class Table:
    def __init__(self, given, place):
        self.given, self.place = given, place
        self.backend = Backend()
        # Servers have the same port, one after the other, so that clients may go on.
        self.port = next(PORTS)
        self.clients = {}
        self.stacks = {}
        for name in (*given.client, *given.server):
            try:
                self.stacks[name] = peers.stack(name)
            except ImportError as error:
                print(f"{name}: {error}", file=sys.stderr)
        self.done = set()
        if given.skip:
            self.done = {(one["client"], one["server"], one["version"], one["mode"]) for one in results.read(given.skip)
                         if one.get("result") in ("pass", "cannot")}

    def cell(self, client, server, case, **result):
        tell(client=client.name, server=server.name, version=case.version, mode=case.mode, **result)

    def run(self):
        servers, clients = ([self.stacks[name] for name in names if name in self.stacks]
                            for names in (self.given.server, self.given.client))
        for case in cases(self.given):
            for server in servers:
                pairs = [client for client in clients if self.runs(client, server, case)]
                if pairs:
                    self.serve(server, case, pairs)

    def runs(self, client, server, case):
        """Whether the pair is to run; why it cannot is told."""
        if case.mode in FLIGHTS and server.name != client.flights_server(case):
            return False
        if not self.sampled(client, server, case):
            return False
        if (client.name, server.name, case.version, case.mode) in self.done:
            return False
        why = cannot(client, server, case)
        if why:
            self.cell(client, server, case, result="cannot", why=why)
        return not why

    def sampled(self, client, server, case):
        """Whether the cell is of the sample. A pair has another column than the next client with the same server, and than the
        same client with the next server; `full` goes with `resumed`, which begins with it."""
        mode = "resumed" if case.mode == "full" and "resumed" in self.given.mode else case.mode
        if mode in FLIGHTS:
            return True
        # The last ones are of TLS 1.3 alone.
        column = MODES.index(mode) + MODES.index("limited") * (case.version == "1.3")
        return (peers.NAMES.index(client.name) + 2 * peers.NAMES.index(server.name) + column) % self.given.sample == 0

    def serve(self, server, case, clients):
        """One server of a case, and each client with it."""
        running = None
        for client in clients:
            # A resumed session's course begins with a full handshake: both are told of at once.
            resumed = Case(case.version, "resumed")
            both = case.mode == "full" and "resumed" in self.given.mode and not cannot(client, server, resumed)
            modes = ["full", "resumed"] if both else [case.mode]
            try:
                running = running or server.serve(case_of(server, "server", case), self.place, self.port, self.backend.port)
                connecting = self.connect(client, resumed if both else case_of(client, "client", case))
                found = course.run(connecting, running, resumed if both else case, self.place_of(client), self.backend,
                                   self.port, modes, self.size(client, server))
            except (Broken, AssertionError) as error:
                found = {mode: {"result": "fail", "why": f"it does not start: {error}"} for mode in modes}
            for mode, result in found.items():
                self.cell(client, server, Case(case.version, mode), **result)
                self.done.add((client.name, server.name, case.version, mode))
            failed = any(result["result"] == "fail" for result in found.values())
            self.leave(client, failed)
            if failed and running:
                # What it still has to do and to tell is nobody else's.
                running.close()
                running = None
        if running:
            running.close()

    @staticmethod
    def size(client, server):
        """How many octets each way, in `full`."""
        return LARGE if "openssl" in (client.name, server.name) and not (client.slow or server.slow) else SMALL

    def connect(self, client, case):
        """A client of the case, which may have run with the server before."""
        if self.clients.get(client.name, (None, None))[0] != case:
            self.leave(client, over=True)
            self.clients[client.name] = case, client.connect(case, self.place_of(client), self.port)
        return self.clients[client.name][1]

    def place_of(self, client):
        return dataclasses.replace(self.place, keys=f"{client.name}.keys")

    def leave(self, client, over=False):
        _, running = self.clients.get(client.name, (None, None))
        if running and (over or not running.lasting):
            running.close()
            del self.clients[client.name]


def main():
    given = arguments()
    GatewayTest.net("net_down")
    GatewayTest.net("net_up")
    # What is longer than a segment comes to the gateway in several, as from a wire: post-quantum hellos are.
    on("client", "ethtool", "-K", "eth0", "tso", "off", "gso", "off")
    gateway.hold()
    with tempfile.TemporaryDirectory() as folder:
        table = Table(given, Place.make(folder))
        here = {name: stack for name, stack in table.stacks.items() if not stack.missing()}
        tell(kernel=platform.release(), versions={name: f"{stack.title} {stack.version()}" for name, stack in here.items()})
        table.run()


if __name__ == "__main__":
    main()
