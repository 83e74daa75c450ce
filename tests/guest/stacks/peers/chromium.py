# SPDX-License-Identifier: GPL-2.0-only
"""Chromium without a window. A page of the harness's own has it post, and gives back what it got."""

import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab import PATIENCE, SERVER, inside, on, run, wait_for
from netlog import NetLog
from peer import ALPN, NAME, PORTS, Broken, Client, Process, Stack
from shares import POST_QUANTUM

# Seconds in which Chromium has the page, where the processor is emulated. A process of its that has not reached the browser
# in 15 s ends by itself, and what waits for it waits for ever: each has as long, and the one that speaks TLS is left out, in
# favour of a thread of the browser's.
START = 600
FLAGS = f"""--ipc-connection-timeout={START} --enable-features=NetworkServiceInProcess2
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-extensions --disable-default-apps --disable-breakpad
    --disable-web-security --ignore-certificate-errors --in-process-gpu --no-zygote --no-proxy-server
    --disable-features=Translate,OptimizationHints,MediaRouter,PreconnectToSearch,NetworkPrediction
    --js-flags=--no-opt --renderer-process-limit=1""".split()
# It asks for what is to be posted until it is closed.
PAGE = b"""<!doctype html><script>
(async () => {
    const post = async (id, url, credentials) => {
        let result, octets;
        try {
            const body = await (await fetch("/body", {cache: "no-store"})).arrayBuffer();
            const response = await fetch(url, {method: "POST", body, credentials, cache: "no-store"});
            [result, octets] = ["done", await response.arrayBuffer()];
        } catch (error) {
            [result, octets] = ["failed", String(error)];
        }
        await fetch(`/${result}/${id}`, {method: "POST", body: octets});
    };
    for (;;) {
        for (const what of await (await fetch("/next")).json()) post(...what);
    }
})();
</script>
"""
POLICIES = "/etc/chromium/policies/managed"
# Each course's server has an origin of its own, so that neither sessions nor choices are another server's: a port that only
# Chromium sees, above those that it refuses.
ORIGINS = itertools.count(20000)
# Seconds for which the page waits for something to do.
POLL = 1


