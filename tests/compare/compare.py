#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares what `tlsconnctl inspect` says of captures with tshark's fields: compare.py [--tool TLSCONNCTL] FOLDER.

Each difference that no kind explains is told, and exit is 1 then; with --all those too that one does.
--into: results for report.py; --name: the folder's name there."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import sys

import comparing
import contradiction
import files
import kinds
import report
import tool
import tshark


def compare(program, path, every):
    """The counts of a file, and lines on what nobody explains, or on `every` difference."""
    counts, lines = collections.Counter(files=1), []
    said = {}
    for name, read in (("tshark", lambda: tshark.read(path)), ("inspect", lambda: tool.read(program, path))):
        try:
            said[name] = read()
        except (tshark.Unreadable, tool.Unreadable) as error:
            lines.append(f"{name} reads nothing of it: {error}")
    if len(said) < 2:
        # What both refuse is no capture.
        counts["unreadable" if not said else "unknown"] += 1
        return counts, lines if said else []
    (streams, _), (inspected, _) = said["tshark"], said["inspect"]
    found = list(comparing.pairs(streams, inspected))
    contradicted(path, found)
    for pair in found:
        counts["connections"] += 1
        counts["tls"] += bool(pair.stream and pair.stream.has_tls() or pair.connection and pair.connection["client_random"])
        compared, differences = comparing.compare(pair)
        counts["values"] += compared
        counts["equal"] += compared - len(differences)
        for difference in differences:
            counts[f"alone: {difference.alone()}" if difference.alone() else "differs"] += 1
            kind = kinds.kind(difference)
            counts[f"kind: {kind}" if kind else "unknown"] += 1
            if every or kind is None:
                lines.append(f"{kind + ': ' if kind else ''}{told(difference)}")
    return counts, lines


def contradicted(path, pairs):
    """Looks for contradictions in the streams where `inspect` says that there is one."""
    meant = [pair for pair in pairs if pair.stream and pair.connection and pair.connection["reason"] in kinds.CONTRADICTIONS]
    packets = contradiction.segments(path, sorted(pair.stream.number for pair in meant)) if meant else {}
    for pair in meant:
        pair.contradictions.update(contradiction.of(packets[pair.stream.number]))


def told(difference):
    pair = difference.pair
    where = f"stream {pair.stream.number}" if pair.stream else "no stream"
    state = "no connection"
    if pair.connection:
        reason = pair.connection["reason"]
        state = f"connection {pair.connection['id']}, {pair.connection['state']}{f' ({reason})' if reason else ''}"
    values = [json.dumps(said) for said in (difference.theirs, difference.ours)]
    return f"{where}, {state}: {difference.field}: tshark {values[0]}, inspect {values[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--tool", default="tlsconnctl")
    parser.add_argument("--name")
    parser.add_argument("--into", type=pathlib.Path)
    args = parser.parse_args()
    found = files.captures(args.folder)
    if not found:
        sys.exit(f"error: no captures in {args.name or args.folder}")
    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (of_file, lines) in zip(found, pool.map(lambda path: compare(args.tool, path, args.all), found)):
            counts += of_file
            name = path.name if path == pathlib.Path(args.folder) else os.path.relpath(path, args.folder)
            for line in lines:
                print(f"{name}: {line}", flush=True)
    results = {"name": args.name or args.folder, "counts": counts, "tools": [tshark.version(), tool.version(args.tool)]}
    if args.into:
        args.into.write_text(json.dumps(results), encoding="utf-8")
    else:
        print(report.text([results]))
    sys.exit(counts["unknown"] > 0)


if __name__ == "__main__":
    main()
