# SPDX-License-Identifier: GPL-2.0-only
"""A TLS client or server on Python's ssl module, told what to do in JSON as its only argument."""

import json
import os
import socket
import sys

CASE = json.loads(sys.argv[1])
# What the module has no words for is in the configuration that its library reads when it is loaded.
CONFIGURATION = CASE["role"] + ".cnf"
with open(CONFIGURATION, "w") as file:
    file.write("openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n[defaults]\n")
    file.writelines(f"{name} = {value}\n" for name, value in CASE["configuration"].items())
os.environ["OPENSSL_CONF"] = CONFIGURATION

import ssl

ANSWER = b"HTTP/1.0 200 OK\r\n\r\n"


def context(case):
    server = case["role"] == "server"
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    # Versions below 1.2 are below the level that the library asks for.
    made.set_ciphers(case["ciphers"])
    made.minimum_version = made.maximum_version = ssl.TLSVersion[case["version"]]
    if not case["tickets"]:
        made.options |= ssl.OP_NO_TICKET
    if case["alpn"]:
        made.set_alpn_protocols(case["alpn"])
    if case["certificate"]:
        made.load_cert_chain("../cert.pem", "../key.pem")
    if not server:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif case["ask"]:
        made.load_verify_locations("../cert.pem")
        made.verify_mode = ssl.CERT_OPTIONAL
    made.keylog_filename = case["role"] + ".keys"
    return made


def read_until(tls, end):
    octets = b""
    while not octets.endswith(end):
        more = tls.recv(16384)
        if not more:
            break
        octets += more
    return octets


def farewell(tls):
    """Both close_notify alerts, as far as the peer sends one: without them a session counts as broken."""
    try:
        tls.unwrap()
    except OSError:
        pass


def told(tls):
    print(
        f"handshake complete: {tls.version()} {tls.cipher()[0]} reused={tls.session_reused}"
        f" alpn={tls.selected_alpn_protocol()}",
        flush=True,
    )


def serve(case):
    made = context(case)
    listener = socket.create_server(("127.0.0.1", case["port"]))
    print("listening", flush=True)
    while True:
        plain, _ = listener.accept()
        with made.wrap_socket(plain, server_side=True) as tls:
            told(tls)
            if read_until(tls, b"\r\n\r\n"):
                tls.sendall(ANSWER)
            farewell(tls)


def connect(case):
    made = context(case)
    session = None
    for _ in range(case["connections"]):
        plain = socket.create_connection(("127.0.0.1", case["port"]))
        with made.wrap_socket(plain, server_hostname="name.example", session=session) as tls:
            told(tls)
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += sys.stdin.buffer.readline()
            tls.sendall(request)
            print(read_until(tls, b"\n").decode(), flush=True)
            session = tls.session
            farewell(tls)


(serve if CASE["role"] == "server" else connect)(CASE)
