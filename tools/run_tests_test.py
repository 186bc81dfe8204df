# SPDX-License-Identifier: Apache-2.0
"""The sum at the end of ./run test must not hide a failure: what each kind of output counts as."""

import threading
import unittest
from unittest import mock

import run_tests

DOCTEST = "1: [doctest] test cases: {} | {} passed | {} failed | 0 skipped\n"
CTEST = "{}% tests passed, {} tests failed out of {}\n"


class Counting(unittest.TestCase):
    def expect(self, counts, passed, failed):
        self.assertEqual((counts.passed, counts.failed), (passed, failed))

    def test_doctest(self):
        good = DOCTEST.format(5, 5, 0) + DOCTEST.format("12", " 12", 0) + CTEST.format(100, 0, 2)
        self.expect(run_tests.count_doctest(0, good), 17, 0)
        two_cases = DOCTEST.format(5, 3, 2) + CTEST.format(0, 1, 1)
        self.expect(run_tests.count_doctest(8, two_cases), 3, 2)
        # A program that crashed has no summary; a leak shows only in the exit code.
        crashed = DOCTEST.format(5, 5, 0) + DOCTEST.format(5, 3, 2) + CTEST.format(33, 2, 3)
        self.expect(run_tests.count_doctest(8, crashed), 8, 3)
        self.expect(run_tests.count_doctest(8, DOCTEST.format(5, 5, 0) + CTEST.format(0, 1, 1)), 5, 1)
        self.expect(run_tests.count_doctest(0, "No tests were found!!!\n"), 0, 1)

    def test_node(self):
        tap = "TAP version 13\n# pass 3\n# fail 1\n# cancelled 2\n"
        self.expect(run_tests.count_node(1, tap), 3, 3)
        self.expect(run_tests.count_node(0, "ℹ pass 4\nℹ fail 0\nℹ cancelled 0\n"), 4, 0)
        self.expect(run_tests.count_node(0, "    # pass 9\n# pass 1\n# fail 0\n"), 1, 0)
        self.expect(run_tests.count_node(1, "# pass 4\n# fail 0\n"), 4, 1)
        self.expect(run_tests.count_node(0, "# pass 0\n# fail 0\n"), 0, 1)
        self.expect(run_tests.count_node(1, "SyntaxError\n"), 0, 1)

    def test_unittest(self):
        self.expect(run_tests.count_unittest(0, "Ran 23 tests in 0.1s\n\nOK\n"), 23, 0)
        self.expect(run_tests.count_unittest(1, "Ran 23 tests in 0.1s\n\nFAILED (failures=2, errors=1)\n"), 20, 3)
        self.expect(run_tests.count_unittest(0, "Ran 0 tests in 0.0s\n"), 0, 1)

    def test_replay(self):
        self.expect(run_tests.count_replay(1, "ok json: 12 seeds\nFAILED url: boom\n"), 1, 1)
        self.expect(run_tests.count_replay(1, ""), 0, 1)


class Running(unittest.TestCase):
    def run_step(self, *steps):
        by_name = {step.name: step for step in steps}
        with mock.patch.object(run_tests, "report"), mock.patch.object(run_tests, "LOGS", mock.MagicMock()):
            for step in steps:
                step.run(by_name, threading.Lock())
        return [(step.counts.passed, step.counts.failed) for step in steps]

    def test_exit_codes(self):
        self.assertEqual(self.run_step(run_tests.Step("a", ["true"]), run_tests.Step("b", ["false"])), [(1, 0), (0, 1)])

    def test_a_step_without_what_it_needs_fails(self):
        steps = self.run_step(run_tests.Step("a", ["false"]), run_tests.Step("b", ["true"], needs=["a"]))
        self.assertEqual(steps, [(0, 1), (0, 1)])

    def test_a_command_that_is_not_there_fails(self):
        self.assertEqual(self.run_step(run_tests.Step("a", ["./no-such-command"])), [(0, 1)])

    def test_the_time_limit_ends_the_whole_group(self):
        step = run_tests.Step("a", ["bash", "-c", "echo begun; sleep 1000 & wait"], minutes=0.01)
        self.assertEqual(self.run_step(step), [(0, 1)])


if __name__ == "__main__":
    unittest.main()
