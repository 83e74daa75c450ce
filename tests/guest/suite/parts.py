# SPDX-License-Identifier: GPL-2.0-only
"""Shares the suite's files among guests, so that all need about as long: by the seconds that each file took once, in
tests/guest/seconds.tsv, a column for a kind of guest. The first guest may have a second processor, the others have one, as that is
less to emulate.

parts.py KIND RESULTS... writes a kind's column anew, by the results of a run: `build/log/suite-KIND-*.jsonl`. KIND: stock or uml.
"""

import json
import pathlib
import re
import sys

import scale

TABLE = pathlib.Path(__file__).parent.parent / "seconds.tsv"
KINDS = "stock", "uml"
# What has to do with several processors, or loads them: the first guest's.
SEVERAL = {f"test_{name}" for name in ("beside", "churn", "copies", "cpus", "entries", "flip", "floods", "load", "memory",
                                       "netlink_parallel", "nft", "sets")}
HERE = "uml" if scale.UML else "stock"


def read():
    """Seconds by file, for each kind."""
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    return {kind: {row[0]: int(row[column]) for row in rows} for column, kind in enumerate(KINDS, 1)}


def share(files, count, seconds):
    """`count` lists of files. The longest go first, each to whoever has least; what is not known takes as long as the mean."""
    mean = sum(seconds.values()) / max(len(seconds), 1)
    shares = [[] for _ in range(count)]
    taken = [0] * count
    for file in sorted(files, key=lambda file: (file not in SEVERAL, -seconds.get(file, mean), file)):
        to = 0 if file in SEVERAL else taken.index(min(taken))
        taken[to] += seconds.get(file, mean)
        shares[to].append(file)
    return [sorted(share) for share in shares]


def part(files, number, count):
    """The files of one of `count` guests; the first has number 1."""
    return share(files, count, read()[HERE])[number - 1]


def took(lines):
    """Seconds by file, of a guest's results."""
    found, before = {}, 0
    for told in map(json.loads, lines):
        # test_one (test_file.Class.test_one), or setUpClass (test_file.Class)
        if "at" in told and (file := re.search(r"\((test_\w+)", told["test"])):
            found[file[1]] = found.get(file[1], 0) + told["at"] - before
            before = told["at"]
    return found


def main(kind, *results):
    seconds = read()
    seconds[kind] = {}
    for path in results:
        seconds[kind] |= {file: round(one) for file, one in took(pathlib.Path(path).read_text().splitlines()).items()}
    files = sorted({file for column in seconds.values() for file in column})
    comments = [line for line in TABLE.read_text().splitlines() if line.startswith("#")]
    rows = ["\t".join([file, *[str(seconds[one].get(file, 0)) for one in KINDS]]) for file in files]
    TABLE.write_text("\n".join([*comments, *rows]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
