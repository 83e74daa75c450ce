# SPDX-License-Identifier: GPL-2.0-only
"""Which Rust files import each other: circles are strongly connected components of the graph of imports.

An import is a `use` item or a path in the code that begins with crate, super or self, or with a module that the file
declares. It is of the file that defines the name, not of one that only re-exports it. Tests within a file do not count.

Files of the engine import those that docs/architecture.md draws below them or to their right, and both ways what `<->` joins.

  layers.py            checks the areas in HELD
  layers.py AREA...    prints what these areas have, with the imports that close a circle, and checks nothing
"""

import re
import sys
from os.path import normpath
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]

# Area: the crate's roots, a folder that is another area's, and how many files a circle may have.
AREAS = {
    "engine": (["kmod/tls/lib.rs"], None, 4),
    "kmod": (["kmod/tlsconn.rs"], "kmod/tls", 3),
    "tool": (["userctl/src/main.rs"], None, 3),
}
# Areas whose limits hold.
HELD = ["engine", "kmod", "tool"]
# Modules that the build makes, and the kernel's module! macro.
GENERATED = {"bindings", "module_parameters"}
# Files here import nothing of the crate but themselves and the bindings.
GENERIC = "kmod/sys/"
GENERIC_MAY = {"sys", "bindings"}

# Where the engine's order is drawn: the block of the document that has this line.
DRAWN = ("docs/architecture.md", re.compile(r"```text\n( connection .*?)```", re.S))
ENGINE = "kmod/tls/"

# Comments, strings and characters, of which only a string's value is ever asked for.
LEXED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|r(?P<hash>\#*)".*?"(?P=hash)|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'""", re.S
)
TOKEN = re.compile(
    r"""\#!?\[[^\]]*\]"""
    r"""|(?:pub(?:\s*\([^)]*\))?\s+)?use\s+[^;]+;"""
    r"""|(?:pub(?:\s*\([^)]*\))?\s+)?mod\s+\w+\s*[;{]"""
    r"""|\b(?:struct|enum|union|trait|type|const|static|fn|macro_rules!)\s+\w+"""
    r"""|(?<![\w:])[a-z_]\w*(?:\s*::\s*\w+)+!?"""
    r"""|\bimpl\b(?:<(?:[^<>]|<[^<>]*>)*>)?\s+\w+(?:<(?:[^<>]|<[^<>]*>)*>)?\s*\{"""
    r"""|[{}]"""
)


def leaves(tree):
    """The paths of a use tree as lists of names; a glob's last is "*", and what is renamed has its new name after it."""
    tree = tree.strip()
    if brace := re.fullmatch(r"(.*?)\{(.*)\}", tree, re.S):
        front, depth, begin = brace[1], 0, 0
        inside = brace[2] + ","
        for at, char in enumerate(inside):
            depth += (char == "{") - (char == "}")
            if char == "," and depth == 0:
                if inside[begin:at].strip():
                    yield from leaves(front + inside[begin:at].strip())
                begin = at + 1
        return
    path, _, name = (part.strip() for part in re.sub(r"\s+", " ", tree).partition(" as "))
    names = [part.strip() for part in path.split("::") if part.strip()]
    if names[-1] == "self":
        names.pop()
    yield names, name or names[-1]


class Module:
    """A module: its file, what it defines, declares and names by `use`."""

    def __init__(self, file):
        self.file = file
        self.defines, self.names, self.globs, self.paths, self.impls = set(), {}, [], [], []


