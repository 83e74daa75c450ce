# SPDX-License-Identifier: GPL-2.0-only
"""The gateway in the middle, with the ruleset that `tlsconnctl rules` prints, as the table asks it."""

import functools
import json
import re

from lab import SERVER, on, run, wait_for
from peer import Broken

# Seconds in which a handshake is done, and held data comes, on a busy machine too.
ENOUGH = 60
# More octets than the handshake of any side here, and less than is written at once.
BEYOND_HANDSHAKE = 8000


def hold():
    on("gateway", "iptables-restore", "--noflush", stdin=run("tlsconnctl", "rules").stdout)


def pin(number):
    run("tlsconnctl", "-n", "gateway", "pin", str(number), "--replace")


def unpin():
    run("tlsconnctl", "-n", "gateway", "unpin", "--all")


class Seen:
    """A connection to a port, the newest at first sight, as `list` has it."""

    def __init__(self, port, before):
        self.port = port
        news = wait_for(lambda: [one for one in connections(port) if one["id"] not in before], ENOUGH)
        if not news:
            raise Broken("no connection reaches the gateway")
        self.id = news[-1]["id"]

    def now(self):
        for one in connections(self.port):
            if one["id"] == self.id:
                return one
        raise Broken(f"the gateway has forgotten connection {self.id}")

    @functools.cached_property
    def client_port(self):
        return int(self.now()["src"].rsplit(":", 1)[1])

    def becomes(self, what, condition):
        if not wait_for(lambda: condition(self.now()), ENOUGH):
            raise Broken(f"not {what}: {self.now()}")

    def holds_data(self, *sides, octets=BEYOND_HANDSHAKE):
        """Data of these sides has come to the gateway, whatever became of it; or it waits behind what has and is held,
        such as tickets, which TCP first sends again: then at most one segment is under way."""
        self.becomes(f"data of the {' and the '.join(sides)} at the gateway",
                     lambda now: all(now["bytes"][side] >= octets or self.unacknowledged(side) >= octets for side in sides))

    def unacknowledged(self, host):
        """Octets that the application there has written and the other host has not acknowledged."""
        return max((int(line.split()[2]) for line in self.socket(host).splitlines() if line[:1].isalpha()), default=0)

    def sent_again(self, host):
        """Segments that the host has sent once more."""
        return max(map(int, re.findall(r"\bretrans:\d+/(\d+)", self.socket(host))), default=0)

    def received(self, host):
        """Octets that the host has taken, in order, and segments that came out of order."""
        told = self.socket(host)
        return [sum(map(int, re.findall(rf"\b{what}:(\d+)", told))) for what in ("bytes_received", "rcv_ooopack")]

    def socket(self, host):
        """What the host's kernel tells of its end."""
        ends = (self.client_port, self.port) if host == "client" else (self.port, self.client_port)
        return on(host, "ss", "-Htni", "sport = :{} and dport = :{}".format(*ends)).stdout


def connections(port):
    listed = run("tlsconnctl", "-n", "gateway", "-j", "list", "--all", "--dst", f"{SERVER[4]}:{port}")
    return json.loads(listed.stdout)["connections"]


def plain_name(cipher):
    """A cipher suite's name without what OpenSSL, GnuTLS, rustls and IANA write differently."""
    name = re.sub("TLS13|TLS|WITH|[-_ ]", "", cipher.upper())
    return name.removesuffix("SHA256") if "POLY1305" in name else name


def disagreements(now, event, expected):
    """What `list` says otherwise than the stack (event) and than what both were told (expected)."""
    found = [f"{field} is {now[field]}, not {value}" for field, value in expected.items() if now[field] != value]
    if event["version"] not in (None, now["version"]):
        found.append(f"version is {now['version']}, the stack says {event['version']}")
    name = (now["cipher"] or {}).get("name") or ""
    if event["cipher"] and plain_name(event["cipher"]) != plain_name(name):
        found.append(f"cipher is {name}, the stack says {event['cipher']}")
    if event["resumed"] not in (None, now["resumed"]):
        found.append(f"resumed is {now['resumed']}, the stack says {event['resumed']}")
    random = event.get("client_random")
    if random and random.lower() != now["client_random"]:
        found.append(f"client_random is {now['client_random']}, the stack says {random}")
    return found
