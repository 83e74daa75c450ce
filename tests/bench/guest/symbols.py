# SPDX-License-Identifier: GPL-2.0-only
"""Which function an address of the running kernel is in."""

import bisect
import re
import subprocess

MODULE = "xt_tlsconn"


class Symbols:
    def __init__(self, module_file):
        self.module_file = module_file
        self.addresses, self.names = [], []
        with open("/proc/kallsyms") as symbols:
            table = sorted((int(line.split()[0], 16), *line.split()[1:]) for line in symbols)
        for address, kind, name, *module in table:
            if kind in "tTwW":
                self.addresses.append(address)
                self.names.append((name, module[0].strip("[]") if module else None))
        with open(f"/sys/module/{MODULE}/sections/.text") as section:
            self.text = int(section.read(), 16)

    def functions(self, samples):
        """Samples by function: of our module also those that the compiler put into others, by their debug information."""
        found, ours = {}, {}
        for address, count in samples.items():
            address = int(address)
            name = self.name(address)
            if name is None:
                ours[address - self.text] = count
            else:
                found[name] = found.get(name, 0) + count
        for name, count in self.inlined(ours):
            found[name] = found.get(name, 0) + count
        return found

    def name(self, address):
        """The function; None for one of our module's."""
        if address < 1 << 63:
            return "user space"
        at = bisect.bisect_right(self.addresses, address) - 1
        name, module = self.names[at]
        # What stands in our text in front of its first symbol would be taken for another module's.
        return None if module == MODULE or self.addresses[at] < self.text <= address else name

    def inlined(self, samples):
        """The innermost function of our own source for each, whatever of the language's library was put into that."""
        if not samples:
            return
        # For each address a line 0x…, then for each function two: its name, its file and line.
        out = subprocess.run(["addr2line", "-a", "-C", "-f", "-i", "-j", ".text", "-e", self.module_file],
                             input="\n".join(map(hex, samples)), text=True, capture_output=True, check=True).stdout
        for block in re.split(r"^0x", out, flags=re.MULTILINE)[1:]:
            address, *lines = block.splitlines()
            frames = list(zip(lines[::2], lines[1::2]))
            name, place = next((frame for frame in frames if "/kmod/" in frame[1]), frames[-1])
            file = place.split(":")[0].rsplit("/", 1)[-1].split(".")[0]
            yield f"tlsconn: {file}::{last(name)}", samples[int(address, 16)]


def last(name):
    """A Rust path's last part, without type parameters: of a closure, the function that it is in."""
    depth, plain = 0, ""
    for letter in name:
        depth += (letter == "<") - (letter == ">")
        if depth == 0 and letter != ">":
            plain += letter
    parts = [part for part in plain.split("::") if part and not part.startswith("{")]
    return parts[-1] if parts else "closure"
