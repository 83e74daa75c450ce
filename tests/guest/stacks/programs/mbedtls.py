# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on mbedTLS (it comes without tools in Debian); pump.py has its ways."""

import contextlib
import ctypes
import os
import threading
from ctypes import c_char_p, c_int, c_size_t, c_void_p

import pump

# One call at a time, as not every build of it may have threads.
CRYPTO, X509, TLS = (ctypes.PyDLL(name) for name in
                     ("libmbedcrypto.so.16", "libmbedx509.so.7", "libmbedtls.so.21"))
# mbedtls/ssl.h, mbedtls/cipher.h
VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
CLIENT, SERVER, STREAM, DEFAULT, OPTIONAL, ENABLED = 0, 1, 0, 0, 1, 1
WANT_READ, WANT_WRITE, CLOSED, RESET, NEW_TICKET, END = -0x6900, -0x6880, -0x7880, -0x0050, -0x7B00, -0x7280
AES_256_GCM = 16
LIFETIME = 86400
P384 = 0x0018
# By the most content of a record (RFC 6066 4).
FRAGMENTS = {512: 1, 1024: 2, 4096: 4}
# More than any of its structures has.
ROOM = 16384
# By the numbers of what it exports.
LABELS = ("CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "EARLY_EXPORTER_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
          "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")
WRITING = threading.Lock()

for name in ("get_version", "get_ciphersuite", "get_alpn_protocol"):
    getattr(TLS, f"mbedtls_ssl_{name}").restype = c_char_p
EXPORT = ctypes.CFUNCTYPE(None, c_void_p, c_int, ctypes.POINTER(ctypes.c_ubyte), c_size_t, ctypes.POINTER(ctypes.c_ubyte),
                          ctypes.POINTER(ctypes.c_ubyte), c_int)


def must(done):
    if done < 0:
        text = ctypes.create_string_buffer(256)
        CRYPTO.mbedtls_strerror(c_int(done), text, c_size_t(256))
        raise ValueError(text.value.decode() or f"error {done}")
    return done


def made(library, kind):
    """A structure of its own, with nothing in it."""
    room = ctypes.create_string_buffer(ROOM)
    getattr(library, f"mbedtls_{kind}_init")(room)
    return room


SEND = ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.POINTER(ctypes.c_ubyte), c_size_t)


