# SPDX-License-Identifier: GPL-2.0-only
"""What goes over each connection: an HTTP request that posts octets, and a response of as many. The harness is at both
ends: as the client's application, and as the backend behind a server."""

import contextlib
import os
import re
import socket
import threading

from lab import PATIENCE, inside

LARGE, SMALL = 10_000_000, 1_000_000
# Random, and different in both directions.
POSTED, ANSWERED = os.urandom(LARGE), os.urandom(LARGE)
REQUEST = "POST / HTTP/1.1\r\nHost: server.example\r\nContent-Length: {}\r\n\r\n"
RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n{}\r\n"
END_OF_HEAD = b"\r\n\r\n"


def request(size):
    return REQUEST.format(size).encode() + POSTED[:size]


def response(size, last=False):
    """The last of its connection says so."""
    return RESPONSE.format(size, "Connection: close\r\n" if last else "").encode() + ANSWERED[:size]


class Receiver(threading.Thread):
    """Reads a message from a socket and compares it with what was sent, as it comes."""

    def __init__(self, sock, expected, size, has_head=True):
        super().__init__(daemon=True)
        self.sock, self.expected, self.size = sock, memoryview(expected), size
        self.head, self.head_is_whole = b"", not has_head
        # Octets at all, and those of the body that came as they were sent.
        self.octets = self.right = 0
        self.wrong = None
        self.over = threading.Event()
        self.start()

    def run(self):
        try:
            self.read()
        except (OSError, ValueError) as error:
            self.wrong = str(error)
        self.over.set()

    def read(self):
        while not (self.head_is_whole and self.right >= self.size):
            octets = self.sock.recv(262144)
            if not octets:
                raise ValueError(f"it ended after {self.right} of {self.size} bytes")
            self.octets += len(octets)
            if not self.head_is_whole:
                self.head += octets
                head, end, octets = self.head.partition(END_OF_HEAD)
                if not end:
                    continue
                self.head, self.head_is_whole = head, True
                # A request comes to the backend when the server lets it, in any order: it says itself how long it is.
                if found := re.search(rb"\r\nContent-Length: *(\d+)", head, re.IGNORECASE):
                    self.size = int(found[1])
            if octets != self.expected[self.right:self.right + len(octets)]:
                raise ValueError(f"bytes after the first {self.right} are not those that were sent")
            self.right += len(octets)

    def end(self):
        """Closes the socket once its thread does not read any more: the descriptor could be another's by then."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.over.wait()
        self.sock.close()

    def whole(self):
        return self.over.is_set() and not self.wrong


def push(sock, octets, last=False):
    """Writes in the background, for as long as it takes; `last`: and closes."""
    def write():
        with contextlib.suppress(OSError):
            sock.sendall(octets)
            if last:
                sock.shutdown(socket.SHUT_WR)

    threading.Thread(target=write, daemon=True).start()


class Backend(threading.Thread):
    """What a server joins its connections to. Where it may, it speaks first."""

    def __init__(self):
        super().__init__(daemon=True)
        with inside("server"):
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.expect(SMALL)
        self.start()

    def expect(self, size, first=False, last=False):
        """From now on: connections with so many octets each way, at which the backend speaks first, or whose response is
        their last octets."""
        self.size, self.first, self.last = size, first, last
        self.arrivals = []

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(10 * PATIENCE)
            arrival = Receiver(sock, POSTED, self.size)
            self.arrivals.append(arrival)
            if self.first:
                push(sock, response(self.size))
            else:
                threading.Thread(target=self.answer, args=(arrival,), daemon=True).start()

    def answer(self, arrival):
        arrival.over.wait()
        if arrival.whole():
            push(arrival.sock, response(arrival.size, self.last), self.last)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join()
        self.listener.close()
