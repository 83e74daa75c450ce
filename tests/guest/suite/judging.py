# SPDX-License-Identifier: GPL-2.0-only
"""Sets gateways up one after the other, sends data through each, asks doctor, and runs the commands that it proposes. As a program:

    judging.py [PART]           in a guest: prints what became of each, a line of JSON for a gateway; PART as for `chosen`
    judging.py report FILE...   prints docs/doctor.md from such lines; others are passed over
"""

import functools
import json
import pathlib
import re
import sys
import time

import gateways
from lab import HAS_LEGACY, GatewayTest, ctl, inside, on
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
    "tables-legacy": lambda: HAS_LEGACY,
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


def set_up(gateway, problems):
    """What of it this kernel has not got, where that is so; anything else that is refused is a problem."""
    empty()
    for command, stdin in gateway.steps:
        done = on("gateway", "sh", "-ec", command, stdin=stdin, check=False)
        if done.returncode == 0:
            continue
        lacks = [part for part, loaded in PARTS.items() if part in f"{command} {stdin}" and not loaded()]
        if not lacks:
            problems.append(f"{gateway.name}: {command}\n{stdin}{done.stderr}")
        return ", ".join(lacks) or "such a rule"
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
        self.rows, self.problems = [], []

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
        row = {"gateway": gateway.name, "kind": gateway.kind, "lacks": set_up(gateway, self.problems)}
        self.rows.append(row)
        if row["lacks"] is not None:
            tell(f"left out  {gateway.name}: {row['lacks']}")
            return
        came = self.measuring.measure()
        findings = ask()
        row["says"] = self.verdict(gateway.name, came, findings)
        row["passes"] = sorted({what[0] for what in held_back(came)})
        row["doubts"] = [f["detail"] for f in findings if f["ok"] is None and f["check"] not in BESIDE]
        tell(f"{row['says']:9} {'passes ' + ' '.join(row['passes']) if row['passes'] else 'holds':32} {gateway.name}")
        self.mend(gateway, came, findings)


def count(rows, said, passes=(True, False)):
    """How many were told so: agreed, unknown or mistaken; of those through which data passes, or none."""
    words = ("ok", "wrong") if said == "agreed" else (said,)
    return sum(row.get("says") in words and bool(row["passes"]) in passes for row in rows)


def chosen(only=""):
    """All gateways in full, a sample of every kind in CI; those that have a word in their names; or a part, as in 2/5."""
    every = gateways.all_of_them()
    if part := re.fullmatch(r"(\d+)/(\d+)", only):
        return every[int(part[1]) - 1::int(part[2])]
    if only:
        return [gateway for gateway in every if only in gateway.name]
    # Of each kind of condition there are six: the step takes another of them each time.
    return every[::size(59, 1, 19)]


def run_all(judge, every, told=lambda row: None):
    began = time.monotonic()
    for gateway in every:
        judge.judge(gateway)
        told(judge.rows[-1])
    counts = ", ".join(f"{said} {count(judge.rows, said)}" for said in SAID)
    left_out = sum(row["lacks"] is not None for row in judge.rows)
    tell(f"gateways {len(judge.rows)}: {counts}, left out {left_out}; {time.monotonic() - began:.0f} s")


SAID = ("agreed", "unknown", "mistaken")


def line(name, rows):
    counts = [count(rows, said, [passes]) for passes in (True, False) for said in SAID]
    return f"| {name} | {sum(counts)} | " + " | ".join(map(str, counts)) + " |\n"


def document(rows):
    """docs/doctor.md."""
    text = HEAD
    for kind in dict.fromkeys(row["kind"] for row in rows):
        text += line(kind, [row for row in rows if row["kind"] == kind])
    text += line("**all**", rows) + "\n"
    every = len(gateways.all_of_them())
    if len(rows) < every:
        text += f"Of {every} gateways {len(rows)} were judged so far.\n\n"
    lacking = [row["lacks"] for row in rows if row["lacks"] is not None]
    if lacking:
        parts = ", ".join(f"`{part.strip()}`" for part in sorted(set(lacking)))
        text += f"{len(lacking)} were left out, as the kernel there has no {parts}.\n\n"
    text += UNKNOWN
    for row in rows:
        if row.get("says") == "unknown":
            text += f"| {row['gateway']} | {' '.join(row['passes']) or '-'} | {row['doubts'][0].replace('|', chr(92) + '|')} |\n"
    return text


def report(files):
    """Of a gateway that was judged twice the later line counts."""
    rows = {}
    for file in files:
        for text in pathlib.Path(file).read_text().splitlines():
            if text.startswith('{"gateway": '):
                row = json.loads(text)
                rows[row["gateway"]] = row
    every = gateways.all_of_them()
    print(document([{**rows[one.name], "kind": one.kind} for one in every if one.name in rows]), end="")


HEAD = """<!-- SPDX-License-Identifier: GPL-2.0-only -->
# What doctor says, and what passes

This page says how often `tlsconnctl doctor` is right. These commands write it, about the gateways in `tests/guest/suite/gateways.py`:

```sh example
TLSCONN_FULL=1 tests/lab/uml 'python3 -B tests/guest/suite/judging.py' >build/doctor.jsonl
tests/lab/enter python3 -B tests/guest/suite/judging.py report build/doctor.jsonl >docs/doctor.md
```

Each gateway is set up in a namespace between two hosts. The test sends data of connections without a pin through it, from either
side, over IPv4 and IPv6, to two ports. The data is TLS, or text that is not TLS. It also sends datagrams to port 443. Then it asks
`doctor`, and compares:

- *agreed*: it says `wrong` and data has passed, or it says `ok` and none has;
- *unknown*: it says that it cannot tell, and names the rule ([below](#what-is-unknown));
- *mistaken*: it says `ok` and data has passed, or `wrong` and none has.

Then it runs the commands that `doctor` proposes, and does all of this again. What was held before must still be held.
`test_doctor_gateways` does the same with a sample, and fails if anything is mistaken.

| gateways | | data passes: agreed | unknown | mistaken | none passes: agreed | unknown | mistaken |
|---|---:|---:|---:|---:|---:|---:|---:|
"""
UNKNOWN = """## What is unknown

| gateway | what passes | what doctor says first |
|---|---|---|
"""


def main(arguments):
    if arguments[:1] == ["report"]:
        return report(arguments[1:])
    GatewayTest.net("net_down")
    GatewayTest.net("net_up")
    judge = Judge()
    run_all(judge, chosen(*arguments), lambda row: print(json.dumps(row), flush=True))
    tell(*judge.problems)
    return len(judge.problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
