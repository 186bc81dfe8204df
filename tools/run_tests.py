#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`./run test`: every step with its name and duration, and one last line `N passed, N failed`.

A failing step does not stop the others. Two lanes share the machine: one builds (release first, then the sanitized
build, its unit tests and the fuzz corpora), the other runs the quick checks and, once the release binary is there,
the contracts, end-to-end and interop tests. Full logs: build/test-logs/<step>.log.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import tree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
TAIL_LINES = 60
# Builds give way to tests that wait for real answers.
NICE = ["nice", "-n", "10"]


class Counts:
    def __init__(self, passed=0, failed=0):
        self.passed = passed
        self.failed = failed


def count_one(code, _output):
    """A step that is one check."""
    return Counts(1, 0) if code == 0 else Counts(0, 1)


def count_doctest(code, output):
    """ctest -V over doctest programs: their cases, and one failure for a program that ended without its summary."""
    counts = Counts()
    reporting = 0  # failed programs that said which cases failed
    for passed, failed in re.findall(r"\[doctest\] test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed", output):
        counts.passed += int(passed)
        counts.failed += int(failed)
        reporting += failed != "0"
    programs = re.search(r"\d+% tests passed, (\d+) tests failed out of \d+", output)
    failed_programs = int(programs.group(1)) if programs else int(code != 0)
    counts.failed += max(0, failed_programs - reporting)
    if code != 0 and counts.failed == 0:
        counts.failed = 1
    return require_any(counts)


def count_node(code, output):
    """node --test, in its TAP (`# pass 3`) or its spec form (`ℹ pass 3`)."""
    totals = {"pass": 0, "fail": 0, "cancelled": 0}
    for name, number in re.findall(r"^(?:#|ℹ) (pass|fail|cancelled) (\d+)$", output, re.MULTILINE):
        totals[name] += int(number)
    counts = Counts(totals["pass"], totals["fail"] + totals["cancelled"])
    if code != 0 and counts.failed == 0:
        counts.failed = 1
    return require_any(counts)


def count_unittest(code, output):
    """python3 -m unittest."""
    ran = re.search(r"^Ran (\d+) tests? in", output, re.MULTILINE)
    bad = sum(int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", output))
    total = int(ran.group(1)) if ran else 0
    failed = max(bad, 0 if code == 0 else 1)
    return require_any(Counts(max(total - failed, 0), failed))


def count_replay(code, output):
    """Our own fuzz replay: one line `ok NAME` or `FAILED NAME` per parser."""
    counts = Counts(len(re.findall(r"^ok ", output, re.MULTILINE)), len(re.findall(r"^FAILED ", output, re.MULTILINE)))
    if code != 0 and counts.failed == 0:
        counts.failed = 1
    return require_any(counts)


def require_any(counts):
    """A step that ran no test has not passed."""
    return counts if counts.passed + counts.failed else Counts(0, 1)


class Step:
    """One command. `needs` names steps that must have passed."""

    def __init__(self, name, command, count=count_one, needs=(), minutes=10, folder=ROOT):
        self.name = name
        self.command = command
        self.count = count
        self.needs = needs
        self.minutes = minutes
        self.folder = folder
        self.counts = Counts()
        self.done = threading.Event()

    def run(self, steps, screen):
        started = time.monotonic()
        try:
            for need in self.needs:
                steps[need].done.wait()
            broken = [need for need in self.needs if steps[need].counts.failed]
            if broken:
                code, output = 1, f"not run: {', '.join(broken)} failed\n"
            else:
                started = time.monotonic()
                code, output = self.execute()
            self.counts = self.count(code, output)
        except Exception as error:  # the step's own failure, reported as one
            code, output, self.counts = 1, f"{type(error).__name__}: {error}\n", Counts(0, 1)
        finally:
            self.done.set()
        (LOGS / f"{self.name}.log").write_text(output)
        report(screen, self, output, time.monotonic() - started)

    def execute(self):
        """Exit code and everything it printed. At the time limit the whole process group ends."""
        process = subprocess.Popen(self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        try:
            output, _ = process.communicate(timeout=self.minutes * 60)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return 1, f"{output}\ntime limit of {self.minutes} minutes reached\n"


def report(screen, step, output, seconds):
    with screen:
        word = "FAILED" if step.counts.failed else "ok"
        print(f"{word:6} {step.name:18} {seconds:7.1f} s  {step.counts.passed} passed, {step.counts.failed} failed", flush=True)
        if step.counts.failed:
            lines = output.rstrip().split("\n")
            shown = [line for line in lines if is_failure(line)][:TAIL_LINES] + ["  ..."] if len(lines) > TAIL_LINES else []
            for line in shown + lines[-TAIL_LINES:]:
                print(f"    | {line}")
            print(f"    (all of it: build/test-logs/{step.name}.log)", flush=True)


def is_failure(line):
    return re.search(r"\bnot ok\b|\berror:|\bERROR\b|FAILED|AddressSanitizer|runtime error", line) is not None


def format_command():
    return ["clang-format-19", "--dry-run", "-Werror", *tree.tracked(ROOT, "*.cpp", "*.hpp")]


def build_command(preset):
    # The unit tests run sanitized: of the release build only the program is wanted.
    link = " --target farthing && ln -sfn release/bin/farthing build/farthing" if preset == "release" else ""
    return [*NICE, "bash", "-c", f"cmake --preset {preset} && cmake --build --preset {preset}{link}"]


def node_step(name, folder, minutes):
    files = tree.below(ROOT, folder, ".test.mjs")
    command = ["node", "--test", "--test-reporter=tap", *files] if files else ["bash", "-c", f"echo no tests in {folder}; exit 1"]
    return Step(name, command, count_node, needs=["build-release"], minutes=minutes)


def plan():
    """The two lanes."""
    python = sys.executable
    building = [
        Step("build-release", build_command("release"), minutes=45),
        Step("build-asan", build_command("asan"), minutes=45),
        Step("unit", [*NICE, "ctest", "--preset", "asan", "-V"], count_doctest, needs=["build-asan"]),
        Step("fuzz-corpora", [*NICE, python, "tools/fuzz.py", "replay"], count_replay, needs=["build-asan"]),
    ]
    checking = [
        Step("format", format_command()),
        Step("layers", [python, "tools/check_layers.py"]),
        Step("lint", [python, "tools/lint.py"]),
        Step("docs", ["bash", "-c", f"{python} tools/make_docs.py --check && {python} tools/check_metrics.py"]),
        Step("tools", [python, "-m", "unittest", "discover", "-s", "tools", "-p", "*_test.py"], count_unittest),
        Step("contracts", ["npm", "test"], count_node, folder=ROOT / "contracts"),
        node_step("e2e", "tests/e2e", 20),
        node_step("interop", "tests/interop", 30),
    ]
    return [building, checking]


def main(wanted):
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    # Sanitizers end the program at the first finding.
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    lanes = plan()
    if wanted:
        lanes = [[step for step in lane if step.name in wanted] for lane in lanes]
    steps = {step.name: step for lane in lanes for step in lane}
    for step in steps.values():
        step.needs = [need for need in step.needs if need in steps]
    screen = threading.Lock()
    started = time.monotonic()

    def run_lane(lane):
        for step in lane:
            step.run(steps, screen)

    threads = [threading.Thread(target=run_lane, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = sum(step.counts.passed for step in steps.values())
    failed = sum(step.counts.failed for step in steps.values())
    print(f"all steps: {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
