# SPDX-License-Identifier: GPL-2.0-only
"""Real TLS connections through the gateway while data is to be held: what completes, what arrives, and what does once the
connection is let through."""

import contextlib
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time

from conversation import CLIENT, ETH_P_IP
from lab import PATIENCE, SERVER, Client, certificate_files, inside, listed, on, wait_for

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
AMOUNT = 100_000
# Seconds in which a sender repeats three times what does not arrive.
HELD = 4
CASES = []


class Ear(threading.Thread):
    """Octets of TCP payload that have come to a host, by the client's port."""

    def __init__(self, host):
        super().__init__(daemon=True)
        with inside(host):
            self.frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.frames.bind(("eth0", ETH_P_IP))
        self.host, self.heard = host, {}
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                octets, address = self.frames.recvfrom(70000)
                if address[2] != socket.PACKET_OUTGOING and octets[12:14] == b"\x08\0" and octets[23] == socket.IPPROTO_TCP:
                    self.take(octets[14:14 + int.from_bytes(octets[16:18], "big")])

    def take(self, packet):
        ports = struct.unpack("!HH", packet[20:24])
        payload = packet[20 + (packet[32] >> 4) * 4:]
        segments = self.heard.setdefault(ports[self.host == "client"], {})
        first = int.from_bytes(packet[24:28], "big")
        if len(payload) > len(segments.get(first, b"")):
            segments[first] = payload

    def octets(self, port):
        """Those that have come, once each."""
        total, end = 0, 0
        for first, payload in sorted(self.heard.get(port, {}).copy().items()):
            last = first + len(payload)
            total += max(0, last - max(first, end))
            end = max(end, last)
        return total

    def of_type_23(self, port):
        """Those of records of type 23, headers included, up to the first hole."""
        stream, total = b"", 0
        segments = sorted(self.heard.get(port, {}).copy().items())
        for first, payload in segments:
            at = first - segments[0][0]
            if at > len(stream):
                break
            stream = stream[:at] + payload + stream[at + len(payload):]
        while len(stream) >= 5:
            size = 5 + int.from_bytes(stream[3:5], "big")
            total += len(stream[:size]) if stream[0] == 23 else 0
            stream = stream[size:]
        return total

    def close(self):
        self.frames.close()


class Talk:
    """What a way needs to know of a connection to let it through."""

    def __init__(self, port):
        self.ends = {"client": (CLIENT, port)}

    def listed(self):
        return next(one for one in listed("--all") if one["src"] == "{}:{}".format(*self.ends["client"]))


class Course:
    """What a case has to play with, under one way."""

    def __init__(self, way, test):
        self.way, self.test = way, test
        self.ears = [Ear("client"), Ear("server")]
        self.clients = []

    def server(self, prepare=lambda context: None):
        server = self.test.server()
        prepare(server.context)
        return server

    def connect(self, server, version, **fields):
        """None where the handshake does not complete on both sides."""
        try:
            client = Client(server, SERVER[4], version, patience=10, **fields)
        except OSError:
            return None
        self.clients.append(client)
        if not wait_for(lambda: client.port in server.connections, 10):
            return None
        client.tls.settimeout(PATIENCE)
        for side in client.tls, server.connections[client.port]:
            # All that a case writes has room there, so that nobody waits.
            side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * AMOUNT)
        return client

    def pin(self, port):
        self.way.pin(Talk(port))

    def let_through(self, server, version):
        """A connection on which data has flowed, both ways; None where it does not."""
        client = self.connect(server, version)
        if client is None:
            return None
        self.pin(client.port)
        client.send(b"x")
        server.connections[client.port].sendall(b"y")
        with contextlib.suppress(OSError):
            if client.recv() == b"y" and wait_for(lambda: client.arrived() == b"x"):
                return client
        return None

    def judge(self, client):
        """What arrives of what both sides write, and what does once the connection is let through."""
        if client is None:
            return "no handshake"
        # Tickets and acknowledgements are under way still.
        time.sleep(0.5)
        before = self.heard(client.port)
        for side in client.tls, client.server.connections[client.port]:
            side.sendall(b"d" * AMOUNT)
        time.sleep(HELD)
        passed, read = self.heard(client.port) - before, len(client.arrived())
        self.pin(client.port)
        got = 0
        with contextlib.suppress(OSError):
            while got < AMOUNT and (octets := client.tls.recv(65536)):
                got += len(octets)
        return tell(passed, read, got == AMOUNT and wait_for(lambda: len(client.arrived()) == AMOUNT))

    def heard(self, port):
        return sum(ear.octets(port) for ear in self.ears)

    def close(self):
        for closed in (*self.clients, *self.ears):
            closed.close()


