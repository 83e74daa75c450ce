# SPDX-License-Identifier: GPL-2.0-only
"""Holds JSON against docs/tlsconnctl.schema.json, and shows that the schema refuses what is wrong."""

import copy
import json
import os
import pathlib
import subprocess
import tempfile

import captures
import jsonschema

SCHEMA = json.load(open("docs/tlsconnctl.schema.json"))
jsonschema.Draft202012Validator.check_schema(SCHEMA)


def valid(command, value):
    schema = {"$ref": f"#/$defs/{command}", "$defs": SCHEMA["$defs"]}
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def output(*arguments, code):
    done = subprocess.run(["build/bin/tlsconnctl", "-j", *arguments], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done)
    return json.loads(done.stderr if code else done.stdout)


golden = {path.stem: json.load(open(path)) for path in pathlib.Path("userctl/tests/golden").glob("*.json")}
assert golden.keys() == {"list", "pins"}
for command, value in golden.items():
    assert valid(command, value), command
assert valid("rules", output("rules", code=0))
assert valid("rules", output("rules", "--dst", "2001:db8::1", code=0))
assert valid("error", output("show", "x", code=2))
assert valid("error", output("inspect", "no-such-file.pcap", code=1))

# What is known of connections, and what is not: real handshakes, no TLS, the middle of a stream. A corpus, where it is.
with tempfile.TemporaryDirectory() as folder:
    made = captures.make(pathlib.Path(folder))
    assert valid("summary", output("inspect", "--summary", str(made), code=0))
    for arguments in ((), ("--loose",), ("--packets",)):
        seen = output("inspect", *arguments, str(made), code=0)
        assert valid("inspect", seen), seen
    assert {c["state"] for c in seen["connections"]} == {"established", "not-tls", "lost"}, seen
    assert {c["version"] for c in seen["connections"]} == {"1.3", "1.2", None}, seen
    assert len(seen["packets"]) > 8, seen
    explained = output("inspect", "--explain", str(made), code=0)
    assert valid("inspect", explained), explained
    assert {rule["rule"] for rule in explained["rules"]} >= {"S1", "S2", "C1", "A1"}, explained
for path in pathlib.Path(os.environ.get("TLSCONN_CORPUS", "/nonexistent")).glob("*/pcap/*.pcap"):
    for option in ("--packets", "--explain"):
        command = ["build/bin/tlsconnctl", "-j", "inspect", option, path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert valid("inspect", json.loads(done.stdout)), (option, path)

# Every field that is missing, and one too many, is noticed.
[connection, *_] = golden["list"]["connections"]
[pin, *_] = golden["pins"]["pins"]
for command, what, item in (("list", "connections", connection), ("pins", "pins", pin)):
    assert valid(command, {what: [item]})
    for field in item:
        wrong = copy.deepcopy(item)
        del wrong[field]
        assert not valid(command, {what: [wrong]}), field
    assert not valid(command, {what: [{**item, "more": 1}]})
for field, value in (("id", 0), ("state", "open"), ("src", "10.0.0.1"), ("mark", 7), ("mark", "0X7"), ("cipher", {}),
                     ("client_random", "ab"), ("ja4", "t13d1516h2"), ("sni", "a\nb"), ("records", {}), ("bytes", {"client": 1})):
    assert not valid("list", {"connections": [{**connection, field: value}]}), field
assert not valid("inspect", {"connections": [connection]}), "a capture has no marks"
