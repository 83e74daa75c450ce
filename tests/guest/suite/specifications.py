# SPDX-License-Identifier: GPL-2.0-only
"""Random specifications of rules, as people might type them: valid ones, and such that are hardly so."""

import re

TYPES = ["change-cipher-spec", "20", "alert", "0x15", "Handshake", "application_data", "appdata", "23", "heartbeat",
         "unknown", "none"]
STATES = ["new", "HELLO", "handshake", "established", "closed", "not-tls", "not_tls", "lost", "tainted"]
VERSIONS = ["ssl3", "1.0", "tls1.1", "TLSv1.2", "1.3"]
# It has to be there.
SET = "some_set-1.a"
LABEL = "abcdefghijklmnopqrstuvwxyz0123456789_*?"


def some(random, words):
    return ",".join(random.sample(words, random.randint(1, len(words))))


def octets(random):
    pairs = [f"{random.getrandbits(8):02x}" for _ in range(random.randint(1, 32))]
    return random.choice(["", "0x"]) + random.choice(["", ":"]).join(pairs)


def version(random):
    low, high = sorted(random.choices(range(len(VERSIONS)), k=2))
    return random.choice([VERSIONS[low], f"{VERSIONS[low]}:{VERSIONS[high]}", f"{VERSIONS[low]}:", f":{VERSIONS[high]}"])


def name(random):
    labels = ["".join(random.choices(LABEL, k=random.randint(1, 20))) for _ in range(random.randint(1, 6))]
    return ".".join(labels) + random.choice(["", "", ".", ".Example.ORG", ".bücher.example"])


def protocol(random):
    """Escaped, so that no shell and no quoting comes in between."""
    return "".join(f"\\x{random.getrandbits(8):02x}" if random.random() < 0.3 else random.choice("h2/.-x!")
                   for _ in range(random.randint(1, 40)))


def some_ja4(random):
    return "".join(random.choice("t13dx0_*?") for _ in range(random.randint(1, 36)))


def mark(random):
    mask = random.randint(1, 0xFFFFFFFF)
    return f"{random.getrandbits(32) & mask:#x}/{mask:#x}"


# An option, what makes its argument, and the option that it needs.
OPTIONS = [
    ("--record-type", lambda random: some(random, TYPES), None), ("--wire", None, "--record-type"),
    ("--all", None, "--record-type"), ("--state", lambda random: some(random, STATES), None), ("--pinned", None, None),
    ("--pin-mark", mark, "--pinned"), ("--tls-version", version, None), ("--resumed", None, None),
    ("--sni", name, None), ("--no-sni", None, None), ("--alpn", protocol, None), ("--ech", None, None),
    ("--session-id", octets, None), ("--client-random", octets, None), ("--server-random", octets, None),
    ("--sni-set", lambda random: SET, None), ("--ja4", some_ja4, None),
]


def valid(random):
    """The words of a rule that is one."""
    chosen = random.sample(OPTIONS, random.randint(1, len(OPTIONS)))
    names = {option for option, _, _ in chosen}
    words = []
    for option, argument, needs in chosen:
        if (needs and needs not in names) or (option == "--no-sni" and "--sni" in names):
            continue
        if not needs and random.random() < 0.4:
            words.append("!")
        words += [option, argument(random)] if argument else [option]
    return ["-p", "tcp", "-m", "tlsconn", *words] if words else valid(random)


def garbled(random):
    """The words of a rule in which one word was changed, left out, or said twice."""
    words = valid(random)
    place = random.randrange(4, len(words))
    word = words[place]
    garbage = "".join(chr(random.choice([random.randint(33, 126), random.randint(161, 0x2FFF)])) for _ in range(9))
    at = random.randrange(len(word) + 1)
    words[place:place + 1] = random.choice([
        [], [word, word], [garbage], [word + garbage], [word[:at] + garbage[0] + word[at:]], [word[:at]],
        ["!", word], [""], [word * 50], [word, garbage], ["%s%n" + word], [word.replace(",", ",,")],
    ])
    return words


def line(words):
    """As iptables-restore reads it. None of the words has a quote in it."""
    return " ".join(f'"{word}"' if re.search(r"\s|^$", word) else word for word in words)
