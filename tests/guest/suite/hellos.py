# SPDX-License-Identifier: GPL-2.0-only
"""Hellos made by hand (RFC 5246 7.4.1, RFC 8446 4.1).

The guest has Python and no cargo; a face over the engine's makers (kmod/tls/tests/common) would be longer than these lines,
and a mistake made once in both engine and tests would not show.
"""

CHANGE_CIPHER_SPEC, HANDSHAKE, APPLICATION_DATA = 20, 22, 23
# The random that makes a ServerHello a HelloRetryRequest (RFC 8446 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def vector(octets, size):
    return len(octets).to_bytes(size, "big") + octets


def record(kind, fragment):
    return bytes([kind, 3, 3]) + vector(fragment, 2)


def message(kind, body):
    return record(HANDSHAKE, bytes([kind]) + vector(body, 3))


def extension(number, body):
    return number.to_bytes(2, "big") + vector(body, 2)


def client_hello(random, session_id=b"", sni=None, alpn=None, ech=False, more=b""):
    """A ClientHello of TLS 1.2, in a record, with more extensions as they are."""
    extensions = more
    if sni is not None:
        extensions += extension(0, vector(b"\0" + vector(sni, 2), 2))
    if alpn is not None:
        extensions += extension(16, vector(vector(alpn, 1), 2))
    if ech:
        extensions += extension(0xFE0D, b"\0" * 8)
    body = b"\3\3" + random + vector(session_id, 1) + vector(b"\xc0\x2f", 2) + b"\1\0" + vector(extensions, 2)
    return message(1, body)


def server_hello(random, session_id=b""):
    """Its answer, in a record."""
    return message(2, b"\3\3" + random + vector(session_id, 1) + b"\xc0\x2f\0")


def client_hello13(random, sni=b"first.example", more=b"", **fields):
    """One that offers TLS 1.3."""
    more += extension(43, b"\2\3\4") + extension(51, bytes(38))
    return client_hello(random, b"\x1d" * 32, sni, more=more, **fields)


def server_hello13(random, more=b""):
    """Its answer with TLS_AES_128_GCM_SHA256, in a record."""
    extensions = extension(43, b"\3\4") + extension(51, bytes(36)) + more
    return message(2, b"\3\3" + random + vector(b"\x1d" * 32, 1) + b"\x13\1\0" + vector(extensions, 2))


def encrypted(size):
    """A record of TLS 1.3 behind ServerHello, whatever it carries (RFC 8446 5.2)."""
    return record(APPLICATION_DATA, b"\xe1" * size)


def change_cipher_spec():
    return record(CHANGE_CIPHER_SPEC, b"\1")
