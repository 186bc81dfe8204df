#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules a compiler does not check. Each finding is `file:line: rule: what to do`; exit code 1 if any.

`tools/lint.py` reads every tracked file, `tools/lint.py FILE...` only those. Rules: RULES at the end.
"""

import pathlib
import re
import sys

import check_layers
import cpp_source
import tree

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
TEST_LINES_MAX = 100  # a table of cases stands inside its test
TRACKED_BYTES_MAX = 1 << 20

CPP = {".cpp", ".hpp"}
CODE = CPP | {".py", ".mjs", ".js", ".sh", ".sol"}
SPDX = "SPDX-License-Identifier: Apache-2.0"

# Where floating point is right: a measure shown to people, or JSON's own number type. Never near an amount.
FLOAT_ALLOWED = ("farthing/io/metrics", "farthing/json/", "bench/")
# Elsewhere only where a metric is written: gauges and seconds are floating point in Prometheus.
FLOAT_METRIC = re.compile(r"\.(?:set|add|observe)\(|\bduration<double>|\bvector<double>&? buckets\b")
# The seams that read the world, and the program that wires them.
WORLD_ALLOWED = ("farthing/io/", "farthing/testing/", "app/", "tests/", "bench/", "fuzz/", "cmake/")
# Reads of the world that stand elsewhere, and why.
WORLD_EXCEPTIONS = {
    "farthing/crypto/ecdsa.cpp": "RAND_bytes",  # blinds the signing context; no result depends on it
}

WORLD_READS = re.compile(
    r"\b(?:system_clock|steady_clock|high_resolution_clock|utc_clock)\s*::\s*now\b"
    r"|\b(?:std::)?time\s*\(\s*(?:nullptr|NULL|0|&)|\b(?:gettimeofday|clock_gettime|localtime(?:_r)?)\b"
    r"|\b(?:secure_)?getenv\b|\benviron\b|\bstd::rand\b|\bsrand\b|\brand\s*\(\s*\)|\brandom_device\b|\bmt19937"
    r"|\bgetrandom\b|\bgetentropy\b|\barc4random|\bRAND_(?:priv_)?bytes\b|\bAutoSeeded_RNG\b"
    r"|\bstd::[io]?fstream\b|\bfopen\b"
)
# Split so that this file does not find itself.
UNFINISHED = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK", "not " + "implemented", "for " + "now",
                       "place" + "holder", "dum" + "my"]) + r")\b",
    re.IGNORECASE,
)
EMPTY_CHECKS = re.compile(
    r"\b(?:CHECK|REQUIRE)\s*\(\s*true\s*\)|\bdoctest::skip\b|\.(?:skip|only|tod[o])\s*\(|\b(?:skip|only|tod[o])\s*:\s*true\b"
)
SLEEPS = re.compile(r"\bsleep_(?:for|until)\b|\busleep\b|\bnanosleep\b")
MACHINE_PATHS = re.compile(r"(?<![\w.$})/])/(?:" + "|".join(["work", "home/[a-z]", "root", "Users/[A-Za-z]", "tmp/[a-z]"])
                           + r")(?:/|\b)")
NODE_NEWER = re.compile(r"\bimport\.meta\.(?:dirname|filename)\b|--test-concurrency\b|\bPromise\.withResolvers\b"
                        r"|\bfs\.glob\b|\bprocess\.loadEnvFile\b")


class Source:
    """One tracked file, read once."""

    def __init__(self, root, path):
        self.path = path
        self.suffix = pathlib.PurePath(path).suffix
        self.bytes = (root / path).read_bytes()
        self.root = root
        self.is_text = b"\0" not in self.bytes
        self.text = self.bytes.decode("utf-8", "replace") if self.is_text else ""
        self.lines = self.text.split("\n")
        if self.text.endswith("\n"):
            self.lines.pop()
        self.is_cpp = self.suffix in CPP
        shebang = self.lines[0] if self.lines else ""
        self.is_code = self.is_text and (self.suffix in CODE or (not self.suffix and shebang.startswith("#!")))
        self.is_cpp_test = self.is_cpp and check_layers.is_test_file(path)
        # Code without comments and strings; for other languages as it stands.
        self.code = cpp_source.strip(self.text) if self.is_cpp else self.text
        self.line_of = cpp_source.Lines(self.text).at

    def matches(self, pattern):
        for match in pattern.finditer(self.code):
            yield self.line_of(match.start()), match.group()


def size(source):
    if len(source.bytes) > TRACKED_BYTES_MAX:
        yield 1, f"{len(source.bytes)} bytes, at most {TRACKED_BYTES_MAX} belong in the repository: generate or fetch it"
    if source.is_code and len(source.lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, f"{len(source.lines)} lines, at most {FILE_LINES_MAX}: split the file by responsibility"


def function_length(source):
    if not source.is_cpp:
        return
    most = TEST_LINES_MAX if source.is_cpp_test else FUNCTION_LINES_MAX
    for start, end in cpp_source.functions(source.code):
        first, last = source.line_of(start), source.line_of(end)
        if last - first + 1 > most:
            yield first, f"a function of {last - first + 1} lines, at most {most}: name its parts"


def spdx(source):
    if not source.is_code:
        return
    first = 1 if source.lines and source.lines[0].startswith("#!") else 0
    if len(source.lines) <= first or not source.lines[first].endswith(SPDX):
        yield first + 1, f"start the file with a comment `{SPDX}`"
    elif source.suffix == ".hpp" and not re.match(r"// \S", (source.lines + [""])[1]):
        yield 2, "say in one sentence, in a comment, what this header is"


def header(source):
    if source.suffix != ".hpp":
        return
    if "#pragma once" not in source.lines:
        yield 1, "add `#pragma once`"
    for line, _ in source.matches(re.compile(r"\busing\s+namespace\b")):
        yield line, "no `using namespace` in a header: it leaks into every file that includes it"


def own_header(source):
    if source.suffix != ".cpp":
        return
    own = re.sub(r"(_test)?\.cpp$", ".hpp", source.path)
    first = re.search(r'^\s*#\s*include\s*([<"][^>"]*[>"])', cpp_source.strip(source.text, keep_strings=True), re.M)
    if (source.root / own).is_file() and first and first.group(1) != f'"{own}"':
        yield source.line_of(first.start(1)), f'include "{own}" first: it proves the header stands on its own'


def detached(source):
    if source.is_cpp and source.path != "farthing/io/task_group.cpp":
        for line, _ in source.matches(re.compile(r"\bdetached\b")):
            yield line, "start it in a TaskGroup: every task has a parent that waits for it"


def floating_point(source):
    if source.is_cpp and not source.path.startswith(FLOAT_ALLOWED):
        for line, word in source.matches(re.compile(r"\b(?:double|float)\b|\bstod\b|\bstof\b|\bstrtod\b")):
            if FLOAT_METRIC.search(source.lines[line - 1]):
                continue
            yield line, f"no `{word}` here: amounts are U256, times are std::chrono (exceptions are listed in tools/lint.py)"


def awaiting(source):
    if source.is_cpp:
        for offset, what in cpp_source.awaiting_faults(source.code):
            yield source.line_of(offset), f"{what} in an awaiting statement: name it on the line before"


def world(source):
    if not source.is_cpp or source.is_cpp_test or source.path.startswith(WORLD_ALLOWED):
        return
    for line, word in source.matches(WORLD_READS):
        if WORLD_EXCEPTIONS.get(source.path) != word:
            yield line, f"`{word}` reads the world: take it from Env or a seam of farthing/io"


def unfinished(source):
    if source.suffix == ".md" or source.path.endswith("package-lock.json") or not source.is_text:
        return
    for match in UNFINISHED.finditer(source.text):
        if match.group() == "Not " + "Implemented":  # the reason phrase of status 501
            continue
        yield source.line_of(match.start()), f"`{match.group()}` marks unfinished work: finish it or open an issue"


def checks(source):
    is_test = source.is_cpp_test or (source.path.startswith(("tests/", "contracts/")) and source.suffix == ".mjs")
    if is_test:
        for line, word in source.matches(EMPTY_CHECKS):
            yield line, f"`{word}` checks nothing: write the check or remove it"
    if source.is_cpp:
        for line, word in source.matches(SLEEPS):
            yield line, f"`{word}`: wait for the event itself, with a deadline (Clock::sleep in services)"


def machine(source):
    if source.is_text:
        for match in MACHINE_PATHS.finditer(source.text):
            yield source.line_of(match.start()), f"`{match.group()}` is a path of one machine: use a relative path or mktemp"


def lock(source):
    if source.path.endswith("package-lock.json"):
        for match in re.finditer(r'"resolved":\s*"https?:', source.text):
            yield source.line_of(match.start()), "the lock names a registry host: set omit-lockfile-registry-resolved in .npmrc"


def node(source):
    if source.suffix == ".mjs" or source.path.endswith("package.json"):
        for match in NODE_NEWER.finditer(source.text):
            yield source.line_of(match.start()), f"`{match.group()}` needs a newer Node than Debian 12's 18: use fileURLToPath and the like"


RULES = [size, function_length, spdx, header, own_header, detached, floating_point, awaiting, world, unfinished, checks,
         machine, lock, node]


def findings(source):
    """Every finding of every rule in one file, as printed."""
    for rule in RULES:
        for line, what in rule(source):
            yield line, f"{source.path}:{line}: {rule.__name__.replace('_', '-')}: {what}"


def main(arguments):
    root = pathlib.Path(__file__).resolve().parent.parent
    paths = [str(pathlib.Path(a).resolve().relative_to(root)) for a in arguments] or tree.tracked(root)
    count = 0
    for path in sorted(paths):
        for _, text in sorted(findings(Source(root, path))):
            print(text)
            count += 1
    print(f"lint: {len(paths)} files, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
