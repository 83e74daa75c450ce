# SPDX-License-Identifier: GPL-2.0-only
"""HAProxy as a relay between TLS and plain TCP, in either role."""

import shutil

from lab import SERVER, run
from peer import ALPN, NAME, Stack
from services import Service, ServiceClient, ServiceServer

COMMON = """
global
    log stderr format raw local0
    tune.ssl.keylog on
    maxconn 100
    nbthread 1
defaults
    mode tcp
    log global
    # Said once the server is connected, which on both sides follows the client's handshake.
    option logasap
    timeout connect 600s
    timeout client 600s
    timeout server 600s
    retries 0
"""
SERVE = """
listen tls
    bind {address}:{port} ssl crt {both} ssl-min-ver TLSv{version} ssl-max-ver TLSv{version} alpn {alpn} {more}
    log-format '{{"event": "handshake", "port": %cp, "version": "%sslv", "cipher": "%sslc", "resumed": %[ssl_fc_is_resumed], "alpn": "%[ssl_fc_alpn]", "early": %[ssl_fc_has_early]}}'
    server backend 127.0.0.1:{backend}
"""
CONNECT = """
listen {name}
    bind 127.0.0.1:{listen}
    log-format '{{"event": "handshake", "port": %[bc_src_port], "version": "%[ssl_bc_protocol]", "cipher": "%[ssl_bc_cipher]", "resumed": %[ssl_bc_is_resumed], "alpn": "%[ssl_bc_alpn]", "early": false, "client_random": "%[ssl_bc_client_random,hex]"}}'
    server tls {address}:{port} ssl verify none sni str({sni}) alpn {alpn} ssl-min-ver TLSv{version} ssl-max-ver TLSv{version} {more}
"""
MORE = {
    "early": "allow-0rtt",
    "retry": "curves secp384r1",
    "certificate": "verify optional ca-file {place}/cert.pem crt-ignore-err all ca-ignore-err all",
}


class Log(Service):
    def event_of(self, line):
        event = super().event_of(line)
        if event and event["event"] == "handshake":
            # Its words for no protocol, false and true.
            event.update(version=event["version"].removeprefix("TLSv"), alpn=event["alpn"] if event["alpn"] != "-" else None,
                         resumed=event["resumed"] == 1, early=event["early"] == 1)
        return event


def both(host, place, *files):
    """A certificate and its key in one file."""
    name = place.file(f"both-{host}.pem")
    with open(name, "w", encoding="ascii") as file:
        for part in files:
            with open(part, encoding="ascii") as source:
                file.write(source.read())
    return name


def start(host, place, text, ports):
    name = place.file(f"haproxy-{host}.cfg")
    with open(name, "w", encoding="ascii") as file:
        file.write(COMMON + text)
    return Log(host, ["haproxy", "-db", "-f", name], place.folder, ports)


class HaproxyClient(ServiceClient):
    def __init__(self, case, place, port):
        super().__init__()
        more = f"crt {both('client', place, *place.own(case))} " if case.kind.certificate else ""
        lines = ""
        for name, listen, reuse in (("first", self.first, ""), ("beside", self.beside, "no-ssl-reuse")):
            lines += CONNECT.format(name=name, listen=listen, address=SERVER[4], port=port, sni=NAME, alpn=ALPN,
                                    version=case.version, more=more + reuse)
        self.process = start("client", place, lines, [self.first, self.beside])


class Haproxy(Stack):
    name = "haproxy"
    title = "HAProxy"
    long = None

    def missing(self):
        return None if shutil.which("haproxy") else "there is no HAProxy here"

    def version(self):
        return run("haproxy", "-v").stdout.split()[2].split("-")[0]

    def cannot_connect(self, case):
        return "HAProxy sends early data only where a client of its own did" if case.mode == "early" else None

    def serve(self, case, place, port, backend):
        own = both("server", place, place.file("cert.pem"), place.file("key.pem"))
        text = SERVE.format(both=own, address=SERVER[4], port=port, place=place.folder, version=case.version, alpn=ALPN,
                            backend=backend, more=MORE.get(case.mode, "").format(place=place.folder))
        return ServiceServer(start("server", place, text, [port]))

    def connect(self, case, place, port):
        return HaproxyClient(case, place, port)


STACK = Haproxy()
