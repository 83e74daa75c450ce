# SPDX-License-Identifier: GPL-2.0-only
"""Gateways as administrators set them up, by kinds: rulesets of iptables and nft that hold data, hold a part of it, or do not,
beside what others have there. What becomes of data is not said here: the tests send some."""

import dataclasses
import itertools

from firewalls import LAN, OTHERS, OTHERS_NFT, WAN, native

TOOLS = (("iptables-legacy", "ip6tables-legacy"), ("iptables-nft", "ip6tables-nft"))
NETS = ({"lan": "10.1.0.0/24", "client": "10.1.0.2", "server": "10.2.0.2", "nobody": "203.0.113.0/24"},
        {"lan": "fd01::/64", "client": "fd01::2", "server": "fd02::2", "nobody": "2001:db8::/32"})
# A shared pin and a denial that wait for connections which nobody makes.
PINS = ("tlsconnctl pin --name a --shared --next --sni nobody.example >/dev/null && "
        "tlsconnctl pin --name d --deny --next --sni nobody.example >/dev/null")
PINNED = "-A {chain} -p tcp -m tlsconn --pinned -j ACCEPT"
DATA = "-A {chain} -p tcp -m tlsconn --record-type application-data,heartbeat,unknown -j DROP"
QUIC = "-A {chain} -p udp --dport 443 -j DROP"
HOLD = (PINNED, DATA, QUIC)
ESTABLISHED = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
# Connections that hosts of the client's side begin.
NEW = f"-A FORWARD -i {LAN} -m conntrack --ctstate NEW -j ACCEPT"
LOAD = "tlsconnctl rules --load"
LOAD_NFT = "tlsconnctl track on --pass-mark 0x00800000 && tlsconnctl rules --format nft --load"


# Sets that have the name which the connections ask for, and that have not.
SETS = (("tlsconnctl set load named -", "first.example\n"), ("tlsconnctl set load other -", "www.example.org\n.example.net\n"))


@dataclasses.dataclass
class Gateway:
    """A name, and shell commands with what they read. Rules that ask a set come after the sets."""

    name: str
    steps: list
    kind: str = ""

    def __post_init__(self):
        if any("-set " in f"{command} {stdin}" for command, stdin in self.steps):
            self.steps = [*SETS, *self.steps]


def iptables(*lines, tools=0, policy="ACCEPT", tables="filter", chains=(), families=(0, 1), entrance="FORWARD"):
    """Restores a table, for both versions of IP unless said otherwise."""
    steps = []
    for family in families:
        text = [f"*{tables}", f":{entrance} {policy} [0:0]", *(f":{chain} - [0:0]" for chain in chains)]
        text += [line.format(chain=entrance, **NETS[family]) for line in lines]
        steps.append((f"{TOOLS[tools][family]}-restore --noflush", "\n".join([*text, "COMMIT", ""])))
    return steps


def hold(chain="FORWARD"):
    return [line.format(chain=chain) for line in HOLD]