def tell(passed, read, arrives):
    """A cell of the table: octets that came to the other host while they were to be held, those that it could read, and what
    became of them afterwards."""
    held = f"**passes {passed:,} bytes**, {read:,} read" if passed else "held"
    return held if arrives else held + "; does not arrive later"


def case(title):
    def keep(function):
        CASES.append((title, function))
        return function
    return keep


def alone(version, prepare=lambda context: None, **fields):
    return lambda course: course.judge(course.connect(course.server(prepare), version, **fields))


def beside(version):
    def play(course):
        server = course.server()
        if course.let_through(server, version) is None:
            return "the one let through does not flow"
        return course.judge(course.connect(server, version))
    return play


def resumed(version):
    def play(course):
        server = course.server()
        first = course.let_through(server, version)
        if first is None:
            return "the one let through does not flow"
        second = course.connect(server, version, session=(first.context, first.tls.session))
        if second is not None and not second.tls.session_reused:
            raise AssertionError("the session was not resumed")
        return course.judge(second)
    return play


for version, said in (TLS12, "TLS 1.2"), (TLS13, "TLS 1.3"):
    case(said)(alone(version))
    case(f"{said}, no server name")(alone(version, name=None))
    case(f"{said}, beside a connection that is let through")(beside(version))
    case(f"{said}, the session of the one let through, resumed")(resumed(version))
# The client's first key share is another.
case("TLS 1.3, HelloRetryRequest")(alone(TLS13, lambda context: context.set_ecdh_curve("secp384r1")))


@case("TLS 1.3, the client has a certificate")
def certificate(course):
    files = certificate_files()

    def ask(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files[0])
    return alone(TLS13, ask, certificate=files)(course)


@case("plain text on port 443")
def plain(course):
    with inside("server"):
        listener = socket.create_server((SERVER[4], 443))
    with inside("client"):
        client = socket.create_connection((SERVER[4], 443), timeout=PATIENCE)
    accepted, (_, port) = listener.accept()
    with listener, client, accepted:
        text = b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n"
        client.sendall(text)
        time.sleep(HELD)
        passed = course.heard(port)
        course.pin(port)
        accepted.settimeout(PATIENCE)
        with contextlib.suppress(TimeoutError):
            return tell(passed, passed, accepted.recv(1000) == text)
        return tell(passed, passed, False)


@case("TLS 1.3, 3,000 bytes of early data (0-RTT)")
def early(course):
    certificate, key = certificate_files()
    folder = pathlib.Path(course.test.directory.name)
    (folder / "early").write_bytes(b"e" * 3000)
    # The session is had before anything is held.
    course.way.unload()
    read = folder / "read"
    client = ["ip", "netns", "exec", "client", "openssl", "s_client", "-connect", f"{SERVER[4]}:4433", "-tls1_3", "-ign_eof"]
    with contextlib.ExitStack() as programs:
        def start(*command, output=subprocess.DEVNULL):
            program = programs.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output))
            programs.callback(program.kill)
            return program

        start("ip", "netns", "exec", "server", "openssl", "s_server", "-accept", f"{SERVER[4]}:4433", "-tls1_3",
              "-early_data", "-no_anti_replay", "-cert", certificate, "-key", key, output=programs.enter_context(read.open("wb")))
        wait_for(lambda: on("server", "ss", "-Hltn", "sport = :4433").stdout)
        written, session = folder / "written", folder / "session"
        first = start(*client, "-sess_out", str(written))
        # Each ticket is written over the one before: what is whole is kept.
        if not wait_for(lambda: written.exists() and session.write_bytes(written.read_bytes())
                        and session.read_bytes().endswith(b"-----END SSL SESSION PARAMETERS-----\n")):
            raise AssertionError("no session to resume")
        first.kill()
        first.wait()
        course.way.load()
        start(*client, "-sess_in", str(session), "-early_data", str(folder / "early"))
        # The first one is closing.
        found = wait_for(lambda: on("client", "ss", "-Htn", "state", "established", "dport = :4433").stdout)
        if not found:
            raise AssertionError("no connection with early data")
        time.sleep(HELD)
        port = int(found.split()[2].rsplit(":", 1)[1])
        passed, arrived = course.ears[1].of_type_23(port), read.read_bytes().count(b"e" * 100) * 100
        course.pin(port)
        return tell(passed, arrived, wait_for(lambda: read.read_bytes().count(b"e" * 100) == 30))


def play(way, function, test):
    """What a case comes to under a way, between hosts that are there."""
    course = Course(way, test)
    way.load()
    try:
        return function(course)
    finally:
        way.unload()
        course.close()
