# SPDX-License-Identifier: GPL-2.0-only
"""What the packets of a connection carried in truth, against what `tlsconnctl inspect --packets` says of them.

Of each side's stream, counted in bytes, each once however often it came, with the headers of its records:

  handshake           handshake records up to its Finished, and ChangeCipherSpec
  handshake_held      of these, those that first came in a packet which the ruleset holds, and by that for no reason in HELD
  handshake_waits     of these, those that did so for such a reason
  handshake_in_doubt  of these, those that read in-doubt
  later_in_doubt      of tickets and key updates, behind its Finished, those that read in-doubt
  later_passed        likewise, those that read as handshake
  data                application data; what the capture ends within, which was not decrypted, counts as data
  data_passed         of these, those that read as something else that passes
  data_in_doubt       of these, those that read in-doubt

handshake_held and data_passed have to be 0."""

import json
import os

import capture
import decrypt
from decrypt import DATA, FINISHED, HANDSHAKE
from lab import run
from peer import Broken

HELD_TYPES = {"application-data", "heartbeat", "unknown"}
CHANGE_CIPHER_SPEC = 20
# Why bytes of a handshake may be held.
SHARED = "data stands in the same packet"
FIGURES = ("handshake", "handshake_held", "handshake_waits", "handshake_in_doubt", "later_in_doubt", "later_passed", "data",
           "data_passed", "data_in_doubt")
FORBIDDEN = ("handshake_held", "data_passed")


def inspect(packets, folder):
    """The types of each packet that has payload, by its number."""
    path = os.path.join(folder, "inspect.pcap")
    capture.write(path, [packet.raw for packet in packets])
    told = json.loads(run("tlsconnctl", "-j", "inspect", "--packets", path).stdout)
    return {one["frame"] - 1: one["types"] for one in told["packets"]}


def cut_up(packets, records):
    """The packets cut at the ends of records, and of each piece the number of its packet and its record."""
    places = {sender: [one for one in records if one.sender == sender] for sender in ("client", "server")}
    for number, packet in enumerate(packets):
        if not packet.octets:
            yield packet, number, None
        for record in places[packet.sender] if packet.octets else ():
            begin, end = max(packet.at, record.begin), min(packet.end, record.end)
            if begin < end:
                yield packet.piece(begin, end), number, record


def kinds(records, contents):
    """What each record carries, by its sender and where it begins: handshake, later, data or alert."""
    found, over = {}, {"client": False, "server": False}
    for record, content in zip(records, contents, strict=True):
        kind = content.kind
        if kind is None and not over[record.sender]:
            raise Broken(f"a record of {len(record.octets) - 5} bytes in the {record.sender}'s handshake was not decrypted")
        if kind is None and record.complete is not None:
            raise Broken(f"a record of {len(record.octets) - 5} bytes of the {record.sender} was not decrypted")
        if kind in (HANDSHAKE, CHANGE_CIPHER_SPEC):
            found[record.sender, record.begin] = "later" if over[record.sender] else "handshake"
        else:
            found[record.sender, record.begin] = "data" if kind in (None, DATA) else "alert"
        over[record.sender] |= FINISHED in content.messages
    return found


def figures(packets, pieces, told, kinds):
    """The figures, by sender. `told`: the types of each piece. A piece of more than one type counts as what is held most."""
    held, shared = set(), set()
    for (_, number, record), types in zip(pieces, told, strict=True):
        if HELD_TYPES.intersection(types):
            held.add(number)
        if record and kinds[record.sender, record.begin] == "data":
            shared.add(number)
    marks, seen = {}, {}

    def mark(name, piece):
        marks.setdefault((piece.sender, name), set()).update(range(piece.at, piece.end))

    for (piece, number, record), types in zip(pieces, told, strict=True):
        if not record:
            continue
        kind = kinds[record.sender, record.begin]
        reads = "held" if HELD_TYPES.intersection(types) else "in_doubt" if "in-doubt" in types else "passed"
        if kind == "alert":
            continue
        if kind != "later":
            mark(kind, piece)
        if (kind, reads) != ("handshake", "passed") and reads != "held":
            mark(f"{kind}_{reads}", piece)
        # What has come before may have passed then.
        if kind == "handshake" and not seen.setdefault(piece.sender, set()).issuperset(range(piece.at, piece.end)):
            seen[piece.sender].update(range(piece.at, piece.end))
            if number in held:
                mark("handshake_waits" if number in shared else "handshake_held", piece)
    return {sender: {name: len(marks.get((sender, name), ())) for name in FIGURES} for sender in ("client", "server")}


def judge(found):
    """No figure that has to be 0 is another."""
    wrong = [f"{found[sender][name]} bytes of the {sender}: {name}" for sender in found for name in FORBIDDEN
             if found[sender][name]]
    if wrong:
        raise Broken("by the key log: " + "; ".join(wrong))


def carried(records, version, logs, folder):
    """What each record carries: up to TLS 1.2 its type says it."""
    if version == "1.2":
        return [decrypt.Content(one.octets[0], ()) for one in records]
    whole = [one for one in records if one.complete is not None]
    return decrypt.contents(whole, logs, folder) + [decrypt.Content(None, ())] * (len(records) - len(whole))


def compare(packets, version, logs, folder):
    """The figures of a connection, judged."""
    records = capture.records(packets)
    contents = carried(records, version, logs, folder)
    pieces = list(cut_up(packets, records))
    types = inspect([piece for piece, _, _ in pieces], folder)
    told = [types.get(number, []) for number in range(len(pieces))]
    # How a packet is cut changes nothing in what it carries. Where the capture ends, or lacks a packet, bytes may be in no record.
    together, within = {}, {}
    for (piece, number, _), its in zip(pieces, told, strict=True):
        together.setdefault(number, set()).update(its)
        within[number] = within.get(number, 0) + len(piece.octets)
    for number, its in inspect(packets, folder).items():
        if within.get(number) == len(packets[number].octets) and set(its) != together[number]:
            raise Broken(f"packet {number} reads {its}, and cut at its records {sorted(together[number])}")
    found = figures(packets, pieces, told, kinds(records, contents))
    judge(found)
    return found
