# SPDX-License-Identifier: GPL-2.0-only
"""What the hellos of a connection of TLS 1.3 say of key shares (RFC 8446 4.2.8), as they went over the wire."""

from wire import cut

CLIENT_HELLO, SERVER_HELLO, KEY_SHARE = 1, 2, 51
GROUPS = {0x0017: "P-256", 0x0018: "P-384", 0x0019: "P-521", 0x001D: "X25519", 0x001E: "X448", 0x0100: "ffdhe2048",
          0x0101: "ffdhe3072", 0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024"}
POST_QUANTUM = "X25519MLKEM768"


def name(number):
    return GROUPS.get(number, f"{number:#06x}")


def named(text):
    """A group's name as it is here, of what OpenSSL calls it."""
    return {"x25519": "X25519", "secp256r1": "P-256", "secp384r1": "P-384"}.get(text, text)


def number(octets, at, size=2):
    return int.from_bytes(octets[at:at + size], "big")


def messages(stream):
    """Kind and body of the handshake messages that are not encrypted."""
    octets = b"".join(stream[end - length:end] for kind, length, end in cut(stream) if kind == 22)
    at = 0
    while at + 4 <= len(octets):
        size = number(octets, at + 1, 3)
        yield octets[at], octets[at + 4:at + 4 + size]
        at += 4 + size


def extension(hello, kind, wanted):
    """A hello's extension, or nothing."""
    at = 34
    at += 1 + hello[at]
    at += 2 + number(hello, at) if kind == CLIENT_HELLO else 2
    at += 1 + hello[at] if kind == CLIENT_HELLO else 1
    end = at + 2 + number(hello, at)
    at += 2
    while at < end:
        if number(hello, at) == wanted:
            return hello[at + 4:at + 4 + number(hello, at + 2)]
        at += 4 + number(hello, at + 2)
    return b""


def shares_of(stream):
    """Octets of the first ClientHello, and the groups of its key shares but for those that stand for none (RFC 8701)."""
    kind, hello = next(messages(stream))
    shares, found, at = extension(hello, kind, KEY_SHARE), [], 2
    while at < len(shares):
        if number(shares, at) & 0x0F0F != 0x0A0A:
            found.append(name(number(shares, at)))
        at += 4 + number(shares, at + 2)
    return 4 + len(hello), found


def group_taken(stream):
    """The group that the server takes at last; None where the session's key is enough for it."""
    share = [extension(hello, kind, KEY_SHARE) for kind, hello in messages(stream) if kind == SERVER_HELLO][-1]
    return name(number(share, 0)) if share else None
