# SPDX-License-Identifier: GPL-2.0-only
"""Traffic through the guest, which is the gateway: a client and a server in network namespaces, and what becomes of TLS data
that is sent between them."""

import contextlib
import os
import socket
import ssl
import subprocess
import threading
import time

CERTIFICATE = "/run/traffic.pem"
ENDS = {4: ("10.1.0.2", "10.2.0.2"), 6: ("fd01::2", "fd02::2")}
# An emulated machine takes its time for a handshake. What is held is sent again within a second.
HANDSHAKE, DATA, PINNED = 30, 3, 30


def run(command, **options):
    return subprocess.run(command, shell=isinstance(command, str), check=True, text=True, capture_output=True, **options).stdout


def set_up():
    """The links and addresses of client, gateway and server."""
    for place, name in enumerate(("client", "server"), 1):
        run(f"""
            ip netns add {name}
            ip link add to-{name} type veth peer name eth0 netns {name}
            ip addr add 10.{place}.0.1/24 dev to-{name}
            ip addr add fd0{place}::1/64 dev to-{name} nodad
            ip link set to-{name} up
            ip -n {name} link set lo up
            ip -n {name} addr add 10.{place}.0.2/24 dev eth0
            ip -n {name} addr add fd0{place}::2/64 dev eth0 nodad
            ip -n {name} link set eth0 up
            ip -n {name} route add default via 10.{place}.0.1
            ip -n {name} route add default via fd0{place}::1
            ip netns exec {name} sysctl -qw net.ipv4.tcp_rto_max_ms=1000""")
    run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    run(f"""openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {CERTIFICATE} -out {CERTIFICATE}.crt \
        -subj /CN=server.example -days 2 2>&1 && cat {CERTIFICATE}.crt >>{CERTIFICATE}""")


@contextlib.contextmanager
def inside(name):
    """In that namespace, for this thread alone."""
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{name}") as other:
        os.setns(other.fileno(), os.CLONE_NEWNET)
        try:
            yield
        finally:
            os.setns(own.fileno(), os.CLONE_NEWNET)


def sockets(family, port):
    """A listening socket of the server, and one of the client."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with inside("server"):
        server = socket.create_server((ENDS[family][1], port), family=kind, backlog=64)
    with inside("client"):
        client = socket.socket(kind)
    return server, client


def conversation(family, port, pin=False, handshake=HANDSHAKE, data=DATA):
    """What becomes of a line that a client sends once the handshake is done: it is `held`, the way is `open`, or the connection
    is `blocked` before. With a pin: `held, and flows when pinned`."""
    listener, client = sockets(family, port)
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepting.load_cert_chain(CERTIFICATE)
    connecting = ssl._create_unverified_context()
    got = []

    def serve():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with accepting.wrap_socket(connection, server_side=True) as server:
                got.append(server.recv(64))

    listener.settimeout(handshake)
    client.settimeout(handshake)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener, client:
        try:
            client.connect((ENDS[family][1], port))
            own = client.getsockname()
            tls = connecting.wrap_socket(client, server_hostname="server.example")
        except OSError:
            return "blocked"
        with tls:
            tls.sendall(b"a line")
            thread.join(data)
            if got:
                return "open"
            if pin:
                source = f"{own[0]}:{own[1]}" if family == 4 else f"[{own[0]}]:{own[1]}"
                run(["tlsconnctl", "pin", "--src", source, "--replace"])
                thread.join(PINNED)
                return "held, and flows when pinned" if got == [b"a line"] else "held, and stays so when pinned"
    return "held"


def plain(family, port):
    """Whether a line without TLS arrives."""
    listener, client = sockets(family, port)
    listener.settimeout(5)
    client.settimeout(5)
    with listener, client:
        try:
            client.connect((ENDS[family][1], port))
            connection, _ = listener.accept()
            client.sendall(b"a line")
            with connection:
                connection.settimeout(5)
                return "open" if connection.recv(64) == b"a line" else "held"
        except OSError:
            return "blocked"


class Stream:
    """Connections one after the other while something else happens; counts what became of them."""

    def __init__(self, port=443):
        self.port, self.counts, self.is_over = port, {}, False

    def _run(self, family):
        while not self.is_over:
            said = conversation(family, self.port, handshake=5, data=0.5)
            self.counts[said] = self.counts.get(said, 0) + 1

    def __enter__(self):
        # One port serves one listener at a time: a version of IP each.
        self.threads = [threading.Thread(target=self._run, args=(family,)) for family in ENDS]
        for thread in self.threads:
            thread.start()
        time.sleep(2)
        return self

    def __exit__(self, *_):
        time.sleep(2)
        self.is_over = True
        for thread in self.threads:
            thread.join()
