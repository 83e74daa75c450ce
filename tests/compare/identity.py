# SPDX-License-Identifier: GPL-2.0-only
"""What tshark's fields of a stream's hellos come to, in the words of `tlsconnctl inspect`."""

VERSIONS = {0x0300: "ssl3", 0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}
CLIENT_HELLO, SERVER_HELLO = 1, 2
CERTIFICATE, SERVER_HELLO_DONE = 11, 14
CHANGE_CIPHER_SPEC = 20
OFFERED = ("client", "client_random", "session_id", "offered", "early_data", "ech", "sni", "alpn", "ja4")
ANSWERED = ("server_random", "server_session_id", "version", "cipher")
# Extensions.
EXTERN_PSK, PRE_SHARED_KEY, EARLY_DATA, ECH = 33, 41, 42, 0xFE0D
# RFC 8446 4.1.3: the random of a HelloRetryRequest.
RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"


def of(stream):
    """Each value that tshark has; what it cannot tell is not among them."""
    hellos = [(frame, row) for frame, row in stream.rows if is_of(row, CLIENT_HELLO)]
    if not hellos:
        return {}
    client = hellos[0][0].sender
    values = offered(hellos[0][1]) | {"client": client}
    answers = [row for frame, row in stream.rows if is_of(row, SERVER_HELLO) and frame.sender != client]
    if not answers:
        return values
    retries = [row for row in answers if row["random"][0] == RETRY]
    values["hello_retry"] = bool(retries)
    chosen = [row for row in answers if row["random"][0] != RETRY]
    if chosen:
        values |= answered(chosen[0])
        values |= resumption(stream, client, hellos[-1][1], chosen[0])
    return values


def frames(stream):
    """By value, the number of the frame that it is in; of what several say that of the last one."""
    hellos = [frame for frame, row in stream.rows if is_of(row, CLIENT_HELLO)]
    if not hellos:
        return {}
    answers = [(frame, row) for frame, row in stream.rows
               if is_of(row, SERVER_HELLO) and frame.sender != hellos[0].sender]
    chosen = [frame for frame, row in answers if row["random"][0] != RETRY]
    found = {field: hellos[0].number for field in OFFERED}
    if answers:
        found["hello_retry"] = answers[0][0].number
    if chosen:
        found |= {field: chosen[0].number for field in ANSWERED}
        found |= {field: max(frame.number for frame, _ in stream.rows) for field in ("resumed", "resumption")}
    return found


def is_of(row, message):
    return str(message) in row["messages"] and bool(row["random"]) or message == CLIENT_HELLO and bool(row["challenge"])


def number(word):
    return int(word, 0)


def highest(words):
    known = [number(word) for word in words if number(word) in VERSIONS]
    return VERSIONS[max(known)] if known else None


def hexadecimal(words):
    return words[0].replace(":", "").lower() if words else ""


def offered(row):
    extensions = {number(word) for word in row["extensions"]}
    values = {
        "session_id": hexadecimal(row["session"]),
        "offered": highest(row["versions"] or row["version"][:1]),
        "early_data": EARLY_DATA in extensions,
        "ech": ECH in extensions,
    }
    if row["random"]:
        values["client_random"] = hexadecimal(row["random"])
    for field in "sni", "alpn", "ja4":
        if row[field]:
            values[field] = row[field][0]
    return values


def answered(row):
    values = {"server_random": hexadecimal(row["random"]), "server_session_id": hexadecimal(row["session"]),
              "version": highest(row["versions"] or row["version"][:1])}
    if row["cipher"]:
        values["cipher"] = row["cipher"][0].lower()
    return values


def resumption(stream, client, hello, answer):
    extensions = {number(word) for word in answer["extensions"]}
    if answer["versions"]:
        if EXTERN_PSK in extensions:
            return {}
        psk = PRE_SHARED_KEY in extensions
        return {"resumed": psk} | ({"resumption": "psk"} if psk else {})
    resumed = is_resumed(stream, client)
    if resumed is None:
        return {}
    ids = [hexadecimal(row["session"]) for row in (hello, answer)]
    values = {"resumed": resumed}
    if resumed and any(hello["ticket"]) and ids[0] == ids[1]:
        values["resumption"] = "ticket"
    elif resumed and not any(hello["ticket"]) and ids[0] == ids[1] != "":
        values["resumption"] = "session-id"
    return values


def is_resumed(stream, client):
    """Up to TLS 1.2: the server's ChangeCipherSpec comes before the client's, without Certificate and ServerHelloDone."""
    for frame, row in stream.rows:
        if frame.sender != client and {str(CERTIFICATE), str(SERVER_HELLO_DONE)} & set(row["messages"]):
            return False
        if CHANGE_CIPHER_SPEC in frame.types:
            return True if frame.sender != client else None
    return None
