# SPDX-License-Identifier: GPL-2.0-only
"""A client and a server through the gateway: what is held, and what comes once it is pinned."""

import contextlib
import os
import time

import decrypt
import gateway
import leak
import truth
from capture import Recorder
from connection import Connection, Waits
from leak import RECORD
from peer import NAME, Broken
from shares import group_taken, named, shares_of
from stream import LARGE, SMALL
from wire import Wire


class Course:
    """What a client and a server that run go through."""

    def __init__(self, client, server, case, place, backend, port):
        self.case, self.place, self.backend, self.port = case, place, backend, port
        self.client, self.server = client, server
        self.opened, self.pinned, self.receivers = 0, 0, []
        self.recorder = Recorder(port)
        # An HTTP client would use the connection again, where a session is to be resumed on a new one.
        self.backend.expect(SMALL, self.client.pump and server.pump, last=not self.client.pump)

    def close(self):
        for peer in (self.client, self.server):
            peer.events_before += self.opened
        for receiver in (*self.receivers, *self.backend.arrivals):
            receiver.end()
        self.recorder.close()
        gateway.unpin()

    def check(self, connection, event, resumed):
        """`list` says what the stacks say and were told."""
        case = self.case
        now = connection.seen.now()
        self.wire.take()
        asked = self.wire.asks_again(connection.seen.client_port)
        if case.mode == "retry" and not asked:
            raise Broken("the server has not asked for another key share")
        offers = self.client.protocols
        expected = {"version": case.version, "sni": NAME, "alpn": offers[0] if offers else None, "confirmed": True,
                    "early_data": connection.early, "hello_retry": asked}
        if resumed is not None:
            expected["resumed"] = resumed
        found = gateway.disagreements(now, event, expected)
        # `list` has what is offered first; what is agreed on is said in TLS 1.3 to the two only.
        agreed = next((one for one in offers if one in self.server.protocols), None)
        unknown = self.client.forgets_alpn and resumed and case.version == "1.3" and event["alpn"] is None
        if event["alpn"] != agreed and not unknown:
            found.append(f"the client says that ALPN has {event['alpn']}, not {agreed}")
        hello = self.hello(connection, event, found) if case.version == "1.3" else None
        if resumed and event["resumed"] is None and connection.server_told:
            event = {**event, "resumed": connection.server_told.event["resumed"]}
        if resumed and event["resumed"] is False:
            found.append("they say that they have not resumed")
        if os.path.exists(self.place.keylog):
            with open(self.place.keylog, encoding="ascii") as log:
                keys = log.read().lower()
            if keys and now["client_random"] not in keys and not (resumed and case.version == "1.2"):
                found.append("client_random is not in the client's key log")
        if found:
            raise Broken("list: " + "; ".join(found))
        return {"alpn": agreed, "hello": hello}

    def hello(self, connection, event, found):
        """What the wire has of the client's first hello and of the key exchange."""
        port = connection.seen.client_port
        octets, shares = shares_of(self.wire.stream("client", port, outgoing=True))
        group = group_taken(self.wire.stream("client", port))
        if self.client.share and self.client.share not in shares:
            found.append(f"the client has key shares of {', '.join(shares)}, not of {self.client.share}")
        said = event.get("group")
        if (said or self.client.share) and named(said) != group:
            found.append(f"the server has taken {group}, the client says {said}")
        return {"octets": octets, "segments": self.wire.segments_of("server", port, octets), "shares": shares, "group": group}

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
        whole = [arrival for arrival in self.backend.arrivals if arrival.whole()]
        if len(whole) > self.pinned:
            raise Broken(f"{len(whole)} requests have come to the backend whole, and {self.pinned} connections are pinned")
        reached = sum(arrival.octets for arrival in self.backend.arrivals if arrival not in whole)
        reached += sum(connection.receiver.octets for connection in connections)
        doubtful = self.case.version == "1.3" and self.case.kind.certificate
        if reached > (RECORD if doubtful else 0):
            raise Broken(f"{reached} bytes of data have passed without a pin")
        return reached

    def doubt(self, *connections):
        """The most octets behind a handshake that have arrived on the wire, by host."""
        found = [leak.doubt(self.wire, one.seen, self.case) for one in connections]
        return {host: max(one[host] for one in found) for host in ("client", "server")}

    def truth(self, *connections):
        """By the key logs, what was held and what passed of each kind, the most of any of these connections; or why that is not
        known."""
        why = None
        if self.case.version == "1.3":
            logged = self.client.logs_keys or self.server.logs_keys
            why = decrypt.missing() if logged else "neither side keeps a key log"
        if why:
            return {"why": why}
        logs = (self.place.keylog, self.place.server_keylog)
        found = [truth.compare(self.recorder.connection(one.seen.client_port), self.case.version, logs, self.place.folder)
                 for one in connections]
        return {sender: {name: max(one[sender][name] for one in found) for name in truth.FIGURES}
                for sender in ("client", "server")}

    def first(self, size=SMALL, beside=True):
        """A connection with a full handshake, and one beside it: both are held, then one is pinned."""
        with self.listening():
            one = Connection(self, size)
            told = self.check(one, one.shake(), False)
            one.hold()
            others = [Connection(self, SMALL)] if beside else []
            for other in others:
                self.check(other, other.shake(), None)
                other.hold()
            told |= {"passed": self.passed(one, *others), "doubt": self.doubt(one, *others)}
        before = [other.received() for other in others]
        one.flows()
        self.passed(*others)
        if [other.received() for other in others] != before:
            raise Broken("one is pinned, and data of the one beside it passes")
        return {**told, "truth": self.truth(one, *others)}

    def waited(self, waits):
        """A handshake that waits for the pin, because data stands in one segment with the end of it."""
        found = self.truth(waits.connection)
        if not any(found[sender]["handshake_waits"] for sender in found if sender != "why"):
            raise waits
        return {"result": "cannot", "passed": 0, "truth": found,
                "why": "the handshake waited for the pin, as data stood in one segment with its Finished"}

    def again(self):
        """A connection that resumes: it is held for itself, though the one before it is pinned."""
        with self.listening():
            one = Connection(self, SMALL, resume=True)
            told = self.check(one, one.shake(), True)
            one.hold()
            told |= {"passed": self.passed(one), "doubt": self.doubt(one)}
        one.flows()
        return {**told, "truth": self.truth(one)}

    def early(self):
        """A connection with early data, which by the contract may wait for its pin; no octet of it passes before."""
        with self.listening():
            one = Connection(self, self.client.most_early or SMALL, resume=True)
            one.seen.becomes("early data offered", lambda now: now["early_data"] is True)
            one.hold()
            passed = self.passed(one)
            leak.no_data(self.wire, one.seen)
            waited = (one.server_told or one.told).event is None
            one.flows()
            event = one.told.have()
            told = [waiter.have() for waiter in (one.told, one.server_told) if waiter]
            taken = [each and each.get("early") for each in told]
            asked = one.seen.now()["hello_retry"]
            # Some do not take a ticket twice, in the second hello neither.
            about = self.check(one, event, None if asked else True)
        if True not in taken:
            if asked:
                return {"result": "cannot", "why": "the server asks this client for another key share, which ends early data"}
            raise Broken(f"neither stack says that early data was taken: {taken}")
        return {**about, "passed": passed, "doubt": None, "waited": waited, "truth": self.truth(one)}

    def plain(self):
        """A connection that begins in plain text is no TLS to the gateway, which holds all of it until it is pinned."""
        with self.listening():
            one = Connection(self, SMALL)
            one.seen.becomes("held as not-tls", lambda now: now["state"] == "not-tls")
            one.repeats({"client": 0})
            self.wire.take()
            octets = sum(len(octets) for _, octets in self.wire.pieces("server", one.seen.client_port))
            if one.told.event or octets:
                raise Broken(f"it is not held: {one.told.event}, {octets} bytes")
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
            try:
                results[mode] = {"result": "pass", **what()}
            except Waits as waits:
                results[mode] = course.waited(waits)
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
    first = results.get("full", {})
    for mode in modes:
        again = first if first.get("result") == "cannot" else {"result": "fail", "why": "its first connection has failed"}
        results.setdefault(mode, again)
    return {mode: results[mode] for mode in modes}
