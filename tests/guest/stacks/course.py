# SPDX-License-Identifier: GPL-2.0-only
"""A client and a server through the gateway: what is held, and what comes once it is pinned."""

import contextlib
import os
import threading
import time

import gateway
from gateway import ENOUGH
from lab import wait_for
from peer import NAME, Broken
from stream import ANSWERED, LARGE, SMALL, Receiver, push, request
from wire import Wire, beyond_handshake

# Octets of a ClientHello and the early data that clients send here at least.
EARLY = 3000
# What may pass behind a client's certificate in doubt: a record (docs/tls.md).
RECORD = 16384
WAITS = "the handshake waits for the pin"


class Waiter(threading.Thread):
    """Waits for an event in the background."""

    def __init__(self, what):
        super().__init__(daemon=True)
        self.what, self.event, self.failed = what, None, None
        self.start()

    def run(self):
        try:
            self.event = self.what()
        except Broken as error:
            self.failed = error

    def have(self, seconds=ENOUGH):
        self.join(seconds)
        if self.failed:
            raise self.failed
        return self.event


class Connection:
    """One connection of a course, from its opening on."""

    def __init__(self, course, size, resume=False):
        self.course, self.size = course, size
        with open(course.place.file("body"), "wb") as file:
            file.write(request(size).partition(b"\r\n\r\n")[2])
        course.backend.size = size
        before = {one["id"] for one in gateway.connections(course.port)}
        course.opened += 1
        self.number = course.opened
        self.socket = course.client.open(resume)
        self.receiver = Receiver(self.socket, ANSWERED, size, has_head=course.client.pump)
        course.receivers.append(self.receiver)
        self.early = resume and course.case.mode == "early"
        if self.early:
            self.write()
        self.seen = gateway.Seen(course.port, before)
        self.told = Waiter(lambda: self.event_of(course.client))
        self.server_told = Waiter(lambda: self.event_of(course.server)) if course.server.tells else None

    def event_of(self, peer):
        """A peer's event of this connection; there may be others of connections of which the harness knows nothing."""
        port = self.seen.client_port
        number = peer.events_before + self.number
        while True:
            event = peer.handshake(number)
            if event["port"] in (None, port):
                return event
            number += 1

    def write(self):
        if self.course.client.pump:
            push(self.socket, request(self.size))

    def shake(self):
        """The handshake completes, at both ends, while data is held; else, the connection pinned, whether it does then."""
        waiters = [waiter for waiter in (self.told, self.server_told) if waiter]
        if None in [waiter.have() for waiter in waiters]:
            gateway.pin(self.seen.id)
            if None in [waiter.have() for waiter in waiters]:
                raise Broken(f"the handshake does not complete, pinned neither: {self.seen.now()}")
            raise Broken(WAITS)
        self.seen.becomes("established", lambda now: now["state"] == "established")
        return self.told.event

    def hold(self):
        """What both applications have said by now stays at the gateway."""
        if self.early:
            self.seen.holds_data("client", octets=EARLY)
            return
        self.write()
        self.seen.holds_data("client", *(["server"] if self.course.backend.first else []))

    def flows(self):
        """Pinned, everything arrives at both ends, and is right."""
        done = [arrival.whole() for arrival in self.course.backend.arrivals].count(True)
        gateway.pin(self.seen.id)
        wait_for(lambda: self.receiver.over.is_set(), ENOUGH + self.size / 200_000)
        if not self.receiver.whole():
            raise Broken(f"pinned, of the response {self.receiver.right} of {self.size} octets have arrived "
                         f"({self.receiver.wrong or 'no more'}): {self.seen.now()}")
        wait_for(lambda: [arrival.whole() for arrival in self.course.backend.arrivals].count(True) > done, ENOUGH)
        whole = [arrival.whole() for arrival in self.course.backend.arrivals].count(True)
        if whole != done + 1:
            wrong = [arrival.wrong for arrival in self.course.backend.arrivals]
            raise Broken(f"pinned, {whole - done} requests have arrived instead of one: {wrong}")


