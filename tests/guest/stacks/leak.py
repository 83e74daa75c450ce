# SPDX-License-Identifier: GPL-2.0-only
"""What has come to the other host behind a handshake before the pin, and whether it may (docs/tls.md, What may pass without
a pin)."""

import re

from peer import Broken
from wire import cut

# Octets of a Finished's record, by the hash of the cipher suite: 4 + hash + 1 + tag (RFC 8446 4.4.4).
FINISHED = {"SHA256": 53, "SHA384": 69}
# A tag, and of CCM_8 (RFC 6655 3).
TAG, SHORT_TAG = 16, 8
# What is added by an empty Certificate in the same record, and by Java, which pads every record; what mbedTLS pads the content and
# its type to.
WITH_EMPTY_CERTIFICATE, JSSE_PADDING, MBEDTLS_UNIT = 8, 16, 16
# Octets behind a server's Finished; a record behind a client's certificate (RFC 8446 5.2), and the data in it.
SERVER_BUDGET = 8192
LONGEST, RECORD = 16384 + 256, 16384


def finished(cipher):
    """Lengths that a record with a Finished in it has."""
    found = re.search("SHA(256|384)$", cipher)
    if not found:
        raise Broken(f"of {cipher} the length of a Finished is not known")
    tag = SHORT_TAG if "CCM_8" in cipher else TAG
    length = FINISHED[found[0]] - TAG + tag
    return length, length + JSSE_PADDING, -((tag - length) // MBEDTLS_UNIT) * MBEDTLS_UNIT + tag


def behind_server(records, cipher, before):
    """Lengths of the records behind a server's Finished: the last record of such a length that its client had before it
    answered, or the first one, with the rest of the flight. `cipher` is None where its length cannot be told: those that
    came behind the client's answer then."""
    data = [(length, end) for kind, length, end in records if kind == 23]
    if cipher is None:
        return [length for length, end in data if end > before]
    lengths = finished(cipher)
    at = max((number for number, (length, end) in enumerate(data) if number and length in lengths and end <= before), default=0)
    return [length for length, _ in data[at + 1:]]


def behind_client(records, cipher, certificate):
    """Lengths of the records behind a client's Finished, and how many may be there: without a certificate that is its first
    encrypted record; with one the first of such a length, or the first one, with the rest of the flight."""
    data = [length for kind, length, _ in records if kind == 23]
    if not certificate:
        return data[1:], 0
    lengths = finished(cipher)
    lengths = *lengths, lengths[0] + WITH_EMPTY_CERTIFICATE
    at = next((number for number, length in enumerate(data) if length in lengths), None)
    return (data[1:], 1) if at is None else (data[at + 1:], 0)


def no_holes(wire, port, hosts=("client", "server")):
    """Nothing arrives behind what is held: TCP would hand it on with what fills the hole."""
    wire.take()
    for host in hosts:
        octets = wire.behind_hole(host, port)
        if octets:
            raise Broken(f"{octets} bytes have come to the {host} after a hole, without a pin")


def no_data(wire, seen):
    """No octet arrives of a record that a client which offers early data has encrypted. A second hello, which comes behind the
    early data in the stream, ends that: the record behind it is the Finished, and may."""
    port = seen.client_port
    wire.take()
    asked_again = wire.asks_again(port)
    no_holes(wire, port, ("client",) if asked_again else ("client", "server"))
    sent = list(cut(wire.stream("client", port, outgoing=True)))
    data = [one for one in sent if one[0] == 23]
    if asked_again:
        hello = max(number for number, one in enumerate(sent) if one[0] == 22)
        behind = next((one for one in sent[hello:] if one[0] == 23), None)
        # None before the ServerHello: then there is no Finished yet.
        cipher = seen.now()["cipher"]
        if behind and cipher and behind[1] in finished(cipher["name"]):
            data.remove(behind)
    octets = sum(wire.arrived_of("server", port, end - length, end) for _, length, end in data)
    if octets:
        raise Broken(f"{octets} bytes of encrypted records have come to the server without a pin")


def doubt(wire, seen, case):
    """Octets of records behind the handshake that have arrived, by host, none of which is more than may be."""
    port = seen.client_port
    no_holes(wire, port)
    records = {host: wire.records(host, port) for host in ("client", "server")}
    if case.version == "1.2":
        found = {host: sum(length for kind, length, _ in told if kind == 23) for host, told in records.items()}
        limits = {"client": 0, "server": 0}
    else:
        name = seen.now()["cipher"]["name"]
        server = behind_server(records["client"], None if case.kind.pads else name, wire.before_answer(port))
        # Where records are limited, a Finished may be in one with what is in front of it, and behind a certificate no length
        # tells one that is padded: the key log tells then.
        certificate = bool(case.kind.certificate)
        untold = case.kind.limit or (case.kind.pads and certificate)
        client, may = ([], 0) if untold else behind_client(records["server"], name, certificate)
        found = {"client": sum(server), "server": sum(client)}
        limits = {"client": SERVER_BUDGET, "server": LONGEST if may and len(client) == 1 else 0}
    for host, octets in found.items():
        if octets > limits[host]:
            raise Broken(f"{octets} bytes after the handshake have come to the {host} without a pin; {limits[host]} may")
    return found
