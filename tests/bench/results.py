# SPDX-License-Identifier: GPL-2.0-only
"""What was measured: the lines that guest/measure printed, and the figures that follow from them."""

import json
import pathlib
import statistics

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build" / "bench"
NO_RULE = "no rule"


class Results:
    """Figures by case, kind of traffic, number of rules, and size of the crowd where there is one."""

    def __init__(self, name, unit="instructions"):
        self.measured, self.lines = {}, {}
        for line in read(name):
            key = line["case"], line["kind"], line["rules"], line.get("connections", 1)
            self.measured.setdefault(key, []).extend(line[unit])
            self.lines[key] = line

    def keys(self):
        return self.measured.keys()

    def cost(self, case, kind, rules=0, connections=1):
        """The whole path's instructions a packet, the sender's own among them: the median."""
        return statistics.median(self.measured[case, kind, rules, connections])

    def best(self, case, kind, rules=0):
        """The least: for a clock, which other work of the machine can only make slower."""
        return min(self.measured[case, kind, rules, 1])

    def range(self, key):
        return min(self.measured[key]), max(self.measured[key])

    def base(self, kind, connections=1):
        return self.cost(NO_RULE, kind, 0, connections)

    def sending(self, kind):
        """What sending costs, up to the gateway's interface: 0 where it was not measured."""
        key = "nobody", kind, 0, 1
        return self.cost(*key) if key in self.measured else 0

    def over(self, case, kind, rules=0, connections=1):
        """What the rules add."""
        return self.cost(case, kind, rules, connections) - self.base(kind, connections)


def read(name):
    """The lines of one guest. A guest that measured nothing has failed before we are asked."""
    with open(BUILD / f"{name}.jsonl") as lines:
        return [json.loads(line) for line in lines]


def profiles():
    """Instructions a packet by function, of each kind and case."""
    return {(line["kind"], line["case"]): line["profile"] for line in read("profile")}


def crowd_background(crowd, size):
    """What the tracker adds to what ran between the packets, spread over them."""
    def background(case, rules):
        spread = statistics.median(crowd.lines[case, "crowd", rules, size]["with_background"])
        return round(spread - crowd.cost(case, "crowd", rules, size))
    return background("tlsconn", 1) - background(NO_RULE, 0)


def memory_per_connection(crowd, connections):
    """Octets of kernel memory that the tracker adds to a connection: slabs, and the tables' pages."""
    with_tracker, without = (without_conntrack(crowd.lines[case, "crowd", rules, connections]["memory"])
                             for case, rules in (("tlsconn", 1), (NO_RULE, 0)))
    return (with_tracker - without) / connections


def without_conntrack(memory):
    """What grew besides conntrack's own entries, of which an earlier crowd may have left free ones."""
    return sum(memory.get(name, 0) for name in ("SUnreclaim", "VmallocUsed")) - memory.get("nf_conntrack", 0)
