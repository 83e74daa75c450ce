# SPDX-License-Identifier: GPL-2.0-only
"""Reads what users read, and says where a sentence is longer than 35 words, or has a word that this project does not use.

    words.py                names every place, and ends with 1 if there is any
    words.py --count        counts them for each file too
    words.py --self-test    checks that it sees what is put into a text of each kind

It reads the documents, xt_tlsconn(8), the prose of the other manual pages, the help of tlsconnctl's options, the rows of
kmod/facts, what the packages say, and the strings of the tool, the extension and the module. It leaves out the generated
parts of documents, code, and the targets of links. Code within a line counts as one word."""

import pathlib
import re
import sys
from collections import Counter

REPO = pathlib.Path(__file__).parents[3]
LONGEST = 35
# The word, and what to write instead.
WORDS = {
    "behind": "after, or on the other side of",
    "in front of": "before",
    "mends?|mended|mending": "fix",
    "octets?": "bytes",
}
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**/*.md")
# A sentence ends at a full stop that a space follows; a colon or a semicolon ends none.
END = re.compile(r"(?<=[.!?])[\"')*_]*\s+")
GENERATED = re.compile(r"<!-- Written by .*?<!-- End of .*? -->", re.S)
STRING = re.compile(r'"((?:[^"\\\n]|\\.|\\\n)*)"')


def blocks_of_markdown(text):
    """Paragraphs, items of lists, headings, and cells of tables, each with its line."""
    blank = lambda match: "\n" * match.group().count("\n")
    text = GENERATED.sub(blank, text)
    text = re.sub(r"^( *)(`{3,}|~{3,}).*?^\1\2.*?$", blank, text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.S)
    begun, lines = 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        line = line.strip()
        item = re.match(r"(?:[-*+]|\d+[.)]|#+) +", line)
        if lines and (not line or item or line.startswith("|")):
            yield begun, " ".join(lines)
            lines = []
        if line.startswith("|"):
            for cell in re.split(r"(?<!\\)\|", line.strip("|")):
                yield number, cell
        elif line:
            if not lines:
                begun = number
            lines.append(line[item.end():] if item else line)


def blocks_of_roff(text):
    """Paragraphs of a manual page; a request that begins another one ends it, and so does code."""
    begun, lines, code = 0, [], False
    for number, line in enumerate([*text.split("\n"), ".PP"], 1):
        if line in (".EX", ".nf"):
            code = True
        if re.match(r"\.(?:PP|TP|IP|SH|SS|EX|EE|nf|fi|RS|RE|TH)\b", line):
            if lines:
                yield begun, " ".join(lines)
            lines = []
            code = code and line not in (".EE", ".fi")
        elif not code and not line.startswith('.\\"'):
            line = re.sub(r"^\.(?:BR|B|I|IR|RB)\s+", "", line)
            line = re.sub(r"\\f.|\\&", "", line).replace("\\-", "-").replace("\\e", "\\")
            if not line.startswith("."):
                lines = lines or []
                begun = begun if lines else number
                lines.append(line)


def blocks_of_strings(text):
    """Texts of several words in a program's strings."""
    text = re.split(r"^#\[cfg\(test\)\]\nmod", text, maxsplit=1, flags=re.M)[0]
    text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    for match in STRING.finditer(text):
        said = re.sub(r"\\\n\s*", "", match.group(1))
        if said.count(" ") >= 2:
            yield text[:match.start()].count("\n") + 1, said.replace("\\n", " ")


def blocks_of_help(text):
    """Comments that are a command line's help: of what derives clap's traits, and of its fields."""
    lines, begun, told, inside, derives = text.split("\n"), 0, [], False, ""
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare.startswith("///"):
            begun = begun if told else number
            if bare == "///" and told:
                told.append("\n")
            told.append(bare[3:].strip())
            continue
        if re.match(r"#\[(?:derive|arg|command|group|value|clap)\b", bare):
            derives = bare if "derive(" in bare else derives
            continue
        if re.match(r"(?:pub(?:\(\w+\))? )?(?:struct|enum) ", bare):
            inside = bool(re.search(r"\b(?:Args|Parser|Subcommand|ValueEnum)\b", derives))
        if told and inside:
            for part in " ".join(told).split("\n"):
                yield begun, part
        told = []
        if line == "}":
            inside = False


def blocks_of_lines(text):
    """Paragraphs of a configuration file, or of Debian's control file, where a dot stands for an empty line."""
    begun, lines = 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        field = re.match(r"[A-Z][\w-]*: *", line)
        bare = line[field.end():] if field else line.strip("# \t")
        if lines and (field or bare in ("", ".")):
            yield begun, " ".join(lines)
            lines = []
        if field:
            yield number, bare
        elif bare not in ("", "."):
            begun = begun if lines else number
            lines.append(bare)


def blocks_of(name, text):
    """The texts of a file of that name, each with its line."""
    if name.endswith(".md"):
        found = blocks_of_markdown(text)
    elif name.endswith(".8"):
        found = blocks_of_roff(text)
    elif name.endswith(".rs"):
        found = [*blocks_of_strings(text), *blocks_of_help(text)]
    else:
        found = [block for block in blocks_of_lines(text) if "${" not in block[1]]
    for line, block in found:
        block = re.sub(r"`[^`]*`", "X", block)
        yield line, re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", block)


def files():
    yield from sorted(path for where in DOCUMENTS for path in REPO.glob(where))
    yield from sorted((REPO / "docs/man").glob("*.8"))
    yield from sorted((REPO / "packaging").glob("debian*/*control"))
    yield REPO / "packaging/debian/tlsconn.conf"
    for folder in ("userctl/src", "libxt_tlsconn/src", "kmod"):
        for path in sorted((REPO / folder).rglob("*.rs")):
            where = path.relative_to(REPO / folder).parts
            if not {"tests", "tables"} & set(where) and path.stem not in ("tests", "golden", "wording"):
                yield path


