# SPDX-License-Identifier: GPL-2.0-only
"""PostgreSQL's client library as it is by default: it asks in plain text for TLS."""

from peers.postgresql import STACK as POSTGRESQL
from peers.postgresql import PostgresqlClient
from peer import Stack


class Asking(PostgresqlClient):
    starts_in_plain = "an SSLRequest"


class SslRequest(Stack):
    name = "sslrequest"
    title = "libpq with SSLRequest"
    roles = ("client",)
    protocol = POSTGRESQL.protocol

    def missing(self):
        return POSTGRESQL.missing()

    def version(self):
        return POSTGRESQL.version()

    def cannot_connect(self, case):
        return POSTGRESQL.cannot(case)

    def connect(self, case, place, port):
        return Asking(POSTGRESQL, case, place, port, negotiation="postgres")


STACK = SslRequest()
