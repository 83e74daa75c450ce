# SPDX-License-Identifier: GPL-2.0-only
"""What is done in each boot of the guest (tests/boot/run), and what has to come of it: `stages.py STAGE`."""

import os
import re
import subprocess
import sys
import time

from traffic import Stream, conversation, plain, run, set_up

CONF = "/etc/tlsconn/tlsconn.conf"
NFT = "track on --pass-mark 0x00800000\nrules --format nft --load --port 443\n"
IPTABLES = "rules --load --port 443\n"
NFT_CONF = "#!/usr/sbin/nft -f\nflush ruleset\n"
HELD, OPEN, BLOCKED = "held, and flows when pinned", "open", "blocked"
failures = []


def tell(ok, line):
    print(f"{'ok    ' if ok else 'WRONG '} {line}", flush=True)
    if not ok:
        failures.append(line)


def do(command):
    """A command as a person types it."""
    print(f"# {command}", flush=True)
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in done.stdout.splitlines()[-12:]:
        print(f"  | {line}", flush=True)
    return done.returncode


def must(command):
    code = do(command)
    if code:
        tell(False, f"`{command}` ended with {code}")


def unit():
    """The state of our unit: active, failed, inactive."""
    return subprocess.run(["systemctl", "is-active", "tlsconn"], text=True, capture_output=True).stdout.strip()


def measured(what, want, state=None, port=443):
    """What becomes of data of both versions of IP, once no unit is starting any more; and the unit's state."""
    while run(["systemctl", "list-jobs", "--no-legend", "tlsconn.service"]).strip():
        time.sleep(0.2)
    said = [conversation(family, port, pin=want == HELD, handshake=8 if want == BLOCKED else 30) for family in (4, 6)]
    found = unit()
    is_right = said == [want, want] and state in (None, found)
    tell(is_right, f"{what}: IPv4 {said[0]}; IPv6 {said[1]}; tlsconn.service is {found}")


def doctor_is_wrong(what):
    """Doctor says that something is wrong."""
    done = subprocess.run(["tlsconnctl", "doctor"], text=True, capture_output=True)
    wrong = [line for line in done.stdout.splitlines() if re.match(r"\S+\s+wrong", line) or "wrong" in line]
    tell(done.returncode == 1, f"{what}: doctor ends with {done.returncode}: {' / '.join(wrong[:3])}")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def conf(text):
    write(CONF, text)
    print(f"# cat >{CONF}\n  | " + text.replace("\n", "\n  | ").rstrip(" |\n"), flush=True)


def install():
    """A fresh installation cuts nobody off; lines in the file hold."""
    must("dpkg -i /packages/libxt-tlsconn_*.deb /packages/tlsconnctl_*.deb /packages/xt-tlsconn-modules-*.deb")
    measured("a fresh installation", OPEN, "active")
    doctor_is_wrong("a fresh installation")
    must("systemd-analyze --no-pager --man=no verify tlsconn.service")
    must("systemd-analyze --no-pager security tlsconn.service | tail -n 1")
    conf(NFT)
    must("systemctl restart systemd-modules-load tlsconn")
    measured("systemctl restart tlsconn", HELD, "active")
    write("/etc/nftables.conf", NFT_CONF)
    must("systemctl enable nftables")


def started_before_network():
    def at(name, field):
        return int(run(["systemctl", "show", "--value", "-p", field, name]))

    ours, network = at("tlsconn.service", "ActiveEnterTimestampMonotonic"), at("network-pre.target", "ActiveEnterTimestampMonotonic")
    flushed = at("nftables.service", "ExecMainExitTimestampMonotonic")
    tell(0 < flushed < ours <= network, f"nftables.service at {flushed} us, tlsconn.service at {ours} us, network-pre.target at {network} us")


def reboot():
    """After a reboot, and whatever nftables.service and iptables-persistent do."""
    measured("reboot", HELD, "active")
    started_before_network()
    with Stream() as stream:
        must("systemctl restart nftables")
    measured(f"systemctl restart nftables (meanwhile: {stream.counts})", HELD, "active")
    with Stream() as stream:
        must("systemctl reload nftables")
    measured(f"systemctl reload nftables (meanwhile: {stream.counts})", HELD, "active")
    must("tlsconnctl rules --format nft --port 443 >/etc/tlsconn/tlsconn.nft")
    write("/etc/nftables.conf", NFT_CONF + 'include "/etc/tlsconn/tlsconn.nft"\n')
    with Stream() as stream:
        must("for n in 1 2 3 4 5; do nft -f /etc/nftables.conf || exit 1; done")
    tell(OPEN not in stream.counts, f"nft -f /etc/nftables.conf with the include, 5 times: {stream.counts}")
    must("systemctl stop nftables")
    measured("systemctl stop nftables", OPEN, "inactive")
    must("systemctl start nftables")
    measured("systemctl start nftables", HELD, "active")
    must("nft flush ruleset")
    measured("nft flush ruleset by hand", OPEN)
    doctor_is_wrong("nft flush ruleset by hand")
    must("systemctl restart tlsconn")
    measured("systemctl restart tlsconn", HELD, "active")
    must("systemctl disable --now nftables")
    # As after a new kernel for which the module is missing.
    must("dpkg -r xt-tlsconn-modules-$(uname -r)")


