# SPDX-License-Identifier: GPL-2.0-only
"""A client or server that joins plain TCP connections and TLS connections one to one, on any TLS library; peer.py says
with what arguments, and what it tells.

The library is a class: `Library(arguments)`, whose `begin(socket, resume)` gives a connection on a socket that does not
block, with

  handshake()     does more of it, and returns once it is complete
  told()          what the library says of it then: version, cipher, resumed, alpn, early
  early(octets)   client: sends octets as early data where the session allows it, and gives how many it took
  before          octets of early data that a server has received
  read(), write(octets)   octets, b"" at the end; how many were taken
  farewell()      close_notify, as far as it can be sent at once

Each raises Wait where it has to wait for the socket.
"""

import argparse
import json
import select
import socket
import sys
import threading

CHUNK = 65536
# What a client sends as early data at most.
EARLY = 4096
TOLD = threading.Lock()


class Wait(Exception):
    """The socket has to become readable, or writable."""

    def __init__(self, write=False):
        super().__init__()
        self.events = select.POLLOUT if write else select.POLLIN


def tell(**event):
    with TOLD:
        print(json.dumps(event), file=sys.stderr, flush=True)


def arguments():
    def address(text):
        host, port = text.rsplit(":", 1)
        return host, int(port)

    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("client", "server"))
    for name in ("listen", "resume", "connect"):
        parser.add_argument(f"--{name}", type=address)
    for name in ("name", "version", "alpn", "cert", "key"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--limit", type=int)
    for name in ("retry", "ask", "early", "padding"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args()


def until_done(step, raw):
    """Does a step until it need not wait any more."""
    while True:
        try:
            return step()
        except Wait as wait:
            poll = select.poll()
            poll.register(raw, wait.events)
            poll.poll()


class Joint:
    """A TLS connection and a plain one, joined. The end of one is the end of both."""

    def __init__(self, tls, raw, plain, first=b""):
        self.tls, self.raw, self.plain = tls, raw, plain
        self.to_tls, self.to_plain = first, tls.before
        self.open = True

    def read_plain(self):
        self.to_tls = self.plain.recv(CHUNK)
        if not self.to_tls:
            self.open = False
            self.tls.farewell()

    def read_tls(self):
        self.to_plain = self.tls.read()
        self.open &= bool(self.to_plain)

    def write_plain(self):
        self.to_plain = self.to_plain[self.plain.send(self.to_plain):]

    def write_tls(self):
        self.to_tls = self.to_tls[self.tls.write(self.to_tls):]

    def run(self):
        self.plain.setblocking(False)
        while self.open:
            poll, moved = select.poll(), False
            waits = {self.raw: 0, self.plain: 0}
            for step, wait in (
                    (self.write_plain if self.to_plain else self.read_tls, select.POLLOUT),
                    (self.write_tls if self.to_tls else self.read_plain, select.POLLIN)):
                try:
                    step()
                    moved = True
                except BlockingIOError:
                    waits[self.plain] |= wait
                except Wait as needed:
                    waits[self.raw] |= needed.events
            if moved:
                continue
            for opened, events in waits.items():
                if events:
                    poll.register(opened, events)
            poll.poll()


def shake(tls, raw, port):
    until_done(tls.handshake, raw)
    told = tls.told()
    tell(event="handshake", port=port, **told)
    return told


def serve(library, raw, port, to):
    tls = library.begin(raw, False)
    shake(tls, raw, port)
    with socket.create_connection(to) as plain:
        Joint(tls, raw, plain).run()


def connect(library, plain, resume, to, early):
    first = plain.recv(EARLY) if resume and early else b""
    with socket.create_connection(to) as raw:
        port = raw.getsockname()[1]
        raw.setblocking(False)
        tls = library.begin(raw, resume)
        taken = until_done(lambda: tls.early(first), raw) if first else 0
        # The server has not seen what it does not accept.
        accepted = shake(tls, raw, port)["early"]
        Joint(tls, raw, plain, first[taken if accepted else 0:]).run()


def guarded(what, *parts):
    """A connection that fails is told, and does not end the others."""
    try:
        what(*parts)
    except (OSError, EOFError, ValueError) as error:
        tell(event="error", text=f"{type(error).__name__}: {error}")
    finally:
        parts[1].close()


def accept(listener, handle):
    while True:
        accepted, (_, port) = listener.accept()
        threading.Thread(target=guarded, args=handle(accepted, port), daemon=True).start()


def main(make_library):
    given = arguments()
    library = make_library(given)
    doors = [(given.listen, False)]
    if given.role == "client":
        doors.append((given.resume, True))
    threads = []
    for address, resume in doors:
        listener = socket.create_server(address, backlog=64)

        def handle(accepted, port, resume=resume):
            if given.role == "server":
                accepted.setblocking(False)
                return serve, library, accepted, port, given.connect
            return connect, library, accepted, resume, given.connect, given.early

        threads.append(threading.Thread(target=accept, args=(listener, handle)))
    for thread in threads:
        thread.start()
    tell(event="listening")
