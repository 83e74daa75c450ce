# SPDX-License-Identifier: GPL-2.0-only
"""Evasions by means of TLS: records and handshake messages as a sender may cut, order and repeat them."""

from conversation import DATA, FINISHED12, RANDOM
from forge import ACK, PSH, SYN
from hellos import (RETRY_RANDOM, change_cipher_spec, client_hello, client_hello13, encrypted, extension, message,
                    record, server_hello, server_hello13, vector)

ALERT = record(21, b"\xa1" * 24)
CASES = []


def case(row, title):
    """A case, by its row in the table; it is given a Field and leaves its pieces there."""
    def keep(function):
        CASES.append((row, title, function))
        return function
    return keep


@case("1", "a ClientHello over two segments")
def hello_in_two(field):
    talk = field.new().open()
    hello = client_hello13(RANDOM, more=extension(51, bytes(1200)))
    talk.say("client", "ClientHello", True, hello[:700])
    talk.say("client", "ClientHello's second segment", True, hello[700:])
    talk.finish13()
    talk.data()


@case("1", "data in a record whose header comes over two segments")
def header_in_two(field):
    talk = field.new().tls12()
    for start, end in (0, 1), (1, 4), (4, 64):
        talk.say("client", "data", False, DATA[start:end])


@case("2", "a record's second segment first")
def out_of_order(field):
    talk = field.new().tls12()
    talk.say("client", "data's second segment", False, DATA[40:], at=40, moves=False)
    talk.say("client", "data's first segment", False, DATA[:40])
    talk.say("client", "data's second segment", False, DATA[40:])


@case("2", "a ClientHello's second segment first")
def hello_out_of_order(field):
    talk = field.new().open()
    hello = client_hello(RANDOM, sni=b"first.example")
    talk.say("client", "second segment, early", None, hello[40:], at=40, moves=False)
    talk.say("client", "first segment", True, hello[:40])
    talk.say("client", "second segment, again", True, hello[40:])
    talk.say("server", "ServerHello", True, server_hello(RANDOM) + message(14, b""))
    talk.finish12()
    talk.data()


@case("5", "a ClientHello in records of one byte each")
def hello_in_records(field):
    talk = field.new().open()
    hello = client_hello(RANDOM, sni=b"first.example")[5:]
    octets = b"".join(record(22, hello[at:at + 1]) for at in range(len(hello)))
    for start in range(0, len(octets), 100):
        talk.say("client", "ClientHello", True, octets[start:start + 100])
    talk.say("server", "ServerHello", True, server_hello(RANDOM) + message(14, b""))
    talk.finish12()
    talk.data()


@case("6", "TLS 1.3: the handshake's encrypted records are type 23; each in a segment of its own")
def tls13(field):
    talk = field.new().open()
    talk.say("client", "ClientHello", True, client_hello13(RANDOM))
    talk.finish13(apart=True)
    talk.data()
    talk.data("data of the server", "server")


@case("6", "TLS 1.3: data in one segment with ChangeCipherSpec and Finished")
def merged_finished(field):
    talk = field.new().open()
    talk.say("client", "ClientHello", True, client_hello13(RANDOM))
    flight = b"".join(map(encrypted, (23, 795, 281, 53)))
    talk.say("server", "server's flight", True, server_hello13(RANDOM) + change_cipher_spec() + flight)
    talk.say("client", "data after Finished", False, change_cipher_spec() + encrypted(53) + DATA)


@case("7", "ChangeCipherSpec early, late, and before data")
def change_cipher_specs(field):
    talk = field.new().open()
    talk.say("client", "ClientHello", True, client_hello13(RANDOM))
    talk.say("client", "early ChangeCipherSpec", True, change_cipher_spec())
    talk.finish13()
    # No endpoint takes one after a Finished (RFC 8446 5).
    talk.say("client", "late ChangeCipherSpec", False, change_cipher_spec())
    talk.say("client", "data after ChangeCipherSpec", False, change_cipher_spec() + DATA)
    talk.data()


@case("8", "early data, alone and after ChangeCipherSpec")
def early_data(field):
    talk = field.new().open()
    talk.say("client", "ClientHello", True, client_hello13(RANDOM, more=extension(42, b"") + extension(41, bytes(80))))
    talk.say("client", "early data after ChangeCipherSpec", False, change_cipher_spec() + encrypted(100))
    talk.say("client", "early data", False, encrypted(100))


