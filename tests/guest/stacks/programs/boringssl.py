# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on BoringSSL, as Android's tools have it; pump.py has its ways."""

import contextlib
import ctypes
import os
from ctypes import c_char_p, c_int, c_uint, c_void_p

import pump

PLACE = "/usr/lib/x86_64-linux-gnu/android"
CRYPTO, SSL = (ctypes.CDLL(f"{PLACE}/{name}") for name in ("libcrypto.so.0", "libssl.so.0"))
# openssl/ssl.h
VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
PARTIAL_WRITE, MOVING_WRITE_BUFFER = 1, 2
WANT_READ, WANT_WRITE, SYSCALL, ZERO_RETURN, EARLY_REJECTED = 2, 3, 5, 6, 15
FILETYPE_PEM, VERIFY_NONE, VERIFY_PEER, CACHE_CLIENT = 1, 0, 1, 1

for name in ("TLS_method", "SSL_CTX_new", "SSL_new", "SSL_get_current_cipher", "SSL_get_session"):
    getattr(SSL, name).restype = c_void_p
for name in ("SSL_get_version", "SSL_CIPHER_get_name"):
    getattr(SSL, name).restype = c_char_p
KEYLOG = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)
VERIFY = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
NEW = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
SELECT = ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.POINTER(c_void_p), ctypes.POINTER(ctypes.c_ubyte), c_void_p, c_uint, c_void_p)


def why():
    text = ctypes.create_string_buffer(256)
    CRYPTO.ERR_error_string_n(ctypes.c_uint32(CRYPTO.ERR_get_error()), text, ctypes.c_size_t(256))
    return text.value.decode()


def must(done):
    if done != 1:
        raise ValueError(why())


@KEYLOG
def log_keys(_tls, line):
    with open(os.environ["SSLKEYLOGFILE"], "ab") as file:
        file.write(line + b"\n")


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        self.context = c_void_p(SSL.SSL_CTX_new(c_void_p(SSL.TLS_method())))
        for which in ("min", "max"):
            must(getattr(SSL, f"SSL_CTX_set_{which}_proto_version")(self.context, ctypes.c_uint16(VERSIONS[given.version])))
        SSL.SSL_CTX_set_mode(self.context, c_uint(PARTIAL_WRITE | MOVING_WRITE_BUFFER))
        self.anybody = VERIFY(lambda _tls, _alert: 0)
        SSL.SSL_CTX_set_custom_verify(self.context, VERIFY_PEER if given.ask or not self.server else VERIFY_NONE, self.anybody)
        SSL.SSL_CTX_set_early_data_enabled(self.context, int(given.early))
        if given.cert:
            must(SSL.SSL_CTX_use_certificate_chain_file(self.context, given.cert.encode()))
            must(SSL.SSL_CTX_use_PrivateKey_file(self.context, given.key.encode(), FILETYPE_PEM))
        if given.limit:
            must(SSL.SSL_CTX_set_max_send_fragment(self.context, ctypes.c_size_t(given.limit)))
        if given.retry:
            must(SSL.SSL_CTX_set1_curves_list(self.context, b"P-384"))
        if "SSLKEYLOGFILE" in os.environ:
            SSL.SSL_CTX_set_keylog_callback(self.context, log_keys)
        if self.server:
            self.serve()
        else:
            protocol = bytes([len(given.alpn)]) + given.alpn.encode()
            SSL.SSL_CTX_set_alpn_protos(self.context, protocol, c_uint(len(protocol)))
            SSL.SSL_CTX_set_session_cache_mode(self.context, CACHE_CLIENT)
            self.new = NEW(self.keep_session)
            SSL.SSL_CTX_sess_set_new_cb(self.context, self.new)

    def serve(self):
        SSL.SSL_CTX_set_session_id_context(self.context, b"table", ctypes.c_size_t(5))
        self.chosen = ctypes.create_string_buffer(self.given.alpn.encode())

        def select(_tls, to, size, _offered, _octets, _more):
            to[0], size[0] = ctypes.addressof(self.chosen), len(self.given.alpn)
            return 0

        self.select = SELECT(select)
        SSL.SSL_CTX_set_alpn_select_cb(self.context, self.select, None)

    def keep_session(self, _tls, session):
        """1: it is ours."""
        self.newest = c_void_p(session)
        return 1

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    def __init__(self, library, raw, resume):
        self.library = library
        self.before = b""
        self.tls = c_void_p(SSL.SSL_new(library.context))
        must(SSL.SSL_set_fd(self.tls, raw.fileno()))
        if library.server:
            SSL.SSL_set_accept_state(self.tls)
            return
        SSL.SSL_set_connect_state(self.tls)
        must(SSL.SSL_set_tlsext_host_name(self.tls, library.given.name.encode()))
        if resume:
            must(SSL.SSL_set_session(self.tls, library.newest))

    def call(self, function, *parts):
        """Its answer where it has succeeded; None at the end."""
        CRYPTO.ERR_clear_error()
        done = function(self.tls, *parts)
        if done > 0:
            return done
        error = SSL.SSL_get_error(self.tls, done)
        if error in (WANT_READ, WANT_WRITE):
            raise pump.Wait(write=error == WANT_WRITE)
        if error == EARLY_REJECTED:
            SSL.SSL_reset_early_data_reject(self.tls)
            raise pump.Wait(write=True)
        if error in (ZERO_RETURN, SYSCALL):
            return None
        raise ValueError(why())

    def shake(self):
        if self.call(SSL.SSL_do_handshake) is None:
            raise EOFError("the peer has closed the connection")

    def handshake(self):
        """It returns first where early data may be sent or read."""
        self.shake()
        while self.library.server and SSL.SSL_in_early_data(self.tls):
            try:
                self.before += self.read()
            except pump.Wait:
                if SSL.SSL_in_early_data(self.tls):
                    raise
        if SSL.SSL_in_early_data(self.tls):
            self.shake()

    def told(self):
        octets, size = ctypes.POINTER(ctypes.c_ubyte)(), c_uint()
        SSL.SSL_get0_alpn_selected(self.tls, ctypes.byref(octets), ctypes.byref(size))
        cipher = c_void_p(SSL.SSL_get_current_cipher(self.tls))
        return {"version": SSL.SSL_get_version(self.tls).decode().removeprefix("TLSv"),
                "cipher": SSL.SSL_CIPHER_get_name(cipher).decode(), "resumed": bool(SSL.SSL_session_reused(self.tls)),
                "alpn": bytes(octets[:size.value]).decode() or None, "early": bool(SSL.SSL_early_data_accepted(self.tls))}

    def early(self, octets):
        self.shake()
        return self.write(octets) if SSL.SSL_in_early_data(self.tls) else 0

    def read(self):
        octets = ctypes.create_string_buffer(pump.CHUNK)
        size = self.call(SSL.SSL_read, octets, c_int(pump.CHUNK))
        return octets.raw[:size or 0]

    def write(self, octets):
        size = self.call(SSL.SSL_write, octets, c_int(len(octets)))
        if size is None:
            raise EOFError("the peer has closed the connection")
        return size

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.call(SSL.SSL_shutdown)


if __name__ == "__main__":
    pump.main(Library)
