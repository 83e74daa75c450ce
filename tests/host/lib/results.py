# SPDX-License-Identifier: GPL-2.0-only
"""Reads what tests have said, for tests/run.

  results.py cargo LOG                      of `cargo test -- --show-output`
  results.py suite NAME RESULTS LOG EXIT    of tests/guest/suite --json in a guest: its results, its log and its exit code

Prints "PASSED FAILED SKIPPED", then a line for each test that failed. Standard error has the reasons of what was left out, and the
part of the log that says why something failed.
"""

import json
import re
import sys

# What is shown of a test that failed, and of all of a suite's.
LINES_OF_A_TEST = 25
LINES_OF_A_SUITE = 200
LINES_OF_CARGO = 60


class Results:
    """The worst outcome of each test. A test whose parts fail or are left out is one test."""

    WORST = ("passed", "skipped", "failed")

    def __init__(self):
        self.outcomes = {}
        # A line each: tests that failed, reasons of what was left out, and what says why something failed.
        self.failures = []
        self.reasons = []
        self.excerpt = []

    def add(self, test, outcome):
        self.outcomes[test] = max(outcome, self.outcomes.get(test, outcome), key=self.WORST.index)

    def count(self, outcome):
        return sum(one == outcome for one in self.outcomes.values())

    def counts(self):
        return self.count("passed"), self.count("failed"), self.count("skipped")


class Cargo(Results):
    """Cargo's own format as JSON needs a nightly compiler, so these are the lines that people read.

    A test that has to leave something out prints a line SKIP with the reason, and cargo counts it as passed. Lines that a test has
    written past the harness, from a thread or a child, count once for its whole binary.
    """

    def __init__(self, lines, code=0):
        super().__init__()
        self.passed = self.failed = 0
        self.left = set()
        binary = part = test = None
        for line in lines:
            if re.match(r" *(Running|Doc-tests) ", line):
                binary, part, test = line, None, None
            elif line in ("successes:", "failures:"):
                part, test = line, None
            elif named := re.fullmatch(r"---- (.*) stdout ----", line):
                test = named[1]
            elif line.startswith("test result: "):
                part = test = None
                self.passed += int(re.search(r"(\d+) passed;", line)[1])
                self.failed += int(re.search(r"(\d+) failed;", line)[1])
            if part != "failures:" and (said := re.search(r"(?:^|[^A-Za-z])(SKIP[: ].*)", line)):
                self.reasons.append(said[1])
                self.left.add((binary, test))
        errors = [line for line in lines if line.startswith("error")]
        # No result at all, or one that does not compile, is a failure too.
        if errors or self.passed == 0 or code:
            self.failed = max(self.failed, 1)
        if self.failed:
            named = [re.fullmatch(r"(test .*) \.\.\. FAILED|(error.*)", line) for line in lines]
            self.failures = [f"host: cargo {one[1]}" if one[1] else f"host: cargo: {one[2]}" for one in named if one]
            self.failures = self.failures or [f"host: cargo: it ended with {code}" if self.passed else "host: cargo: no test has run"]
            self.excerpt = list(why_cargo_failed(lines))[:LINES_OF_CARGO]

    def counts(self):
        return max(self.passed - len(self.left), 0), self.failed, len(self.left)


def why_cargo_failed(lines):
    """Errors, tests, and why they panicked.

    A panic's message comes after its place. One that many threads end with, as the cases of a test of TLS stacks do, is told once;
    the test's own then has a line for each case: "== CLIENT -> SERVER: CASE: WHY".
    """
    told = set()
    place = None
    again = False
    for line in lines:
        if re.match(r"thread .* panicked at ", line):
            place = line
        elif place:
            message = re.sub(".* panicked at ", "", place), line
            again = message in told
            told.add(message)
            if not again:
                yield from (place, line)
            place = None
        elif re.match(r"error|test .* FAILED|---- .* stdout|failures:", line):
            again = False
            yield line
        elif not again and re.match(r"assertion| +(left|right):|== .* -> ", line):
            yield line


class Suite(Results):
    """Results of the guest's suite: a line of JSON for each outcome, and one at the end that says how many tests ran."""

    def __init__(self, name, lines, log, code):
        super().__init__()
        ended = False
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                # A guest that was ended has not written its last line whole.
                continue
            if "ran" in told:
                ended = True
                continue
            self.add(told["test"], told["outcome"])
            full = f"{told['test']} {told['part']}".rstrip()
            if told["outcome"] == "skipped":
                self.reasons.append(f"SKIP {told['test']}: {told['why']!r}")
            elif told["outcome"] == "failed":
                self.failures.append(f"{name}: {full}: {exception(told['why'])}")
                self.excerpt += [f"FAIL: {full}", *told["why"].splitlines()[:LINES_OF_A_TEST], ""]
        del self.excerpt[LINES_OF_A_SUITE:]
        # A guest that did not get to the end, or whose kernel complained, has failed.
        if not ended or (code and not self.count("failed")):
            self.add("the guest", "failed")
            self.failures.append(f"{name}: the guest: see the end of its log")
            self.excerpt += log[-LINES_OF_A_TEST:]


def exception(trace):
    """The first line of an exception: the first after the trace that is not indented."""
    traced = False
    for line in trace.splitlines():
        if line.startswith("Traceback "):
            traced = True
        elif traced and re.match("[A-Za-z_]", line):
            return line
    return trace.strip().partition("\n")[0]


def lines_of(path):
    with open(path, errors="replace") as file:
        return [line.rstrip("\r\n") for line in file]


def main(kind, *words):
    if kind == "cargo":
        log, code = words
        results = Cargo(lines := lines_of(log), int(code))
        # A program of another's that got stuck: told, so that it does not go unseen.
        notes = [line for line in lines if re.match(" *ran once more: ", line)]
    else:
        name, told, log, code = words
        results = Suite(name, lines_of(told), lines_of(log), int(code))
        notes = []
    print(*results.counts())
    for line in results.failures:
        print(line)
    for line in [f"    {reason}" for reason in results.reasons] + [f"    | {line}" for line in results.excerpt] + notes:
        print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
