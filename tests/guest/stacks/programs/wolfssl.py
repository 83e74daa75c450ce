# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on wolfSSL (it comes without tools in Debian); pump.py has its ways."""

import contextlib
import ctypes
from ctypes import c_char_p, c_int, c_uint, c_void_p

import pump

TLS = ctypes.CDLL("libwolfssl.so.42")
# wolfssl/ssl.h, wolfssl/error-ssl.h
METHODS = {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}
SUCCESS, FILETYPE_PEM, VERIFY_NONE, VERIFY_PEER, SNI_HOST_NAME, ALPN_CONTINUE = 1, 1, 0, 1, 0, 2
WANT_READ, WANT_WRITE, ZERO_RETURN, SOCKET_PEER_CLOSED, SOCKET_ERROR = 2, 3, 6, -397, -308
# By the most content of a record (RFC 6066 4).
FRAGMENTS = {512: 1, 1024: 2, 4096: 4}

for name in ("CTX_new", "new", "get1_session", "get_current_cipher", *(f"{method}_{role}_method" for method in METHODS.values()
                                                                       for role in ("client", "server"))):
    getattr(TLS, f"wolf{name}" if name.startswith("TLS") else f"wolfSSL_{name}").restype = c_void_p
for name in ("get_version", "CIPHER_get_name"):
    getattr(TLS, f"wolfSSL_{name}").restype = c_char_p
VERIFY = ctypes.CFUNCTYPE(c_int, c_int, c_void_p)


def must(done):
    if done != SUCCESS:
        raise ValueError(why(done))


def why(error):
    text = ctypes.create_string_buffer(256)
    TLS.wolfSSL_ERR_error_string(ctypes.c_ulong(error & 0xFFFFFFFF if error >= 0 else -error), text)
    return f"{error}: {text.value.decode()}"


class Library:
    def __init__(self, given):
        self.given = given
        self.server = given.role == "server"
        self.newest = None
        TLS.wolfSSL_Init()
        method = getattr(TLS, f"wolf{METHODS[given.version]}_{given.role}_method")()
        self.context = c_void_p(TLS.wolfSSL_CTX_new(c_void_p(method)))
        self.anybody = VERIFY(lambda _fits, _store: 1)
        TLS.wolfSSL_CTX_set_verify(self.context, VERIFY_PEER if given.ask else VERIFY_NONE, self.anybody)
        if given.cert:
            must(TLS.wolfSSL_CTX_use_certificate_chain_file(self.context, given.cert.encode()))
            must(TLS.wolfSSL_CTX_use_PrivateKey_file(self.context, given.key.encode(), FILETYPE_PEM))
        if given.limit:
            must(TLS.wolfSSL_CTX_UseMaxFragment(self.context, ctypes.c_ubyte(FRAGMENTS[given.limit])))
        if given.retry:
            must(TLS.wolfSSL_CTX_set1_groups_list(self.context, b"P-384"))
        if not self.server:
            must(TLS.wolfSSL_CTX_UseSessionTicket(self.context))

    def begin(self, raw, resume):
        return Tls(self, raw, resume)


class Tls:
    before = b""

    def __init__(self, library, raw, resume):
        self.library = library
        given = library.given
        self.tls = c_void_p(TLS.wolfSSL_new(library.context))
        must(TLS.wolfSSL_set_fd(self.tls, raw.fileno()))
        protocol = given.alpn.encode()
        must(TLS.wolfSSL_UseALPN(self.tls, protocol, c_uint(len(protocol)), ctypes.c_ubyte(ALPN_CONTINUE)))
        self.step = TLS.wolfSSL_accept if library.server else TLS.wolfSSL_connect
        if library.server:
            return
        name = given.name.encode()
        must(TLS.wolfSSL_UseSNI(self.tls, ctypes.c_ubyte(SNI_HOST_NAME), name, ctypes.c_ushort(len(name))))
        if resume:
            must(TLS.wolfSSL_set_session(self.tls, library.newest))

    def call(self, function, *parts):
        """Its answer where it has succeeded; None at the end."""
        done = function(self.tls, *parts)
        if done > 0:
            return done
        error = TLS.wolfSSL_get_error(self.tls, done)
        if error in (WANT_READ, WANT_WRITE):
            raise pump.Wait(write=error == WANT_WRITE)
        if error in (ZERO_RETURN, SOCKET_PEER_CLOSED, SOCKET_ERROR):
            return None
        raise ValueError(why(error))

    def handshake(self):
        if self.call(self.step) is None:
            raise EOFError("the peer has closed the connection")

    def told(self):
        octets, size = c_char_p(), ctypes.c_ushort()
        agreed = TLS.wolfSSL_ALPN_GetProtocol(self.tls, ctypes.byref(octets), ctypes.byref(size)) == SUCCESS
        cipher = c_void_p(TLS.wolfSSL_get_current_cipher(self.tls))
        return {"version": TLS.wolfSSL_get_version(self.tls).decode().removeprefix("TLSv"),
                "cipher": TLS.wolfSSL_CIPHER_get_name(cipher).decode(), "resumed": bool(TLS.wolfSSL_session_reused(self.tls)),
                "alpn": octets.value[:size.value].decode() if agreed else None, "early": False}

    def read(self):
        octets = ctypes.create_string_buffer(pump.CHUNK)
        size = self.call(TLS.wolfSSL_read, octets, c_int(pump.CHUNK))
        if size and not self.library.server:
            # A ticket of TLS 1.3 comes in front of the data.
            self.library.newest = c_void_p(TLS.wolfSSL_get1_session(self.tls))
        return octets.raw[:size or 0]

    def write(self, octets):
        # It takes what it was given once it need not wait any more: no more than a record, so that this is short.
        size = self.call(TLS.wolfSSL_write, octets[:16384], c_int(len(octets[:16384])))
        if size is None:
            raise EOFError("the peer has closed the connection")
        return size

    def farewell(self):
        with contextlib.suppress(pump.Wait, ValueError):
            self.call(TLS.wolfSSL_shutdown)


if __name__ == "__main__":
    pump.main(Library)
