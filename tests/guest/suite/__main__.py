# SPDX-License-Identifier: GPL-2.0-only
"""Runs the guest's suite: python3 -B tests/guest/suite [--json] [--part I/N | NAME...].

NAME is a file, class or test, as unittest takes it (test_pins, test_pins.Waiting); without one all files run, or with --part those of
the Ith of N guests that need about as long (parts.py). With --json standard output is a line of JSON for each outcome, which
tests/host/lib/results.py reads, and at the end one that says how many tests ran; all else is on standard error.
"""

import json
import os
import pathlib
import sys
import time
import unittest

import parts


class Result(unittest.TextTestResult):
    """What people read, and each outcome as a line of JSON in `out`."""

    out = None
    began = time.monotonic()

    def tell(self, **line):
        if self.out is not None:
            os.write(self.out, (json.dumps(line) + "\n").encode())

    def outcome(self, test, outcome, why=""):
        """A part of a test, which unittest calls a subtest, has the test's name and one of its own."""
        whole = getattr(test, "test_case", test)
        self.tell(test=str(whole), part=str(test).removeprefix(str(whole)).strip(), outcome=outcome, why=why,
                  at=round(time.monotonic() - self.began, 1))

    def addSuccess(self, test):
        super().addSuccess(test)
        self.outcome(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcome(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.outcome(test, "failed", self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.outcome(test, "failed", self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            kept = self.failures if issubclass(err[0], test.failureException) else self.errors
            self.outcome(subtest, "failed", kept[-1][1])

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.outcome(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.outcome(test, "failed", "it passed, and is marked as one that fails")

    def stopTestRun(self):
        super().stopTestRun()
        self.tell(ran=self.testsRun)


def main(words):
    if words[:1] == ["--json"]:
        words = words[1:]
        Result.out = os.dup(1)
        # What tests and their commands print belongs to the log.
        os.dup2(2, 1)
        sys.stdout.reconfigure(line_buffering=True)
    files = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    if words[:1] == ["--part"]:
        files, words = parts.part(files, *map(int, words[1].split("/"))), words[2:]
    unittest.main(module=None, argv=["suite", *(words or files)],
                  testRunner=unittest.TextTestRunner(resultclass=Result, verbosity=2, durations=25))


if __name__ == "__main__":
    main(sys.argv[1:])
