# SPDX-License-Identifier: GPL-2.0-only
"""results.py counts what cargo and the guest's suite have said, and tells what failed."""

import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from results import Cargo, Suite

HERE = pathlib.Path(__file__).parent
SUITE = HERE.parent.parent / "guest/suite"
sys.path.append(str(SUITE))
parts = importlib.import_module("parts")

CAPTURED = """\
     Running tests/one.rs (build/cargo/debug/deps/one-1)
running 4 tests
SKIP: past the harness
SKIP: past the harness, of another test or of the same
test a ... ok
test d ... FAILED
successes:

---- a stdout ----
SKIP: no captures
SKIP: nothing else either

---- b stdout ----
said: SKIP it

successes:
    a
    b

failures:

---- d stdout ----
SKIP: before it failed
thread 'd' panicked at kmod/tls/tests/d.rs:1:1:
assertion `left == right` failed
  left: 1
 right: 2

failures:
    d

test result: FAILED. 5 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running tests/two.rs (build/cargo/debug/deps/two-1)
---- a stdout ----
This test does not SKIPPER.
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
# More lines than tests.
PAST = """\
     Running tests/one.rs (build/cargo/debug/deps/one-1)
SKIP: a
SKIP: b
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
PASSED = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
BROKEN = "error[E0425]: cannot find value `x` in this scope\nerror: could not compile `one` (lib) due to 1 previous error\n"
MANY_THREADS = """\
thread '<unnamed>' panicked at case.rs:1:1:
nobody answers
thread '<unnamed>' panicked at case.rs:1:1:
nobody answers
  left: of the same
thread 'table' panicked at table.rs:1:1:
1 of 2 cases failed:
== openssl -> nss: full: nobody answers
"""

# A file of tests for the guest's runner, with every outcome that unittest has.
TESTS = """\
import subprocess
import unittest

class Outcomes(unittest.TestCase):
    def test_passes(self):
        print("told")
        subprocess.run(["echo", "told by a command"])

    def test_fails(self):
        \"\"\"What it is about.\"\"\"
        self.assertEqual(1, 2)

    def test_breaks(self):
        raise ValueError("one line\\nand: another")

    def test_parts(self):
        for kind in "xyz":
            with self.subTest(kind=kind):
                if kind == "x":
                    self.skipTest("no x")
                self.assertEqual(kind, "z")

    def test_parts_left(self):
        \"\"\"What it is about.\"\"\"
        for kind in "xy":
            with self.subTest(kind=kind):
                self.skipTest("no " + kind)

    @unittest.skip("no such command")
    def test_left(self):
        pass

    @unittest.expectedFailure
    def test_passes_all_the_same(self):
        pass

class Class(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no class")

    def test_that_never_ran(self):
        pass
"""
MODULE = """\
import unittest

def setUpModule():
    raise unittest.SkipTest("this kernel injects no failures")

class Left(unittest.TestCase):
    def test_that_never_ran(self):
        pass
"""


class OfCargo(unittest.TestCase):
    def test_nothing_ran(self):
        results = Cargo([])
        self.assertEqual(results.counts(), (0, 1, 0))
        self.assertEqual(results.failures, ["host: cargo: no test has run"])

    def test_passed(self):
        # Cargo was killed between two programs.
        killed = Cargo(PASSED.splitlines(), 137)
        self.assertEqual((killed.counts()[1], killed.failures), (1, ["host: cargo: it ended with 137"]))
        results = Cargo(PASSED.splitlines())
        self.assertEqual((results.counts(), results.failures, results.excerpt), ((3, 0, 0), [], []))

    def test_captured_and_not(self):
        results = Cargo(CAPTURED.splitlines())
        self.assertEqual(results.counts(), (3, 1, 3))
        self.assertEqual(results.failures, ["host: cargo test d"])
        self.assertEqual(results.reasons, ["SKIP: past the harness", "SKIP: past the harness, of another test or of the same",
                                           "SKIP: no captures", "SKIP: nothing else either", "SKIP it"])
        self.assertEqual([line for line in results.excerpt if not line.startswith("test result: ")], [
            "test d ... FAILED", "---- a stdout ----", "---- b stdout ----", "failures:", "---- d stdout ----",
            "thread 'd' panicked at kmod/tls/tests/d.rs:1:1:", "assertion `left == right` failed", "  left: 1", " right: 2",
            "failures:", "---- a stdout ----"])

    def test_more_lines_than_tests(self):
        self.assertEqual(Cargo(PAST.splitlines()).counts(), (0, 1, 1))

    def test_what_does_not_compile_failed(self):
        results = Cargo((PASSED + BROKEN).splitlines())
        self.assertEqual(results.counts(), (3, 1, 0))
        self.assertEqual(results.failures, [f"host: cargo: {line}" for line in BROKEN.splitlines()])

    def test_a_panic_of_many_threads_is_told_once(self):
        results = Cargo((PAST + MANY_THREADS).splitlines())
        self.assertEqual(results.excerpt[1:], [*MANY_THREADS.splitlines()[:2], *MANY_THREADS.splitlines()[-3:]])