@EXPORT
def export(_to, kind, secret, size, client, _server, _hash):
    with WRITING, open(os.environ["SSLKEYLOGFILE"], "a", encoding="ascii") as file:
        file.write(f"{LABELS[kind]} {bytes(client[:32]).hex()} {bytes(secret[:size]).hex()}\n")


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        must(CRYPTO.psa_crypto_init())
        entropy, self.random = made(CRYPTO, "entropy"), made(CRYPTO, "ctr_drbg")
        self.entropy = entropy
        must(CRYPTO.mbedtls_ctr_drbg_seed(self.random, CRYPTO.mbedtls_entropy_func, entropy, None, c_size_t(0)))
        self.config = made(TLS, "ssl_config")
        must(TLS.mbedtls_ssl_config_defaults(self.config, SERVER if self.server else CLIENT, STREAM, DEFAULT))
        TLS.mbedtls_ssl_conf_rng(self.config, CRYPTO.mbedtls_ctr_drbg_random, self.random)
        for name in ("min", "max"):
            getattr(TLS, f"mbedtls_ssl_conf_{name}_version")(self.config, 3, VERSIONS[given.version] & 0xFF)
        TLS.mbedtls_ssl_conf_authmode(self.config, OPTIONAL if given.ask or not self.server else 0)
        self.protocols = (c_char_p * 2)(given.alpn.encode(), None)
        must(TLS.mbedtls_ssl_conf_alpn_protocols(self.config, self.protocols))
        if given.cert:
            self.certificate, self.key = made(X509, "x509_crt"), made(CRYPTO, "pk")
            must(X509.mbedtls_x509_crt_parse_file(self.certificate, given.cert.encode()))
            must(CRYPTO.mbedtls_pk_parse_keyfile(self.key, given.key.encode(), None, CRYPTO.mbedtls_ctr_drbg_random, self.random))
            must(TLS.mbedtls_ssl_conf_own_cert(self.config, self.certificate, self.key))
        if given.limit:
            must(TLS.mbedtls_ssl_conf_max_frag_len(self.config, ctypes.c_ubyte(FRAGMENTS[given.limit])))
        if given.retry:
            self.groups = (ctypes.c_uint16 * 2)(P384, 0)
            TLS.mbedtls_ssl_conf_groups(self.config, self.groups)
        if self.server:
            self.tickets = made(TLS, "ssl_ticket")
            must(TLS.mbedtls_ssl_ticket_setup(self.tickets, CRYPTO.mbedtls_ctr_drbg_random, self.random, AES_256_GCM,
                                              ctypes.c_uint32(LIFETIME)))
            TLS.mbedtls_ssl_conf_session_tickets_cb(self.config, TLS.mbedtls_ssl_ticket_write, TLS.mbedtls_ssl_ticket_parse,
                                                    self.tickets)
        else:
            TLS.mbedtls_ssl_conf_session_tickets(self.config, ENABLED)
            TLS.mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(self.config, ENABLED)

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    before = b""

    def __init__(self, library, raw, resume):
        self.library = library
        self.tls = made(TLS, "ssl")
        must(TLS.mbedtls_ssl_setup(self.tls, library.config))
        self.raw, self.socket, self.unsent = raw, c_int(raw.fileno()), b""
        # Bytes that it has taken, of which some may be unsent.
        self.taken = 0
        self.sends = SEND(self.send)
        TLS.mbedtls_ssl_set_bio(self.tls, ctypes.byref(self.socket), self.sends, TLS.mbedtls_net_recv, None)
        if "SSLKEYLOGFILE" in os.environ:
            TLS.mbedtls_ssl_set_export_keys_cb(self.tls, export, None)
        if not library.server:
            must(TLS.mbedtls_ssl_set_hostname(self.tls, library.given.name.encode()))
        if resume:
            must(TLS.mbedtls_ssl_set_session(self.tls, library.newest))

    def send(self, _socket, octets, size):
        """Takes all that it is given: what it sends while a write has to be given again, as it does where a ticket comes,
        would have it send that twice."""
        self.unsent += bytes(octets[:size])
        with contextlib.suppress(OSError):
            self.unsent = self.unsent[self.raw.send(self.unsent):]
        return size

    def call(self, function, *parts):
        """Its answer; 0 at the end. A ticket of TLS 1.3 may come with whatever it is asked to do."""
        while (done := function(self.tls, *parts)) == NEW_TICKET:
            self.keep_session()
        if done in (WANT_READ, WANT_WRITE):
            raise pump.Wait(write=done == WANT_WRITE)
        return 0 if done in (CLOSED, RESET, END) else must(done)

    def flush(self):
        while self.unsent:
            try:
                self.unsent = self.unsent[self.raw.send(self.unsent):]
            except BlockingIOError:
                raise pump.Wait(write=True) from None

    def handshake(self):
        try:
            self.call(TLS.mbedtls_ssl_handshake)
        finally:
            self.flush()
        if not self.library.server and self.library.given.version == "1.2":
            self.keep_session()

    def keep_session(self):
        session = made(TLS, "ssl_session")
        must(TLS.mbedtls_ssl_get_session(self.tls, session))
        self.library.newest = session

    def told(self):
        protocol = TLS.mbedtls_ssl_get_alpn_protocol(self.tls)
        # It does not tell whether it has resumed.
        return {"version": TLS.mbedtls_ssl_get_version(self.tls).decode().removeprefix("TLSv"),
                "cipher": TLS.mbedtls_ssl_get_ciphersuite(self.tls).decode().replace("TLS1-3-", "TLS-"), "resumed": None,
                "alpn": protocol and protocol.decode(), "early": False}

    def read(self):
        octets = ctypes.create_string_buffer(pump.CHUNK)
        size = self.call(TLS.mbedtls_ssl_read, octets, c_size_t(pump.CHUNK))
        return octets.raw[:size]

    def write(self, octets):
        self.taken = self.taken or self.call(TLS.mbedtls_ssl_write, octets, c_size_t(len(octets)))
        self.flush()
        taken, self.taken = self.taken, 0
        return taken

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.call(TLS.mbedtls_ssl_close_notify)


if __name__ == "__main__":
    pump.main(Library)
