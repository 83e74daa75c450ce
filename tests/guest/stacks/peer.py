# SPDX-License-Identifier: GPL-2.0-only
"""What the table asks of a TLS stack: a client and a server of it, which look the same whatever is behind them.

A server takes TLS connections on a port of its own and joins each to a plain TCP connection to the harness (as stunnel,
HAProxy and nginx do). A client gives the harness a plain socket for each TLS connection that it opens. Both tell about
their handshakes as events, as far as the stack reports anything:

  {"event": "listening"}
  {"event": "handshake", "port": 40112, "version": "1.3", "cipher": "TLS_AES_128_GCM_SHA256", "resumed": false,
   "alpn": null, "early": false}     its own side's handshake is complete; `port` is the client's TCP port; `alpn`: what
                                     was agreed on, or null; `early`: early data was accepted. Else, what the stack does
                                     not tell is null. A `group` may be told, of TLS 1.3.
  {"event": "error", "text": "…"}

A program that does all this by itself is run by ProgramServer and ProgramClient of program.py, with these arguments:

  client --listen 127.0.0.1:A --resume 127.0.0.1:B --connect 10.2.0.2:P --name SNI --version 1.2|1.3 [--alpn NAME]
         [--cert FILE --key FILE] [--early] [--padding] [--limit N]
      A plain connection to A makes a TLS connection with a full handshake, one to B makes one that resumes the newest
      session. With --early, what can be read from a plain connection to B at once goes as early data.
  server --listen 10.2.0.2:P --connect 127.0.0.1:Q --cert FILE --key FILE --version 1.2|1.3 [--alpn NAME] [--retry]
         [--ask] [--early] [--padding] [--limit N]
      Each TLS connection is joined to a plain one to Q once its handshake is complete. --retry: takes P-384 only, so
      that clients are asked for another key share. --ask: asks for a client certificate, and takes any.
  --limit: records have no more than N bytes of content, those that it sends or those that it takes, by its own way.

Where the environment has SSLKEYLOGFILE, it writes its keys there, if its stack can.
Any number of connections at once. What a program cannot do (cannot_serve, cannot_connect, pads) it may pass over. Events
go to standard error, a line each; what is no JSON object there is kept as what the program said. When a plain connection
ends, close_notify is sent and the TLS connection ends, and the other way round. Programs live until they are killed.
"""

import dataclasses
import itertools
import json
import os
import subprocess
import threading
import time

from kinds import FLIGHTS, KINDS, kind_of
from lab import PATIENCE

NAME = "server.example"
ALPN = "http/1.1"
# Ports that the kernel does not choose by itself. Namespaces are the harness's own, so none is taken.
PORTS = itertools.count(10000)
MODES = ("full", "resumed", "early", "retry", *KINDS, *FLIGHTS)
# Why a client does not show what a column asks for.
ONE = "its own program has one certificate here"


class Broken(Exception):
    """A course that did not come to its end, and why."""


@dataclasses.dataclass(frozen=True)
class Case:
    """What both stacks are told to do. Every mode begins with a full handshake; `resumed` and `early` go on with a
    second connection that resumes the first one's session."""
    version: str
    mode: str

    @property
    def kind(self):
        return kind_of(self.mode)


class Stack:
    """A stack. A module of `peers` has one in STACK."""
    name = ""
    title = ""
    roles = ("client", "server")
    # How it pads records without being asked, or None.
    padding = None
    # Whether megabytes take it long.
    slow = False
    # Why its client cannot have a certificate of 20 kilobytes, or None. ONE: it has one of its own, whatever is asked for.
    long = ONE
    # Why its client cannot have one with a key of ML-DSA-65, or None.
    mldsa = None
    # By the server's word alone (RFC 8449) its client limits its records, which OpenSSL's does not give.
    limited_by_server = False
    # What it speaks over TLS, or "any": the harness's octets, which are HTTP.
    protocol = "any"

    def missing(self):
        """Why it cannot be run here; None where it can."""
        return None

    def version(self):
        """As the table names it: "OpenSSL 3.5.4"."""
        raise NotImplementedError

    def cannot_serve(self, case):
        """Why its server cannot do a case: "no early data in crypto/tls"; None where it can."""
        return None

    def cannot_connect(self, case):
        """Likewise its client."""
        return None

    def cannot_meet(self, server, case):
        """Why its client cannot do a case with another stack's server, though each of them can."""
        return None

    def pads(self, role):
        """Whether it pads records of TLS 1.3 when it is asked to. The mode is run where one of both does."""
        return False

    def limits(self, role):
        """Whether it makes records of TLS 1.3 shorter when it is asked to. The mode is run where one of both does."""
        return False

    def flights_server(self, case):
        """The server of a column of FLIGHTS."""
        return "gnutls" if case.kind.limit and self.limited_by_server else "openssl"

    def serve(self, case, place, port, backend):
        """Starts a server on SERVER[4]:port (in the namespace `server`) that joins its connections to
        127.0.0.1:backend there, and gives a Server once it listens."""
        raise NotImplementedError

    def connect(self, case, place, port):
        """Gives a Client (in the namespace `client`) of the server at SERVER[4]:port."""
        raise NotImplementedError


