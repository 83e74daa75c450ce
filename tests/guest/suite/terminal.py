# SPDX-License-Identifier: GPL-2.0-only
"""A program on a pseudo-terminal, and what a person would see there."""

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import termios
import threading

from lab import wait_for

# What programs say to a terminal beside text: a control sequence, or a single function.
SEQUENCE = re.compile(rb"\x1b(?:\[(?P<private>\??)(?P<numbers>[0-9;]*)(?P<function>[@-~])|[^\[])")
ALTERNATE = "1049"


class Terminal:
    """As much of xterm as top asks for."""

    def __init__(self, *command, columns=100, rows=24, **environment):
        self.ours, self.theirs = os.openpty()
        # Standard output's errors go elsewhere, so that they are not on the screen.
        self.said = b""
        self.resize(columns, rows)
        self.modes = termios.tcgetattr(self.theirs)
        self.program = subprocess.Popen(
            command, stdin=self.theirs, stdout=self.theirs, stderr=subprocess.PIPE, start_new_session=True,
            env=os.environ | {"TERM": "xterm", "NO_COLOR": ""} | environment,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.column = self.row = 0
        self.alternate = self.cursor = None
        threading.Thread(target=self.read, daemon=True).start()

    def resize(self, columns, rows):
        """The kernel tells the program by SIGWINCH."""
        self.columns, self.rows = columns, rows
        self.lines = [[" "] * columns for _ in range(rows)]
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.ours, text.encode())

    def read(self):
        rest = b""
        with contextlib.suppress(OSError):
            while octets := os.read(self.ours, 1 << 16):
                self.said += octets
                rest = self.take(rest + octets)

    def take(self, octets):
        """Draws what has come; a sequence or a character that is not whole yet is left."""
        while octets:
            if octets.startswith(b"\x1b"):
                found = SEQUENCE.match(octets)
                if not found:
                    return octets
                if found["function"]:
                    self.control(found["private"] + found["function"], found["numbers"].decode())
                octets = octets[found.end():]
                continue
            length = next((n for n, least in ((4, 0xF0), (3, 0xE0), (2, 0xC0)) if octets[0] >= least), 1)
            if len(octets) < length:
                return octets
            self.put(octets[:length].decode())
            octets = octets[length:]
        return b""

    def control(self, function, numbers):
        first, *others = [int(number or 0) for number in numbers.split(";")]
        if function == b"H":
            self.row, self.column = max(first, 1) - 1, max((others or [1])[0], 1) - 1
        elif function == b"J" and first == 2:
            self.lines = [[" "] * self.columns for _ in range(self.rows)]
        elif function in (b"?h", b"?l"):
            is_on = function == b"?h"
            if numbers == ALTERNATE:
                self.alternate = is_on
            elif numbers == "25":
                self.cursor = is_on

    def put(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.row += 1
        else:
            # A screen of an earlier size may still be on its way.
            if self.row < len(self.lines) and self.column < len(self.lines[self.row]):
                self.lines[self.row][self.column] = letter
            self.column += 1

    def shown(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def shows(self, *texts, seconds=60):
        """Whether all of these are on the screen, now or soon."""
        return wait_for(lambda: all(text in self.shown() for text in texts), seconds)

    def is_as_before(self):
        """Whether the terminal is as the program found it."""
        return (termios.tcgetattr(self.theirs), self.alternate, self.cursor) == (self.modes, False, True)

    def ended(self):
        """How it ended, and what it said on standard error."""
        _, errors = self.program.communicate(timeout=60)
        # What it has written last may not be read yet.
        wait_for(lambda: self.alternate is False, 10)
        return self.program.returncode, errors.decode()

    def close(self):
        self.program.kill()
        self.program.communicate()
        for end in (self.ours, self.theirs):
            os.close(end)