@case("9", "HelloRetryRequest, then the whole handshake")
def retry(field):
    talk = field.new().open()
    talk.say("client", "ClientHello", True, client_hello13(RANDOM))
    talk.say("server", "HelloRetryRequest", True, server_hello13(RETRY_RANDOM))
    talk.say("client", "second ClientHello", True, client_hello13(RANDOM, more=extension(44, bytes(20))))
    talk.finish13()
    talk.data()


@case("9", "a second ClientHello that nothing asked for, then data after an alert")
def second_hello(field):
    talk = field.new().tls13()
    other = client_hello13(bytes(32), b"other.example")
    talk.say("client", "second ClientHello", False, other)
    talk.say("client", "data after an alert", False, ALERT + DATA)


@case("9", "two server names in one ClientHello")
def two_names(field):
    name = extension(0, vector(b"\0" + vector(b"second.example", 2), 2))
    talk = field.new().open()
    talk.say("client", "ClientHello", None, client_hello(RANDOM, sni=b"first.example", more=name))
    talk.say("server", "ServerHello", None, server_hello(RANDOM) + message(14, b""))
    talk.say("client", "data after an alert", False, ALERT + DATA)


@case("10", "renegotiation of TLS 1.2, then data")
def renegotiation(field):
    talk = field.new().tls12()
    for host in "client", "server":
        talk.say(host, "encrypted handshake record", True, record(22, b"\xf1" * 300))
    for host in "client", "server":
        talk.say(host, "ChangeCipherSpec and Finished", True, change_cipher_spec() + FINISHED12)
    talk.data()


@case("11", "no server name, one that is not ASCII, Encrypted ClientHello")
def names(field):
    for fields in {"sni": None}, {"sni": "\u0444.example".encode()}, {"sni": b"outer.example", "ech": True}:
        talk = field.new().tls13(client_hello13(RANDOM, **fields))
        talk.data()


@case("12", "TCP Fast Open: data on the SYN, the SYN-ACK, and the handshake's last ACK")
def fast_open(field):
    talk = field.new()
    hello = client_hello(RANDOM, sni=b"first.example")
    # The SYN counts as a byte of its own.
    talk.say("client", "ClientHello on the SYN", True, hello, flags=SYN, at=-1)
    answer = server_hello(RANDOM) + change_cipher_spec() + FINISHED12
    talk.say("server", "ServerHello on the SYN-ACK", True, answer, flags=SYN | ACK, at=-1)
    talk.say("client", "data on the last ACK, after Finished", False, change_cipher_spec() + FINISHED12 + DATA, flags=ACK)


@case("12", "TCP Fast Open: a record of type 23 on the SYN, cut after its first bytes")
def data_on_syn(field):
    talk = field.new()
    talk.say("client", "data on the SYN", False, DATA[:3], flags=SYN, at=-1)
    talk.send("server", flags=SYN | ACK, at=-1)
    talk.say("client", "the rest", False, DATA[3:])


@case("13", "a buffer of 60,000 bytes (GRO): an alert, then data")
def large(field):
    talk = field.new().tls12()
    octets = ALERT + record(23, b"d" * 15000) * 3 + record(23, b"d" * 14900)
    arrived = talk.sent("client", talk.packet("client", octets, flags=ACK | PSH), len(octets), segment_size=1448)
    talk.note("data after an alert", False, arrived)


@case("13", "a buffer of 60,000 bytes (GRO): handshake records")
def large_handshake(field):
    talk = field.new().tls12()
    octets = record(22, b"\xf1" * 14995) * 4
    arrived = talk.sent("client", talk.packet("client", octets, flags=ACK | PSH), len(octets), segment_size=1448)
    talk.note("handshake records", True, arrived)


@case("14", "an alert or a handshake record before data")
def in_front(field):
    talk = field.new().tls12()
    talk.say("client", "alert", True, ALERT)
    talk.say("client", "data after an alert", False, ALERT + DATA)
    talk.say("client", "data after a handshake record", False, FINISHED12 + DATA)


@case("14", "segments that begin in the middle of a record: with 0x17 in a handshake record, with 0x15 in data")
def continuations(field):
    talk = field.new().tls12()
    talk.say("client", "first half of a handshake record", True, b"\x16\3\3\0\x40" + b"\xf1" * 11)
    talk.say("client", "its second half", True, b"\x17\3\3\0\x20" + b"\xf1" * 48)
    talk.say("client", "first half of data", False, DATA[:32])
    talk.say("client", "second half of data", False, ALERT[:5] + DATA[37:])
