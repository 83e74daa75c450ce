# SPDX-License-Identifier: GPL-2.0-only
"""Sets gateways up one after the other, sends data through each, asks doctor, and runs the commands that it proposes. Run as a
program in a guest it prints docs/doctor.md, of all of them with TLSCONN_FULL=1."""

import functools
import json
import pathlib
import sys
import time

import gateways
from lab import GatewayTest, ctl, inside, on
from measuring import LONG, Measuring, held_back
from scale import size, tell

# Checks that say nothing of whether data is held, and those whose commands change the machine.
BESIDE = {"kernel", "module", "conntrack", "extension", "variants", "marks", "boot"}
OF_THE_MACHINE = {"kernel", "module", "conntrack", "extension"}
# Commands that are run for one gateway at most, one after the other.
COMMANDS_MAX = 4


def takes(*rule):
    """Whether this kernel takes such a rule; asked once, in a namespace that is empty."""
    return functools.cache(lambda: on("gateway", *rule, check=False).returncode == 0)


# What kernels may lack of it: words of a ruleset, and whether there is what they ask for.
PARTS = {
    f"-m {name} ": takes("iptables-nft", "-t", "mangle", "-A", "INPUT", "-m", name, *options)
    for name, options in (("length", ("--length", "100")), ("statistic", ("--mode", "random", "--probability", "0.5")))
} | {
    "*security": takes("iptables-legacy", "-t", "security", "-L"),
    "flowtable": takes("nft", "add table inet part; add flowtable inet part f { hook ingress priority 0; }"),
    "netdev": takes("nft", "add table netdev part; add chain netdev part c { type filter hook ingress device lo priority 0; }"),
}
LEGACY = {"ip_tables_names": "iptables-legacy-restore", "ip6_tables_names": "ip6tables-legacy-restore"}
CHAINS = {"raw": ("PREROUTING", "OUTPUT"), "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
          "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"), "filter": ("INPUT", "FORWARD", "OUTPUT"),
          "security": ("INPUT", "FORWARD", "OUTPUT")}
FORWARDING = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")


def empty():
    """Takes everything away that a gateway before has loaded."""
    commands = ["tlsconnctl unpin --all >/dev/null", "tlsconnctl track off >/dev/null", "nft flush ruleset", "conntrack -F 2>/dev/null"]
    with inside("gateway"):
        # None of a table that was not used.
        for names, restore in LEGACY.items():
            file = pathlib.Path("/proc/thread-self/net") / names
            tables = file.read_text().split() if file.exists() else []
            text = "".join(f"*{table}\n" + "".join(f":{chain} ACCEPT [0:0]\n" for chain in CHAINS[table]) + "COMMIT\n"
                           for table in tables)
            if text:
                commands.append(f"{restore} <<END\n{text}END\n")
        for name in FORWARDING:
            setting = pathlib.Path("/proc/sys") / name
            if setting.read_text() != "1\n":
                setting.write_text("1\n")
    on("gateway", "sh", "-ec", "\n".join(commands))


class Refused(Exception):
    """A gateway cannot be set up, though this kernel has everything for it."""


def set_up(gateway):
    """What of it this kernel has not got, where that is so."""
    empty()
    for command, stdin in gateway.steps:
        done = on("gateway", "sh", "-ec", command, stdin=stdin, check=False)
        if done.returncode == 0:
            continue
        lacks = [part for part, loaded in PARTS.items() if part in f"{command} {stdin}" and not loaded()]
        if not lacks:
            raise Refused(f"{gateway.name}: {command}\n{stdin}{done.stderr}")
        return ", ".join(lacks)
    return None


def ask():
    """What doctor finds; its exit code says the same."""
    done = ctl("doctor", check=False)
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == int(any(finding["ok"] is False for finding in findings)), findings
    return findings


def word(findings):
    said = {finding["ok"] for finding in findings if finding["check"] not in BESIDE}
    return "wrong" if False in said else "unknown" if None in said else "ok"