# Conditions by which something is accepted before the rules that hold; each is put in for both directions where it has one.
CONDITIONS = {
    "everything": [""],
    "established": ["-m conntrack --ctstate RELATED,ESTABLISHED"],
    "established, by -m state": ["-m state --state ESTABLISHED"],
    "related": ["-m conntrack --ctstate RELATED"],
    "not new": ["-m conntrack ! --ctstate NEW"],
    "not invalid": ["-m conntrack ! --ctstate INVALID"],
    "new": ["-m conntrack --ctstate NEW"],
    "invalid": ["-m conntrack --ctstate INVALID"],
    "interfaces": [f"-i {LAN} -o {WAN}", f"-i {WAN} -o {LAN}"],
    "one way": [f"-i {LAN}"],
    "interfaces by a pattern": ["-i to-+"],
    "not an interface": ["! -i eth9"],
    "an interface that is not there": ["-i eth9"],
    "network": ["-s {lan}"],
    "not a network": ["! -s {nobody}"],
    "an address": ["-s {client}"],
    "the server": ["-d {server}"],
    "nobody's network": ["-s {nobody}"],
    "port": ["-p tcp -m tcp --dport 443", "-p tcp -m tcp --sport 443"],
    "ports": ["-p tcp -m multiport --dports 80,443,8000:9000"],
    "all ports": ["-p tcp -m tcp --dport 1:65535"],
    "another port": ["-p tcp -m tcp --dport 22"],
    "not a port": ["-p tcp -m tcp ! --dport 22"],
    "flags": ["-p tcp -m tcp --tcp-flags SYN,RST,ACK ACK"],
    "flags that data may have": ["-p tcp -m tcp --tcp-flags PSH PSH"],
    "SYN": ["-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN"],
    "UDP": ["-p udp"],
    "QUIC from inside": [f"-i {LAN} -p udp --dport 443"],
    "ICMP": ["-p icmp"],
    "mark": ["-m mark --mark 0x0/0x1"],
    "a mark that nobody sets": ["-m mark --mark 0x1/0x1"],
    "connection mark": ["-m connmark --mark 0x0/0x1"],
    "no pin's mark": ["-m connmark --mark 0x0/0xff000000"],
    "a pin's mark": ["-m connmark --mark 0x54000000/0xff000000"],
    "limit": ["-m limit --limit 1000/sec --limit-burst 1000"],
    "address type": ["-m addrtype ! --dst-type LOCAL"],
    "length": ["-m length --length 100:65535"],
    "chance": ["-m statistic --mode random --probability 0.9"],
    "handshakes alone": ["-p tcp -m tlsconn --record-type handshake,alert,change-cipher-spec,none"],
    "packets of handshakes alone": ["-p tcp -m tlsconn --record-type handshake,alert,change-cipher-spec,none --all"],
    "TLS that is established": ["-p tcp -m tlsconn --state established"],
    "a set of names": ["-p tcp -m tlsconn --sni-set named"],
    "a set of other names": ["-p tcp -m tlsconn --sni-set other"],
    "not a set of names": ["-p tcp -m tlsconn ! --sni-set other"],
    "JA4 of a client": ["-p tcp -m tlsconn --ja4 t1*"],
    "JA4 of no client": ["-p tcp -m tlsconn --ja4 x*"],
    "what is all data": ["-p tcp -m tlsconn --record-type application-data --all"],
}


def accepting():
    """A rule that accepts, before ours: in the chain itself, in one that is jumped to, before and after `rules --load`."""
    for number, (kind, conditions) in enumerate(CONDITIONS.items()):
        rules = [f"-A FORWARD {condition} -j ACCEPT" for condition in conditions]
        families = (0,) if kind == "ICMP" else (0, 1)
        for tools in 0, 1:
            name = f"{kind}, {TOOLS[tools][0]}"
            policy = ("ACCEPT", "DROP")[(number + tools) % 2]
            yield Gateway(f"accepted: {name}, policy {policy}",
                          iptables(*rules, *HOLD, ESTABLISHED, NEW, tools=tools, policy=policy, families=families),
                          "a rule that accepts, before ours")
            in_chain = [rule.replace("FORWARD", "own") for rule in rules]
            yield Gateway(f"accepted in a chain: {name}",
                          iptables("-A FORWARD -p tcp -j own", *HOLD, *in_chain, tools=tools, chains=["own"], families=families),
                          "a rule that accepts, in a chain before ours")
            yield Gateway(f"accepted behind rules --load: {name}",
                          [*iptables(*rules, ESTABLISHED, tools=tools, families=families), (LOAD, "")],
                          "a rule that accepts, `rules --load` after it")


UNREACHED = "rules that are not reached, or hold a part"