class Page(ThreadingHTTPServer):
    """What serves the page."""
    daemon_threads = True

    def __init__(self, body, fails):
        self.body, self.fails = body, fails
        self.asked, self.sockets = [], {}
        self.here = threading.Event()
        self.more = threading.Condition()
        with inside("client"):
            super().__init__(("127.0.0.1", next(PORTS)), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """The page goes while it asks."""

    def post(self, url, credentials):
        """Has the page post to an address, with credentials or without, which are sent over different connections; the
        socket gives the response's body. The number is that of the post."""
        ours, its = socket.socketpair()
        ours.settimeout(PATIENCE)
        with self.more:
            number = len(self.sockets)
            self.sockets[number] = its
            self.asked.append((number, url, credentials))
            self.more.notify_all()
        return number, ours

    def next(self):
        self.here.set()
        with self.more:
            self.more.wait_for(lambda: self.asked, POLL)
            asked, self.asked = self.asked, []
        return asked


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        page = self.server
        if self.path == "/":
            self.give(PAGE, "text/html")
        elif self.path == "/body":
            self.give(pathlib.Path(page.body).read_bytes(), "application/octet-stream")
        elif self.path == "/next":
            self.give(json.dumps(page.next()).encode(), "application/json")
        else:
            self.send_error(404)

    def do_POST(self):
        _, result, number = self.path.split("/")
        octets = self.rfile.read(int(self.headers["Content-Length"]))
        self.give(b"", "text/plain")
        with self.server.sockets[int(number)] as opened:
            if result == "done":
                opened.sendall(octets)
            else:
                self.server.fails(int(number), octets.decode())

    def give(self, octets, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


class Browser:
    """Chromium with its page, which speaks one version. Its start is what takes long, so it stays for all courses."""

    def __init__(self, place, version, port):
        home = place.file(f"chromium-{version}-{port}")
        os.makedirs(home)
        self.take_certificate(place, home)
        self.keylog, log = f"{home}/keys", f"{home}/net.json"
        self.page = Page(place.file("body"), self.fails)
        self.failed = {}
        only = f"tls{version}"
        # Its own resolver has the name, with the one port that servers have; everything else is not found.
        self.process = Process("client", [
            "chromium", *FLAGS, f"--user-data-dir={home}/profile", f"--log-net-log={log}",
            f"--ssl-version-min={only}", f"--ssl-version-max={only}",
            f"--host-resolver-rules=MAP {NAME} {SERVER[4]}:{port}", f"http://127.0.0.1:{self.page.server_port}/"],
            place.folder, {"HOME": home, "DBUS_SESSION_BUS_ADDRESS": "disabled:", "SSLKEYLOGFILE": self.keylog})
        self.log = NetLog(log, self.process)
        if not self.page.here.wait(START):
            self.process.close()
            raise Broken(f"Chromium does not get its page in {START} s: {self.process.said[-3:]}")

    def fails(self, number, why):
        self.failed[number] = why

    @staticmethod
    def take_certificate(place, home):
        """Into the data base where it looks for certificates; a policy has it use what is there without asking."""
        base = f"{home}/.pki/nssdb"
        os.makedirs(base)
        run("certutil", "-N", "-d", base, "--empty-password")
        run("openssl", "pkcs12", "-export", "-in", place.file("cert.pem"), "-inkey", place.file("key.pem"),
            "-name", "client", "-passout", "pass:", "-out", f"{home}/client.p12")
        run("pk12util", "-i", f"{home}/client.p12", "-d", base, "-W", "")
        os.makedirs(POLICIES, exist_ok=True)
        with open(f"{POLICIES}/certificate.json", "w", encoding="ascii") as file:
            json.dump({"AutoSelectCertificateForUrls": [json.dumps({"pattern": "*", "filter": {}})]}, file)


class ChromiumClient(Client):
    logs_keys = True
    pump = False
    protocols = ("h2", ALPN)
    share = POST_QUANTUM

    def __init__(self, browser, case, place, port):
        self.browser, self.case, self.place, self.port = browser, case, place, port
        self.numbers, self.origin = [], f"https://{NAME}:{next(ORIGINS)}/"
        browser.log.errors.clear()

    def open(self, resume=False):
        # The first and those that resume its session have credentials, those beside it none: they do not share its
        # connection (HTTP/2) nor its sessions.
        first = not self.numbers
        before = len(self.browser.log.handshakes_with(self.port))
        number, posted = self.browser.page.post(self.origin, "include" if resume or first else "omit")
        self.numbers.append(number)
        if self.case.mode == "certificate" and first:
            # It chooses one, and begins again with it on another connection, which is the one that counts.
            if not wait_for(lambda: self.failed() or len(self.browser.log.handshakes_with(self.port)) > before):
                raise Broken(f"no handshake with a certificate in Chromium's log: {list(self.browser.log.errors)}")
        return posted

    def failed(self):
        """What Chromium's page says of posts that did not succeed."""
        return [self.browser.failed[one] for one in self.numbers if one in self.browser.failed]

    def handshake(self, number):
        def told():
            if self.failed():
                raise Broken(f"Chromium says {self.failed()}, its log {list(self.browser.log.errors)}")
            return self.browser.log.handshakes_with(self.port)[number - 1:]

        found = wait_for(told)
        if not found:
            raise Broken(f"no handshake in Chromium's log: {list(self.browser.log.errors)}")
        shutil.copy(self.browser.keylog, self.place.keylog)
        return found[0]

    def close(self):
        """The browser stays, without its connections: the next server has the same port, and what is held goes on."""
        on("client", "ss", "-K", "dst", SERVER[4], "dport", "=", f":{self.port}")


class Chromium(Stack):
    name = "chromium"
    title = "Chromium"
    roles = ("client",)

    def __init__(self):
        self.browsers = {}

    def missing(self):
        return None if shutil.which("chromium") else "there is no Chromium here"

    def version(self):
        return re.search(r"Chromium (\S+)", run("chromium", "--version").stdout)[1]

    def cannot_connect(self, case):
        if case.mode == "early":
            return "Chromium sends early data with requests that change nothing (GET) at most, and here it posts"
        return None

    def connect(self, case, place, port):
        if (case.version, port) not in self.browsers:
            try:
                self.browsers[case.version, port] = Browser(place, case.version, port)
            except Broken as error:
                # What did not start in so long does not start the next time.
                self.browsers[case.version, port] = error
        browser = self.browsers[case.version, port]
        if isinstance(browser, Broken):
            raise browser
        return ChromiumClient(browser, case, place, port)


STACK = Chromium()
