# SPDX-License-Identifier: GPL-2.0-only
"""A capture with handshakes of this Python's TLS in it, made without a network."""

import socket
import ssl
import struct
import subprocess

CLIENT, SERVER = socket.inet_aton("10.1.0.2"), socket.inet_aton("10.2.0.2")
SYN, ACK = 2, 16


def packet(port, to_server, seq, ack, flags, payload=b""):
    ends = (port, 443) if to_server else (443, port)
    addresses = CLIENT + SERVER if to_server else SERVER + CLIENT
    tcp = struct.pack("!HHIIBBHHH", *ends, seq, ack, 0x50, flags, 65535, 0, 0) + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses + tcp


def connection(port, pieces, start=True):
    """Packets of a connection of which `pieces` are sent, each with whether it goes to the server."""
    packets, sent = [], {True: 1001, False: 5001}
    if start:
        packets = [packet(port, True, 1000, 0, SYN), packet(port, False, 5000, 1001, SYN | ACK)]
    for to_server, octets in pieces:
        packets.append(packet(port, to_server, sent[to_server], sent[not to_server], ACK, octets))
        sent[to_server] += len(octets)
    return packets


def handshake(folder, version):
    """What both sides say in a handshake, and a line of data."""
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
    client, server = contexts
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    for context in contexts:
        context.minimum_version = context.maximum_version = version
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(to_client, to_server, server_hostname="name.example"),
             server.wrap_bio(to_server, to_client, server_side=True)]
    pieces, open_sides = [], list(sides)
    while open_sides:
        for side in list(open_sides):
            try:
                side.do_handshake()
                open_sides.remove(side)
            except ssl.SSLWantReadError:
                pass
            pieces += said(side is sides[0], to_server if side is sides[0] else to_client)
    sides[0].write(b"data")
    return pieces + said(True, to_server)


def said(by_client, out):
    """What a side has put into its pipe, which is filled again for the other side to read."""
    octets = out.read()
    out.write(octets)
    return [(by_client, octets)] if octets else []


def make(folder):
    run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*run, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    packets = [
        *connection(40001, handshake(folder, ssl.TLSVersion.TLSv1_3)),
        *connection(40002, handshake(folder, ssl.TLSVersion.TLSv1_2)),
        *connection(40003, [(True, b"GET / HTTP/1.0\r\n\r\n")]),
        *connection(40004, [(True, b"the middle of something")], start=False),
    ]
    # pcap with raw IP in it.
    capture = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    capture += b"".join(struct.pack("=IIII", 0, 0, len(octets), len(octets)) + octets for octets in packets)
    path = folder / "made.pcap"
    path.write_bytes(capture)
    return path
