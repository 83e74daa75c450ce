#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The table of what compare.py found: report.py [--write DOCUMENT] RESULTS.json…; exit 1 where differences are unknown."""

import argparse
import datetime
import json
import pathlib
import sys
import textwrap

import kinds

COMMAND = "tests/compare/run --write"
BEGIN = f"<!-- Written by {COMMAND}; what is changed by hand up to the end mark is lost. -->\n"
END = f"<!-- End of what {COMMAND} writes. -->\n"
COLUMNS = {"files": "files", "TCP connections": "connections", "with TLS": "tls", "values compared": "values",
           "equal": "equal", "another value": "differs", "tshark alone": "alone: tshark", "`inspect` alone": "alone: inspect",
           "unexplained": "unknown"}


def table(rows):
    heads, *lines = rows
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in (heads, ["---"] * len(heads), *lines)) + "\n"


def number(results, key):
    return f"{results['counts'].get(key, 0):,}"


def text(results):
    rows = [["captures", *COLUMNS], *([f"`{one['name']}`", *(number(one, key) for key in COLUMNS.values())] for one in results)]
    found = table(rows)
    there = [kind for kind in kinds.KINDS if any(one["counts"].get(f"kind: {kind}") for one in results)]
    if there:
        found += table([["differences by kind", *(f"`{one['name']}`" for one in results)],
                        *([kind, *(number(one, f"kind: {kind}") for one in results)] for kind in there)])
        fill = textwrap.TextWrapper(128, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
                                    break_on_hyphens=False)
        found += "".join(fill.fill(f"{kind}: {' '.join(kinds.KINDS[kind][1].split())}") + "\n" for kind in there) + "\n"
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", type=pathlib.Path)
    parser.add_argument("--write", type=pathlib.Path, metavar="DOCUMENT")
    args = parser.parse_args()
    results = [json.loads(path.read_text(encoding="utf-8")) for path in args.results]
    found = text(results)
    if args.write:
        date = datetime.datetime.now(datetime.timezone.utc).date()
        found = f"By {' and '.join(results[0]['tools'])}, {date}:\n\n{found}"
        before, mark, rest = args.write.read_text(encoding="utf-8").partition(BEGIN)
        behind = rest.partition(END)
        if not mark or not behind[1]:
            sys.exit(f"error: {args.write} lacks the marks between which it is written")
        args.write.write_text(f"{before}{BEGIN}\n{found}{END}{behind[2]}", encoding="utf-8")
    print(found, end="")
    sys.exit(any(one["counts"].get("unknown") for one in results))


if __name__ == "__main__":
    main()
