# SPDX-License-Identifier: GPL-2.0-only
"""What passes through a gateway: connections without a pin in both directions, handshakes and data, text that is no TLS, and
datagrams to port 443, of both versions of IP, all at once."""

import contextlib
import os
import socket
import struct
import threading
import time

from canned import ANSWER_SIZE, CLIENT_FLIGHT, HANDSHAKE_SIZE, HELLO_SIZE, SERVER_FLIGHT
from conversation import DATA
from hellos import client_hello13, server_hello13
from lab import SERVER, inside
from scale import UML

# Which host is whose server, from the client's side (out) and from the server's (in).
OUT, IN = ("client", "server"), ("server", "client")
ADDRESSES = {"server": SERVER, "client": {4: "10.1.0.2", 6: "fd01::2"}}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
QUIC = 443
# Way, port and what is sent there.
# There data comes in one packet with the end of the handshake.
MERGED = 8443
TRIED = [(OUT, port, kind) for port in (443, 8443) for kind in ("TLS", "text")] + [(IN, 443, "TLS")]
# Seconds after which what has not come is held, if nothing has been sent or has come meanwhile; and where that is in doubt.
QUIET = 0.3 if UML else 0.6
LONG = 5
TEXT = b"GET / HTTP/1.1\r\n\r\n"
# Ends a connection with an RST, so that nothing is sent any more once it is closed.
ABORT = struct.pack("ii", 1, 0)


class Measuring:
    """Servers that listen on both hosts, and clients that try each of them at once."""

    def __init__(self):
        self.came, self.changed, self.secret = set(), time.monotonic(), b""
        self.listening = []
        for way in OUT, IN:
            with inside(way[1]):
                for ip, family in FAMILIES.items():
                    address = ADDRESSES[way[1]][ip]
                    for port in {port for tried, port, _ in TRIED if tried == way}:
                        listener = socket.create_server((address, port), family=family, backlog=256)
                        self.listen(listener, self.accept, (way[0], ip, port))
                    datagrams = socket.socket(family, socket.SOCK_DGRAM)
                    datagrams.bind((address, QUIC))
                    self.listen(datagrams, self.datagrams, (way[0], ip, QUIC))

    def listen(self, opened, serve, place):
        self.listening.append(opened)
        threading.Thread(target=serve, args=(opened, place), daemon=True).start()

    def close(self):
        for one in self.listening:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def note(self, what, place):
        self.came.add((what, *place))
        self.changed = time.monotonic()

    def accept(self, listener, place):
        with listener, contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.serve, args=(connection, place), daemon=True).start()

    def datagrams(self, datagrams, place):
        with datagrams, contextlib.suppress(OSError):
            while octets := datagrams.recv(2048):
                if octets == self.secret:
                    self.note("QUIC", place)

    def serve(self, connection, place):
        """Says what came, and sends data of its own once the handshake is over."""
        octets, answered, sent = b"", False, False
        with connection, contextlib.suppress(OSError):
            while more := connection.recv(65536):
                octets += more
                if not octets.startswith(b"\x16"):
                    self.note("text", place)
                    return
                if len(octets) >= HELLO_SIZE and not answered:
                    answered = True
                    connection.sendall(server_hello13(os.urandom(32)) + SERVER_FLIGHT)
                if len(octets) >= HANDSHAKE_SIZE and not sent:
                    sent = True
                    self.note("handshake", place)
                    connection.sendall(DATA)
                if len(octets) > HANDSHAKE_SIZE:
                    self.note("data", place)

    def client(self, way, ip, port, kind):
        with inside(way[0]):
            connection = socket.socket(FAMILIES[ip])
        with connection, contextlib.suppress(OSError):
            connection.settimeout(3 * self.quiet)
            connection.connect((ADDRESSES[way[1]][ip], port))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            if kind == "text":
                connection.sendall(TEXT)
                self.changed = time.monotonic()
            else:
                connection.sendall(client_hello13(os.urandom(32)))
                left = ANSWER_SIZE
                while left:
                    octets = connection.recv(left)
                    if not octets:
                        return
                    left -= len(octets)
                if port == MERGED:
                    connection.sendall(CLIENT_FLIGHT + DATA)
                else:
                    connection.sendall(CLIENT_FLIGHT)
                    connection.sendall(DATA)
                self.changed = time.monotonic()
                if connection.recv(1):
                    self.note("answer", (way[0], ip, port))
            self.over.wait()

    def send_datagrams(self):
        for way in OUT, IN:
            with inside(way[0]):
                for ip, family in FAMILIES.items():
                    with socket.socket(family, socket.SOCK_DGRAM) as one, contextlib.suppress(OSError):
                        one.sendto(self.secret, (ADDRESSES[way[1]][ip], QUIC))

    def measure(self, quiet=QUIET):
        """What has come of all that was sent: what it is, who began, version of IP, port."""
        self.came, self.over, self.secret, self.quiet = set(), threading.Event(), os.urandom(8), quiet
        self.changed = time.monotonic()
        clients = [threading.Thread(target=self.client, args=(way, ip, port, kind), daemon=True)
                   for way, port, kind in TRIED for ip in FAMILIES]
        for client in clients:
            client.start()
        self.send_datagrams()
        # A handshake, data and an answer; text; datagrams.
        everything = len(FAMILIES) * (sum(3 if kind == "TLS" else 1 for _, _, kind in TRIED) + 2)
        while len(self.came) < everything and time.monotonic() < self.changed + quiet:
            time.sleep(0.01)
        came = set(self.came)
        self.over.set()
        for client in clients:
            client.join()
        return came


def held_back(came):
    """What has passed of what rules are to hold."""
    return {what for what in came if what[0] != "handshake"}
