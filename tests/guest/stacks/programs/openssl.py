# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on OpenSSL's own interface (openssl's tools have none for parallel connections); pump.py has its
ways."""

import contextlib
import ctypes
import os
from ctypes import c_char_p, c_int, c_long, c_size_t, c_uint, c_void_p

import pump

SSL = ctypes.CDLL("libssl.so.3")
CRYPTO = ctypes.CDLL("libcrypto.so.3")
# openssl/ssl.h, openssl/tls1.h
VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
CTRL_MODE, CTRL_MAX_SEND, CTRL_HOSTNAME, CTRL_GROUPS_LIST, CTRL_MIN_VERSION, CTRL_MAX_VERSION = 33, 52, 55, 92, 123, 124
PARTIAL_WRITE, MOVING_WRITE_BUFFER = 1, 2
WANT_READ, WANT_WRITE, SYSCALL, ZERO_RETURN = 2, 3, 5, 6
FILETYPE_PEM, VERIFY_PEER, EARLY_FINISH, EARLY_ACCEPTED = 1, 1, 2, 2
EARLY_MOST = 16384
IGNORE_UNEXPECTED_EOF = 1 << 7
PADDING = 512

for name in ("TLS_client_method", "TLS_server_method", "SSL_CTX_new", "SSL_new", "SSL_get1_session", "SSL_get_current_cipher"):
    getattr(SSL, name).restype = c_void_p
for name in ("SSL_get_version", "SSL_CIPHER_get_name"):
    getattr(SSL, name).restype = c_char_p
SSL.SSL_CTX_ctrl.argtypes = SSL.SSL_ctrl.argtypes = [c_void_p, c_int, c_long, c_void_p]
CRYPTO.ERR_get_error.restype = ctypes.c_ulong
KEYLOG = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)
VERIFY = ctypes.CFUNCTYPE(c_int, c_int, c_void_p)
SELECT = ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.POINTER(c_void_p), ctypes.POINTER(ctypes.c_ubyte), c_void_p, c_uint, c_void_p)


def why():
    text = ctypes.create_string_buffer(256)
    CRYPTO.ERR_error_string_n(ctypes.c_ulong(CRYPTO.ERR_get_error()), text, c_size_t(256))
    return text.value.decode()


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        self.context = c_void_p(SSL.SSL_CTX_new(c_void_p(
            SSL.TLS_server_method() if self.server else SSL.TLS_client_method())))
        for control in (CTRL_MIN_VERSION, CTRL_MAX_VERSION):
            SSL.SSL_CTX_ctrl(self.context, control, VERSIONS[given.version], None)
        SSL.SSL_CTX_ctrl(self.context, CTRL_MODE, PARTIAL_WRITE | MOVING_WRITE_BUFFER, None)
        SSL.SSL_CTX_set_options(self.context, ctypes.c_uint64(IGNORE_UNEXPECTED_EOF))
        if given.cert:
            self.must(SSL.SSL_CTX_use_certificate_chain_file(self.context, given.cert.encode()))
            self.must(SSL.SSL_CTX_use_PrivateKey_file(self.context, given.key.encode(), FILETYPE_PEM))
        if given.padding:
            self.must(SSL.SSL_CTX_set_block_padding(self.context, c_size_t(PADDING)))
        if given.limit:
            self.must(SSL.SSL_CTX_ctrl(self.context, CTRL_MAX_SEND, given.limit, None))
        if given.retry:
            self.must(SSL.SSL_CTX_ctrl(self.context, CTRL_GROUPS_LIST, 0, ctypes.cast(c_char_p(b"P-384"), c_void_p)))
        self.protocol = bytes([len(given.alpn)]) + given.alpn.encode()
        if self.server:
            self.serve()
        else:
            SSL.SSL_CTX_set_alpn_protos(self.context, self.protocol, c_uint(len(self.protocol)))
        if "SSLKEYLOGFILE" in os.environ:
            self.log = KEYLOG(log_keys)
            SSL.SSL_CTX_set_keylog_callback(self.context, self.log)

    @staticmethod
    def must(done):
        if done != 1:
            raise ValueError(why())

    def serve(self):
        SSL.SSL_CTX_set_session_id_context(self.context, b"table", c_uint(5))
        self.chosen = ctypes.create_string_buffer(self.given.alpn.encode())

        def select(_tls, to, size, _offered, _octets, _more):
            to[0], size[0] = ctypes.addressof(self.chosen), len(self.given.alpn)
            return 0

        self.select = SELECT(select)
        SSL.SSL_CTX_set_alpn_select_cb(self.context, self.select, None)
        if self.given.early:
            SSL.SSL_CTX_set_max_early_data(self.context, c_uint(EARLY_MOST))
        if self.given.ask:
            self.verify = VERIFY(lambda _fits, _store: 1)
            SSL.SSL_CTX_set_verify(self.context, VERIFY_PEER, self.verify)

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


def log_keys(_tls, line):
    with open(os.environ["SSLKEYLOGFILE"], "ab") as file:
        file.write(line + b"\n")


class Tls:
    def __init__(self, library, raw, resume):
        self.library = library
        self.before = b""
        self.tls = c_void_p(SSL.SSL_new(library.context))
        SSL.SSL_set_fd(self.tls, raw.fileno())
        self.takes_early = library.server and library.given.early
        if library.server:
            SSL.SSL_set_accept_state(self.tls)
            return
        SSL.SSL_set_connect_state(self.tls)
        SSL.SSL_ctrl(self.tls, CTRL_HOSTNAME, 0, ctypes.cast(c_char_p(library.given.name.encode()), c_void_p))
        if resume:
            SSL.SSL_set_session(self.tls, library.newest)

    def call(self, function, *parts):
        """Its answer where it has succeeded; None at the end."""
        CRYPTO.ERR_clear_error()
        done = function(self.tls, *parts)
        if done > 0:
            return done
        error = SSL.SSL_get_error(self.tls, done)
        if error in (WANT_READ, WANT_WRITE):
            raise pump.Wait(write=error == WANT_WRITE)
        if error in (ZERO_RETURN, SYSCALL):
            return None
        raise ValueError(why())

    def handshake(self):
        while self.takes_early:
            octets, size = ctypes.create_string_buffer(EARLY_MOST), c_size_t()
            done = self.call(SSL.SSL_read_early_data, octets, c_size_t(EARLY_MOST), ctypes.byref(size))
            self.before += octets.raw[:size.value]
            self.takes_early = done not in (EARLY_FINISH, None)
        if self.call(SSL.SSL_do_handshake) is None:
            raise EOFError("the peer has closed the connection")

    def told(self):
        octets, size = ctypes.POINTER(ctypes.c_ubyte)(), c_uint()
        SSL.SSL_get0_alpn_selected(self.tls, ctypes.byref(octets), ctypes.byref(size))
        cipher = c_void_p(SSL.SSL_get_current_cipher(self.tls))
        return {"version": SSL.SSL_get_version(self.tls).decode().removeprefix("TLSv"),
                "cipher": SSL.SSL_CIPHER_get_name(cipher).decode(), "resumed": bool(SSL.SSL_session_reused(self.tls)),
                "alpn": bytes(octets[:size.value]).decode() or None,
                "early": SSL.SSL_get_early_data_status(self.tls) == EARLY_ACCEPTED}

    def early(self, octets):
        size = c_size_t()
        self.call(SSL.SSL_write_early_data, octets, c_size_t(len(octets)), ctypes.byref(size))
        return size.value

    def read(self):
        octets, size = ctypes.create_string_buffer(pump.CHUNK), c_size_t()
        if self.call(SSL.SSL_read_ex, octets, c_size_t(pump.CHUNK), ctypes.byref(size)) is None:
            return b""
        # A ticket of TLS 1.3 comes in front of the data.
        self.library.newest = c_void_p(SSL.SSL_get1_session(self.tls))
        return octets.raw[:size.value]

    def write(self, octets):
        size = c_size_t()
        if self.call(SSL.SSL_write_ex, octets, c_size_t(len(octets)), ctypes.byref(size)) is None:
            raise EOFError("the peer has closed the connection")
        return size.value

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.call(SSL.SSL_shutdown)


if __name__ == "__main__":
    pump.main(Library)
