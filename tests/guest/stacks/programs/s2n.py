# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on s2n-tls, whose library tests/stacks/peers/build makes; pump.py has its ways."""

import contextlib
import ctypes
import os
import pathlib
from ctypes import c_char_p, c_int, c_size_t, c_ssize_t, c_uint32, c_uint64, c_void_p

import pump

os.environ["S2N_DONT_MLOCK"] = "1"
TLS = ctypes.CDLL(str(pathlib.Path(__file__).parents[4] / "build/stacks/libs2n.so"))
# s2n.h
CLIENT, SERVER, OPTIONAL, SELF_SERVICE_BLINDING = 1, 0, 2, 1
IO, CLOSED, BLOCKED = 1, 2, 3
WRITE_BLOCKED = 2
# By the most content of a record (RFC 6066 4).
FRAGMENTS = {512: 1, 1024: 2, 4096: 4}
# Of its policies, one with each version alone.
# The one policy here that has ML-DSA.
MLDSA = b"20250721"
POLICIES = {"1.2": b"ELBSecurityPolicy-FS-1-2-Res-2019-08", "1.3": b"CloudFront-TLS-1-3-2025"}
VERSIONS = {33: "1.2", 34: "1.3"}

for name in ("config_new", "cert_chain_and_key_new", "connection_new"):
    getattr(TLS, f"s2n_{name}").restype = c_void_p
for name in ("get_application_protocol", "connection_get_cipher", "strerror"):
    getattr(TLS, f"s2n_{name}").restype = c_char_p
TLS.s2n_errno_location.restype = ctypes.POINTER(c_int)
TLS.s2n_send.restype = TLS.s2n_recv.restype = c_ssize_t
TICKET = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)
KEYLOG = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, ctypes.POINTER(ctypes.c_ubyte), c_size_t)
HOST = ctypes.CFUNCTYPE(ctypes.c_uint8, c_void_p, c_size_t, c_void_p)


def error():
    return TLS.s2n_errno_location()[0]


def must(done):
    if done in (None, -1):
        raise ValueError(TLS.s2n_strerror(error(), b"EN").decode())
    return done


@KEYLOG
def log_keys(_to, _connection, line, size):
    with open(os.environ["SSLKEYLOGFILE"], "ab") as file:
        file.write(bytes(line[:size]) + b"\n")
    return 0


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        must(TLS.s2n_init())
        self.config = c_void_p(must(TLS.s2n_config_new()))
        policy = MLDSA if pathlib.Path(given.key or "").name == "mldsa.key" else POLICIES[given.version]
        must(TLS.s2n_config_set_cipher_preferences(self.config, policy))
        must(TLS.s2n_config_disable_x509_verification(self.config))
        self.anybody = HOST(lambda _name, _size, _to: 1)
        must(TLS.s2n_config_set_verify_host_callback(self.config, self.anybody, None))
        protocol = given.alpn.encode()
        must(TLS.s2n_config_append_protocol_preference(self.config, protocol, ctypes.c_uint8(len(protocol))))
        must(TLS.s2n_config_set_session_tickets_onoff(self.config, ctypes.c_uint8(1)))
        if given.cert:
            self.chain = c_void_p(must(TLS.s2n_cert_chain_and_key_new()))
            files = (pathlib.Path(name).read_bytes() for name in (given.cert, given.key))
            must(TLS.s2n_cert_chain_and_key_load_pem(self.chain, *files))
            must(TLS.s2n_config_add_cert_chain_and_key_to_store(self.config, self.chain))
        if given.ask or (given.cert and not self.server):
            must(TLS.s2n_config_set_client_auth_type(self.config, OPTIONAL))
        if "SSLKEYLOGFILE" in os.environ:
            must(TLS.s2n_config_set_key_log_cb(self.config, log_keys, None))
        if given.limit and self.server:
            must(TLS.s2n_config_accept_max_fragment_length(self.config))
        elif given.limit in FRAGMENTS:
            must(TLS.s2n_config_send_max_fragment_length(self.config, FRAGMENTS[given.limit]))
        if self.server:
            must(TLS.s2n_config_add_ticket_crypto_key(self.config, b"table", c_uint32(5), os.urandom(32), c_uint32(32),
                                                      c_uint64(0)))
        else:
            self.ticket = TICKET(self.keep_session)
            must(TLS.s2n_config_set_session_ticket_cb(self.config, self.ticket, None))

    def keep_session(self, _connection, _to, ticket):
        size = c_size_t()
        must(TLS.s2n_session_ticket_get_data_len(c_void_p(ticket), ctypes.byref(size)))
        octets = ctypes.create_string_buffer(size.value)
        must(TLS.s2n_session_ticket_get_data(c_void_p(ticket), size, octets))
        self.newest = octets.raw
        return 0

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    before = b""

    def __init__(self, library, raw, resume):
        self.library = library
        self.tls = c_void_p(must(TLS.s2n_connection_new(SERVER if library.server else CLIENT)))
        must(TLS.s2n_connection_set_config(self.tls, library.config))
        must(TLS.s2n_connection_set_fd(self.tls, raw.fileno()))
        # It would let a connection that has failed wait.
        must(TLS.s2n_connection_set_blinding(self.tls, SELF_SERVICE_BLINDING))
        if not library.server:
            must(TLS.s2n_set_server_name(self.tls, library.given.name.encode()))
        if library.given.limit and library.given.limit not in FRAGMENTS:
            # Its records are shorter than they may be else.
            must(TLS.s2n_connection_prefer_throughput(self.tls))
        if resume:
            must(TLS.s2n_connection_set_session(self.tls, library.newest, c_size_t(len(library.newest))))

    def call(self, function, *parts):
        """Its answer; 0 at the end."""
        blocked = c_int()
        TLS.s2n_errno_location()[0] = 0
        done = function(self.tls, *parts, ctypes.byref(blocked))
        if done >= 0:
            return done
        kind = TLS.s2n_error_get_type(error())
        if kind == BLOCKED:
            raise pump.Wait(write=blocked.value == WRITE_BLOCKED)
        return 0 if kind in (CLOSED, IO) else must(done)

    def handshake(self):
        self.call(TLS.s2n_negotiate)

    def told(self):
        protocol = TLS.s2n_get_application_protocol(self.tls)
        return {"version": VERSIONS[TLS.s2n_connection_get_actual_protocol_version(self.tls)],
                "cipher": TLS.s2n_connection_get_cipher(self.tls).decode(),
                "resumed": TLS.s2n_connection_is_session_resumed(self.tls) == 1, "alpn": protocol and protocol.decode(),
                "early": False}

    def read(self):
        octets = ctypes.create_string_buffer(pump.CHUNK)
        size = self.call(TLS.s2n_recv, octets, c_ssize_t(pump.CHUNK))
        return octets.raw[:size]

    def write(self, octets):
        size = self.call(TLS.s2n_send, octets, c_ssize_t(len(octets)))
        if not size:
            raise EOFError("the peer has closed the connection")
        return size

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.call(TLS.s2n_shutdown)


if __name__ == "__main__":
    pump.main(Library)
