# SPDX-License-Identifier: GPL-2.0-only
"""TLS 1.3 as it looks from outside, over real TCP connections, with no cryptography in it: many of them, fast.

As a program it is a server, or a client that makes connections one behind the other for a while:

    canned.py serve ADDRESS                     prints its port; at the end of its input what it has seen
    canned.py hurry ADDRESS PORT SECONDS        prints how many there were
"""

import contextlib
import json
import os
import resource
import selectors
import socket
import struct
import sys
import time

from conversation import DATA
from hellos import change_cipher_spec, client_hello13, encrypted, server_hello13

SERVER_FLIGHT = b"".join((change_cipher_spec(), *map(encrypted, (23, 795, 281, 53))))
CLIENT_FLIGHT = change_cipher_spec() + encrypted(53)
HELLO_SIZE = len(client_hello13(bytes(32)))
HANDSHAKE_SIZE = HELLO_SIZE + len(CLIENT_FLIGHT)
ANSWER_SIZE = len(server_hello13(bytes(32)) + SERVER_FLIGHT)
# Ends a connection with an RST.
ABORT = struct.pack("ii", 1, 0)


def many_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))


class Serving:
    """Answers ClientHellos, and counts what comes behind the handshake."""

    def __init__(self, address):
        self.selector = selectors.DefaultSelector()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=family, backlog=4096)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ)
        # Octets received by the client's port, of connections that are open or had data.
        self.open, self.data = {}, {}
        self.accepted = self.answered = 0

    def serve(self):
        """Until the standard input ends, or for ever in a thread."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.accept()
                elif key.data is None:
                    return
                else:
                    self.read(key.fileobj, key.data)

    def accept(self):
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                connection, peer = self.listener.accept()
                connection.setblocking(False)
                self.selector.register(connection, selectors.EVENT_READ, peer[1])
                self.open[peer[1]] = 0
                self.accepted += 1

    def read(self, connection, port):
        try:
            octets = connection.recv(65536)
        except OSError:
            octets = b""
        if not octets:
            self.selector.unregister(connection)
            connection.close()
            self.open.pop(port, None)
            return
        before = self.open[port]
        self.open[port] = now = before + len(octets)
        if before < HELLO_SIZE <= now:
            self.answered += 1
            with contextlib.suppress(OSError):
                connection.send(server_hello13(os.urandom(32)) + SERVER_FLIGHT)
        if now > HANDSHAKE_SIZE:
            self.data[port] = now - HANDSHAKE_SIZE


def connect(address, port, timeout=20):
    return socket.create_connection((address, port), timeout=timeout)


def handshake(connection):
    """The client's part of it."""
    connection.sendall(client_hello13(os.urandom(32)))
    left = ANSWER_SIZE
    while left:
        octets = connection.recv(left)
        if not octets:
            raise ConnectionError("closed in the middle of a handshake")
        left -= len(octets)
    connection.sendall(CLIENT_FLIGHT)


def hurry(address, port, seconds, with_data=True):
    """Makes and ends connections; half of them are reset. Gives how many had a whole handshake."""
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        with contextlib.suppress(OSError), connect(address, port, 2) as connection:
            handshake(connection)
            if with_data:
                connection.sendall(DATA)
            if done % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            done += 1
    return done


def main():
    many_files()
    what, address, *more = sys.argv[1:]
    if what == "hurry":
        print(json.dumps({"done": hurry(address, int(more[0]), float(more[1]))}))
        return
    server = Serving(address)
    print(server.port, flush=True)
    server.selector.register(sys.stdin, selectors.EVENT_READ, None)
    server.serve()
    print(json.dumps({"accepted": server.accepted, "answered": server.answered, "data": sum(server.data.values())}))


if __name__ == "__main__":
    main()
