# SPDX-License-Identifier: GPL-2.0-only
"""stunnel in either role."""

import re
import shutil

from lab import SERVER, run
from peer import NAME, Stack
from services import Service, ServiceClient, ServiceServer

COMMON = """
foreground = yes
syslog = no
pid =
debug = 7
sslVersion = TLSv{version}
"""
SERVE = """
[tls]
accept = {address}:{port}
connect = 127.0.0.1:{backend}
cert = {place}/cert.pem
key = {place}/key.pem
"""
CONNECT = """
[{name}]
client = yes
accept = 127.0.0.1:{listen}
connect = {address}:{port}
sni = {sni}
sessionResume = {reuse}
"""
MORE = {
    "retry": "curves = P-384\n",
    "certificate": "CAfile = {place}/clients.pem\nverifyPeer = yes\nrequireCert = yes\n",
}
CERTIFICATE = "cert = {}\nkey = {}\n"
LINE = re.compile(r"LOG\d\[(\w+)\]: (.*)")
ACCEPTED = re.compile(r"Service \[tls\] accepted connection from [0-9.]+:(\d+)")
CONNECTED = re.compile(r"Service \[(?:first|beside)\] connected remote server from [0-9.]+:(\d+)")
NEGOTIATED = re.compile(r"TLS (?:accepted|connected): (new session negotiated|previous session reused)")
SUITE = re.compile(r"TLSv([0-9.]+) ciphersuite: (\S+)")


class Log(Service):
    def __init__(self, *arguments):
        self.connections = {}
        super().__init__(*arguments)

    def event_of(self, line):
        if not (said := LINE.search(line)):
            return None
        number, words = said.groups()
        if found := ACCEPTED.match(words) or CONNECTED.match(words):
            # It cannot be told which protocols to speak (ALPN), and has no early data.
            self.connections[number] = {"event": "handshake", "port": int(found[1]), "alpn": None, "early": False}
        elif found := NEGOTIATED.match(words):
            self.connections[number]["resumed"] = found[1] == "previous session reused"
        elif found := SUITE.match(words):
            return {**self.connections.pop(number), "version": found[1], "cipher": found[2]}
        return None


def start(host, place, text, ports):
    name = place.file(f"stunnel-{host}.conf")
    with open(name, "w", encoding="ascii") as file:
        file.write(text)
    return Log(host, ["stunnel4", name], place.folder, ports)


class StunnelClient(ServiceClient):
    protocols = ()

    def __init__(self, case, place, port):
        super().__init__()
        text = COMMON.format(version=case.version)
        for name, listen, reuse in (("first", self.first, "yes"), ("beside", self.beside, "no")):
            text += CONNECT.format(name=name, listen=listen, address=SERVER[4], port=port, sni=NAME, reuse=reuse)
            if case.kind.certificate:
                text += CERTIFICATE.format(*place.own(case))
        self.process = start("client", place, text, [self.first, self.beside])


class StunnelServer(ServiceServer):
    protocols = ()


class Stunnel(Stack):
    name = "stunnel"
    title = "stunnel"
    long = None

    def missing(self):
        return None if shutil.which("stunnel4") else "there is no stunnel here"

    def version(self):
        return re.search(r"stunnel (\S+)", run("stunnel4", "-version").stderr)[1]

    def cannot_serve(self, case):
        return "stunnel has no early data" if case.mode == "early" else None

    cannot_connect = cannot_serve

    def serve(self, case, place, port, backend):
        text = COMMON.format(version=case.version) + SERVE.format(
            address=SERVER[4], port=port, backend=backend, place=place.folder)
        text += MORE.get(case.mode, "").format(place=place.folder)
        return StunnelServer(start("server", place, text, [port]))

    def connect(self, case, place, port):
        return StunnelClient(case, place, port)


STACK = Stunnel()