def unreached():
    """Rules that are not asked, or hold a part."""
    kinds = {
        "README, inserted": dict(lines=HOLD),
        "nobody jumps": dict(lines=hold("own"), chains=["own"]),
        "a jump": dict(lines=["-A FORWARD -j own", *hold("own")], chains=["own"]),
        "a jump by interfaces, one way": dict(lines=[f"-A FORWARD -i {LAN} -j own", *hold("own")], chains=["own"]),
        "a jump by interfaces, both ways": dict(
            lines=[f"-A FORWARD -i {LAN} -o {WAN} -j own", f"-A FORWARD -i {WAN} -o {LAN} -j own", *hold("own")], chains=["own"]),
        "a jump by an interface that is not there": dict(lines=["-A FORWARD -i eth9 -j own", *hold("own")], chains=["own"]),
        "RETURN in front": dict(lines=["-A FORWARD -j own", "-A own -j RETURN", *hold("own")], chains=["own"]),
        "goto in front": dict(lines=["-A FORWARD -g other", *HOLD, "-A other -j RETURN"], chains=["other"]),
        "INPUT alone": dict(lines=HOLD, entrance="INPUT"),
        "IPv6 forgotten": dict(lines=HOLD, families=(0,)),
        "IPv4 forgotten": dict(lines=HOLD, families=(1,)),
        "LOG in place of DROP": dict(lines=[line.replace("-j DROP", "-j LOG") for line in HOLD]),
        "REJECT": dict(lines=[line.replace("-j DROP", "-j REJECT") for line in HOLD]),
        "unknown forgotten": dict(lines=[line.replace(",heartbeat,unknown", "") for line in HOLD]),
        "heartbeat forgotten": dict(lines=[line.replace(",heartbeat", "") for line in HOLD]),
        "data forgotten": dict(lines=[line.replace("application-data,heartbeat,", "") for line in HOLD]),
        "what may pass, the rest dropped": dict(lines=[
            PINNED, "-A FORWARD -p tcp -m tlsconn ! --record-type handshake,alert,change-cipher-spec,none,in-doubt -j DROP", QUIC]),
        "clients alone": dict(lines=["-A FORWARD -p tcp -m tcp --dport 443 -j own", *hold("own")], chains=["own"]),
        "another mark": dict(lines=[PINNED.replace("--pinned", "--pinned --pin-mark 0x1/0xff"), DATA, QUIC]),
        "a mark that all have": dict(lines=[PINNED.replace("-m tlsconn --pinned", "-m connmark --mark 0x0/0xff"), DATA, QUIC]),
        "not of what is established": dict(lines=[DATA.replace("--record", "! --state established --record"), QUIC]),
        "QUIC forgotten": dict(lines=HOLD[:2]),
        "QUIC accepted before": dict(lines=["-A FORWARD -p udp -j ACCEPT", *HOLD]),
        "QUIC by an interface": dict(lines=[PINNED, DATA, f"-A FORWARD -i {LAN} -p udp --dport 443 -j REJECT"]),
        "QUIC by another interface": dict(lines=[PINNED, DATA, "-A FORWARD -i eth9 -p udp --dport 443 -j REJECT"]),
        "QUIC by state": dict(lines=[PINNED, DATA, "-A FORWARD -p udp -m conntrack --ctstate NEW -j DROP"]),
        "a limit": dict(lines=[DATA.replace("-m tlsconn", "-m limit --limit 1/sec -m tlsconn"), QUIC]),
        "policy DROP and nothing else": dict(lines=[], policy="DROP"),
        "policy DROP, established accepted": dict(lines=[ESTABLISHED, NEW], policy="DROP"),
        "policy DROP, established accepted before ours, nothing new": dict(lines=[ESTABLISHED, *HOLD], policy="DROP"),
        "established accepted before ours, no answer to a SYN": dict(
            lines=["-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j DROP", ESTABLISHED, *HOLD]),
        "established accepted before ours, no handshake": dict(
            lines=["-A FORWARD -p tcp -m tlsconn --record-type handshake -j DROP", ESTABLISHED, HOLD[1], QUIC]),
        "of a set of names alone": dict(lines=[DATA.replace("--record", "--sni-set named --record"), QUIC]),
        "but of a set of names": dict(lines=[DATA.replace("--record", "! --sni-set other --record"), QUIC]),
        "a set of names let through": dict(lines=["-A FORWARD -p tcp -m tlsconn --sni-set named -j ACCEPT", *HOLD]),
        "a set of names reset": dict(lines=["-A FORWARD -p tcp -m tlsconn --sni-set other -j REJECT --reject-with tcp-reset", *HOLD]),
        "everybody is pinned": dict(lines=[PINNED.replace("--pinned", "--pinned --pin-mark 0x0/0xff"), DATA, QUIC]),
        "the u32 recipe": dict(lines=["-A FORWARD -p tcp -m u32 --u32 \"0>>22&0x3C@12>>26&0x3C@0>>24&0xFF=0x17\" -j DROP"],
                               families=(0,)),
    }
    for kind, fields in kinds.items():
        for tools in 0, 1:
            lines = fields["lines"]
            rest = {name: value for name, value in fields.items() if name != "lines"}
            yield Gateway(f"reached: {kind}, {TOOLS[tools][0]}", iptables(*lines, tools=tools, **rest), UNREACHED)
    for table, entrance in (("mangle", "FORWARD"), ("mangle", "PREROUTING"), ("mangle", "POSTROUTING"), ("security", "FORWARD")):
        lines = [line.replace("FORWARD", entrance) for line in HOLD]
        yield Gateway(f"reached: {table} {entrance}",
                      [*iptables(*lines, tables=table, entrance=entrance), *iptables(ESTABLISHED, NEW, policy="DROP")], UNREACHED)
    yield Gateway("reached: QUIC is dropped in PREROUTING", [
        *iptables(*HOLD[:2]), *iptables("-A PREROUTING -p udp --dport 443 -j DROP", tables="mangle", entrance="PREROUTING")], UNREACHED)


