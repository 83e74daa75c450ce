# SPDX-License-Identifier: GPL-2.0-only
"""Why values differ: each kind is a rule, and what there is to say of it. A difference that none explains is unknown."""

import hashlib

import identity
import tool

# TLS 1.3 up to draft 21 has the version in the ServerHello's own field, and another form of it.
DRAFTS = range(0x7F00, 0x7F16)
# Server name and protocols are in JA4 elsewhere.
NOT_IN_JA4 = (0, 16)
TYPES = tool.TYPES
# Reasons of `inspect`.
CONTRADICTIONS = ("resent-differently", "bad-header", "malformed", "second-hello", "urgent", "beyond-fin")
MISSING = ("hole", "snaplen", "captured-out-of-order")


class Facts:
    """What the rules ask of a difference."""

    def __init__(self, difference):
        self.field, self.theirs, self.ours = difference.field, difference.theirs, difference.ours
        self.stream, self.connection = difference.pair.stream, difference.pair.connection or {}
        self.packets, self.contradictions = difference.pair.packets, difference.pair.contradictions
        self.state, self.reason = self.connection.get("state"), self.connection.get("reason") or ""
        number = int(self.field.split()[1]) if self.field.startswith("frame ") else None
        self.number = number
        self.frame = self.stream.frames.get(number) if self.stream else None

    def less(self):
        """`inspect` has nothing, or has counted fewer: it claims nothing that tshark does not say."""
        if " records of " in self.field:
            return self.ours < self.theirs
        return self.ours is None

    def since(self, frame):
        """`inspect` lacks nothing but what came in this frame or later."""
        if not self.less():
            return False
        if self.number is not None:
            # tshark tells of a record where that ends.
            ends = [self.number] if self.frame is None or self.frame.types else self.frame.later or [self.number]
            return min(ends) >= frame
        if self.is_identity():
            return identity.frames(self.stream).get(self.field, 0) >= frame
        name, _, sender = self.field.partition(" records of ")
        later = [kind for of in self.stream.frames.values() if of.number >= frame and of.sender == sender for kind in of.types]
        return self.theirs - self.ours <= later.count(TYPES.get(name, name))

    def is_identity(self):
        return self.number is None and " records of " not in self.field

    def first(self):
        """The stream's first packet with payload."""
        return min(self.stream.frames.values(), key=lambda frame: frame.number) if self.stream and self.stream.frames else None

    def is_unknown(self):
        """It told the packet's types as `unknown`."""
        packet = self.packets.get(self.number)
        return bool(packet) and packet["wire"] == ["unknown"]


def sslv2(facts):
    return facts.field == "client_random" and facts.theirs is None and any(row["challenge"] for _, row in facts.stream.rows)


def draft(facts):
    versions = {identity.number(word) for _, row in facts.stream.rows for word in row["version"]}
    return facts.less() and facts.reason == "malformed" and any(version in DRAFTS for version in versions)


def guessed(facts):
    hellos = {frame.sender for frame, row in facts.stream.rows if row["random"] or row["challenge"]}
    sender = facts.frame.sender if facts.frame else facts.field.rpartition(" ")[2]
    return facts.less() and facts.state == "not-tls" and sender not in hellos and not facts.is_identity()


def preface(facts):
    if not facts.less() or facts.state != "not-tls":
        return False
    first = facts.first()
    ends = [first, *(facts.stream.frames[number] for number in first.later)]
    return facts.reason.startswith("preface: ") or not any(frame.types for frame in ends)


def tainted(facts):
    frame = facts.contradictions.get(facts.reason)
    return facts.state in ("tainted", "closed") and frame is not None and facts.since(frame)


def beginning(facts):
    return facts.less() and facts.reason in ("mid-stream", "one-direction") and not facts.stream.begins


def hole(facts):
    is_followed = facts.state not in ("lost", "tainted", "not-tls")
    return facts.less() and facts.frame is not None and facts.is_unknown() and is_followed \
        and bool(facts.stream.marks & {"lost", "out-of-order"})


