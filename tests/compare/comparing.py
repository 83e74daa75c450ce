# SPDX-License-Identifier: GPL-2.0-only
"""What tshark and `tlsconnctl inspect` say of the same streams, value by value."""

import collections
import dataclasses

import identity
import tool

NAMES = {number: name for name, number in tool.TYPES.items()}


@dataclasses.dataclass
class Pair:
    """A stream and the connection that has its packets; either may be missing."""
    stream: object
    connection: dict | None
    # Frame numbers with the wire types that `inspect` tells of.
    packets: dict
    # By reason, the frame that contradicts what came before it.
    contradictions: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Difference:
    pair: Pair
    field: str
    theirs: object
    ours: object

    def alone(self):
        """Who says it alone, if one does."""
        # Of records, none.
        nothing = [said is None or said is not False and said == 0 for said in (self.theirs, self.ours)]
        return "inspect" if nothing[0] else "tshark" if nothing[1] else None


def pairs(streams, said):
    """Streams with their connections, by the frames that their packets came in."""
    connections = {connection["id"]: connection for connection in said["connections"]}
    packets = collections.defaultdict(dict)
    for packet in said["packets"]:
        packets[packet["id"]].setdefault(packet["frame"], packet)
    stream_of = {frame: number for number, stream in streams.items() for frame in stream.frames}
    ids = collections.defaultdict(list)
    for key, frames in packets.items():
        votes = collections.Counter(stream_of[frame] for frame in frames if frame in stream_of)
        ids[votes.most_common(1)[0][0] if votes else None].append(key)
    for number, stream in streams.items():
        # A stream in which there are several connections: the first that has a hello is compared.
        mine = sorted(ids[number], key=lambda key: (connections[key]["client_random"] is None, key))
        if mine:
            yield Pair(stream, connections[mine[0]], packets[mine[0]])
        else:
            yield Pair(stream, None, {})
        for key in mine[1:]:
            yield Pair(None, connections[key], packets[key])
    for key in ids[None]:
        yield Pair(None, connections[key], packets[key])


def compare(pair):
    """How many values were compared, and those that differ."""
    compared, differences = 0, []
    for field, theirs, ours in (*identities(pair), *records(pair), *frames(pair)):
        compared += 1
        if theirs != ours:
            differences.append(Difference(pair, field, theirs, ours))
    return compared, differences


def identities(pair):
    theirs = identity.of(pair.stream) if pair.stream else {}
    ours = tool.values(pair.connection) if pair.connection else {}
    for field in sorted(theirs.keys() | ours.keys()):
        values = [said.get(field) for said in (theirs, ours)]
        # What one of them does not tell, as nothing says it yet, is no `false` that the other lacks.
        if values in ([None, False], [False, None], [None, None]):
            continue
        yield field, *values


def records(pair):
    """Whole records by type, of each end."""
    if pair.stream is None or not pair.connection or not pair.connection.get("records"):
        return
    theirs, ours = pair.stream.records(), tool.records(pair.connection)
    for end in sorted(theirs.keys() | ours.keys()):
        counts = [said.get(end, {}) for said in (theirs, ours)]
        for kind in sorted(counts[0].keys() | counts[1].keys()):
            name = NAMES.get(kind, kind)
            yield f"{name} records of {end}", *(count.get(kind, 0) for count in counts)


def frames(pair):
    """The types of records in each frame. tshark tells a record where it ends, `inspect` wherever there are bytes of it."""
    seen = pair.stream.frames if pair.stream else {}
    for number in sorted(seen.keys() | pair.packets.keys()):
        frame, packet = seen.get(number), pair.packets.get(number)
        ours = {tool.TYPES[name] for name in packet["wire"] if name in tool.TYPES} if packet else set()
        ends = set(frame.types) if frame else set()
        begins = {kind for later in frame.later for kind in seen[later].types} if frame else set()
        if not ours and not ends and not begins:
            continue
        fits = ends <= ours <= ends | begins and (not begins or ours & begins)
        theirs = told(ends | begins)
        yield f"frame {number}", theirs, theirs if fits else told(ours)


def told(kinds):
    return ",".join(str(NAMES.get(kind, kind)) for kind in sorted(kinds)) or None
