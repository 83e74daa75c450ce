# SPDX-License-Identifier: GPL-2.0-only
"""One connection of a client and a server through the gateway: its handshake, what is held, and what comes once it is pinned."""

import os
import threading

import gateway
from gateway import ENOUGH
from lab import wait_for
from peer import Broken
from stream import ANSWERED, Receiver, push, request

# Octets of a ClientHello and the early data that clients send here at least.
EARLY = 3000
# What a rule drops is sent again, after 0.2 s, 0.4 s and so on: how often, before it is said to be held.
AGAIN = 2


class Waits(Broken):
    """The handshake does not complete before the pin, and does behind it."""

    def __init__(self, connection):
        super().__init__("the handshake waits for the pin")
        self.connection = connection


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
        # Another file each time: who posts the one before may still read it.
        body = course.place.file("body")
        with open(f"{body}-next", "wb") as file:
            file.write(request(size).partition(b"\r\n\r\n")[2])
        os.replace(f"{body}-next", body)
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
            raise Waits(self)
        # A flight that has its Finished in one record with the end of a long certificate ends with the first record of data.
        if self.course.case.kind.certificate != "long.pem":
            self.seen.becomes("established", lambda now: now["state"] == "established")
        return self.told.event

    def hold(self):
        """What both applications have said by now stays at the gateway."""
        if self.early:
            self.seen.holds_data("client", octets=EARLY)
            self.repeats({"client": 0})
            return
        sides = ["client", *(["server"] if self.course.backend.first else [])]
        before = {side: self.seen.sent_again(side) for side in sides}
        self.write()
        self.seen.holds_data(*sides)
        # A ticket that is held for seconds (OpenSSL: 10) is too old for early data; the column `full` waits.
        if self.course.case.mode != "early":
            self.repeats(before)

    def repeats(self, before):
        """What these sides sent is held: they have sent again, more often than before, while nothing of it passed."""
        def enough():
            self.course.passed(self)
            return all(self.seen.sent_again(side) >= times + AGAIN for side, times in before.items())
        if not wait_for(enough, 2 * ENOUGH):
            raise Broken(f"nothing is held: what the {' and the '.join(before)} sent is not sent again")
        self.course.passed(self)

    def received(self):
        """What both hosts' kernels have taken of it."""
        return [self.seen.received(host) for host in ("client", "server")]

    def flows(self):
        """Pinned, everything arrives at both ends, and is right."""
        done = [arrival.whole() for arrival in self.course.backend.arrivals].count(True)
        gateway.pin(self.seen.id)
        # The next time that it is sent may be as far away as it has been held.
        wait_for(lambda: self.receiver.over.is_set(), 2 * ENOUGH + self.size / 200_000)
        if not self.receiver.whole():
            raise Broken(f"pinned, of the response {self.receiver.right} of {self.size} bytes have arrived "
                         f"({self.receiver.wrong or 'no more'}): {self.seen.now()}")
        wait_for(lambda: [arrival.whole() for arrival in self.course.backend.arrivals].count(True) > done, ENOUGH)
        self.course.pinned += 1
        whole = [arrival.whole() for arrival in self.course.backend.arrivals].count(True)
        if whole != done + 1:
            wrong = [arrival.wrong for arrival in self.course.backend.arrivals]
            raise Broken(f"pinned, {whole - done} requests have arrived instead of one: {wrong}")
