# SPDX-License-Identifier: GPL-2.0-only
"""PostgreSQL's client library: posts a file by a parameter of a query and writes what a query gives to standard output.

  libpq.py CONNINFO BODY FOLDER URL

The server's own programs take what was posted to URL, and bring what came back; FOLDER is the server's."""

import ctypes
import json
import os
import select
import sys

BYTEA, TEXT, BINARY = 17, 25, 1
CONNECTION_BAD = 1
# States behind TLS's handshake: CONNECTION_MADE, AWAITING_RESPONSE, AUTH_OK.
SPEAKS = (3, 4, 5)
POLLING_FAILED, POLLING_READING, POLLING_OK = 0, 1, 3
COMMAND_OK, TUPLES_OK = 1, 2

libpq = ctypes.CDLL("libpq.so.5")
for name, result, parameters in (
        ("PQconnectStart", ctypes.c_void_p, (ctypes.c_char_p,)),
        ("PQconnectPoll", ctypes.c_int, (ctypes.c_void_p,)),
        ("PQstatus", ctypes.c_int, (ctypes.c_void_p,)),
        ("PQsocket", ctypes.c_int, (ctypes.c_void_p,)),
        ("PQsslInUse", ctypes.c_int, (ctypes.c_void_p,)),
        ("PQsslAttribute", ctypes.c_char_p, (ctypes.c_void_p, ctypes.c_char_p)),
        ("PQerrorMessage", ctypes.c_char_p, (ctypes.c_void_p,)),
        ("PQexecParams", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
                                           ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)),
        ("PQresultStatus", ctypes.c_int, (ctypes.c_void_p,)),
        ("PQgetvalue", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)),
        ("PQgetlength", ctypes.c_int, (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)),
        ("PQbackendPID", ctypes.c_int, (ctypes.c_void_p,))):
    function = getattr(libpq, name)
    function.restype, function.argtypes = result, parameters


def tell(**event):
    print(json.dumps(event), file=sys.stderr, flush=True)


def fail(connection):
    tell(event="error", text=libpq.PQerrorMessage(connection).decode().strip())
    sys.exit(1)


def local_port(number):
    with open("/proc/self/net/tcp", encoding="ascii") as table:
        inode = os.stat(f"/proc/self/fd/{number}").st_ino
        for fields in map(str.split, table):
            if fields[9] == str(inode):
                return int(fields[1].split(":")[1], 16)
    return None


def connect(words):
    """Opens a connection, and tells when TLS's handshake is complete, which is before the server is spoken with."""
    connection = libpq.PQconnectStart(words.encode())
    if libpq.PQstatus(connection) == CONNECTION_BAD:
        fail(connection)
    told, state = False, POLLING_READING + 1
    while state != POLLING_OK:
        number = libpq.PQsocket(connection)
        poll = select.poll()
        poll.register(number, select.POLLIN if state == POLLING_READING else select.POLLOUT)
        poll.poll()
        state = libpq.PQconnectPoll(connection)
        if state == POLLING_FAILED:
            fail(connection)
        if not told and libpq.PQsslInUse(connection) and libpq.PQstatus(connection) in SPEAKS:
            told = True
            attribute = {name: (libpq.PQsslAttribute(connection, name.encode()) or b"").decode() or None
                         for name in ("protocol", "cipher", "alpn")}
            tell(event="handshake", port=local_port(number), version=attribute["protocol"].removeprefix("TLSv"),
                 cipher=attribute["cipher"], resumed=None, alpn=attribute["alpn"], early=None)
    return connection


def query(connection, text, *values):
    """Gives the first value of the first row, if there is one. Values and result are binary."""
    kinds = [BYTEA if isinstance(value, bytes) else TEXT for value in values]
    octets = [value if isinstance(value, bytes) else value.encode() for value in values]
    count = len(values)
    result = libpq.PQexecParams(
        connection, text.encode(), count, (ctypes.c_uint * count)(*kinds), (ctypes.c_char_p * count)(*octets),
        (ctypes.c_int * count)(*map(len, octets)), (ctypes.c_int * count)(*[BINARY] * count), BINARY)
    status = libpq.PQresultStatus(result)
    if status not in (COMMAND_OK, TUPLES_OK):
        fail(connection)
    if status == TUPLES_OK:
        return ctypes.string_at(libpq.PQgetvalue(result, 0, 0), libpq.PQgetlength(result, 0, 0))
    return None


def main():
    words, body, folder, url = sys.argv[1:]
    with open(body, "rb") as file:
        posted = file.read()
    connection = connect(words)
    name = f"{folder}/{libpq.PQbackendPID(connection)}"
    number = query(connection, "select lo_from_bytea(0, $1)::text", posted).decode()
    query(connection, "select lo_export($1::oid, $2)", number, f"{name}.request")
    query(connection, f"copy (select 1) to program 'curl -sS -H Expect: --data-binary @{name}.request -o {name}.response {url}'")
    sys.stdout.buffer.write(query(connection, "select pg_read_binary_file($1)", f"{name}.response"))
    sys.stdout.buffer.flush()
    # The connection stays, as other clients' do.
    sys.stdin.read()


if __name__ == "__main__":
    main()
