# SPDX-License-Identifier: GPL-2.0-only
"""The network that is measured: client - gateway - server, and what runs on the gateway.

The two ends are silent: what the gateway forwards to them goes to a MAC address that they do not have, so that their
stacks drop it first of all and answer nothing. tests/bench/src/connection.rs has the same addresses.
"""

import json
import subprocess

SENDER = "/src/build/cargo/release/tlsconn-bench"
NOBODY = "02:00:00:00:00:ee"
# Host, the gateway's MAC address and IP address there, the network behind it.
SIDES = (("client", "02:00:00:00:01:01", "10.1.0.1/24", "10.1.0.0/16", "10.1.0.2"),
         ("server", "02:00:00:00:02:01", "10.2.0.1/24", None, "10.2.0.2"))


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(f"error: {' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def gateway(*command, **options):
    return run("ip", "netns", "exec", "gateway", *command, **options)


def set_up():
    run("ip", "netns", "add", "gateway")
    for host, mac, address, behind, neighbour in SIDES:
        run("ip", "netns", "add", host)
        link = f"to-{host}"
        run("ip", "link", "add", link, "address", mac, "netns", "gateway", "type", "veth", "peer", "name", "eth0",
            "netns", host)
        # A host with IPv6 would talk by itself.
        run("ip", "netns", "exec", host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        gateway("sysctl", "-qw", f"net.ipv6.conf.{link}.disable_ipv6=1")
        run("ip", "-n", host, "link", "set", "eth0", "up")
        gateway("ip", "link", "set", link, "up")
        gateway("ip", "addr", "add", address, "dev", link)
        gateway("ip", "neigh", "add", neighbour, "lladdr", NOBODY, "dev", link, "nud", "permanent")
        if behind:
            gateway("ip", "route", "add", behind, "via", neighbour)
    gateway("sysctl", "-qw", "net.ipv4.ip_forward=1")


def arrived():
    """Packets that have come out at both ends, wanted or not."""
    total = 0
    for host, *_ in SIDES:
        link = json.loads(run("ip", "-n", host, "-j", "-s", "link", "show", "eth0"))[0]
        total += link["stats64"]["rx"]["packets"]
    return total


def clear():
    """No rule, no tracking, no connection. The legacy filter table stays, with its empty chains."""
    # Before the first case that needs the module it is not there.
    gateway("tlsconnctl", "track", "off", check=False)
    gateway("iptables-legacy", "-F")
    gateway("nft", "flush", "ruleset")
    # It says that it flushed, on stderr.
    gateway("conntrack", "-F")


def rule(*words, variant="iptables-legacy"):
    gateway(variant, "-A", "FORWARD", "-p", "tcp", *words)


def with_conntrack():
    """Connections are followed, by a rule in a chain that forwarded packets do not see."""
    gateway("iptables-legacy", "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID")


def with_tracker():
    gateway("iptables-legacy", "-A", "INPUT", "-p", "tcp", "-m", "tlsconn", "--record-type", "alert")


def send(*arguments):
    """Runs the sender; gives what it measured."""
    return json.loads(run(SENDER, *map(str, arguments)))


def crowd(sizes, count, look):
    """Makes a crowd of connections grow; calls `look` at each size, and gives what a packet costs then."""
    command = [SENDER, "crowd", *map(str, sizes), "--count", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as sender:
        for size in sizes:
            if sender.stdout.readline() != f"{size}\n":
                raise SystemExit(f"error: the crowd did not grow to {size}")
            seen = look()
            sender.stdin.write("\n")
            yield size, seen, json.loads(sender.stdout.readline())


def tracked():
    """The connections that the tracker knows, of any state."""
    return json.loads(run("tlsconnctl", "-n", "gateway", "-j", "list", "--all"))["connections"]