class Crate:
    def __init__(self, root, texts, other):
        self.texts, self.other = texts, other
        self.modules = {}
        # Those of another area, too, and those that are made by the build.
        self.declared = set()
        # Files of the macros that stand at the root, wherever they are written.
        self.exported = {}
        self.read((), root)

    def read(self, path, file):
        if self.other and file.startswith(self.other + "/"):
            return
        text = LEXED.sub(lambda found: '""' if found[0][0] in "\"br'" else " ", self.texts[file])
        # Who may see a name imports nothing.
        text = re.sub(r"\bpub\s*\(\s*in\s[^)]*\)", "pub", text)
        # A module's path may be said by a string.
        said = re.findall(r'#\[path = "([^"]*)"\]\s*(?:pub(?:\([^)]*\))? )?mod (\w+)', self.texts[file])
        said = {name: normpath(Path(file).parent / place) for place, name in said}
        self.modules[path] = Module(file)
        # Inline modules that are open, by the depth of their braces, and whether they are tests.
        open_modules, depth, is_test, is_exported = [(0, path)], 0, False, False
        skipped = None
        for token in TOKEN.finditer(text):
            token = token[0]
            here = open_modules[-1][1]
            module = self.modules[here]
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
                if skipped == depth:
                    skipped = None
                elif len(open_modules) > 1 and open_modules[-1][0] == depth:
                    open_modules.pop()
            elif skipped is not None:
                continue
            elif token.startswith("#"):
                is_test = is_test or re.fullmatch(r"#\[cfg\(test\)\]", token) is not None
                is_exported = is_exported or token == "#[macro_export]"
                continue
            elif declared := re.search(r"\bmod\s+(\w+)\s*([;{])$", token):
                name = declared[1]
                if declared[2] == "{" and is_test:
                    skipped, depth = depth, depth + 1
                elif declared[2] == "{" and name in GENERATED:
                    skipped, depth = depth, depth + 1
                elif declared[2] == "{":
                    self.modules[here + (name,)] = Module(file)
                    open_modules.append((depth, here + (name,)))
                    depth += 1
                else:
                    self.read(here + (name,), said.get(name) or self.place(file, here, path, name))
                self.declared.add(here + (name,))
            elif found := re.search(r"\buse\s+([^;]+);$", token):
                for names, name in leaves(found[1]):
                    module.paths.append(names)
                    if names[-1] == "*":
                        module.globs.append(names[:-1])
                    else:
                        module.names[name] = names
            elif token.startswith("impl"):
                depth += 1
                module.impls.append(re.search(r"(\w+)(?:<.*>)?\s*\{$", token, re.S)[1])
            elif found := re.match(r"(?:struct|enum|union|trait|type|const|static|fn|macro_rules!)\s+(\w+)", token):
                module.defines.add(found[1])
                if is_exported:
                    self.exported[found[1]] = file
            elif not is_test:
                module.paths.append(re.split(r"\s*::\s*", token))
            is_test = is_exported = False

    def place(self, file, here, path, name):
        folder = Path(file).parent
        if Path(file).stem not in ("mod", "lib", "main", "tlsconn"):
            folder = folder / Path(file).stem
        folder = folder.joinpath(*here[len(path):])
        places = [str(folder / f"{name}.rs"), str(folder / name / "mod.rs")]
        return next(place for place in places if place in self.texts)

    def absolute(self, here, names):
        """The path from the crate's root; none if it is another crate's."""
        first, *rest = names
        if first == "crate":
            return tuple(rest)
        if first in ("self", "super"):
            while first == "super":
                here = here[:-1]
                first, *rest = rest or ["self"]
            return here + ((first,) if first != "self" else ()) + tuple(rest)
        module = self.modules[here]
        if here + (first,) in self.modules:
            return here + tuple(names)
        if first in module.names and module.names[first] != names:
            target = self.absolute(here, module.names[first])
            return target and target + tuple(rest)
        return None

    def file_of(self, path, seen=()):
        """The file that defines what a path from the root names; none if that is another crate's."""
        if path in seen:
            return None
        if path and path[-1].endswith("!"):
            return self.exported.get(path[-1][:-1])
        seen = (*seen, path)
        module, at = self.modules[()], 0
        while at < len(path) and path[: at + 1] in self.modules:
            at += 1
            module = self.modules[path[:at]]
        if path[: at + 1] in self.declared - self.modules.keys() or path[at : at + 1] and path[at] in GENERATED:
            return None
        if at == len(path) or path[at] == "*" or path[at] in module.defines:
            return module.file
        name, rest = path[at], path[at + 1 :]
        if name in module.names:
            target = self.absolute(path[:at], module.names[name])
            return target and self.file_of(target + rest, seen)
        for glob in module.globs:
            target = self.absolute(path[:at], glob)
            file = target is not None and self.file_of(target + path[at:], seen)
            if file:
                return file
        # What a macro makes.
        return module.file

    def imports(self):
        """Which files each file imports, and the first names of what each imports."""
        files, tops = {}, {}
        for here, module in self.modules.items():
            files.setdefault(module.file, set())
            tops.setdefault(module.file, set())
            for names in module.paths:
                path = self.absolute(here, names)
                if path is None:
                    continue
                tops[module.file].update(path[:1])
                file = self.file_of(path)
                if file and file != module.file:
                    files[module.file].add(file)
            # Whoever has a value of a type reaches all of its methods.
            for name in module.impls:
                path = here + (name,) if name in module.defines else self.absolute(here, [name])
                file = path and self.file_of(path)
                if file and file != module.file:
                    files.setdefault(file, set()).add(module.file)
        return files, tops