class OfTheSuite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """What the guest's runner makes of these tests, with their output and its exit code."""
        with tempfile.TemporaryDirectory() as above:
            folder = pathlib.Path(above) / "suite"
            folder.mkdir()
            (folder.parent / "seconds.tsv").write_text("# written\ntest_module\t3\t1\ntest_gone\t5\t7\n")
            for name, text in {"test_outcomes.py": TESTS, "test_module.py": MODULE, "test_none.py": "import nothing_like_it\n",
                               **{name: (SUITE / name).read_text() for name in ("__main__.py", "parts.py", "scale.py")}}.items():
                (folder / name).write_text(text)
            cls.done = subprocess.run([sys.executable, "-B", folder, "--json"], capture_output=True, text=True)
            cls.some = subprocess.run([sys.executable, "-B", folder, "--json", "test_outcomes.Outcomes.test_passes", "test_module"],
                                      capture_output=True, text=True)
            cls.parts = [subprocess.run([sys.executable, "-B", folder, "--json", "--part", f"{part}/2"], capture_output=True, text=True)
                         for part in (1, 2)]
        cls.lines = cls.done.stdout.splitlines()
        cls.log = cls.done.stderr.splitlines()

    def test_every_outcome(self):
        results = Suite("uml", self.lines, self.log, self.done.returncode)
        self.assertEqual(results.counts(), (1, 6, 3))
        self.assertCountEqual(results.failures, [
            "uml: test_fails (test_outcomes.Outcomes.test_fails): AssertionError: 1 != 2",
            "uml: test_breaks (test_outcomes.Outcomes.test_breaks): ValueError: one line",
            "uml: test_parts (test_outcomes.Outcomes.test_parts) (kind='y'): AssertionError: 'y' != 'z'",
            "uml: test_passes_all_the_same (test_outcomes.Outcomes.test_passes_all_the_same): "
            "it passed, and is marked as one that fails",
            "uml: setUpClass (test_outcomes.Class): RuntimeError: no class",
            "uml: test_none (unittest.loader._FailedTest.test_none): ModuleNotFoundError: No module named 'nothing_like_it'",
        ])
        self.assertCountEqual(results.reasons, [
            "SKIP test_parts (test_outcomes.Outcomes.test_parts): 'no x'",
            "SKIP test_parts_left (test_outcomes.Outcomes.test_parts_left): 'no x'",
            "SKIP test_parts_left (test_outcomes.Outcomes.test_parts_left): 'no y'",
            "SKIP test_left (test_outcomes.Outcomes.test_left): 'no such command'",
            "SKIP setUpModule (test_module): 'this kernel injects no failures'",
        ])
        self.assertIn("FAIL: test_fails (test_outcomes.Outcomes.test_fails)", results.excerpt)

    def test_output_of_tests_is_in_the_log(self):
        self.assertTrue(all(line.startswith("{") for line in self.lines), self.lines)
        for told in ("told", "told by a command", "Slowest test durations"):
            self.assertIn(told, self.done.stderr)

    def test_some_of_them(self):
        results = Suite("uml", self.some.stdout.splitlines(), [], self.some.returncode)
        self.assertEqual((results.counts(), results.failures), ((1, 0, 1), []))

    def test_parts_are_all_of_it(self):
        first, second = (part.stdout.splitlines() for part in self.parts)
        self.assertCountEqual([json.loads(line)["test"] for line in first[:-1] + second[:-1]],
                              [json.loads(line)["test"] for line in self.lines[:-1]])
        for lines in first, second:
            self.assertGreater(len(lines), 1)

    def test_what_takes_long_is_shared(self):
        seconds = {"test_one": 50, "test_two": 40, "test_three": 30, "test_churn": 20}
        self.assertEqual(parts.share([*seconds, "test_new"], 2, seconds),
                         [["test_churn", "test_three", "test_two"], ["test_new", "test_one"]])

    def test_seconds_of_files(self):
        files = parts.took(self.lines)
        self.assertEqual(set(files), {"test_outcomes", "test_module"})
        self.assertTrue(all(seconds >= 0 for seconds in files.values()), files)

    def test_a_guest_that_did_not_get_to_the_end(self):
        some = self.some.stdout.splitlines()
        for lines in ([], some[:-1], [*some[:-1], some[-1][:5]]):
            with self.subTest(lines=lines):
                results = Suite("uml", lines, ["the end", "of it"], 0)
                self.assertEqual(results.counts()[1], 1)
                self.assertEqual(results.failures, ["uml: the guest: see the end of its log"])
                self.assertEqual(results.excerpt, ["the end", "of it"])

    def test_a_guest_whose_kernel_complained(self):
        self.assertEqual(Suite("uml", self.some.stdout.splitlines(), [], 1).counts(), (1, 1, 1))


if __name__ == "__main__":
    unittest.main()
