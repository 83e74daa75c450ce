# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by means of TCP and conntrack: what the receiver drops, takes otherwise, or takes for another connection."""

import struct

from conversation import DATA, FINISHED12, FIRST, RANDOM
from evasions_tls import ALERT, case
from forge import ACK, PSH, RST, SYN, URG
from hellos import change_cipher_spec, client_hello, record, server_hello
from lab import on

# A header that makes the next 16 KiB those of an encrypted handshake record: a renegotiation's.
LONG_RECORD = b"\x16\3\3\x40\0"
NOP = b"\1"


def instead_of(field, name, **how):
    """A fake handshake record that never arrives, and data in its place."""
    talk = field.new().tls12()
    talk.fake(LONG_RECORD, **how)
    talk.data(name)
    talk.data("data after it")


@case("3", "an alert, then data in its place (overlap, fake split)")
def overlap(field):
    talk = field.new().tls12()
    talk.say("client", "alert", None, ALERT, moves=False)
    talk.data("data in its place")
    talk = field.new().tls12()
    # A record of data, of which the receiver has the first bytes already.
    talk.say("client", "first bytes of data", False, DATA[:2], moves=False)
    talk.say("client", "alert over them", None, ALERT, moves=False)
    talk.say("client", "rest of data", False, DATA[2:], at=2, moves=False)


@case("4", "a fake record that never arrives, then data: low TTL, bad checksum, sequence out of window, MD5 option, no flag")
def fakes(field):
    instead_of(field, "data after a low TTL", ttl=2)
    instead_of(field, "data after a bad checksum", bad_checksum=True)
    instead_of(field, "data after a bad sequence", at=-0x10000000)
    instead_of(field, "data after an MD5 option", options=b"\x13\x12" + bytes(16) + NOP * 2)
    instead_of(field, "data after no flag", flags=PSH)


@case("15", "a connection older than the rules")
def older(field):
    field.recipe.unload()
    talk = field.new().open()
    talk.send("client", client_hello(RANDOM))
    field.recipe.load()
    talk.say("client", "data", False, DATA)
    talk.say("client", "data cut after its first bytes", False, DATA[:3])
    talk.say("client", "data cut after its first bytes", False, DATA[3:])


@case("15", "a conntrack entry that has gone and is made again")
def picked_up(field):
    talk = field.new().tls12()
    on("gateway", "conntrack", "-D", "-p", "tcp", "--sport", str(talk.ends["client"][1]))
    # It passes, and conntrack keeps the entry that it makes of it.
    talk.ack("client")
    talk.say("client", "data after an alert", False, ALERT + DATA)
    talk.say("client", "a record's second half", False, DATA[9:])


@case("15", "a path on which only one direction is seen")
def one_way(field):
    talk = field.new()
    talk.send("client", flags=SYN, at=-1)
    talk.say("client", "ClientHello", None, client_hello(RANDOM))
    talk.say("client", "data after an alert", False, ALERT + DATA)


@case("17", "no TLS: HTTP and STARTTLS on port 443")
def plain_text(field):
    talk = field.new().open()
    talk.say("client", "HTTP", False, b"GET / HTTP/1.1\r\n\r\n")
    talk = field.new().open()
    talk.say("client", "STARTTLS", False, b"STARTTLS\r\n")
    talk.say("client", "data after an alert", False, ALERT + DATA)


@case("17", "TLS on another port")
def other_port(field):
    talk = field.new(server_port=2525).tls12()
    talk.say("client", "data after an alert", False, ALERT + DATA)


@case("18", "a resumption on a new connection, while the first is pinned")
def resumption(field):
    session = b"\x5e" * 32
    first = field.new().tls12(session_id=session)
    field.pin(first)
    first.data("data of the pinned one", must=True)
    second = field.new().open()
    second.say("client", "ClientHello", True, client_hello(bytes(32), session_id=session))
    second.say("server", "ServerHello", True, server_hello(bytes(32), session) + change_cipher_spec() + FINISHED12)
    second.say("client", "client's Finished", True, change_cipher_spec() + FINISHED12)
    second.data()
    second.say("client", "data after an alert", False, ALERT + DATA)


