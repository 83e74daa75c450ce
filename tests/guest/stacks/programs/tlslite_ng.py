# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on tlslite-ng, which is in Python alone; pump.py has its ways."""

import contextlib
import os
import pathlib
import sys

import pump

sys.path.append(str(pathlib.Path(__file__).parents[4] / "build/stacks/python"))

from tlslite.api import HandshakeSettings, SessionCache, TLSConnection, X509CertChain, parsePEMKey  # noqa: E402
from tlslite.constants import CipherSuite  # noqa: E402
from tlslite.errors import BaseTLSException  # noqa: E402

VERSIONS = {"1.2": (3, 3), "1.3": (3, 4)}
# Bytes of a record with padding are a multiple of this.
PADDED = 512
RECORD = 16384


def pad(length, _kind, most):
    return min(-length % PADDED, most)


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        self.sessions = SessionCache()
        settings = HandshakeSettings()
        settings.minVersion = settings.maxVersion = VERSIONS[given.version]
        if given.retry:
            settings.eccCurves = settings.keyShares = ["secp384r1"]
            settings.dhGroups = []
        # It compresses its certificate for servers too that have not said they can read that.
        settings.certificate_compression_send = []
        if given.limit:
            settings.record_size_limit = given.limit
        if given.padding:
            settings.padding_cb = pad
        if self.server:
            settings.ticketKeys = [bytearray(os.urandom(32))]
        self.settings = settings
        self.chain = self.key = None
        if given.cert:
            self.chain = X509CertChain()
            self.chain.parsePemList(pathlib.Path(given.cert).read_text(encoding="ascii"))
            self.key = parsePEMKey(pathlib.Path(given.key).read_text(encoding="ascii"), private=True)

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    before = b""

    def __init__(self, library, raw, resume):
        self.library = library
        given = library.given
        self.tls = TLSConnection(raw.dup())
        self.tls.ignoreAbruptClose = True
        protocols = [bytearray(given.alpn.encode())]
        # What each of them has begun and waits with.
        self.reads = self.writes = None
        if library.server:
            self.shakes = self.tls.handshakeServerAsync(
                certChain=library.chain, privateKey=library.key, reqCert=given.ask, sessionCache=library.sessions,
                settings=library.settings, alpn=protocols)
        else:
            self.shakes = self.tls.handshakeClientCert(
                library.chain, library.key, session=library.newest if resume else None, settings=library.settings,
                serverName=given.name, async_=True, alpn=protocols)

    @staticmethod
    def go_on(begun):
        """What it comes to; None at its end."""
        try:
            told = next(begun, None)
        except BaseTLSException as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None
        if told is None or not isinstance(told, int):
            return told
        raise pump.Wait(write=told == 1)

    def handshake(self):
        self.go_on(self.shakes)

    def told(self):
        session = self.tls.session
        # A server of TLS 1.3 says always that it has not.
        unknown = self.library.server and self.library.given.version == "1.3"
        return {"version": {number: name for name, number in VERSIONS.items()}[self.tls.version],
                "cipher": CipherSuite.ietfNames[session.cipherSuite], "resumed": None if unknown else self.tls.resumed,
                "alpn": bytes(session.appProto or b"").decode() or None, "early": False}

    def read(self):
        self.reads = self.reads or self.tls.readAsync(RECORD, 1)
        octets = self.go_on(self.reads)
        self.reads = None
        # A ticket of TLS 1.3 comes in front of the data.
        self.library.newest = self.tls.session
        return bytes(octets or b"")

    def write(self, octets):
        octets = octets[:RECORD]
        self.writes = self.writes or self.tls.writeAsync(octets)
        self.go_on(self.writes)
        self.writes = None
        return len(octets)

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError, OSError):
            self.go_on(self.tls.closeAsync())


if __name__ == "__main__":
    pump.main(Library)
