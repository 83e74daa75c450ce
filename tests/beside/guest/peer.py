# SPDX-License-Identifier: GPL-2.0-only
"""An end of real TLS connections whose bulk data is encrypted beforehand, so that what is measured is its way and not its
encryption. As a program it is the server's end, for any number of connections:

    peer.py ADDRESS CERTIFICATE KEY     prints its port; then, of bulk data, when it is ready for it and when it has it
"""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import sys
import threading

RECORD = 16384
REQUEST, ANSWER = b"r" * 100, b"a" * 1000


class End:
    """A connection; its socket and its TLS are apart. Messages are objects, each in a record of its own."""

    def __init__(self, raw, context, **side):
        self.raw = raw
        self.to_us, self.from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.to_us, self.from_us, **side)
        self.pumped(self.tls.do_handshake)
        self.flush()

    def flush(self):
        if self.from_us.pending:
            self.raw.sendall(self.from_us.read())

    def pumped(self, function, *arguments):
        """What a function of the TLS side comes to, with as many octets of the socket as it takes."""
        while True:
            try:
                return function(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                octets = self.raw.recv(65536)
                if not octets:
                    raise ConnectionError("closed by the other end") from None
                self.to_us.write(octets)

    def send(self, octets):
        self.tls.write(octets)
        self.flush()

    def recv(self, size):
        octets = b""
        while len(octets) < size:
            octets += self.pumped(self.tls.read, size - len(octets))
        return octets

    def say(self, **message):
        self.send(json.dumps(message).encode())

    def hear(self):
        return json.loads(self.pumped(self.tls.read, 16384))

    @staticmethod
    def sealed_size(size):
        """TLS 1.3: a header, the type and a tag for each record (RFC 8446 5.2)."""
        return size + -(-size // RECORD) * (5 + 1 + 16)

    def sealed(self, size):
        """Random octets as records, and what they hash to. Nothing else may be sent in front of them."""
        octets = os.urandom(size)
        self.tls.write(octets)
        return self.from_us.read(), hashlib.sha256(octets).hexdigest()

    def take(self, size):
        """So many octets of the socket, as they are."""
        octets = bytearray(size)
        view = memoryview(octets)
        while view:
            got = self.raw.recv_into(view)
            if not got:
                raise ConnectionError("closed by the other end")
            view = view[got:]
        return octets

    def opened(self, octets, size):
        """What octets that were taken hash to, decrypted."""
        self.to_us.write(octets)
        total = hashlib.sha256()
        while size:
            # A record at a time: a buffer for all of it would be made anew for each.
            octets = self.tls.read(min(size, RECORD))
            total.update(octets)
            size -= len(octets)
        return total.hexdigest()

    def exchange(self, mine, size):
        """Sends records and takes so many octets meanwhile."""
        sender = threading.Thread(target=self.raw.sendall, args=(mine,))
        sender.start()
        octets = self.take(size)
        sender.join()
        return octets


def answer(end):
    """Does what the client asks for, until it goes."""
    while True:
        asked = end.hear()
        if asked["what"] == "requests":
            for _ in range(asked["count"]):
                end.recv(len(REQUEST))
                end.send(ANSWER)
            continue
        mine, sent = end.sealed(asked["size"]) if asked["what"] == "both" else (b"", None)
        print("ready", flush=True)
        octets = end.exchange(mine, end.sealed_size(asked["size"]))
        print("taken", flush=True)
        end.say(sent=sent, got=end.opened(octets, asked["size"]))


def serve(raw, context):
    with raw, contextlib.suppress(OSError):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer(End(raw, context, server_side=True))


def main():
    address, certificate, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # Tickets would come behind the handshake: data, that is held.
    context.num_tickets = 0
    listener = socket.create_server((address, 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(raw, context), daemon=True).start()


if __name__ == "__main__":
    main()