class Course:
    """What a client and a server that run go through."""

    def __init__(self, client, server, case, place, backend, port):
        self.case, self.place, self.backend, self.port = case, place, backend, port
        self.client, self.server = client, server
        self.opened, self.receivers = 0, []
        # An HTTP client would use the connection again, where a session is to be resumed on a new one.
        self.backend.expect(SMALL, self.client.pump and server.pump, last=not self.client.pump)

    def close(self):
        for peer in (self.client, self.server):
            peer.events_before += self.opened
        for receiver in (*self.receivers, *self.backend.arrivals):
            receiver.end()
        gateway.unpin()

    def check(self, connection, event, resumed):
        """`list` says what the stacks say and were told."""
        case = self.case
        now = connection.seen.now()
        self.wire.take()
        asked = self.wire.asks_again(connection.seen.client_port)
        if case.mode == "retry" and not asked:
            raise Broken("the server has not asked for another key share")
        expected = {"version": case.version, "sni": NAME, "alpn": self.client.alpn, "confirmed": True,
                    "early_data": connection.early, "hello_retry": asked}
        if resumed is not None:
            expected["resumed"] = resumed
        found = gateway.disagreements(now, event, expected)
        if resumed and event["resumed"] is False:
            found.append("the client says that it has not resumed")
        if os.path.exists(self.place.keylog):
            with open(self.place.keylog, encoding="ascii") as log:
                keys = log.read()
            if keys and now["client_random"] not in keys and not (resumed and case.version == "1.2"):
                found.append("client_random is not in the client's key log")
        if found:
            raise Broken("list: " + "; ".join(found))

    @contextlib.contextmanager
    def listening(self):
        """At both hosts' links."""
        self.wire = Wire()
        try:
            yield
        finally:
            self.wire.close()

    def passed(self, *connections):
        """Octets of data that have come to the ends of connections that are not pinned: none, or what may in doubt."""
        whole = [arrival for arrival in self.backend.arrivals if arrival.over.is_set()]
        reached = sum(arrival.octets for arrival in self.backend.arrivals if arrival not in whole)
        reached += sum(connection.receiver.octets for connection in connections)
        doubtful = self.case.version == "1.3" and self.case.mode == "certificate"
        if reached > (RECORD if doubtful else 0):
            raise Broken(f"{reached} octets of data have passed without a pin")
        return reached

    def doubt(self, connection):
        """Octets behind the handshake that have arrived on the wire, by host; none where a Finished cannot be told."""
        if self.case.mode == "padding":
            return None
        self.wire.take()
        cipher = connection.seen.now()["cipher"]["name"] if self.case.version == "1.3" else None
        port = connection.seen.client_port
        return {host: beyond_handshake(self.wire.records(host, port), cipher, host) for host in ("client", "server")}

    def first(self, size=SMALL, beside=True):
        """A connection with a full handshake, and one beside it: both are held, then one is pinned."""
        with self.listening():
            one = Connection(self, size)
            self.check(one, one.shake(), False)
            one.hold()
            others = [Connection(self, SMALL)] if beside else []
            for other in others:
                self.check(other, other.shake(), None)
                other.hold()
            told = {"passed": self.passed(one, *others), "doubt": self.doubt(one)}
        one.flows()
        self.passed(*others)
        return told

    def again(self):
        """A connection that resumes: it is held for itself, though the one before it is pinned."""
        with self.listening():
            one = Connection(self, SMALL, resume=True)
            self.check(one, one.shake(), True)
            one.hold()
            told = {"passed": self.passed(one), "doubt": self.doubt(one)}
        one.flows()
        return told

    def early(self):
        """A connection with early data, which by the contract may wait for its pin; no octet of it passes before."""
        with self.listening():
            one = Connection(self, SMALL, resume=True)
            one.seen.becomes("early data offered", lambda now: now["early_data"] is True)
            one.hold()
            passed = self.passed(one)
            waited = (one.server_told or one.told).event is None
            one.flows()
            event = one.told.have()
            asked = one.seen.now()["hello_retry"]
            # Some do not take a ticket twice, in the second hello neither.
            self.check(one, event, None if asked else True)
        if event["early"] is False:
            if asked:
                return {"result": "cannot", "why": "the server asks this client for another key share, which ends early data"}
            raise Broken("the server has not accepted the early data")
        return {"passed": passed, "doubt": None, "waited": waited}

    def plain(self):
        """A connection that begins in plain text is no TLS to the gateway, which holds all of it until it is pinned."""
        one = Connection(self, SMALL)
        one.seen.becomes("held as not-tls", lambda now: now["state"] == "not-tls")
        # What is sent again, every second, does not pass either.
        time.sleep(2.5)
        if one.told.event or self.passed(one):
            raise Broken(f"it is not held: {one.told.event}, {self.passed(one)} octets")
        one.flows()
        return {"result": "cannot", "passed": 0,
                "why": f"it starts with {self.client.starts_in_plain} in plain text: `not-tls`, held until it is pinned"}


def failed(error):
    """One course that fails, in whatever way, does not end the others."""
    return {"result": "fail", "why": str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"}


def run(client, server, case, place, backend, port, modes, size=LARGE):
    """Results by mode of a client and a server that run: of a case `resumed` also that of `full`, with so many octets each
    way."""
    began = time.monotonic()
    results = {}

    def note(mode, what):
        nonlocal began
        try:
            results[mode] = {"result": "pass", **what()}
        except Exception as error:
            results[mode] = failed(error)
        results[mode]["seconds"] = round(time.monotonic() - began, 1)
        began = time.monotonic()
        return results[mode]["result"] == "pass"

    course = None
    try:
        course = Course(client, server, case, place, backend, port)
        if course.client.starts_in_plain:
            note(case.mode, course.plain)
        elif case.mode in ("full", "resumed"):
            if note("full", lambda: course.first(size)) and case.mode == "resumed":
                note("resumed", course.again)
        elif case.mode == "early":
            if note("early", lambda: course.first(beside=False)):
                note("early", course.early)
        else:
            note(case.mode, lambda: course.first(beside=False))
    except Exception as error:
        results.setdefault(case.mode, failed(error))
    finally:
        if course:
            course.close()
    for mode in modes:
        results.setdefault(mode, {"result": "fail", "why": "its first connection has failed"})
    return {mode: results[mode] for mode in modes}
