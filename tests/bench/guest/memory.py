# SPDX-License-Identifier: GPL-2.0-only
"""What memory the kernel has in use."""

PAGE = 4096


def used():
    """Octets by where they are: whole slabs of each cache, and pages of vmalloc (a large table's buckets)."""
    found = {}
    with open("/proc/slabinfo") as info:
        for line in info:
            columns = line.split()
            if line.startswith(("slabinfo", "#")):
                continue
            # name, active and all objects, octets of one, objects and pages a slab; behind "slabdata" the slabs.
            pages, slabs = int(columns[5]), int(columns[columns.index("slabdata") + 2])
            found[columns[0]] = pages * slabs * PAGE
    with open("/proc/meminfo") as info:
        for line in info:
            name, value = line.split(":")
            if name in ("Slab", "SUnreclaim", "VmallocUsed"):
                found[name] = int(value.split()[0]) * 1024
    return found


def growth(before, after):
    """What became more, largest first; what moved by less than 64 KiB is left out."""
    grown = {name: octets - before.get(name, 0) for name, octets in after.items()}
    return {name: octets for name, octets in sorted(grown.items(), key=lambda item: -item[1]) if abs(octets) >= 65536}
