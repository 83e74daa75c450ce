# SPDX-License-Identifier: GPL-2.0-only
"""tests/compare finds nothing in a capture that was made here, and each value that was changed in what `inspect` says of it."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

import captures

sys.path.append("tests/compare")
import comparing
import contradiction
import identity
import kinds
import tool
import tshark

TOOL = "build/bin/tlsconnctl"
CLIENT, SERVER = "10.1.0.2:40001", "10.2.0.2:443"
# What is changed (by sed), and what has to be told of it. Each value that is compared is among them: FIELDS.
CHANGES = [
    (r's/"client":"src"/"client":"dst"/', "client: tshark"),
    (r's/"client_random":"./"client_random":"x/g', "client_random: tshark"),
    (r's/"session_id":"./"session_id":"x/', "session_id: tshark"),
    (r's/"sni":"name.example"/"sni":"name.examplf"/', 'sni: tshark "name.example", inspect "name.examplf"'),
    (r's/"sni":"name.example"/"sni":null/', 'sni: tshark "name.example", inspect null'),
    (r's/"alpn":null/"alpn":"h2"/', 'alpn: tshark null, inspect "h2"'),
    (r's/"offered":"1.2"/"offered":"1.3"/', 'offered: tshark "1.2", inspect "1.3"'),
    (r's/"early_data":false/"early_data":true/', "early_data: tshark false, inspect true"),
    (r's/"ech":false/"ech":true/', "ech: tshark false, inspect true"),
    (r's/"ja4":"t/"ja4":"q/', "ja4: tshark"),
    (r's/"server_random":"./"server_random":"x/', "server_random: tshark"),
    (r's/"server_session_id":"/"server_session_id":"00/', "server_session_id: tshark"),
    (r's/"version":"1.2"/"version":"1.1"/', 'version: tshark "1.2", inspect "1.1"'),
    (r's/"id":"0x1302"/"id":"0x1301"/', 'cipher: tshark "0x1302", inspect "0x1301"'),
    (r's/"hello_retry":false/"hello_retry":true/', "hello_retry: tshark false, inspect true"),
    (r's/"resumed":false/"resumed":true/g', "resumed: tshark false, inspect true"),
    (r's/"resumption":null/"resumption":"psk"/', 'resumption: tshark null, inspect "psk"'),
    *((f's/"{kind}":[0-9]*/"{kind}":99/g', f"{kind} records of {end}: tshark")
      for kind in tool.TYPES for end in (CLIENT, SERVER)),
    (r's/"wire":\["handshake"\]/"wire":["alert"]/', 'frame 3: tshark "handshake", inspect "alert"'),
    (r's/"wire":\["handshake"\]/"wire":["unknown"]/', 'frame 3: tshark "handshake", inspect null'),
    # Nothing that `inspect` says of itself explains what it lacks.
    *((f's/"version":"1.3"/"version":null/; s/"state":"established","confirmed"/"state":"{state}","confirmed"/; '
       f's/"reason":null/"reason":"{reason}"/', 'version: tshark "1.3", inspect null')
      for state, reason in (("not-tls", "not-tls"), *(("lost", reason) for reason in kinds.MISSING),
                            *(("tainted", reason) for reason in kinds.CONTRADICTIONS))),
    (r's/"version":"1.3"/"version":"1.2"/; '
     r's/"state":"established","confirmed"/"state":"tainted","confirmed"/; s/"reason":null/"reason":"malformed"/',
     'version: tshark "1.3", inspect "1.2"'),
    (r's/"frame":3,/"frame":300,/', 'frame 3: tshark "handshake", inspect null'),
]
FIELDS = {*identity.OFFERED, *identity.ANSWERED, "hello_retry", "resumed", "resumption",
          *(f"{kind} records of {end}" for kind in tool.TYPES for end in (CLIENT, SERVER)), "frame 3"}


def compare(folder, program):
    command = [sys.executable, "-B", "tests/compare/compare.py", "--tool", program, folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def contradictions():
    """Which ones are found in packets that have one, and in what they do without it."""
    hello = bytes([1, 0, 0, 40, 3, 3, *bytes(38)])
    record = bytes([22, 3, 1, 0, len(hello)]) + hello
    retry = bytes([2, 0, 0, 38, 3, 3]) + bytes.fromhex(identity.RETRY) + bytes(4)
    answer = bytes([22, 3, 3, 0, len(retry)]) + retry
    begin = 1001

    def found(*packets):
        ends = {True: CLIENT, False: SERVER}
        made = [contradiction.Segment(number, ends[by_client], seq, flags, payload)
                for number, (by_client, seq, flags, payload) in enumerate(packets, 3)]
        first = [contradiction.Segment(1, CLIENT, begin - 1, 2, b""), contradiction.Segment(2, SERVER, 5000, 18, b"")]
        return contradiction.of(first + made)

    after = begin + len(record)
    whole = (True, begin, 16, record)
    cases = [
        ({}, [whole, whole]),
        ({"resent-differently": 4}, [whole, (True, begin + 5, 16, b"\2")]),
        ({"urgent": 3}, [(True, begin, 48, record)]),
        ({}, [(True, begin, 17, record), (True, after + 1, 16, b"")]),
        ({"beyond-fin": 4}, [(True, begin, 17, record), (True, after, 16, b"\x17")]),
        ({"bad-header": 4}, [whole, (True, after, 16, b"\x63\3\3\0\1\0")]),
        ({}, [(True, begin, 16, b"\x63\3\3\0\1\0")]),
        ({"second-hello": 4}, [whole, (True, after, 16, record)]),
        ({"second-hello": 4}, [whole, (False, 5001, 16, record)]),
        ({}, [whole, (False, 5001, 16, answer), (True, after, 16, record)]),
    ]
    return [f"{packets}: {found(*packets)}" for expected, packets in cases if found(*packets) != expected]


def grease():
    """JA4 of the example in FoxIO's description, with GREASE put in: that is a kind if tshark's value is the one that counts it."""
    extensions = "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01"
    signatures = "0403,0804,0401,0503,0805,0501,0806,0601"
    words = {"extensions": f"{extensions},0000,0010,3a3a", "signatures": f"5a5a,{signatures}"}
    row = {field: [f"0x{word}" for word in text.split(",")] for field, text in words.items()}
    row |= {"messages": ["1"], "random": ["00"], "challenge": [], "version": []}
    head = "t13d1516h2_8daaf6152771_"
    counted = hashlib.sha256(f"{extensions}_5a5a,{signatures}".encode()).hexdigest()[:12]
    wrong = []
    for theirs, ours, kind in ((counted, "e5627efa2ab1", "GREASE"), ("e5627efa2ab1", counted, None), (counted, "0" * 12, None)):
        stream = tshark.Stream(0, (CLIENT, SERVER), rows=[(tshark.Frame(3, CLIENT, [22], set(), set()), row)])
        pair = comparing.Pair(stream, {"state": "established", "reason": None}, {})
        found = kinds.kind(comparing.Difference(pair, "ja4", head + theirs, head + ours))
        if found != kind:
            wrong.append(f"JA4 {theirs} and {ours}: {found}")
    return wrong


def main():
    wrong = [f"{field} is never changed" for field in FIELDS if not any(told.startswith(f"{field}: ") for _, told in CHANGES)]
    wrong += contradictions() + grease()
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        captures.make(place)
        same = compare(folder, TOOL)
        if same.returncode != 0 or "made.pcap:" in same.stdout:
            wrong.append(f"of what nobody has changed: exit {same.returncode}: {same.stdout}{same.stderr}")
        for change, told in CHANGES:
            changed = place / "changed"
            changed.write_text(f"#!/bin/sh\n{TOOL} \"$@\" | sed '{change}'\n", encoding="utf-8")
            changed.chmod(0o755)
            found = compare(folder, changed)
            if found.returncode != 1 or told not in found.stdout:
                wrong.append(f"{change}: exit {found.returncode}: {found.stdout}{found.stderr}")
    for text in wrong:
        print(text)
    print(f"{len(CHANGES)} changes" if not wrong else f"{len(wrong)} of {len(CHANGES) + 1} are wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
