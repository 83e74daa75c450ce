# SPDX-License-Identifier: GPL-2.0-only
"""TLS connections whose data is encrypted beforehand, so that it can be handed to the kernel in any amounts."""

import hashlib
import os
import socket
import ssl

from lab import SERVER, inside, listed, wait_for


class Bulk:
    """A client like lab.Client; its socket and its TLS are apart."""

    def __init__(self, server, ip=4, prepare=lambda raw: None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.server = server
        with inside("client"):
            self.raw = socket.socket(socket.AF_INET if ip == 4 else socket.AF_INET6)
        self.raw.settimeout(60)
        prepare(self.raw)
        self.raw.connect((SERVER[ip], server.port))
        self.to_us, self.from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.to_us, self.from_us, server_hostname="bulk.example")
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.raw.sendall(self.from_us.read())
                self.to_us.write(self.raw.recv(65536))
        self.raw.sendall(self.from_us.read())
        self.port = self.raw.getsockname()[1]
        self.said = b""

    def encrypted(self, octets):
        """Random octets, as records of 16 KiB. The next follow them."""
        octets = os.urandom(octets)
        self.said += octets
        self.tls.write(octets)
        return self.from_us.read()

    def arrived(self):
        return bytes(self.server.received[self.port])

    def has_arrived(self, seconds=60):
        """All of it, and nothing else."""
        wait_for(lambda: len(self.server.received[self.port]) >= len(self.said), seconds)
        return hashlib.sha256(self.arrived()).digest() == hashlib.sha256(self.said).digest()

    def send(self, octets):
        self.tls.write(octets)
        self.raw.sendall(self.from_us.read())

    def recv(self):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.to_us.write(self.raw.recv(65536))

    def listed(self):
        return next((seen for seen in listed() if seen["src"].endswith(f":{self.port}")), None)

    def close(self):
        self.raw.close()