def others():
    """What others have loaded, with ours before it, behind it, by hand, by nft, or not at all."""
    for number, (kind, fields) in enumerate(OTHERS.items()):
        tools = number % 2
        rest = {name: value for name, value in fields.items() if name != "lines"}
        theirs = iptables(*fields["lines"], tools=tools, **rest)
        # With --noflush an entrance's rules stay.
        appended = iptables(*HOLD, tools=tools, policy=fields["policy"])
        for how, steps in (("alone", theirs), ("rules --load, then it", [(LOAD, ""), *theirs]),
                           ("rules --load behind it", [*theirs, (LOAD, "")]), ("README's appended", [*theirs, *appended]),
                           ("nft's table", [*theirs, (LOAD_NFT, "")])):
            yield Gateway(f"{kind}: {how}", steps, "other firewalls by iptables")
    for kind, theirs in OTHERS_NFT.items():
        for how, steps in (("alone", [theirs]), ("rules --load", [theirs, (LOAD, "")]), ("nft's table", [theirs, (LOAD_NFT, "")])):
            yield Gateway(f"{kind}: {how}", steps, "other firewalls by nft")


def printed():
    """What `rules` and `batch` make, and rules that accept before it."""
    accept = [*iptables("-I FORWARD -j ACCEPT"), *iptables("-I FORWARD -j ACCEPT", tools=1)]
    for options in ("", " --strict", " --port 443", " --port 8443", " --quic pass", " --on-data reset", " --chain INPUT"):
        for how, load in (("iptables", LOAD), ("nft", LOAD_NFT)):
            if how == "nft" and "strict" in options:
                load = load.replace("0x00800000", "0x00800000 --strict")
            yield Gateway(f"rules --load{options}, {how}", [(load + options, "")])
    for how, load in (("iptables", LOAD), ("nft", LOAD_NFT)):
        for options in " --allow a", " --deny d", " --deny default", " --allow default,a --deny d":
            named = (f"{PINS} && {load}{options}", "")
            yield Gateway(f"rules --load{options}, {how}", [named])
            yield Gateway(f"rules --load{options}, {how}, then all accepted", [named, *accept])
    for line, what in (("rules --load --format nft", "all"), ("rules --load --format nft --port 443", "443 alone"),
                       ("rules --load --format nft --port 8443", "8443 alone"), ("no command", "no command")):
        yield Gateway(f"batch --fail-closed, not to its end: {what}",
                      [("tlsconnctl batch --fail-closed - 2>/dev/null || true", f"{line}\nshow 999999999\n")])
    yield Gateway("batch --fail-closed, to its end",
                  [("tlsconnctl batch --fail-closed -", "track on --pass-mark 0x00800000\nrules --load --format nft\n")])
    yield Gateway("rules --load, for IPv4 by an address", [(LOAD + " --src 10.1.0.0/24", "")])
    yield Gateway("rules --load, for IPv6 by an address", [(LOAD + " --src fd01::/64", "")])


