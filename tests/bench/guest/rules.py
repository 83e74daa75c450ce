# SPDX-License-Identifier: GPL-2.0-only
"""Rules that ask for a record's type, in every way there is. None of them matches data, so that each is evaluated."""

from net import gateway, rule

# Alert, where the recipes ask for 23.
OTHER = 0x15
U32 = ("-m", "u32", "--u32", f"0>>22&0x3C@12>>26&0x3C@0>>24=0x{OTHER:x}")
CONNMARK = ("-m", "connmark", "--mark", "0x54000000/0xff000000")
STRING = ("-m", "string", "--algo", "bm", "--hex-string", f"|{OTHER:02x} 03 03|", "--from", "40", "--to", "80")
TLSCONN = ("-m", "tlsconn", "--record-type", "alert")
# Classic BPF, as nfbpf_compile writes it: the first octet of TCP's payload.
BPF = ("-m", "bpf", "--bytecode", "10,177 0 0 0,80 0 0 12,116 0 0 2,84 0 0 60,12 0 0 0,7 0 0 0,80 0 0 0,"
       f"21 0 1 {OTHER},6 0 0 65535,6 0 0 0")

XTABLES = {"connmark": CONNMARK, "u32": U32, "string": STRING, "bpf": BPF, "tlsconn": TLSCONN}


def repeated(words, count, variant="iptables-legacy"):
    for _ in range(count):
        rule(*words, variant=variant)


def nft(count):
    """The same test as a native nft expression: payload behind the TCP header."""
    gateway("nft", "add table ip bench; "
            "add chain ip bench forward { type filter hook forward priority 0; policy accept; }")
    for _ in range(count):
        gateway("nft", f"add rule ip bench forward meta l4proto tcp @ih,0,8 0x{OTHER:x}")


PASS_MARK = "0x00800000"


def pass_mark():
    """The tracker, and the hooks that say by a bit of the packet mark what may pass."""
    gateway("tlsconnctl", "track", "on", "--pass-mark", PASS_MARK)


def nft_by_marks():
    """What reads the bit, as `tlsconnctl rules --format nft` writes it; it asks for what no packet has."""
    gateway("nft", "add table inet bench; add chain inet bench forward { type filter hook forward priority filter - 5; }; "
            "add rule inet bench forward ct mark and 0xff000000 == 0x54000000 accept; "
            f"add rule inet bench forward meta mark and {PASS_MARK} == 1 drop")


def nft_by_pass_mark():
    pass_mark()
    nft_by_marks()


def printed_for_nft():
    """What `tlsconnctl rules` prints: what is pinned flows, other data is held."""
    pass_mark()
    gateway("tlsconnctl", "rules", "--format", "nft", "--load")


def readme():
    """The ruleset of the README: what is pinned flows, other data is held."""
    rule("-m", "tlsconn", "--pinned", "-j", "ACCEPT")
    rule("-m", "tlsconn", "--record-type", "application-data,heartbeat,unknown", "-j", "DROP")
