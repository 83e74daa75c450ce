# SPDX-License-Identifier: GPL-2.0-only
"""Objects of kernel memory in use."""

import contextlib
import os
import pathlib
import time

# What a packet, a connection, a namespace or a rule may have been left in.
# The debug kernel keeps what is told of references that are given back in small pieces of memory; kmemleak watches there.
LEFT_OUT = {"kmalloc-32"} if os.uname().release.endswith("-kasan") else set()
WATCHED = "tlsconn_", "kmalloc-", "nf_conntrack", "skbuff_", "net_namespace", "radix_tree_node"


def shrink():
    """Gives back what is kept for CPUs, so that objects that are counted are in use."""
    for file in pathlib.Path("/sys/kernel/slab").glob("*/shrink"):
        with contextlib.suppress(OSError):
            file.write_text("1")


def in_use():
    """By cache."""
    shrink()
    found = {}
    for line in pathlib.Path("/proc/slabinfo").read_text().splitlines():
        name, *columns = line.split()
        if name.startswith(WATCHED) and name not in LEFT_OUT:
            found[name] = int(columns[0])
    return found


def octets():
    """All of slab memory."""
    shrink()
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    return 0


def settled(before, allowed, seconds=30):
    """Caches with more than `allowed` objects more than before, once RCU and work queues have done what they had to."""
    until = time.monotonic() + seconds
    while True:
        grown = {name: count - before.get(name, 0) for name, count in in_use().items() if count - before.get(name, 0) > allowed}
        if not grown or time.monotonic() > until:
            return grown
        time.sleep(1)
