# SPDX-License-Identifier: GPL-2.0-only
"""The blocks of code in the project's documents, by what their fences say of them.

    ```sh           commands for the gateway: test_documents.py runs them, block after block of a document
    ```sh host      commands for the machine that builds: tests/host/documents runs them
    ```sh example   commands that nobody runs here, as they take what a test has not, or too long
    ```console      a terminal with commands and what they print; `console example`, as they are not run either
    ```WORD         no commands: text, c, rust, json, mermaid, …

What is marked in no such way is an error, as are commands in a block that says that it has none."""

import pathlib
import re
import shlex
from dataclasses import dataclass

REPO = pathlib.Path(__file__).parents[3]
WHERE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**/*.md")
# What a block may say of itself that has commands.
MARKS = {"sh", "sh host", "sh example", "console example"}
# How a line of a terminal begins that somebody has typed.
PROMPT = re.compile(r"^(?:[a-z0-9-]+)?[#$] ")
# What begins a line that is a command.
COMMAND = re.compile(r"^(?:sudo )?(?:[A-Z_]+=\S+ )*(?:make|git|apt|apt-get|ip6?tables\S*|ip|nft|tlsconnctl|modprobe|modinfo|rmmod|insmod"
                     r"|sysctl|conntrackd?|ethtool|tcpdump|openssl|curl|cargo|dmesg|tests/\S+|packaging/\S+) ")
FENCE = re.compile(r"^( {0,12})(`{3,}|~{3,})(.*)$")


@dataclass
class Block:
    """A block of code, and the line that it begins in."""
    path: pathlib.Path
    line: int
    mark: str
    text: str

    def __str__(self):
        return f"{self.path.relative_to(REPO)}:{self.line}"

    def commands(self):
        """The lines that are typed, each with what continues it."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.mark.startswith("console"):
            return [PROMPT.sub("", line) for line in lines if PROMPT.match(line)]
        return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def paths():
    return sorted(path for where in WHERE for path in REPO.glob(where))


def blocks(path, text=None):
    """Every block of a document. One that is set off by spaces alone has no mark, which `wrong` says."""
    found, fence, begun = [], None, 0
    blank, item = True, False
    lines = (path.read_text() if text is None else text).splitlines()
    for number, line in enumerate([*lines, ""], 1):
        if fence:
            if line.strip().startswith(fence[1]) and not line.strip().strip(fence[1][0]):
                body = [code[len(fence[0]):] for code in lines[begun:number - 1]]
                found.append(Block(path, begun, fence[2].strip(), "".join(f"{code}\n" for code in body)))
                fence, blank = None, True
            continue
        if match := FENCE.match(line):
            fence, begun = match.groups(), number
            continue
        # What continues an item of a list is set off too, and no code up to the item's own four.
        if line and not line.startswith(" "):
            item = bool(re.match(r"(?:[-*+]|\d+[.)]) ", line))
        if line.startswith("    ") and blank and (not item or line.startswith(" " * 6)):
            found.append(Block(path, number, "", line.strip() + "\n"))
        blank = not line.strip()
    if fence:
        found.append(Block(path, begun, "", "a fence that nothing closes\n"))
    return found


def anchors(path):
    """What a link to a document may have after its #: its headings, as the web shows documents."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).replace(" ", "-") for heading in headings}


def all_blocks():
    return [block for path in paths() for block in blocks(path)]


def wrong(block):
    """What is wrong with a block, or None."""
    if block.mark in MARKS:
        return None if block.commands() else "it has no command in it"
    if not block.mark or block.mark.split()[0] in ("sh", "bash", "console", "shell"):
        return f"it is marked {block.mark!r}, which is none of {sorted(MARKS)}, nor names another language"
    for line in block.text.splitlines():
        if COMMAND.match(PROMPT.sub("", line)):
            return f"it is marked {block.mark!r}, and has a command in it: {line}"
    return None


def targets():
    """What `make` makes."""
    return set(re.findall(r"^([a-z][a-z-]*):", (REPO / "Makefile").read_text(), re.M))


def missing(command):
    """What a command names that the project has not, or None: a target of make, a program of the project's own."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        # Quotes that go on in the next line.
        words = command.split()
    while words and (re.match(r"[A-Z_]+=", words[0]) or words[0] == "sudo"):
        words = words[1:]
    if not words:
        return None
    # With -C it is another Makefile's: the kernel's.
    if words[0] == "make" and "-C" not in words:
        named = [word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
        return next((f"make {word}" for word in named if word not in targets()), None)
    if re.match(r"(?:tests|packaging)/", words[0]) and not (REPO / words[0]).is_file():
        return words[0]
    return None


def questions(command):
    """Each call of tlsconnctl in a command, made one that asks for its help, so that its options are looked at and
    nothing is done. What a script's variable holds is an id."""
    for part in re.split(r"[|;&]+", re.sub(r'"?\$\w+"?', "1", command)):
        match = re.search(r"\btlsconnctl ([a-z].*)", part)
        if match:
            yield ["tlsconnctl", *shlex.split(match.group(1).split(">")[0], comments=True), "--help"]