def circles(files):
    """Tarjan's strongly connected components of two files or more, the largest first."""
    index, low, stack, found = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in sorted(files[file]):
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in stack:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            at = stack.index(file)
            found.append(sorted(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(10000)
    for file in sorted(files):
        if file not in index:
            visit(file)
    return sorted((circle for circle in found if len(circle) > 1), key=len, reverse=True)


def read(area, texts):
    roots, other, _ = AREAS[area]
    files, tops = {}, {}
    for root in roots:
        for whole, part in zip((files, tops), Crate(root, texts, other).imports()):
            for file, what in part.items():
                whole.setdefault(file, set()).update(what)
    return files, tops


def drawn():
    """The engine's files as the document draws them, from the top: rows of names, and what `<->` joins on them."""
    document, block = DRAWN
    rows = []
    for line in block.search((REPO / document).read_text())[1].splitlines():
        if name := re.match(r" ([a-z_/\d]+(?:(?:, | <-> )[a-z_/\d]+)*)(?:  | |$)(.*)", line):
            # Files that the sentence after a file names with a colon.
            also = re.findall(r"; ([a-z_\d]+(?:, [a-z_\d]+)*):", name[2])
            names = [part for text in (name[1], *also) for part in re.split(r", | <-> ", text)]
            rows.append((names, [joined.split(" <-> ") for joined in name[1].split(", ")]))
    return rows


def against_the_drawing(files):
    """What the engine's files import against the order that is drawn, and who is not in it."""
    rows = drawn()
    place = {name: number for number, name in enumerate(name for names, _ in rows for name in names)}
    joined = {name: frozenset(names) for _, groups in rows for names in groups for name in names}
    # Both roots declare the files, and give names on.
    known = {file: file.removeprefix(ENGINE).removesuffix(".rs") for file in files}
    known = {file: name for file, name in known.items() if name not in ("lib", "mod")}
    for name in sorted(set(known.values()) ^ place.keys()):
        yield f"engine: {name} is {'not drawn' if name in known.values() else 'drawn, but there is no such file'} in {DRAWN[0]}"
    for file, name in sorted(known.items()):
        for other in sorted(known[other] for other in files[file] if other in known):
            if place.get(name, 0) >= place.get(other, len(place)) and other not in joined.get(name, ()):
                yield f"engine: {name} imports {other}, which {DRAWN[0]} does not draw below it or to its right"


def wrong(area, texts):
    """What is against an area's rules."""
    files, tops = read(area, texts)
    most = AREAS[area][2]
    for circle in circles(files):
        if len(circle) > most:
            yield f"{area}: {len(circle)} files import each other, {most} may: {short(circle)}"
    if area == "engine":
        yield from against_the_drawing(files)
    for file in sorted(tops):
        if file.startswith(GENERIC) and (above := tops[file] - GENERIC_MAY):
            yield f"{file} imports {', '.join(sorted(above))} of the crate, and may import only {', '.join(GENERIC_MAY)}"


def short(files):
    return ", ".join(re.sub(r"^kmod/(tls/)?|^userctl/src/|(/mod)?\.rs$", "", file) for file in files)


def probes(texts):
    """Sources that break the rules: a low file imports a high one, without a circle too, sys/ what is above it."""
    for area, file, line in (
        ("engine", "kmod/tls/wildcard.rs", "use super::told::Told;"),
        ("engine", "kmod/tls/types.rs", "use super::connection::Connection;"),
        ("kmod", "kmod/counters.rs", "use crate::tracker;"),
        ("kmod", "kmod/sys/skb.rs", "use crate::{bindings, numbers};"),
        ("tool", "userctl/src/netlink/malformed.rs", "use crate::command::Command;"),
    ):
        if area in HELD:
            yield area, {**texts, file: texts[file] + "\n" + line + "\n"}


def main(asked):
    places = [place for top in ("kmod", "userctl/src") for place in sorted((REPO / top).rglob("*.rs"))]
    texts = {str(place.relative_to(REPO)): place.read_text() for place in places}
    for area in asked or HELD:
        files, _ = read(area, texts)
        print(f"{area}: {len(files)} files, {sum(map(len, files.values()))} imports of each other")
        for circle in circles(files):
            print(f"    circle of {len(circle)}: {short(circle)}")
            if asked:
                for file in circle:
                    print(f"        {short([file])} -> {short(sorted(files[file] & set(circle)))}")
    if asked:
        return 0
    found = [what for area in HELD for what in wrong(area, texts)]
    print(*found, sep="\n", end="\n" if found else "")
    for area, probe in probes(texts):
        if not list(wrong(area, probe)):
            found.append(area)
            print(f"{area}: the check does not see an import that was put in")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
