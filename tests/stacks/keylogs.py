# SPDX-License-Identifier: GPL-2.0-only
"""What report says of the courses that were compared with the stacks' key logs (tests/guest/stacks/truth.py)."""

COLUMNS = {"handshake": "handshake", "handshake_held": "held, for no reason", "handshake_waits": "held, as data stands with it",
           "handshake_in_doubt": "in doubt", "later_in_doubt": "tickets in doubt", "later_passed": "tickets as handshake",
           "data": "data", "data_passed": "data that passed", "data_in_doubt": "data in doubt"}
# Of these it is of interest where the most was.
WHERE = ("handshake_waits", "handshake_in_doubt", "later_in_doubt", "data_in_doubt")
OTHER = {"client": "server", "server": "client"}


def most(results, sender, role, name):
    """The most bytes of that kind in a course of this sender, and the course."""
    return max(((one["truth"][role][name], one) for one in results if one[role] == sender), key=lambda found: found[0])


def figure(results, sender, role, name, titles):
    octets, one = most(results, sender, role, name)
    if octets and name in WHERE:
        return f"{octets:,} ({one['mode']}, {titles[one[OTHER[role]]]})"
    return f"{octets:,}"


def rows(results, order, titles):
    for sender in order:
        for role in ("client", "server"):
            courses = [one for one in results if one[role] == sender]
            if courses:
                yield [f"{titles[sender]} as {role}", len(courses),
                       *(figure(courses, sender, role, name, titles) for name in COLUMNS)]


def sentences(results):
    """Of TLS 1.2, where nothing is told by lengths."""
    total = {name: sum(one["truth"][role][name] for one in results for role in OTHER) for name in COLUMNS}
    return (f"{len(results)} courses of TLS 1.2: of {total['handshake']:,} bytes of handshake {total['handshake_held']:,} were held "
            f"for no reason, and {total['handshake_waits']:,} as data stood with them; of {total['data']:,} of data "
            f"{total['data_passed'] + total['data_in_doubt']:,} passed.\n\n")


def text(results, order, titles, table):
    """All of it; nothing where no course was compared."""
    told = [one for one in results.values() if one.get("truth")]
    compared = {version: [one for one in told if one["version"] == version and "why" not in one["truth"]]
                for version in ("1.2", "1.3")}
    if not any(compared.values()):
        return ""
    found = (f"By the key logs, {len(compared['1.3'])} courses of TLS 1.3: bytes of the sender's stream before the pin and of the "
             "first megabyte, the most in any course; in brackets in which column and with whom that was:\n\n")
    found += table(["sender", "courses", *COLUMNS.values()], rows(compared["1.3"], order, titles))
    found += sentences(compared["1.2"])
    for why in dict.fromkeys(one["truth"]["why"] for one in told if "why" in one["truth"]):
        pairs = dict.fromkeys(f"{titles[one['client']]} with {titles[one['server']]}" for one in told
                              if one["truth"].get("why") == why)
        found += f"Not compared, {why}: {', '.join(pairs)}.\n\n"
    return found
