# SPDX-License-Identifier: GPL-2.0-only
"""What the guest's tests share: running commands, three hosts in a row, TLS connections through the gateway."""

import contextlib
import functools
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import jsonschema

# Kernels with PREEMPT_RT have no legacy tables; the lab says so.
HAS_LEGACY = os.environ.get("TLSCONN_LEGACY", "1") == "1"
VARIANTS = ["legacy", "nft"] if HAS_LEGACY else ["nft"]
IPTABLES = [f"{program}-{variant}" for program in ("iptables", "ip6tables") for variant in VARIANTS]
# Of a test that is about legacy tables alone, or that another one does with nft. In all others nft stands in, as run() has it.
about_legacy = unittest.skipUnless(HAS_LEGACY, "this kernel has no legacy tables")
# Seconds after which what has not come will not come, on a busy machine either.
PATIENCE = 120
HERE = pathlib.Path(__file__).parent
# Address of the server, per version of IP, as net.sh gives them.
SERVER = {4: "10.2.0.2", 6: "fd02::2"}


def run(*command, check=True, stdin=None):
    """Runs a command; its output is in the error where it fails and must not. Where there are no legacy tables it has iptables
    over nft instead."""
    if not HAS_LEGACY:
        command = [re.sub(r"\b(ip6?tables)-legacy\b", r"\1-nft", str(word)) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=600)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def on(host, *command, **options):
    """Runs a command on one of the three hosts."""
    return run("ip", "netns", "exec", host, *command, **options)


def load():
    run("modprobe", "xt_tlsconn")


def unload():
    """Rules of a namespace that has gone, and of nft, are destroyed a little later."""
    users = pathlib.Path("/sys/module/xt_tlsconn/refcnt")
    wait_for(lambda: users.read_text() == "0\n")
    run("rmmod", "xt_tlsconn")


def loaded():
    return "xt_tlsconn " in pathlib.Path("/proc/modules").read_text()


def wait_for(what, seconds=PATIENCE):
    """Asks until the answer is true, and gives it."""
    until = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(0.05)


@contextlib.contextmanager
def inside(host):
    """What this thread opens meanwhile belongs to that host."""
    with open("/proc/thread-self/ns/net") as back, open(f"/run/netns/{host}") as there:
        os.setns(there.fileno(), os.CLONE_NEWNET)
        try:
            yield
        finally:
            os.setns(back.fileno(), os.CLONE_NEWNET)


@functools.cache
def common_folder():
    """Of all tests; gone when they are over."""
    return tempfile.TemporaryDirectory()


@functools.cache
def certificate_files():
    """The server's, for all tests, and its key: two files."""
    paths = tuple(f"{common_folder().name}/{name}.pem" for name in ("certificate", "key"))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", paths[1],
        "-out", paths[0], "-subj", "/CN=server.example", "-days", "2")
    return paths


