# SPDX-License-Identifier: GPL-2.0-only
"""Compares docs/netlink/tlsconn.yaml with kmod/uapi/tlsconn_netlink.h, by the naming rules of YNL
(Documentation/userspace-api/netlink/specs.rst in the kernel's source)."""

import re
import subprocess
import sys

import jsonschema
import yaml

HEADER = "kmod/uapi/tlsconn_netlink.h"
spec = yaml.safe_load(open("docs/netlink/tlsconn.yaml"))
jsonschema.validate(spec, yaml.safe_load(open(sys.argv[1])))


def constant(*words):
    return "_".join(words).upper().replace("-", "_")


def entry_name(entry):
    return entry if isinstance(entry, str) else entry["name"]


expected = {}
for definition in spec["definitions"]:
    for number, entry in enumerate(definition["entries"]):
        expected[constant("tlsconn", definition["name"], entry_name(entry))] = number
for attributes in spec["attribute-sets"]:
    for number, attribute in enumerate(attributes["attributes"], 1):
        expected[constant(attributes["name-prefix"].rstrip("-"), attribute["name"])] = number
for number, operation in enumerate(spec["operations"]["list"], 1):
    expected[constant("tlsconn-cmd", operation["name"])] = number

groups = [constant("tlsconn-mcgrp", group["name"]) for group in spec["mcast-groups"]["list"]]
assert re.findall(r"^#define (TLSCONN_MCGRP_\w+)", open(HEADER).read(), re.M) == groups

# The compiler says what the numbers of the header are.
declared = set(re.findall(r"^\t(TLSCONN_[A-Z0-9_]+)(?: = 1)?,$", open(HEADER).read(), re.M))
program = f'#include "/src/{HEADER}"\n#include <stdio.h>\nint main(void) {{\n'
program += "".join(f'printf("{name} %d\\n", (int){name});\n' for name in declared)
subprocess.run(["gcc", "-x", "c", "-o", "/tmp/numbers", "-"], input=program + "}\n", text=True, check=True)
lines = subprocess.run(["/tmp/numbers"], capture_output=True, text=True, check=True).stdout.splitlines()
actual = {name: int(number) for name, number in (line.split() for line in lines)}

wrong = {name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name)}
for name in sorted(wrong):
    print(f"{name}: {expected.get(name)} by the specification, {actual.get(name)} in the header")
assert len(actual) > 60, "the header was not understood"
sys.exit(1 if wrong else 0)
