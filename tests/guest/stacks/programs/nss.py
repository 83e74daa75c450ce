# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on NSS (its tools have none for parallel connections, and one page only); pump.py has its ways.
The certificate has the name of the file that --cert names in the database `nss` beside it."""

import contextlib
import ctypes
import itertools
import os
import time
from ctypes import c_char_p, c_int, c_int32, c_int64, c_uint, c_void_p

import pump

NSPR, NSS, TLS = (ctypes.CDLL(name) for name in ("libnspr4.so", "libnss3.so", "libssl3.so"))
# nss/sslproto.h, nss/ssl.h, nss/sslt.h, nspr/prio.h, nspr/prerr.h
VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
REQUEST_CERTIFICATE, AS_CLIENT, AS_SERVER, REQUIRE_CERTIFICATE, TICKETS, EARLY, RECORD_SIZE_LIMIT = 3, 5, 6, 10, 18, 33, 34
SOCKET_NONBLOCKING, WOULD_BLOCK, END_OF_FILE = 0, -5998, -5938
P384 = 24
# Microseconds in which no early data is taken twice, by which a ticket's age may differ (it has been held), and in which
# the server takes none behind its start.
WINDOW = 30_000_000

for library, names in ((NSPR, ("PR_ImportTCPSocket", "PR_ErrorToName")), (TLS, ("SSL_ImportFD", "SSL_GetExperimentalAPI")),
                       (NSS, ("PK11_FindCertFromNickname", "PK11_FindKeyByAnyCert"))):
    for name in names:
        getattr(library, name).restype = c_void_p
NSPR.PR_ErrorToName.restype = c_char_p
NSPR.PR_Now.restype = c_int64
AUTHENTICATE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int)
COMPLETE = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
ANYBODY = AUTHENTICATE(lambda _arg, _socket, _check, _server: 0)


class SocketOption(ctypes.Structure):
    _fields_ = [("option", c_int), ("value", ctypes.c_int64), ("room", ctypes.c_byte * 128)]


class Channel(ctypes.Structure):
    """SSLChannelInfo."""
    _fields_ = [("length", ctypes.c_uint32), ("version", ctypes.c_uint16), ("suite", ctypes.c_uint16),
                ("numbers", ctypes.c_uint32 * 6), ("session", ctypes.c_uint8 * 32), ("compression_name", c_char_p),
                ("compression", c_int), ("extended_master_secret", c_int), ("early", c_int), ("kinds", c_int * 7),
                ("resumed", c_int), ("more", c_int * 4)]


class Preliminary(ctypes.Structure):
    """The beginning of SSLPreliminaryChannelInfo."""
    _fields_ = [("length", ctypes.c_uint32), ("set", ctypes.c_uint32), ("version", ctypes.c_uint16),
                ("suite", ctypes.c_uint16), ("possible", c_int)]


class Suite(ctypes.Structure):
    """The beginning of SSLCipherSuiteInfo."""
    _fields_ = [("length", ctypes.c_uint16), ("number", ctypes.c_uint16), ("name", c_char_p)]


def why():
    return ValueError(NSPR.PR_ErrorToName(NSPR.PR_GetError()).decode())


def must(done):
    if done in (None, -1):
        raise why()
    return done


def experimental(name, *parts):
    return must(ctypes.CFUNCTYPE(c_int)(must(TLS.SSL_GetExperimentalAPI(name)))(*parts))


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        if given.cert:
            must(NSS.NSS_Init(os.path.join(os.path.dirname(given.cert), "nss").encode()))
        else:
            must(NSS.NSS_NoDB_Init(None))
        must(TLS.NSS_SetDomesticPolicy())
        # Sessions are kept by the library, of each peer by its name.
        self.numbers = itertools.count()
        self.newest = None
        # Kept here, as the library keeps no copy of its own.
        self.own = c_char_p(os.path.basename(given.cert).encode()) if given.cert else None
        if self.server:
            must(TLS.SSL_ConfigServerSessionIDCache(0, c_uint(0), c_uint(0), None))
            self.certificate = c_void_p(must(NSS.PK11_FindCertFromNickname(os.path.basename(given.cert).encode(), None)))
            self.key = c_void_p(must(NSS.PK11_FindKeyByAnyCert(self.certificate, None)))
        if self.server and given.early:
            self.anti_replay = c_void_p()
            experimental(b"SSL_CreateAntiReplayContext", c_int64(NSPR.PR_Now()), c_int64(WINDOW), c_uint(7), c_uint(14),
                         ctypes.byref(self.anti_replay))
            time.sleep(WINDOW / 1_000_000)

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    before = b""

    def __init__(self, library, raw, resume):
        self.library = library
        given = library.given
        plain = c_void_p(must(NSPR.PR_ImportTCPSocket(os.dup(raw.fileno()))))
        must(NSPR.PR_SetSocketOption(plain, ctypes.byref(SocketOption(SOCKET_NONBLOCKING, 1))))
        self.tls = c_void_p(must(TLS.SSL_ImportFD(None, plain)))
        version = VERSIONS[given.version]
        must(TLS.SSL_VersionRangeSet(self.tls, (ctypes.c_uint16 * 2)(version, version)))
        protocol = bytes([len(given.alpn)]) + given.alpn.encode()
        must(TLS.SSL_SetNextProtoNego(self.tls, protocol, c_uint(len(protocol))))
        for option, value in ((TICKETS, 1), (AS_SERVER if library.server else AS_CLIENT, 1), (EARLY, given.early)):
            must(TLS.SSL_OptionSet(self.tls, option, c_int(value)))
        if given.limit:
            must(TLS.SSL_OptionSet(self.tls, RECORD_SIZE_LIMIT, given.limit))
        if library.server:
            self.serve()
        else:
            self.connect(resume)
        self.complete = False
        self.callback = COMPLETE(self.completed)
        must(TLS.SSL_HandshakeCallback(self.tls, self.callback, None))
        must(TLS.SSL_ResetHandshake(self.tls, int(library.server)))

    def serve(self):
        given = self.library.given
        must(TLS.SSL_ConfigServerCert(self.tls, self.library.certificate, self.library.key, None, 0))
        if given.retry:
            must(TLS.SSL_NamedGroupConfig(self.tls, (c_int * 1)(P384), c_uint(1)))
        if given.ask:
            must(TLS.SSL_OptionSet(self.tls, REQUEST_CERTIFICATE, 1))
            must(TLS.SSL_OptionSet(self.tls, REQUIRE_CERTIFICATE, 0))
            must(TLS.SSL_AuthCertificateHook(self.tls, ANYBODY, None))
        if given.early:
            experimental(b"SSL_SetAntiReplayContext", self.tls, self.library.anti_replay)

    def connect(self, resume):
        self.name = self.library.newest if resume else str(next(self.library.numbers)).encode()
        must(TLS.SSL_SetSockPeerID(self.tls, self.name))
        must(TLS.SSL_SetURL(self.tls, self.library.given.name.encode()))
        must(TLS.SSL_AuthCertificateHook(self.tls, ANYBODY, None))
        if self.library.given.cert:
            must(TLS.SSL_GetClientAuthDataHook(self.tls, NSS_CLIENT_CERTIFICATE, self.library.own))

    def completed(self, _socket, _arg):
        self.complete = True

    @staticmethod
    def waiting(done, write=False):
        """What was done; it does not say for what it waits."""
        if done >= 0:
            return done
        error = NSPR.PR_GetError()
        if error == WOULD_BLOCK:
            raise pump.Wait(write)
        if error == END_OF_FILE:
            return 0
        raise why()

    def handshake(self):
        self.waiting(TLS.SSL_ForceHandshake(self.tls))
        if not self.complete:
            raise pump.Wait()

    def told(self):
        channel, suite = Channel(), Suite()
        must(TLS.SSL_GetChannelInfo(self.tls, ctypes.byref(channel), c_uint(ctypes.sizeof(channel))))
        must(TLS.SSL_GetCipherSuiteInfo(ctypes.c_uint16(channel.suite), ctypes.byref(suite), c_uint(ctypes.sizeof(suite))))
        state, octets, size = c_int(), ctypes.create_string_buffer(256), c_uint()
        must(TLS.SSL_GetNextProto(self.tls, ctypes.byref(state), octets, ctypes.byref(size), c_uint(256)))
        return {"version": {number: name for name, number in VERSIONS.items()}[channel.version],
                "cipher": suite.name.decode(), "resumed": bool(channel.resumed),
                "alpn": octets.raw[:size.value].decode() or None, "early": bool(channel.early)}

    def early(self, octets):
        with contextlib.suppress(pump.Wait):
            self.waiting(TLS.SSL_ForceHandshake(self.tls))
        early = Preliminary()
        must(TLS.SSL_GetPreliminaryChannelInfo(self.tls, ctypes.byref(early), c_uint(ctypes.sizeof(early))))
        # Else it would go behind the handshake.
        return self.write(octets) if early.possible else 0

    def read(self):
        octets = ctypes.create_string_buffer(pump.CHUNK)
        size = self.waiting(NSPR.PR_Read(self.tls, octets, c_int32(pump.CHUNK)))
        # A ticket of TLS 1.3 comes in front of the data.
        if size and not self.library.server:
            self.library.newest = self.name
        return octets.raw[:size]

    def write(self, octets):
        return self.waiting(NSPR.PR_Write(self.tls, octets, c_int32(len(octets))), write=True)

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.waiting(NSPR.PR_Shutdown(self.tls, 1))


# The library's own way to choose a client's certificate, by its name.
NSS_CLIENT_CERTIFICATE = TLS.NSS_GetClientAuthData

if __name__ == "__main__":
    pump.main(Library)
