# SPDX-License-Identifier: GPL-2.0-only
"""What the module says of captures that were replayed, beside what `tlsconnctl inspect` says of their files: where they
differ, at which step.

Between a file and the module lie four steps, and `inspect` is asked after each: what was sent as it was captured, what
was sent cut in another way, what of that conntrack did not refuse, and what came on entries that it had confirmed. A difference belongs to the last step that
changed the field. What differs behind the last one is the module's, and has no reason."""

import collections
import json

# Fields that have no meaning on one side, or are compared under another name.
LEFT_OUT = ("id", "mark", "pin", "first", "last")

# Reasons that only a capture has, and what a gateway says.
REASONS = {"captured-out-of-order": "hole", "snaplen": "hole"}

TOGETHER = "its session is of another capture: one namespace knows both"
CUT = "cut in other packets"
# Where there is a reason for it: not TLS, lost, or tainted.
LATE = "octets of a stream that is not followed, out of order: those that come late count as sent again"
REFUSED = "conntrack refused packets: inspect says the same without them"
UNCONFIRMED = "the tracker keeps nothing of the packet that makes conntrack's entry, but the data of a SYN that is answered"
UNKNOWN = "without a reason"
NO_RECORD = "no payload and no SYN-ACK: inspect lists it, the tracker keeps nothing"
TAKEN_OVER = "the next connection between the same ports has taken conntrack's entry over"


def by_ends(connections):
    """Connections in their order, by their ends, the lower one first; a session is named by the ends of its connection."""
    ends = {c["id"]: [c["src"], c["dst"]] for c in connections}
    found = collections.defaultdict(list)
    for connection in connections:
        reason = connection["reason"] or ""
        reason = "not-tls" if reason.startswith("preface: ") else REASONS.get(reason, connection["reason"])
        fields = {**connection, "resumes": ends.get(connection["resumes"], connection["resumes"]), "reason": reason}
        found[tuple(sorted((connection["src"], connection["dst"])))].append(
            {name: value for name, value in fields.items() if name not in LEFT_OUT})
    return found


def payload(connection):
    return sum(connection["bytes"].values())


def paired(known, found):
    """Pairs of what is known and found, from the last on, and what has no partner: conntrack has one entry at a time."""
    known, found, pairs, alone = list(known), list(found), [], []
    while known:
        one = known.pop()
        if found and (payload(one) or not payload(found[-1]) or len(known) < len(found)):
            pairs.append((one, found.pop()))
        else:
            alone.append((one, bool(pairs)))
    return pairs, alone, found


class Agreement:
    """Compares, and counts."""

    def __init__(self):
        self.connections = self.compared = self.equal = 0
        # Fields that differ, and connections that are not listed at all, by their reasons.
        self.different, self.missing = collections.Counter(), collections.Counter()
        self.unexplained = []

    def compare(self, steps, module, answered):
        """`steps`: what inspect says of the file, and behind each step, with the reason why that may differ. `answered`:
        the ends of connections that had a SYN-ACK."""
        steps = [(reason, by_ends(said)) for reason, said in steps]
        (_, file), (_, last) = steps[0], steps[-1]
        module = by_ends(module)
        for ends in file.keys() | last.keys() | module.keys():
            self.connections += len(file[ends])
            self.module_agrees(ends, last[ends], module[ends], answered)
            pairs, alone, _ = paired(file[ends], module[ends])
            for one, is_followed in alone:
                self.missing[TAKEN_OVER if is_followed else self.why_gone(steps, ends)] += 1
            for listed, found in pairs:
                self.fields(steps, ends, listed, found)

    def module_agrees(self, ends, expected, found, answered):
        """Behind the last step nothing is to differ."""
        pairs, alone, more = paired(expected, found)
        wrong = [(name, one[name], other.get(name)) for one, other in pairs for name in one if one[name] != other.get(name)]
        wrong += [("connection", one, None) for one, is_followed in alone
                  if not is_followed and (payload(one) or ends in answered)]
        wrong += [("connection", None, one) for one in more]
        if wrong:
            self.unexplained.append((ends, wrong))

    def why_gone(self, steps, ends):
        for (_, before), (reason, after) in zip(steps, steps[1:]):
            if sum(map(payload, before[ends])) and not sum(map(payload, after[ends])):
                return reason
        return NO_RECORD

    def fields(self, steps, ends, listed, found):
        for name, value in listed.items():
            self.compared += 1
            if value == found[name]:
                self.equal += 1
                continue
            values = [[json.dumps(one[name]) for one in said[ends]] for _, said in steps]
            changes = [reason for (reason, _), before, after in zip(steps[1:], values, values[1:]) if before != after]
            reason = changes[-1] if changes else UNKNOWN
            if reason == CUT and name == "bytes" and listed["reason"]:
                reason = LATE
            elif reason == CUT or reason == TOGETHER and name != "resumes":
                reason = UNKNOWN
            self.different[reason] += 1
            if reason == UNKNOWN:
                self.unexplained.append((ends, name, value, found[name]))

    def told(self):
        """As lines for the log."""
        yield (f"{self.connections} connections, {self.missing.total()} of them not listed, {self.compared} fields compared, "
               f"{self.equal} equal, {self.different.total()} different")
        for what, reasons in (("connections", self.missing), ("fields", self.different)):
            for reason, count in reasons.most_common():
                yield f"  {count} {what}: {reason}"