class Process:
    """A program in a namespace, and what it says on standard error."""

    def __init__(self, host, command, folder, environment=None, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        self.events, self.said = [], []
        self.more = threading.Condition()
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", host, *command], cwd=folder, env={**os.environ, **(environment or {})},
            stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, start_new_session=True)
        self.open = True
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()

    def listen(self):
        for line in self.process.stderr:
            self.take(line.decode("utf-8", "replace").rstrip("\n"))
        with self.more:
            self.open = False
            self.more.notify_all()

    def event_of(self, line):
        """The event that a line is, or None. Tools that say it in their own words have a class of their own."""
        if not line.startswith("{"):
            return None
        try:
            return json.loads(line)
        except ValueError:
            return None

    def take(self, line):
        event = self.event_of(line)
        with self.more:
            if event:
                self.events.append(event)
            else:
                self.said.append(line)
            self.more.notify_all()

    def wait_for(self, kind, number=1, seconds=PATIENCE, errors=True):
        """The event of that kind, the first or a later one. With `errors`, one ends it: not so where an error may be of
        another connection."""
        until = time.monotonic() + seconds
        with self.more:
            while True:
                found = [event for event in self.events if event["event"] == kind]
                if len(found) >= number:
                    return found[number - 1]
                failed = [event["text"] for event in self.events if event["event"] == "error"]
                left = until - time.monotonic()
                if (failed and errors) or not self.open or left <= 0:
                    what = failed[-1:] or self.said[-5:] or "nothing is said"
                    raise Broken(f"no {kind} ({'it still runs' if self.open else 'it has ended'}): {what}")
                self.more.wait(min(left, 1))

    def close(self):
        """Ends it with all that it has started."""
        if self.process.poll() is None:
            subprocess.run(["kill", "-9", "--", f"-{self.process.pid}"], capture_output=True, check=False)
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


class Server:
    """A server that listens."""
    # Whether it joins a connection to the backend as soon as the handshake is complete, so that the backend may speak
    # first. An HTTP server does not.
    pump = True
    # The protocols of ALPN that it takes.
    protocols = (ALPN,)
    # Whether it tells when its handshake is complete.
    tells = True
    # Whether it writes its keys into the place's log of servers.
    logs_keys = False
    # How many handshakes it has told of in courses before.
    events_before = 0

    def handshake(self, number):
        """The event of its handshake with that number, counted from 1."""
        raise NotImplementedError

    def close(self):
        raise NotImplementedError


class Client:
    """A client, ready to open connections."""
    # Whether it sends what it is given and gives what it receives, octet by octet. One that is not is an HTTP client:
    # it posts the file `body` by itself as soon as it can, and its socket gives the body of the response.
    pump = True
    # The protocols of ALPN that it offers.
    protocols = (ALPN,)
    # Whether it does not know what ALPN agreed on in a session of TLS 1.3 that is resumed.
    forgets_alpn = False
    # A group that it is to have a key share of in TLS 1.3.
    share = None
    # The most octets that it can post with early data in front; None: any.
    most_early = None
    # What it says in plain text in front of TLS.
    starts_in_plain = None
    # Whether it can go on with another server on the same port.
    lasting = False
    # Whether it writes its keys into the place's log of its own.
    logs_keys = False
    events_before = 0

    def open(self, resume=False):
        """Begins a TLS connection, which resumes the newest session or has a full handshake, and gives a plain socket
        for it."""
        raise NotImplementedError

    def handshake(self, number):
        """The event of its handshake with that number, counted from 1."""
        raise NotImplementedError

    def close(self):
        raise NotImplementedError