class Server(threading.Thread):
    """A TLS server for any number of connections at once: what each client sends is kept, by its port."""

    def __init__(self, context, address, host="server"):
        super().__init__(daemon=True)
        self.context = context
        with inside(host):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self.listener = socket.create_server((address, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.received = {}
        self.connections = {}
        self.start()

    def run(self):
        while True:
            try:
                raw, peer = self.listener.accept()
            except OSError:
                self.listener.close()
                return
            threading.Thread(target=self.serve, args=(raw, peer[1]), daemon=True).start()

    def serve(self, raw, port):
        self.received[port] = bytearray()
        with raw, contextlib.suppress(OSError, ValueError):
            tls = self.context.wrap_socket(raw, server_side=True)
            self.connections[port] = tls
            with tls:
                while octets := tls.recv(65536):
                    self.received[port] += octets

    def close(self):
        # The threads close what they read from: a descriptor closed here could be another's by the time they look.
        for connection in (self.listener, *self.connections.values()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Client:
    """A TLS connection, from the client host unless said otherwise, to a server's port unless NAT gives it another."""

    def __init__(self, server, address, version, session=None, name="server.example", host="client", port=None,
                 certificate=None, patience=PATIENCE):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        if session:
            # A session belongs to its context.
            context = session[0]
        if certificate:
            context.load_cert_chain(*certificate)
        self.server = server
        with inside(host):
            raw = socket.create_connection((address, port or server.port), timeout=patience)
        address, self.port = raw.getsockname()[:2]
        # Another host may have a connection of the same port.
        self.source = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self.tls = context.wrap_socket(raw, server_hostname=name, session=session and session[1])
        self.context = context

    def send(self, octets):
        self.tls.sendall(octets)

    def arrived(self):
        return bytes(self.server.received[self.port])

    def listed(self):
        """The connection as `tlsconnctl list` shows it on the gateway."""
        for connection in listed():
            if connection["src"] == self.source:
                return connection
        return None

    def recv(self):
        self.tls.settimeout(15)
        return self.tls.recv(65536)

    def close(self):
        with contextlib.suppress(OSError):
            self.tls.close()


SCHEMA = json.loads((HERE.parents[2] / "docs/tlsconnctl.schema.json").read_text())


def assert_valid(command, text):
    """What a command printed as JSON is as the schema says."""
    schema = {"$ref": f"#/$defs/{command}", "$defs": SCHEMA["$defs"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))


def ctl(*arguments, netns="gateway", check=True):
    """tlsconnctl on the gateway, with JSON."""
    done = run("tlsconnctl", "-n", netns, "-j", *arguments, check=check)
    if done.stdout:
        assert_valid(arguments[0], done.stdout)
    if done.stderr:
        assert_valid("error", done.stderr)
    return done


def listed(*arguments):
    return json.loads(ctl("list", *arguments).stdout)["connections"]


def stats():
    return json.loads(ctl("stats").stdout)["stats"]


def forgets(gone, *which):
    """Makes conntrack forget its entries, or those that options choose, until what was tracked of them is gone. A segment
    that is sent again meanwhile makes another."""
    command = ("-D", "-p", "tcp", *which) if which else ("-F",)
    return wait_for(lambda: (on("gateway", "conntrack", *command, check=False), gone())[1])


class GatewayTest(unittest.TestCase):
    """A test between three hosts, set up anew for each."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.net("net_down")
        self.addCleanup(self.net, "net_down")
        self.net("net_up")

    @staticmethod
    def net(function):
        # set -e is off in net_down by design: what is not there need not be removed.
        run("bash", "-c", f". {HERE}/../net.sh; {function}", check=function != "net_down")

    def server(self, ip=4, host="server", address=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate_files())
        server = Server(context, address or SERVER[ip], host)
        self.addCleanup(server.close)
        return server

    def connect(self, server, version=ssl.TLSVersion.TLSv1_3, ip=4, session=None, name="server.example", to=None, **fields):
        client = Client(server, to or SERVER[ip], version, session, name, **fields)
        self.addCleanup(client.close)
        return client

    def hold(self, iptables="iptables-legacy", chain="FORWARD"):
        """The README's ruleset: application data of what is not pinned is held."""
        on("gateway", iptables, "-A", chain, "-p", "tcp", "-m", "tlsconn", "--pinned", "-j", "ACCEPT")
        on("gateway", iptables, "-A", chain, "-p", "tcp", "-m", "tlsconn", "--record-type",
           "application-data,unknown", "-j", "DROP")

    def assertHeld(self, *clients, arrived=b"", seconds=2.5):
        """Nothing more of them arrives, though their stacks send again every second."""
        time.sleep(seconds)
        self.assertEqual([client.arrived() for client in clients], [arrived] * len(clients))

    def assertOnlyThePinnedFlows(self, client, *others):
        """All of them hold back what they send; once one is pinned, it flows both ways, and the others are held still."""
        for one in (client, *others):
            self.assertTrue(wait_for(lambda one=one: one.listed()["state"] == "established"), one.listed())
            one.send(b"held")
        self.assertHeld(client, *others)
        ctl("pin", str(client.listed()["id"]), "--replace")
        self.assertArrives(client, b"held")
        client.server.connections[client.port].sendall(b"answer")
        self.assertEqual(client.recv(), b"answer")
        client.send(b"more")
        self.assertArrives(client, b"heldmore")
        self.assertEqual([other.arrived() for other in others], [b""] * len(others))

    def assertArrives(self, client, octets):
        self.assertTrue(wait_for(lambda: client.arrived().endswith(octets)), f"got {client.arrived()[-80:]!r}")