def persistent():
    """The rules of iptables, which netfilter-persistent replaces."""
    must("iptables-save >/etc/iptables/rules.v4; ip6tables-save >/etc/iptables/rules.v6")
    must("systemctl restart netfilter-persistent")
    measured("iptables-persistent, the table of nft", HELD, "active")
    must("tlsconnctl rules --format nft --unload; tlsconnctl track off")
    conf(IPTABLES)
    must("systemctl restart tlsconn")
    measured("the rules of iptables", HELD, "active")
    with Stream() as stream:
        must("systemctl restart netfilter-persistent")
    measured(f"iptables-persistent, the rules of iptables (meanwhile: {stream.counts})", HELD, "active")
    must("tlsconnctl rules --unload")
    conf(NFT)
    must("systemctl restart tlsconn")


def docker():
    must("mkdir -p /var/lib/docker && mount -t tmpfs docker /var/lib/docker && systemctl start docker")
    must("iptables -I DOCKER-USER -j ACCEPT && ip6tables -I FORWARD -j ACCEPT")
    measured("Docker", HELD, "active")
    with Stream() as stream:
        must("systemctl restart docker")
    measured(f"systemctl restart docker (meanwhile: {stream.counts})", HELD, "active")
    must("systemctl stop docker docker.socket; iptables -P FORWARD ACCEPT; iptables -F; ip6tables -F")


def firewalld():
    must("systemctl start firewalld")
    must("firewall-cmd --permanent --zone=trusted --add-interface=to-client --add-interface=to-server")
    must("firewall-cmd --reload")
    measured("firewall-cmd --reload", HELD, "active")
    with Stream() as stream:
        must("firewall-cmd --reload")
    tell(OPEN not in stream.counts, f"firewall-cmd --reload meanwhile: {stream.counts}")
    must("systemctl restart firewalld")
    measured("systemctl restart firewalld", HELD, "active")
    must("systemctl disable --now firewalld")


def ufw():
    must("DEBIAN_FRONTEND=noninteractive dpkg -P iptables-persistent netfilter-persistent && dpkg -i /later/ufw_*.deb")
    must("ufw default allow routed && ufw --force enable")
    measured("ufw enable", HELD, "active")
    with Stream() as stream:
        must("ufw reload")
    measured(f"ufw reload (meanwhile: {stream.counts})", HELD, "active")
    must("systemctl restart ufw")
    measured("systemctl restart ufw", HELD, "active")
    must("ufw disable")


def removal():
    with Stream() as stream:
        must("dpkg -P tlsconnctl libxt-tlsconn xt-tlsconn-modules-$(uname -r)")
    tell(OPEN not in stream.counts, f"packages removed meanwhile: {stream.counts}")
    said = [conversation(family, 443) for family in (4, 6)]
    tell(said == ["held", "held"], f"packages removed: IPv4 {said[0]}; IPv6 {said[1]}; tlsconn.service is {unit()}")
    left = run("find /usr /etc -name '*tlsconn*' ! -path '/usr/lib/modules/*' ! -path '*/tlsconn.service.d*'").split()
    tell(set(left) <= {"/etc/tlsconn", "/etc/tlsconn/tlsconn.nft"}, f"files left: {left}")


def others():
    """The upgraded packages boot, beside iptables-persistent, Docker, firewalld and ufw. After a removal the kernel still holds."""
    measured("reboot with the upgraded packages", HELD, "active")
    persistent()
    docker()
    firewalld()
    ufw()
    removal()


def no_module():
    """A boot without the module fails closed. An upgrade leaves what is held."""
    measured("reboot without the module", BLOCKED, "failed")
    do("systemctl --no-pager --lines 5 status tlsconn")
    doctor_is_wrong("reboot without the module")
    said = [plain(family, 8080) for family in (4, 6)]
    tell(said == [OPEN, OPEN], f"meanwhile another port: IPv4 {said[0]}; IPv6 {said[1]}")
    must("dpkg -i /packages/xt-tlsconn-modules-*.deb")
    must("systemctl restart systemd-modules-load tlsconn")
    measured("the module installed", HELD, "active")
    conf(NFT + "pin --nxt\n")
    do("systemctl restart tlsconn")
    measured("a line that is no command", BLOCKED, "failed")
    conf(NFT)
    must("systemctl restart tlsconn")
    measured("the file mended", HELD, "active")
    with Stream() as stream:
        must("dpkg -i /later/new/*.deb")
    tell(OPEN not in stream.counts and BLOCKED not in stream.counts, f"packages upgraded meanwhile: {stream.counts}")
    measured("packages upgraded", HELD, "active")


def removed():
    """Nothing is left of it."""
    said = [conversation(family, 443) for family in (4, 6)]
    tell(said == [OPEN, OPEN] and unit() == "inactive",
         f"reboot after the removal: IPv4 {said[0]}; IPv6 {said[1]}; tlsconn.service is {unit()}")


STAGES = [install, reboot, no_module, others, removed]

if __name__ == "__main__":
    stage = {stage.__name__: stage for stage in STAGES}[sys.argv[1]]
    print(f"== {stage.__name__}: {stage.__doc__ or ''}", flush=True)
    set_up()
    stage()
    sys.exit(bool(failures))
