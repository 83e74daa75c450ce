# SPDX-License-Identifier: GPL-2.0-only
"""What `tlsconnctl inspect` says of a capture."""

import json
import subprocess

TYPES = {"change-cipher-spec": 20, "alert": 21, "handshake": 22, "application-data": 23, "heartbeat": 24}
FLAGS = {"hello_retry", "early_data", "ech", "resumed"}


class Unreadable(Exception):
    """It reads nothing of it."""


def version(tool):
    return subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def read(tool, path):
    """Its connections and packets, and what it says on standard error."""
    plain = run(tool, path)
    told = run(tool, path, "--packets")
    # The packets change nothing of what is said of connections.
    if plain[0]["connections"] != told[0]["connections"]:
        raise Unreadable("with --packets it says something else of the connections")
    return told


def run(tool, path, *options):
    command = [tool, "inspect", "--json", "--loose", *options, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    if said is None or "connections" not in said:
        raise Unreadable((done.stdout + done.stderr).strip().split("\n")[-1])
    return said, done.stderr


def values(connection):
    """Of a connection, in the form of `identity.of`."""
    found = {name: connection[name] for name in (
        "client_random", "session_id", "sni", "alpn", "offered", "server_random", "server_session_id", "version", "resumption",
        "ja4", *FLAGS) if connection.get(name) is not None}
    if connection["client"]:
        found["client"] = connection[connection["client"]]
    if connection["cipher"]:
        found["cipher"] = connection["cipher"]["id"]
    return found


def records(connection):
    """How many of each type each end has sent."""
    if not connection.get("records"):
        return {}
    ends = {"client": connection["client"], "server": {"src": "dst", "dst": "src"}[connection["client"]]}
    return {connection[ends[part]]: {TYPES[kind]: count for kind, count in counts.items() if count}
            for part, counts in connection["records"].items()}
