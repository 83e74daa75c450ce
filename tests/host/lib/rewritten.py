# SPDX-License-Identifier: GPL-2.0-only
"""Captures with every wrapping, as they were made and as others' programs write them: `inspect` says the same of all of them, and
tshark has nothing against it."""

import json
import pathlib
import random
import ssl
import subprocess
import sys
import tempfile

import captures
import wrappings

TOOL = "build/bin/tlsconnctl"
# Longer ones do not fit into a frame with SNAP.
SEGMENT = 1200
wrong = []


def run(*command, stdin=None):
    done = subprocess.run(command, stdin=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        wrong.append(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def said(path):
    """Connections without times, and what packets carry."""
    told = json.loads(run(TOOL, "inspect", "--json", "--packets", path) or '{"connections": [], "packets": []}')
    times = {"first": None, "last": None}
    return ([connection | times for connection in told["connections"]], [packet | {"frame": None} for packet in told["packets"]])


def expect(expected, path, what):
    found = said(path)
    if found != expected:
        wrong.append(f"{what}: {json.dumps(found)[:400]}")


def cut(pieces):
    return [(to_server, octets[at:at + SEGMENT]) for to_server, octets in pieces for at in range(0, len(octets), SEGMENT)]


def main():
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "written").mkdir()
        captures.make(place)
        packets = [packet for port, version in ((40001, ssl.TLSVersion.TLSv1_3), (40002, ssl.TLSVersion.TLSv1_2))
                   for packet in captures.connection(port, cut(captures.handshake(place, version)))]
        expected = said(wrappings.pcap(place / "plain.pcap", 101, packets))
        if [connection["state"] for connection in expected[0]] != ["established"] * 2:
            wrong.append(f"the captures are no handshakes: {expected[0]}")
        for number, name in enumerate(wrappings.WRAPPINGS):
            made = wrappings.pcap(place / f"{number}.pcap", *wrappings.frames(name, packets))
            expect(expected, made, name)
            by_tshark = place / "written" / f"{name}.pcapng"
            run("tshark", "-r", made, "-w", by_tshark)
            expect(expected, by_tshark, f"{name}, by tshark")
            by_tcpdump = place / "tcpdump.pcap"
            run("tcpdump", "-r", made, "-w", by_tcpdump)
            expect(expected, by_tcpdump, f"{name}, by tcpdump")
        rewritten(place, packets, expected)
        compared(place / "written")
    for text in wrong:
        print(text)
    print(f"{len(wrappings.WRAPPINGS)} wrappings" if not wrong else f"{len(wrong)} are wrong")
    return bool(wrong)


def rewritten(place, packets, expected):
    """Whole captures by Wireshark's other programs."""
    plain, to = place / "plain.pcap", place / "rewritten"
    for kind in "pcap", "nsecpcap", "pcapng":
        run("editcap", "-F", kind, plain, to)
        expect(expected, to, f"editcap -F {kind}")
    fragments = [fragment for number, packet in enumerate(packets, 1) for fragment in wrappings.fragments(packet, number)]
    run("tshark", "-r", wrappings.pcap(place / "fragments.pcap", 101, fragments), "-w", place / "written" / "fragments.pcapng")
    expect(expected, place / "written" / "fragments.pcapng", "fragments, by tshark")
    # Two link types in one file.
    half = len(packets) // 2
    halves = []
    for name, part in (("Ethernet", packets[:half]), ("cooked", packets[half:])):
        link, frames = wrappings.frames(name, part)
        halves.append(wrappings.pcap(place / f"half {name}.pcap", link, frames))
    run("mergecap", "-a", "-w", to, *halves)
    expect(expected, to, "mergecap -a")
    # One behind the other, of two formats.
    run("editcap", "-F", "pcapng", halves[0], to)
    sections = to.read_bytes()
    run("editcap", "-F", "pcapng", halves[1], to)
    to.write_bytes(sections + to.read_bytes())
    expect(expected, to, "two sections of editcap")
    # In no order at all; each has its time.
    timed = (place / "plain.pcap").read_bytes()
    records, at = [], 24
    while at < len(timed):
        length = 16 + int.from_bytes(timed[at + 8:at + 12], sys.byteorder)
        records.append(timed[at:at + length])
        at += length
    random.Random(7).shuffle(records)
    (place / "shuffled.pcap").write_bytes(timed[:24] + b"".join(records))
    run("reordercap", place / "shuffled.pcap", to)
    expect(expected, to, "reordercap")
    # As text, and back.
    (place / "text").write_bytes(run("tshark", "-r", plain, "-x"))
    run("text2pcap", "-l", "101", place / "text", to)
    expect(expected, to, "text2pcap")
    # From a pipe, and packed.
    for what, packer in (("gz", "gzip"), ("zst", "zstd")):
        packed = place / f"packed.{what}"
        packed.write_bytes(run(packer, "-c", plain))
        expect(expected, packed, what)
    with subprocess.Popen(["tcpdump", "-r", plain, "-w", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tcpdump:
        told = json.loads(run(TOOL, "inspect", "--json", "-", stdin=tcpdump.stdout))
    if len(told["connections"]) != 2:
        wrong.append(f"tcpdump's pipe: {told}")


def compared(folder):
    """tshark looks into each wrapping too, and sees what `inspect` sees."""
    command = [sys.executable, "-B", "tests/compare/compare.py", "--all", "--tool", TOOL, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wrong.extend(line for line in done.stdout.splitlines() if ".pcapng: " in line)
    # Each file has two connections, of more than twenty values each.
    told = [word.replace(",", "") for word in done.stdout.split("|")]
    rows = [int(word) for word in told if word.strip().isdigit()]
    if len(rows) < 5 or rows[1] != 2 * rows[0] or rows[3] < 40 * rows[0] or rows[3] != rows[4]:
        wrong.append(f"compared: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
