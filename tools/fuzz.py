#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fuzz.py SECONDS` runs every fuzzer that long, two at a time; `fuzz.py replay` runs the committed corpora once.

Seeds are fuzz/corpus/<parser>/; what the fuzzers learn stays in build/fuzz/<parser>/, a finding in
build/fuzz/findings/. Needs the asan build.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARIES = ROOT / "build" / "asan" / "bin"
CORPUS = ROOT / "fuzz" / "corpus"
LEARNED = ROOT / "build" / "fuzz"
FINDINGS = LEARNED / "findings"
AT_ONCE = 2
# One input may cost this much before it counts as a finding.
LIMITS = ["-timeout=10", "-rss_limit_mb=2048"]


def parsers():
    """Names of fuzz/fuzz_<name>.cpp."""
    return sorted(path.stem.removeprefix("fuzz_") for path in (ROOT / "fuzz").glob("fuzz_*.cpp"))


def seeds(name):
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())


def run(name, arguments, seconds):
    binary = BINARIES / f"fuzz_{name}"
    if not binary.is_file():
        return False, f"{binary.relative_to(ROOT)} is missing: build the asan preset"
    FINDINGS.mkdir(parents=True, exist_ok=True)
    command = [str(binary), *LIMITS, f"-artifact_prefix={FINDINGS}/{name}-", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
    return done.returncode == 0, done.stdout


def replay(name):
    files = seeds(name)
    if not files:
        return False, f"fuzz/corpus/{name}/ is empty: a parser without seeds is not tested"
    good, output = run(name, [str(path) for path in files], 300)
    return good, f"{len(files)} seeds" if good else output


def fuzz(name, seconds):
    learned = LEARNED / name
    learned.mkdir(parents=True, exist_ok=True)
    CORPUS.joinpath(name).mkdir(parents=True, exist_ok=True)
    arguments = [f"-max_total_time={seconds}", "-print_final_stats=1", str(learned), str(CORPUS / name)]
    good, output = run(name, arguments, seconds + 300)
    (LEARNED / f"{name}.log").write_text(output)
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    speed = re.search(r"stat::average_exec_per_sec:\s*(\d+)", output)
    covered = re.findall(r"\bcov: (\d+)", output)
    if good and runs and speed and covered:
        return True, f"{runs.group(1)} runs, {speed.group(1)} a second, {covered[-1]} edges"
    return False, "\n".join(output.split("\n")[-40:])


def main(arguments):
    if len(arguments) != 1 or not re.fullmatch(r"replay|[1-9]\d{0,5}", arguments[0]):
        print("usage: fuzz.py SECONDS | replay", file=sys.stderr)
        return 2
    replaying = arguments[0] == "replay"
    names = parsers()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        one = replay if replaying else lambda name: fuzz(name, int(arguments[0]))
        work = {pool.submit(one, name): name for name in names}
        for future in concurrent.futures.as_completed(work):
            try:
                good, what = future.result()
            except subprocess.TimeoutExpired as error:
                good, what = False, f"still running after {error.timeout} s"
            failed += not good
            print(f"{'ok' if good else 'FAILED'} {work[future]}: {what}", flush=True)
    if not replaying:
        print(f"{len(names)} fuzzers, {failed} with findings (build/fuzz/findings/)")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