def wrong(text):
    """What is wrong with a text: a kind, and the words that show it."""
    for sentence in END.split(text):
        words = [word for word in sentence.split() if re.search(r"\w", word)]
        if len(words) > LONGEST:
            yield "long", f"{len(words)} words: {' '.join(words)}"
    for word, better in WORDS.items():
        for match in re.finditer(rf"\b(?:{word})\b", text, re.I):
            yield match.group().lower(), f"“{match.group()}”, write {better}: …{text[max(0, match.start() - 40):match.end() + 40]}…"


def self_test():
    """What is put into each kind of text is seen; what is not for users is passed over."""
    long = "word " * 36
    for name, texts, seen in (
        (".md", ["a {} b", "- a\n  {}\n", "| a | {} |\n", "# {}\n", "```sh\nx\n```\n{}\n"], True),
        (".md", ["`{}`", "```sh\n{}\n```\n", "<!-- {} -->", "[a](https://x/{})", "<!-- Written by x -->\n{}\n<!-- End of x -->\n"], False),
        (".8", [".PP\na\n{}\n", ".TP\n.B x\n{}\n"], True),
        (".8", [".EX\n{}\n.EE\n", '.\\" {}\n'], False),
        (".rs", ['f("a {} b, c");\n', "#[derive(Args)]\nstruct A {{\n    /// {} a\n    #[arg(long)]\n    b: u8,\n}}\n"], True),
        (".rs", ["/// {} a b\nfn f() {{}}\n", '// "a {} b, c"\n', "let {} = 1;\n"], False),
        ("control", ["Description: a {} b\n", "Description: a\n x\n .\n a {} b\n", "# {} b\n"], True),
    ):
        for text in texts:
            for put in (long, "behind", "octets", "in front of", "mended"):
                found = [told for _, block in blocks_of(name, text.format(put)) for told in wrong(block)]
                if bool(found) != seen:
                    sys.exit(f"words.py does not work: {name}, {text.format(put)!r}: {found}")


def main():
    if "--self-test" in sys.argv:
        return self_test()
    counted, read, places = {}, 0, []
    for path in files():
        kinds = Counter()
        for line, block in blocks_of(path.name, path.read_text()):
            read += 1
            for kind, told in wrong(block):
                kinds[kind] += 1
                places.append(f"{path.relative_to(REPO)}:{line}: {told}")
        counted[path] = kinds
    if "--count" in sys.argv:
        for path, kinds in counted.items():
            if kinds:
                print(f"{path.relative_to(REPO)}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    # Thousands, or it has read something else.
    if read < 3000:
        sys.exit(f"only {read} texts were found")
    if places:
        sys.exit("\n".join(places))
    print(f"{read} texts of {len(counted)} files")


main()
