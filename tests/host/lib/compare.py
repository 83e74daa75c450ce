# SPDX-License-Identifier: GPL-2.0-only
"""tests/compare finds nothing in a capture that was made here, and each value that was changed in what `inspect` says of it."""

import pathlib
import subprocess
import sys
import tempfile

import captures

TOOL = "build/bin/tlsconnctl"
# What is changed (by sed), and what has to be told of it.
CHANGES = [
    (r's/"sni":"name.example"/"sni":"name.examplf"/', 'sni: tshark "name.example", inspect "name.examplf"'),
    (r's/"sni":"name.example"/"sni":null/', 'sni: tshark "name.example", inspect null'),
    (r's/"alpn":null/"alpn":"h2"/', 'alpn: tshark null, inspect "h2"'),
    (r's/"version":"1.2"/"version":"1.1"/', 'version: tshark "1.2", inspect "1.1"'),
    (r's/"id":"0x1302"/"id":"0x1301"/', 'cipher: tshark "0x1302", inspect "0x1301"'),
    (r's/"resumed":false/"resumed":true/g', "resumed: tshark false, inspect true"),
    (r's/"hello_retry":false/"hello_retry":true/', "hello_retry: tshark false, inspect true"),
    (r's/"client_random":"./"client_random":"x/g', "client_random: tshark"),
    (r's/"session_id":"./"session_id":"x/', "session_id: tshark"),
    (r's/"client":"src"/"client":"dst"/', "client: tshark"),
    (r's/"change-cipher-spec":1/"change-cipher-spec":2/', "change-cipher-spec records of 10.1.0.2:40001: tshark 1, inspect 2"),
    (r's/"wire":\["handshake"\]/"wire":["alert"]/', 'frame 3: tshark "handshake", inspect "alert"'),
    (r's/"wire":\["handshake"\]/"wire":["unknown"]/', 'frame 3: tshark "handshake", inspect null'),
    (r's/"version":"1.3"/"version":null/; '
     r's/"state":"established","confirmed"/"state":"not-tls","confirmed"/; s/"reason":null/"reason":"not-tls"/',
     'version: tshark "1.3", inspect null'),
    (r's/"version":"1.3"/"version":null/; '
     r's/"state":"established","confirmed"/"state":"lost","confirmed"/; s/"reason":null/"reason":"hole"/',
     'version: tshark "1.3", inspect null'),
    (r's/"version":"1.3"/"version":"1.2"/; '
     r's/"state":"established","confirmed"/"state":"tainted","confirmed"/; s/"reason":null/"reason":"malformed"/',
     'version: tshark "1.3", inspect "1.2"'),
    (r's/"frame":3,/"frame":300,/', 'frame 3: tshark "handshake", inspect null'),
]


def compare(folder, tool):
    command = [sys.executable, "-B", "tests/compare/compare.py", "--tool", tool, folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        captures.make(place)
        same = compare(folder, TOOL)
        if same.returncode != 0 or "made.pcap:" in same.stdout:
            wrong.append(f"of what nobody has changed: exit {same.returncode}: {same.stdout}{same.stderr}")
        for change, told in CHANGES:
            tool = place / "changed"
            tool.write_text(f"#!/bin/sh\n{TOOL} \"$@\" | sed '{change}'\n", encoding="utf-8")
            tool.chmod(0o755)
            found = compare(folder, tool)
            if found.returncode != 1 or told not in found.stdout:
                wrong.append(f"{change}: exit {found.returncode}: {found.stdout}{found.stderr}")
    for text in wrong:
        print(text)
    print(f"{len(CHANGES)} changes" if not wrong else f"{len(wrong)} of {len(CHANGES) + 1} are wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
