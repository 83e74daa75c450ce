# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on GnuTLS (its tools have none for parallel connections, nor padding); pump.py has its ways."""

import contextlib
import ctypes
from ctypes import c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_void_p

import pump

TLS = ctypes.CDLL("libgnutls.so.30")
# gnutls/gnutls.h
SERVER, CLIENT, NONBLOCK, NO_SIGNAL, EARLY_DATA = 1, 2, 1 << 3, 1 << 6, 1 << 20
CERTIFICATE, PEM, REQUEST, NAME_DNS, SHUT_WR = 1, 1, 1, 1, 1
AGAIN, INTERRUPTED, PREMATURE_TERMINATION = -28, -52, -110
EARLY_RECEIVED = 1 << 10
EARLY_MOST = 16384
PADDING = 300
# Milliseconds by which a ticket's age may differ: it has been held.
WINDOW = 30_000

for name in ("gnutls_ciphersuite_get", "gnutls_protocol_get_name", "gnutls_strerror"):
    getattr(TLS, name).restype = c_char_p
for name in ("gnutls_record_recv", "gnutls_record_send2", "gnutls_record_send_early_data", "gnutls_record_recv_early_data"):
    getattr(TLS, name).restype = c_ssize_t
TLS.gnutls_session_get_flags.restype = c_uint


class Datum(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_uint)]

    @classmethod
    def of(cls, octets):
        return cls(ctypes.cast(c_char_p(octets), c_void_p), len(octets))


ADD = ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.c_long, ctypes.POINTER(Datum), ctypes.POINTER(Datum))


def must(done):
    if done < 0:
        raise ValueError(TLS.gnutls_strerror(c_int(done)).decode())
    return done


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        self.credentials = c_void_p()
        must(TLS.gnutls_certificate_allocate_credentials(ctypes.byref(self.credentials)))
        if given.cert:
            must(TLS.gnutls_certificate_set_x509_key_file(self.credentials, given.cert.encode(), given.key.encode(), PEM))
        self.priority = f"NORMAL:-VERS-ALL:+VERS-TLS{given.version}"
        if given.retry:
            self.priority += ":-GROUP-ALL:+GROUP-SECP384R1"
        if self.server:
            self.ticket_key = Datum()
            must(TLS.gnutls_session_ticket_key_generate(ctypes.byref(self.ticket_key)))
        if self.server and given.early:
            self.seen = ADD(self.add)
            self.anti_replay = c_void_p()
            must(TLS.gnutls_anti_replay_init(ctypes.byref(self.anti_replay)))
            TLS.gnutls_anti_replay_set_window(self.anti_replay, c_uint(WINDOW))
            TLS.gnutls_anti_replay_set_add_function(self.anti_replay, self.seen)

    @staticmethod
    def add(_store, _until, _key, _value):
        """No session is used twice here: none is refused."""
        return 0

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    def __init__(self, library, raw, resume):
        self.library = library
        given = library.given
        self.before = b""
        self.tls = c_void_p()
        flags = (SERVER if library.server else CLIENT) | NONBLOCK | NO_SIGNAL | (EARLY_DATA if given.early else 0)
        must(TLS.gnutls_init(ctypes.byref(self.tls), c_uint(flags)))
        must(TLS.gnutls_priority_set_direct(self.tls, library.priority.encode(), None))
        must(TLS.gnutls_credentials_set(self.tls, CERTIFICATE, library.credentials))
        protocol = Datum.of(given.alpn.encode())
        must(TLS.gnutls_alpn_set_protocols(self.tls, ctypes.byref(protocol), 1, 0))
        TLS.gnutls_transport_set_int2(self.tls, raw.fileno(), raw.fileno())
        if given.limit:
            must(TLS.gnutls_record_set_max_size(self.tls, c_size_t(given.limit)))
        if library.server:
            must(TLS.gnutls_session_ticket_enable_server(self.tls, ctypes.byref(library.ticket_key)))
            if given.ask:
                TLS.gnutls_certificate_server_set_request(self.tls, REQUEST)
            if given.early:
                TLS.gnutls_anti_replay_enable(self.tls, library.anti_replay)
                must(TLS.gnutls_record_set_max_early_data_size(self.tls, c_size_t(EARLY_MOST)))
            return
        name = given.name.encode()
        must(TLS.gnutls_server_name_set(self.tls, NAME_DNS, name, c_size_t(len(name))))
        if resume:
            must(TLS.gnutls_session_set_data(self.tls, library.newest, c_size_t(len(library.newest))))

    def call(self, function, *parts):
        done = function(self.tls, *parts)
        if done in (AGAIN, INTERRUPTED):
            raise pump.Wait(write=TLS.gnutls_record_get_direction(self.tls) == 1)
        return 0 if done == PREMATURE_TERMINATION else must(done)

    def handshake(self):
        self.call(TLS.gnutls_handshake)
        if self.library.server and self.library.given.early:
            octets = ctypes.create_string_buffer(EARLY_MOST)
            size = TLS.gnutls_record_recv_early_data(self.tls, octets, c_size_t(EARLY_MOST))
            self.before = octets.raw[:max(size, 0)]

    def told(self):
        protocol = Datum()
        chosen = TLS.gnutls_alpn_get_selected_protocol(self.tls, ctypes.byref(protocol)) == 0
        version = TLS.gnutls_protocol_get_name(TLS.gnutls_protocol_get_version(self.tls)).decode()
        flags = TLS.gnutls_session_get_flags(self.tls)
        return {"version": version.removeprefix("TLS"), "cipher": TLS.gnutls_ciphersuite_get(self.tls).decode(),
                "resumed": TLS.gnutls_session_is_resumed(self.tls) != 0,
                "alpn": ctypes.string_at(protocol.data, protocol.size).decode() if chosen else None,
                "early": bool(flags & EARLY_RECEIVED)}

    def early(self, octets):
        self.call(TLS.gnutls_record_send_early_data, octets, c_size_t(len(octets)))
        return len(octets)

    def read(self):
        octets = ctypes.create_string_buffer(pump.CHUNK)
        size = self.call(TLS.gnutls_record_recv, octets, c_size_t(pump.CHUNK))
        if size and not self.library.server:
            self.keep_session()
        return octets.raw[:size]

    def keep_session(self):
        """A ticket of TLS 1.3 comes in front of the data."""
        session = Datum()
        must(TLS.gnutls_session_get_data2(self.tls, ctypes.byref(session)))
        self.library.newest = ctypes.string_at(session.data, session.size)
        ctypes.CFUNCTYPE(None, c_void_p)(c_void_p.in_dll(TLS, "gnutls_free").value)(session.data)

    def write(self, octets):
        # Octets that it has taken once it wants to have again.
        padding = PADDING if self.library.given.padding else 0
        return self.call(TLS.gnutls_record_send2, octets[:8192], c_size_t(len(octets[:8192])), c_size_t(padding), c_uint(0))

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.call(TLS.gnutls_bye, SHUT_WR)


if __name__ == "__main__":
    pump.main(Library)