class Judge:
    """Gateways, what doctor said of each, and what it may not have said."""

    def __init__(self):
        self.measuring = Measuring()
        self.counts, self.unknown, self.left_out, self.problems = {}, [], {}, []

    def close(self):
        self.measuring.close()

    def verdict(self, name, came, findings):
        """Doctor's word, where it is not mistaken."""
        passed, said = held_back(came), word(findings)
        if said == "wrong" and not passed:
            # The machine may have been slow.
            passed = held_back(self.measuring.measure(LONG))
        if (said == "ok" and passed) or (said == "wrong" and not passed):
            told = [finding for finding in findings if finding["ok"] is not True]
            self.problems.append(f"{name}: doctor says {said}, and {sorted(passed) or 'nothing'} passed: {told}")
            return "mistaken"
        return said

    def mend(self, gateway, came, findings):
        """Runs the commands that are proposed. None may let through what was held."""
        for _ in range(COMMANDS_MAX):
            fixes = [finding["fix"] for finding in findings if finding["fix"] and finding["check"] not in OF_THE_MACHINE]
            if not fixes:
                return
            done = on("gateway", "sh", "-ec", fixes[0], check=False)
            name = f"{gateway.name}, after {fixes[0]}"
            if done.returncode:
                self.problems.append(f"{name}: {done.stderr}")
                return
            after = self.measuring.measure()
            more = held_back(after) - held_back(came)
            if more:
                self.problems.append(f"{name}: it lets through {sorted(more)}")
            came, findings = after, ask()
            tell(f"          {self.verdict(name, came, findings):9} after {fixes[0]}")

    def judge(self, gateway):
        missing = set_up(gateway)
        if missing is not None:
            self.left_out[gateway.name] = missing
            tell(f"left out  {gateway.name}: {missing}")
            return
        came = self.measuring.measure()
        findings = ask()
        said = self.verdict(gateway.name, came, findings)
        passed = sorted({what[0] for what in held_back(came)})
        tell(f"{said:9} {'passes ' + ' '.join(passed) if passed else 'holds':32} {gateway.name}")
        key = (gateway.kind, bool(passed), "agreed" if said in ("ok", "wrong") else said)
        self.counts[key] = self.counts.get(key, 0) + 1
        if said == "unknown":
            self.unknown.append((gateway.name, passed, [f["detail"] for f in findings if f["ok"] is None and f["check"] not in BESIDE]))
        self.mend(gateway, came, findings)

    def total(self, said, kind=None, passes=None):
        return sum(count for (of, passed, what), count in self.counts.items()
                   if what == said and kind in (None, of) and passes in (None, passed))


def chosen(only=""):
    """All gateways in full, or those of a name; a sample of every kind in CI."""
    every = gateways.all_of_them()
    if only:
        return [gateway for gateway in every if only in gateway.name]
    # Of each kind of condition there are six: the step takes another of them each time.
    return every[::size(29, 1, 7)]


def line(name, judge, **of):
    counts = [judge.total(said, passes=passes, **of) for passes in (True, False) for said in ("agreed", "unknown", "mistaken")]
    return f"| {name} | {sum(counts)} | " + " | ".join(map(str, counts)) + " |"


def document(judge):
    """docs/doctor.md."""
    kinds = list(dict.fromkeys(kind for kind, _, _ in judge.counts))
    rows = [line(kind, judge, kind=kind) for kind in kinds] + [line("**all**", judge)]
    text = HEAD + "\n".join(rows) + "\n\n"
    if judge.left_out:
        parts = ", ".join(f"`{part.strip()}`" for part in sorted(set(judge.left_out.values())))
        text += f"Left out, as that kernel has no {parts}: {len(judge.left_out)}.\n\n"
    text += UNKNOWN
    for name, passed, details in judge.unknown:
        text += f"| {name} | {' '.join(passed) or '-'} | {details[0].replace('|', chr(92) + '|')} |\n"
    return text


HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-only -->
# What doctor says, and what passes

Written by `TLSCONN_FULL=1 python3 -B tests/guest/suite/judging.py` in a guest (`tests/lab/uml`), of the gateways in
`tests/guest/suite/gateways.py`. Each is set up in a namespace between two hosts. Connections without a pin try to get data through,
from either side, over IPv4 and IPv6, to two ports, TLS and text that is none, and datagrams to port 443. Then `doctor` is asked:

- *agreed*: it says `wrong` and data has passed, or it says `ok` and none has;
- *unknown*: it says that it cannot tell, and names the rule ([below](#what-is-unknown));
- *mistaken*: it says `ok` and data has passed, or `wrong` and none has.

Then the commands that it proposes are run, and all is measured and asked again: what was held is held still.
`test_doctor_gateways` does the same with a sample, and fails if anything is mistaken.

| gateways | | data passes: agreed | unknown | mistaken | none passes: agreed | unknown | mistaken |
|---|---:|---:|---:|---:|---:|---:|---:|
"""
UNKNOWN = """## What is unknown

| gateway | what passes | what doctor says first |
|---|---|---|
"""


def run_all(judge, every):
    began = time.monotonic()
    for gateway in every:
        judge.judge(gateway)
    told = ", ".join(f"{said} {judge.total(said)}" for said in ("agreed", "unknown", "mistaken"))
    tell(f"gateways {len(every)}: {told}, left out {len(judge.left_out)}; {time.monotonic() - began:.0f} s")


def main():
    GatewayTest.net("net_up")
    judge = Judge()
    run_all(judge, chosen())
    print(document(judge), end="")
    tell(*judge.problems)
    return 1 if judge.problems else 0


if __name__ == "__main__":
    sys.exit(main())
