# SPDX-License-Identifier: GPL-2.0-only
"""What columns of the table ask for beside a handshake."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a column adds to a handshake: a certificate of the client, which place.py has, the most content of a record, and
    padding."""
    certificate: str | None = None
    limit: int | None = None
    pads: bool = False


KINDS = {
    "certificate": Kind("cert.pem"),
    "padding": Kind(pads=True),
    "limited": Kind("large.pem", 512),
    "long": Kind("long.pem"),
}
# What a client's flight may be besides: with one server alone (Stack.flights_server), as it is the client that sends it.
FLIGHTS = {
    "rsa": Kind("rsa.pem"),
    "mldsa": Kind("mldsa.pem"),
    "ten": Kind("ten.pem"),
    "rsa512": Kind("rsa.pem", 512),
    "mldsa1024": Kind("mldsa.pem", 1024),
    "ten1024": Kind("ten.pem", 1024),
    "ten4096": Kind("ten.pem", 4096),
    "long16384": Kind("long.pem", 16384),
    "padded": Kind("large.pem", pads=True),
}
# No column: what a client does of `padded` that cannot pad.
UNPADDED = "large"
ALL = {**KINDS, **FLIGHTS, UNPADDED: Kind("large.pem")}


def kind_of(mode):
    return ALL.get(mode, Kind())