def lost(facts):
    marks = {"lost", "lost-acknowledged", "cut"} | ({"out-of-order"} if facts.reason == "captured-out-of-order" else set())
    frames = [frame.number for frame in facts.stream.frames.values() if frame.marks & marks]
    return facts.state in ("lost", "closed") and facts.reason in MISSING and bool(frames) and facts.since(min(frames))


def grease(facts):
    """tshark has counted GREASE among the signature algorithms: each of both values is the one by its own rule."""
    hellos = [row for _, row in facts.stream.rows if identity.is_of(row, identity.CLIENT_HELLO)]
    if facts.field != "ja4" or not hellos or facts.less():
        return False
    extensions, signatures = ([identity.number(word) for word in hellos[0][field]] for field in ("extensions", "signatures"))
    counted = sorted(f"{number:04x}" for number in extensions if not is_grease(number) and number not in NOT_IN_JA4)
    of_both = []
    for algorithms in (signatures, [number for number in signatures if not is_grease(number)]):
        parts = [",".join(counted), ",".join(f"{number:04x}" for number in algorithms)]
        of_both.append(hashlib.sha256("_".join(parts).encode()).hexdigest()[:12])
    heads = {said.rpartition("_")[0] for said in (facts.theirs, facts.ours)}
    return len(heads) == 1 and [said.rpartition("_")[2] for said in (facts.theirs, facts.ours)] == of_both


def is_grease(number):
    """RFC 8701."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def again(facts):
    return facts.theirs is None and facts.frame is not None and not facts.frame.types and "retransmission" in facts.frame.marks


def unfinished(facts):
    """Nothing that it sent later has a record in it."""
    if facts.theirs is not None or facts.frame is None:
        return False
    later = (frame for frame in facts.stream.frames.values()
             if frame.sender == facts.frame.sender and frame.number >= facts.number)
    return not any(frame.types for frame in later)


KINDS = {
    "after something else": (preface, """
        The connection does not begin with TLS: a proxy's header, STARTTLS, RDP, or bytes of no sense. `inspect` says `not-tls`, as
        the module does, with a reason where it knows the preface; tshark follows TLS from where it begins."""),
    "tainted": (tainted, """
        What came contradicts what came before, by the bytes of the packets: a second ClientHello, other bytes in the same place, a
        header that makes no sense. From that packet on `inspect` believes nothing of it; tshark goes on."""),
    "draft": (draft, """
        TLS 1.3 before draft 22, whose ServerHello has another form than RFC 8446's: `tainted` (`malformed`). tshark knows the
        drafts."""),
    "without its beginning": (beginning, """
        Neither SYN nor ClientHello was captured: `inspect` believes record headers once a chain of them checks out, tshark from
        the first that looks like one."""),
    "guessed": (guessed, """
        Bytes that look to tshark like a record, of an end that sends no hello: `not-tls`."""),
    "after a hole": (hole, """
        The packet was captured before what was sent before it, and `inspect` says what is known by then: `unknown`. tshark waits
        for what is missing."""),
    "lost": (lost, """
        Bytes are missing that were acknowledged, or that never came: `inspect` is `lost` from there on, and finds its way back by
        a chain of headers; tshark goes on with the next packet."""),
    "sent again": (again, """
        tshark looks into no packet that it takes for one that was sent again; `inspect` says what is in it."""),
    "unfinished": (unfinished, """
        The record does not end in the capture: tshark tells of a record where it ends, `inspect` of each packet with bytes of
        it."""),
    "GREASE": (grease, """
        JA4 of a hello with GREASE among its signature algorithms: tshark counts it, FoxIO's description does not."""),
    "SSLv2": (sslv2, """
        A ClientHello in SSLv2's form: tshark says that it has a challenge, but not which."""),
}
# In this order: the narrower ones first.
ORDER = ("SSLv2", "GREASE", "draft", "after something else", "guessed", "tainted", "without its beginning", "after a hole", "lost",
         "sent again", "unfinished")


def kind(difference):
    """The kind of a difference; None where nobody knows why."""
    facts = Facts(difference)
    if facts.stream is None:
        return None
    return next((name for name in ORDER if KINDS[name][0](facts)), None)
