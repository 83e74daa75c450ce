# SPDX-License-Identifier: GPL-2.0-only
"""Objects of kernel memory in use."""

import contextlib
import pathlib
import re
import time

import faults

# What a packet, a connection, a namespace or a rule may have been left in.
WATCHED = "tlsconn_", "kmalloc-", "nf_conntrack", "skbuff_", "net_namespace", "radix_tree_node"


def shrink():
    """Gives back what is kept for CPUs, so that objects that are counted are in use."""
    for file in pathlib.Path("/sys/kernel/slab").glob("*/shrink"):
        with contextlib.suppress(OSError):
            file.write_text("1")


def of_trackers(cache):
    """Objects in which the debug kernel keeps what it was told of references, by what SLUB says who asked for them: of ones
    given back too, the last 128 for each device and namespace."""
    if not cache.startswith("kmalloc-"):
        return 0
    with contextlib.suppress(OSError):
        traces = (faults.DEBUG / "slab" / cache / "alloc_traces").read_text()
        return sum(map(int, re.findall(r"^ *(\d+) ref_tracker_alloc\+", traces, re.MULTILINE)))
    return 0


def in_use():
    """By cache."""
    faults.mounted()
    shrink()
    found = {}
    for line in pathlib.Path("/proc/slabinfo").read_text().splitlines():
        name, *columns = line.split()
        if name.startswith(WATCHED):
            found[name] = int(columns[0]) - of_trackers(name)
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
