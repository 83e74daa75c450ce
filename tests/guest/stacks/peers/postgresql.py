# SPDX-License-Identifier: GPL-2.0-only
"""PostgreSQL's server and its client library, which speak with each other only. What is posted is a query's parameter,
what comes back its result; in between, the server has curl post it to the harness."""

import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from lab import SERVER, run, wait_for
from peer import NAME, Process, Stack
from services import RunClient, Service, ServiceServer

PROGRAM = str(pathlib.Path(__file__).parents[1] / "programs/libpq.py")
# Nobody else's rights: it does not run as root.
AS_POSTGRES = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
# The packet that a client begins with is padded, so that there is something to be held; the server takes 10,000 octets.
PADDING = 9000
PROTOCOLS = ("postgresql",)
HANDSHAKE = re.compile(r"\[[0-9.]+\((\d+)\)\] DEBUG: +SSL connection from ")


def program(name):
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    return found[0] if found else None


class Log(Service):
    def event_of(self, line):
        found = HANDSHAKE.search(line)
        # More is said of the connection only once the client has said who it is.
        return found and {"event": "handshake", "port": int(found[1]), "version": None, "cipher": None, "resumed": None,
                          "alpn": None, "early": None}


class PostgresqlServer(ServiceServer):
    protocols = PROTOCOLS

    def close(self):
        # A database that is killed has to be mended at the next start.
        self.process.process.send_signal(signal.SIGINT)
        wait_for(lambda: not self.process.open)
        super().close()


class PostgresqlClient(RunClient):
    protocols = PROTOCOLS

    def __init__(self, stack, case, place, port, negotiation="direct"):
        super().__init__()
        self.place = place
        # A key that others may read it does not use.
        key = shutil.copy(place.file("key.pem"), place.file("key-libpq.pem"))
        os.chmod(key, 0o600)
        certificate = f"sslcert={place.file('cert.pem')} sslkey={key}" if case.mode == "certificate" else ""
        version = f"TLSv{case.version}"
        self.words = [sys.executable, "-B", PROGRAM, f"host={NAME} hostaddr={SERVER[4]} port={port} user=postgres "
                      f"dbname=postgres sslmode=require sslnegotiation={negotiation} ssl_min_protocol_version={version} "
                      f"ssl_max_protocol_version={version} options=-cpadding.octets={'x' * PADDING} {certificate}",
                      place.file("body"), stack.exchange, f"http://127.0.0.1:{stack.backend}/"]

    def start(self, stdout):
        return Process("client", self.words, self.place.folder, stdin=subprocess.PIPE, stdout=stdout)


class Postgresql(Stack):
    name = "postgresql"
    title = "PostgreSQL"
    protocol = "postgresql"

    def __init__(self):
        self.folder = self.backend = None

    def missing(self):
        return None if program("postgres") else "there is no PostgreSQL here"

    def version(self):
        return run(program("postgres"), "--version").stdout.split()[2]

    def cannot(self, case):
        return {"resumed": "libpq keeps no sessions, and the server gives none",
                "early": "libpq has no early data"}.get(case.mode)

    cannot_serve = cannot_connect = cannot

    @property
    def exchange(self):
        return f"{self.folder}/exchange"

    def prepare(self):
        """A database, once."""
        self.folder = tempfile.mkdtemp(prefix="postgresql-")
        os.mkdir(self.exchange)
        for name in (self.folder, self.exchange):
            shutil.chown(name, "postgres", "postgres")
        run(*AS_POSTGRES, program("initdb"), "--no-sync", "--auth=trust", "--no-locale", "-D", f"{self.folder}/data")

    def serve(self, case, place, port, backend):
        if not self.folder:
            self.prepare()
        self.backend = backend
        for name in ("cert.pem", "key.pem"):
            shutil.copy(place.file(name), self.folder)
            shutil.chown(f"{self.folder}/{name}", "postgres", "postgres")
            os.chmod(f"{self.folder}/{name}", 0o600)
        asks = " clientcert=verify-ca" if case.mode == "certificate" else ""
        with open(f"{self.folder}/hba", "w", encoding="ascii") as file:
            file.write(f"hostssl all all all trust{asks}\n")
        settings = {
            "listen_addresses": SERVER[4], "port": port, "unix_socket_directories": self.folder,
            "hba_file": f"{self.folder}/hba", "fsync": "off", "log_min_messages": "debug2", "log_line_prefix": "[%r] ",
            "ssl": "on", "ssl_cert_file": f"{self.folder}/cert.pem", "ssl_key_file": f"{self.folder}/key.pem",
            "ssl_ca_file": f"{self.folder}/cert.pem" if asks else "",
            "ssl_min_protocol_version": f"TLSv{case.version}", "ssl_max_protocol_version": f"TLSv{case.version}",
            **({"ssl_ecdh_curve": "secp384r1"} if case.mode == "retry" else {})}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*AS_POSTGRES, program("postgres"), "-D", f"{self.folder}/data", *words]
        return PostgresqlServer(Log("server", command, self.folder, [port]), pump=False)

    def connect(self, case, place, port):
        return PostgresqlClient(self, case, place, port)


STACK = Postgresql()
