# SPDX-License-Identifier: GPL-2.0-only
"""The goals of docs/performance.md, and what was measured of each."""

import pathlib
import re
from dataclasses import dataclass

from results import crowd_background, memory_per_connection

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"
# | `name` | words | at most 1.20 |
ROW = re.compile(r"^\| `(?P<name>[a-z0-9-]+)` \| (?P<what>.*?) \| (?P<bound>at most|at least) (?P<limit>[0-9.]+) \|")


@dataclass
class Goal:
    name: str
    what: str
    bound: str
    limit: float
    measured: float

    @property
    def met(self):
        return self.measured <= self.limit if self.bound == "at most" else self.measured >= self.limit


def goals(packets, crowd):
    """Every goal of the document's table. One that is not known here, or known and not there, is a mistake."""
    found = figures(packets, crowd)
    rows = [ROW.match(line) for line in DOCUMENT.read_text().splitlines()]
    rows = [row for row in rows if row]
    if {row["name"] for row in rows} != found.keys():
        raise SystemExit(f"error: {DOCUMENT.name} has the goals {sorted(row['name'] for row in rows)}, "
                         f"measured are {sorted(found)}")
    return [Goal(row["name"], row["what"], row["bound"], float(row["limit"]), round(found[row["name"]], 3)) for row in rows]


def figures(packets, crowd):
    found = {}
    for kind in ("short", "long", "merged", "acks"):
        found[f"rule-{kind}"] = packets.over("tlsconn", kind, 1) / packets.over("u32", kind, 1)
    found["further-rule"] = further(packets, "tlsconn") / further(packets, "connmark")
    found["short"] = packets.over("tlsconn", "short", 1)
    found["pass-mark"] = packets.over("nft by pass mark", "short", 2) - packets.over("nft by marks", "short", 2)
    found["setup"] = packets.over("tlsconn", "setup", 1)
    found["not-tls"] = max(packets.over("tlsconn", kind, 1) for kind in ("text", "text-full"))
    for kind in ("long", "merged"):
        found[f"pinned-{kind}"] = packets.base(kind) / packets.cost("pinned", kind, 2)
    sizes = sorted({connections for *_, connections in crowd.keys()})
    found["background"] = max(crowd_background(crowd, size) for size in sizes)
    costs = [crowd.over("tlsconn", "crowd", 1, size) for size in sizes]
    found["flat"] = max(costs) / min(costs)
    # A small crowd's slabs are not full, and the greatest has few connections for its table's buckets or many.
    found["memory"] = max(memory_per_connection(crowd, size) for size in sizes if size >= 10000)
    return found


def further(packets, case):
    """Instructions of each rule behind the first."""
    return (packets.cost(case, "short", 10) - packets.cost(case, "short", 1)) / 9
