# SPDX-License-Identifier: GPL-2.0-only
"""nginx in front of the harness's backend, which it speaks HTTP with."""

import re
import shutil

from lab import SERVER, run
from peer import ALPN, Stack
from services import Service, ServiceServer

CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
# What it says of handshakes is in what it says to its developers (ALPN is not in this part of it).
error_log stderr debug_event;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    client_max_body_size 0;
    # Whoever comes again makes a connection anew.
    keepalive_requests 1;
    server {{
        listen {address}:{port} ssl;
        http2 on;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv{version};
        ssl_session_cache shared:sessions:1m;
        {more}
        location / {{
            proxy_pass http://127.0.0.1:{backend};
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_read_timeout 600;
            proxy_send_timeout 600;
        }}
    }}
}}
"""
MORE = {
    "early": "ssl_early_data on;",
    "retry": "ssl_ecdh_curve secp384r1;",
    "certificate": "ssl_verify_client optional_no_ca;",
}
ACCEPTED = re.compile(r"\*(\d+) accept: [0-9.]+:(\d+) ")
HANDSHAKE = re.compile(r"\*(\d+) SSL: TLSv([0-9.]+), cipher: \"([A-Za-z0-9_-]+)")
EARLY = re.compile(r"\*(\d+) SSL_read_early_data: 1, ")
CONNECTION = re.compile(r"\*(\d+) (.*)")


class Log(Service):
    """Its log for developers. That a session is resumed is in the line behind the one about the handshake."""

    def __init__(self, *arguments):
        self.connections, self.waiting = {}, {}
        super().__init__(*arguments)

    def event_of(self, line):
        if found := ACCEPTED.search(line):
            self.connections[found[1]] = {"event": "handshake", "port": int(found[2]), "resumed": False, "alpn": None,
                                          "early": False}
        elif found := EARLY.search(line):
            self.connections[found[1]]["early"] = True
        elif found := HANDSHAKE.search(line):
            self.connections[found[1]].update(version=found[2], cipher=found[3])
            self.waiting[found[1]] = self.connections[found[1]]
        elif (found := CONNECTION.search(line)) and found[1] in self.waiting:
            event = self.waiting.pop(found[1])
            event["resumed"] = found[2] == "SSL reused session"
            return event
        return None


class NginxServer(ServiceServer):
    protocols = ("h2", ALPN)


class Nginx(Stack):
    name = "nginx"
    title = "nginx"
    roles = ("server",)

    def missing(self):
        return None if shutil.which("nginx") else "there is no nginx here"

    def version(self):
        return run("nginx", "-v").stderr.split("/")[1].split()[0]

    def serve(self, case, place, port, backend):
        text = CONFIGURATION.format(folder=place.folder, address=SERVER[4], port=port, backend=backend,
                                    version=case.version, more=MORE.get(case.mode, ""))
        with open(place.file("nginx.conf"), "w", encoding="ascii") as file:
            file.write(text)
        command = ["nginx", "-e", "stderr", "-p", place.folder, "-c", place.file("nginx.conf")]
        return NginxServer(Log("server", command, place.folder, [port]), pump=False)


STACK = Nginx()