def odd():
    """Other paths, and what is switched off."""
    table = "table inet tlsconn"
    yield Gateway("nothing", [])
    yield Gateway("nft's table is dormant", [(LOAD_NFT, ""), ("nft -f -", "add table inet tlsconn { flags dormant; }")])
    yield Gateway("nft's table without a pass mark", [("tlsconnctl rules --format nft --load", "")])
    yield Gateway("nft's table, tracking off", [(LOAD_NFT + " && tlsconnctl track off", "")])
    yield Gateway("nft flush ruleset", [(LOAD_NFT + " && nft flush ruleset", "")])
    yield Gateway("nft's table, one chain emptied", [(LOAD_NFT, ""), ("nft -f -", f"flush chain {table[6:]} held")])
    yield Gateway("another bit", [(LOAD_NFT, ""), ("tlsconnctl track off; tlsconnctl track on --pass-mark 0x00400000", "")])
    yield Gateway("a mark set between the hooks", [(LOAD_NFT, ""), native("meta mark set meta mark or 0x00800000",
                                                                        priority="filter - 6")])
    yield Gateway("iptables' table is dormant", [*iptables(*HOLD, tools=1),
                                                 ("nft -f -", "add table ip filter { flags dormant; }\n")])
    yield Gateway("nothing is forwarded", [("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0", "")])
    yield Gateway("forwarding by interface", [
        ("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0", ""),
        (f"sysctl -qw net.ipv4.conf.{LAN}.forwarding=1 net.ipv4.conf.{WAN}.forwarding=1", "")])
    yield Gateway("forwarding by interface, held", [
        ("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0", ""),
        (f"sysctl -qw net.ipv4.conf.{LAN}.forwarding=1 net.ipv4.conf.{WAN}.forwarding=1", ""), (LOAD, "")])
    yield Gateway("IPv4 alone is forwarded", [("sysctl -qw net.ipv6.conf.all.forwarding=0", ""),
                                              *iptables(*HOLD, families=(0,))])
    for tools in 0, 1:
        untracked = iptables("-A PREROUTING -p tcp -j CT --notrack", tools=tools, tables="raw", entrance="PREROUTING")
        yield Gateway(f"not tracked, {TOOLS[tools][0]}", [*untracked, *iptables(*HOLD, tools=tools)])
        yield Gateway(f"not tracked, established held, {TOOLS[tools][0]}", [*untracked, *iptables(
            "-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT", *HOLD, tools=tools)])
        marked = iptables("-A PREROUTING -p tcp -j CONNMARK --set-xmark 0x54000000/0xff000000", tools=tools, tables="mangle",
                          entrance="PREROUTING")
        yield Gateway(f"a pin's mark by others, {TOOLS[tools][0]}", [*marked, (LOAD, "")])
        others_mark = iptables("-A PREROUTING -p tcp -j CONNMARK --set-xmark 0x7/0xff", tools=tools, tables="mangle",
                               entrance="PREROUTING")
        yield Gateway(f"another mark by others, {TOOLS[tools][0]}", [*others_mark, (LOAD, "")])
        redirected = iptables("-A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 3128", tools=tools, tables="nat",
                              entrance="PREROUTING")
        yield Gateway(f"redirected, {TOOLS[tools][0]}", [*redirected, (LOAD, "")])
    yield Gateway("both variants", [*iptables(*HOLD), *iptables(ESTABLISHED, tools=1, policy="DROP")])
    yield Gateway("held by the other variant", [*iptables("-A FORWARD -j ACCEPT"), *iptables(*HOLD, tools=1)])
    for guard in "ct state established", "ct mark and 0xff000000 == 0x54000000":
        flow = native(f"{guard} flow add @f", more=f'flowtable f {{ hook ingress priority 0; devices = {{ "{LAN}", "{WAN}" }}; }}')
        yield Gateway(f"a flowtable of {guard}", [flow, (LOAD, "")])


def all_of_them():
    every = [*itertools.chain(accepting(), unreached(), others(), printed(), odd())]
    for gateway in every:
        gateway.kind = gateway.kind or "printed rules, and other paths"
    return every
