# SPDX-License-Identifier: GPL-2.0-only
"""Which files of a folder are captures."""

import gzip
import os
import pathlib

PCAP = {bytes.fromhex(magic) for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1")}
PCAPNG = bytes.fromhex("0a0d0d0a")
# Their names end so, where what they are packed with has to be believed: it is not unpacked here.
PACKED = {bytes.fromhex("28b52ffd"): ".zst", bytes.fromhex("04224d18"): ".lz4"}
NAMES = (".pcap", ".pcapng", ".cap", ".pcap.zst", ".pcapng.zst", ".cap.zst", ".pcap.lz4", ".pcapng.lz4", ".cap.lz4")


def captures(place):
    """The captures in a folder and the folders below it, in the order of their names; a file is one itself."""
    place = pathlib.Path(place)
    if place.is_file():
        return [place]
    paths = (pathlib.Path(folder, name) for folder, _, names in os.walk(place) for name in names)
    return sorted(path for path in paths if path.is_file() and is_capture(path))


def is_capture(path):
    start = first(path)
    packed = PACKED.get(start)
    return start in PCAP or start == PCAPNG or packed is not None and path.name.endswith(packed) and path.name.endswith(NAMES)


def first(path):
    """The first four bytes, of what is packed with gzip those within."""
    with open(path, "rb") as file:
        start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as file:
                return file.read(4)
        except (OSError, EOFError):
            return b""
    return start


def has_keys(path):
    """Whether it may hold keys that tshark would decrypt with: such are in a pcapng."""
    return first(path) not in PCAP
