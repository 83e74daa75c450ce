# SPDX-License-Identifier: GPL-2.0-only
"""Measuring: a way of forwarding, some traffic, what a packet costs."""

import json

import net
import rules


def say(**result):
    print(json.dumps(result), flush=True)


class Bench:
    """Measures case after case and prints each; `only` chooses some by parts of their names."""

    def __init__(self, count, only=(), repeat=3, unit="instructions", ns_per_unit=2):
        self.count = count
        self.repeat = repeat
        self.only = only
        self.unit = unit
        self.ns_per_unit = ns_per_unit
        # Of the next connection: each case has one of its own.
        self.number = 0

    def wanted(self, name):
        return not self.only or any(word in name for word in self.only)

    def case(self, name, kind, setup=None, *arguments, conntrack=True, rules=0, tracked=None):
        """Packets of that kind; `setup` makes the rules. `tracked`: the state in which our tracker must have it."""
        if not self.wanted(f"{name}/{kind}"):
            return
        self.prepare(setup, conntrack)
        before = net.arrived()
        measured = net.send("flow", kind, *arguments, "--first", self.number, "--count", self.count, "--repeat", self.repeat)
        came = net.arrived() - before
        if "--to-nobody" not in arguments:
            self.check(f"{name}/{kind}", came, len(measured["ns"]) * measured["packets"], tracked)
        self.number += 1
        self.say(case=name, kind=kind, rules=rules, ns=measured["ns"])

    def prepare(self, setup, conntrack):
        net.clear()
        if conntrack:
            net.with_conntrack()
        if setup:
            setup()

    def say(self, ns, **result):
        say(**result, **{self.unit: self.units(ns)})

    def units(self, ns):
        return [round(one / self.ns_per_unit, 1) for one in ns]

    @staticmethod
    def check(name, came, expected, tracked):
        """That what was measured is what was meant."""
        if came < expected:
            raise SystemExit(f"error: {name}: {came} of {expected} packets came out")
        if tracked:
            newest = net.tracked()[-1]
            if newest["state"] != tracked:
                raise SystemExit(f"error: {name}: the connection is {newest['state']}, not {tracked}: {newest['reason']}")


def state_of(kind):
    return "not-tls" if kind.startswith("text") else "established"


PIN = ("--then", "tlsconnctl -n gateway -q pin --replace --src {} >/dev/null")


def matches(bench, kind="short"):
    """What rules cost: short messages."""
    bench.case("nobody", kind, None, "--to-nobody", conntrack=False)
    bench.case("no conntrack", kind, conntrack=False)
    bench.case("no rule", kind)
    for name, words in rules.XTABLES.items():
        tracked = state_of(kind) if name == "tlsconn" else None
        for count in (1, 10):
            bench.case(name, kind, lambda: rules.repeated(words, count), rules=count, tracked=tracked)
    for count in (0, 1, 10):
        bench.case("nft", kind, lambda: rules.nft(count), rules=count)
    for name in ("connmark", "u32", "tlsconn"):
        words = rules.XTABLES[name]
        bench.case(f"{name}, iptables-nft", kind, lambda: rules.repeated(words, 1, "iptables-nft"), rules=1)
    bench.case("tracker", kind, net.with_tracker, tracked=state_of(kind))
    bench.case("pinned", kind, rules.readme, *PIN, rules=2, tracked=state_of(kind))
    bench.case("pass mark", kind, rules.pass_mark, tracked=state_of(kind))
    bench.case("nft by marks", kind, rules.nft_by_marks, rules=2)
    bench.case("nft by pass mark", kind, rules.nft_by_pass_mark, rules=2, tracked=state_of(kind))
    bench.case("pinned, nft", kind, rules.printed_for_nft, *PIN, rules=2, tracked=state_of(kind))


def traffic(bench):
    """What other packets cost."""
    for kind in ("long", "merged", "acks", "text", "text-full"):
        bench.case("nobody", kind, None, "--to-nobody", conntrack=False)
        bench.case("no rule", kind)
        bench.case("connmark", kind, lambda: rules.repeated(rules.CONNMARK, 1), rules=1)
        bench.case("u32", kind, lambda: rules.repeated(rules.U32, 1), rules=1)
        bench.case("tracker", kind, net.with_tracker, tracked=state_of(kind))
        bench.case("tlsconn", kind, lambda: rules.repeated(rules.TLSCONN, 1), rules=1, tracked=state_of(kind))
        bench.case("pinned", kind, rules.readme, *PIN, rules=2, tracked=state_of(kind))
        bench.case("nft by pass mark", kind, rules.nft_by_pass_mark, rules=2, tracked=state_of(kind))


def setups(bench):
    """A whole connection: TCP's and TLS's handshake."""
    count = max(bench.count // 40, 50)
    cases = (("nobody", None, "--to-nobody"), ("no rule", None),
             ("u32", lambda: rules.repeated(rules.U32, 1)), ("tracker", net.with_tracker),
             ("tlsconn", lambda: rules.repeated(rules.TLSCONN, 1)))
    for name, setup, *arguments in cases:
        if not bench.wanted(f"{name}/setup"):
            continue
        bench.prepare(setup, conntrack=True)
        measured = net.send("setup", *arguments, "--count", count)
        bench.say(case=name, kind="setup", rules=int(name in ("u32", "tlsconn")), ns=measured["ns"],
                  packets=measured["packets"] / count)
        if name == "tlsconn":
            states = [connection["state"] for connection in net.tracked()]
            if states.count("established") != 4 * count:
                raise SystemExit(f"error: {states.count('established')} of {4 * count} connections were established")