@case("4", "data in pieces of four bytes, out of order, in the place of a handshake record or alerts that never arrived")
def pieces_for_fakes(field):
    for talk, fakes in ((field.new().tls12(), record(22, bytes(1195))),
                        (field.new().tls13(), (record(21, b"\1\x5a") * 172)[:1200])):
        for at in range(0, 1200, 400):
            talk.fake(fakes[at:at + 400], at=at, ttl=2)
        data = (DATA * 20)[:1200]
        places = sorted(range(0, 1200, 4), key=lambda at: at % 8 == 0)
        for at in places[::10]:
            talk.say("client", "a piece of data", False, data[at:at + 4], moves=False, at=at)


@case("19", "the pinned connection's ClientHello on another one")
def copied(field):
    first = field.new().tls12()
    field.pin(first)
    first.data("data of the pinned one", must=True)
    second = field.new().tls12()
    second.data()
    second.say("client", "data after an alert", False, ALERT + DATA)


@case("20", "sequence numbers that wrap in the middle of data")
def wrap(field):
    talk = field.new().tls12()
    # Up to a few bytes before 2^32.
    room = (1 << 32) - talk.next["client"] - 20 - 5
    if not 0 < room < (1 << 32) - FIRST["client"]:
        raise AssertionError("the handshake is too long")
    talk.say("client", "handshake record", True, record(22, b"\xf1" * room))
    talk.say("client", "data over 2^32", False, DATA[:40])
    talk.say("client", "its second segment", False, DATA[40:])


@case("21", "a handshake record's header as padding after the IP length")
def padding(field):
    talk = field.new().tls12()
    arrived = talk.sent("client", talk.packet("client"), 0, trailer=LONG_RECORD)
    talk.note("the acknowledgement", True, arrived)
    talk.data()


@case("22", "urgent data: the receiver takes five bytes out, and reads another header than is seen")
def urgent(field):
    talk = field.new().tls12()
    for at in range(0, 25, 5):
        talk.say("client", "urgent byte", None, ALERT[at:at + 5], flags=ACK | PSH | URG, urgent=5)
    talk.say("client", "rest of the alert", None, ALERT[25:])
    # The first five bytes fill up the alert from which five were taken.
    talk.say("client", "data", False, b"\x15\3\3\0\x40" + DATA)


@case("23", "a SYN on a pinned connection, ignored by conntrack and answered: a new connection on the old entry")
def taken_over(field):
    first = field.new().tls12()
    field.pin(first)
    first.data("data of the pinned one", must=True)
    second = field.again(first)
    second.next = {"client": 700000, "server": 900000}
    second.tls12()
    second.data()


@case("24", "a connection expected by the FTP helper of a pinned one")
def expected(field):
    on("gateway", "iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "--dport", "21", "-j", "CT",
       "--helper", "ftp")
    try:
        master = field.new(server_port=21).open()
        master.say("server", "greeting", None, b"220 ready\r\n")
        field.pin(master)
        master.say("client", "PASV", True, b"PASV\r\n")
        master.say("server", "its answer", True, b"227 Entering Passive Mode (10,2,0,2,195,80).\r\n")
        field.new(server_port=50000).tls12().data()
    finally:
        on("gateway", "iptables-legacy", "-t", "raw", "-F")


@case("25", "a fake record that the receiver discards for its old timestamp (PAWS), then data")
def old_timestamp(field):
    def stamp(value):
        # What is echoed is right in either direction.
        return NOP * 2 + struct.pack("!BBII", 8, 10, value, 1000)

    talk = field.new()
    talk.options = stamp(1000)
    talk.tls12()
    talk.fake(LONG_RECORD, options=stamp(1))
    talk.data("data in its place")


@case("25", "a keepalive with an old byte, then data")
def keepalive(field):
    talk = field.new().tls12()
    talk.ack("server")
    talk.say("client", "keepalive", True, b"\0", at=-1, moves=False)
    talk.say("client", "alert", True, ALERT)
    talk.data()


@case("26", "text with record headers in it, picked up in the middle")
def headers_in_text(field):
    field.recipe.unload()
    talk = field.new().open()
    talk.send("client", b"text")
    field.recipe.load()
    for _ in range(6):
        talk.say("client", "text with headers of handshake records", False, record(22, b"d" * 1300))
    talk.say("client", "data after an alert", False, ALERT + DATA)


@case("27", "an RST that conntrack does not accept, on a pinned connection and on one that is not")
def blind_reset(field):
    first, other = field.new().tls12(), field.new().tls12()
    field.pin(first)
    for talk in first, other:
        talk.fake(b"", flags=RST, at=0x30000000)
    first.data("data of the pinned one", must=True)
    other.data()
    other.say("client", "data after an alert", False, ALERT + DATA)
