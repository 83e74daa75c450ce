# SPDX-License-Identifier: GPL-2.0-only
"""Plays every case of the evasion table against both recipes. Run as a program in a guest it prints docs/evasions.md
with the table as found."""

import contextlib
import itertools
import pathlib

import evasions_tcp  # noqa: F401, it adds its cases
from conversation import Conversation, Wire
from evasions_tls import CASES
from lab import GatewayTest, ctl, on, run

# The first octet behind the TCP header.
U32 = "0>>22&0x3C@12>>26&0x3C@0>>24=0x17"
MARK = "0x54000000/0xff000000"
DOCUMENT = pathlib.Path(__file__).parents[3] / "docs/evasions.md"
HEAD = "|---|---|---|---|---|---|\n"


class OldRecipe:
    """One octet of each packet; and, as nothing else ties a rule to a connection, connmark for the one let through."""
    name = "u32"

    def load(self):
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "connmark", "--mark", MARK, "-j", "ACCEPT")
        on("gateway", "iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-m", "u32", "--u32", U32, "-j", "DROP")

    def unload(self):
        on("gateway", "iptables-legacy", "-F")

    def pin(self, talk):
        on("gateway", "conntrack", "-U", "-p", "tcp", "--sport", str(talk.ends["client"][1]), "--mark", "0x54000000")

    def state(self, talk):
        return ""


class Tlsconn:
    """What `tlsconnctl rules` prints."""
    name = "tlsconn"

    def load(self):
        on("gateway", "iptables-legacy-restore", "--noflush", stdin=run("tlsconnctl", "rules").stdout)

    def unload(self):
        for command in "-F", "-X":
            on("gateway", "iptables-legacy", command)

    def pin(self, talk):
        ctl("pin", str(talk.listed()["id"]), "--replace")

    def state(self, talk):
        known = talk.listed()
        if known is None:
            return "none"
        return known["state"] + (f" ({known['reason']})" if known["reason"] else "")


class Field:
    """What a case is played on."""
    ports = itertools.count(20000)

    def __init__(self, wire, recipe):
        self.wire, self.recipe, self.talks = wire, recipe, []

    def new(self, server_port=443):
        self.talks.append(Conversation(self.wire, next(self.ports), server_port))
        return self.talks[-1]

    def again(self, talk):
        """Another connection between the same ports."""
        self.talks.append(Conversation(self.wire, talk.ends["client"][1], talk.ends["server"][1]))
        return self.talks[-1]

    def pin(self, talk):
        self.recipe.pin(talk)

    def play(self, function):
        """Its pieces, and the states of its connections."""
        self.recipe.load()
        try:
            function(self)
            states = dict.fromkeys(self.recipe.state(talk) for talk in self.talks)
            return [piece for talk in self.talks for piece in talk.pieces], ", ".join(states)
        finally:
            self.recipe.unload()


def names(pieces, must, arrived):
    return ", ".join(dict.fromkeys(p.name for p in pieces if p.must is must and p.arrived is arrived))


def verdict(pieces):
    """A cell of the table."""
    passed, stopped = names(pieces, False, True), names(pieces, True, False)
    told = ([f"**passes: {passed}**"] if passed else []) + ([f"stops: {stopped}"] if stopped else [])
    return "; ".join(told) or "right"


def line(row, title, found):
    """A line of the table from what (pieces, states) each recipe came to."""
    (old, _), (new, states) = found
    held = ", ".join(dict.fromkeys(p.name for p in new if p.must is False)) or "nothing"
    return f"| {row} | {title} | {held} | {verdict(old)} | {verdict(new)} | {states} |\n"


def play(wire, function):
    return [Field(wire, recipe).play(function) for recipe in (OldRecipe(), Tlsconn())]


def in_order():
    return sorted(CASES, key=lambda case: int(case[0]))


def committed():
    """The document in three: up to the table's lines, those, and what comes behind them."""
    front, rest = DOCUMENT.read_text().split(HEAD)
    table, behind = rest.split("\n\n", 1)
    return front + HEAD, (table + "\n").splitlines(keepends=True), "\n" + behind


def main():
    front, _, behind = committed()
    GatewayTest.net("net_down")
    GatewayTest.net("net_up")
    with contextlib.closing(Wire()) as wire:
        table = [line(row, title, play(wire, function)) for row, title, function in in_order()]
    GatewayTest.net("net_down")
    print(front, *table, behind, sep="", end="")


if __name__ == "__main__":
    main()
