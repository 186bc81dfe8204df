#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: every #include against the DEPS of its folder, and each library against the folder that owns it.

Each finding is `file:line: rule: what to do`; exit code 1 if any. The layers are drawn in docs/architecture.md.
"""

import pathlib
import re
import sys

import cpp_source
import tree

# Values in, values out: no sockets, no clock, no Asio.
PURE = {"base", "json", "crypto", "evm", "wire", "scheme", "policy", "trust"}
TESTING = "testing"

# A library, by the start of its include path, and the folders that may name it. TESTS: *_test.cpp and tests/.
TESTS = "tests"
WORLD_UP = "world"  # every folder that is not pure
EVERYWHERE = "everywhere"
OWNERS = [
    ("fmt/", {EVERYWHERE}),  # linked through base; libstdc++ 12 has no std::format
    ("boost/json", {"json"}),
    ("simdjson", {"json"}),
    ("secp256k1", {"crypto"}),
    ("botan/", {"crypto"}),
    ("openssl/", {"crypto", "net"}),
    ("boost/multiprecision/", {"evm"}),
    ("boost/asio", {WORLD_UP}),
    ("boost/system/", {WORLD_UP}),
    ("boost/beast", {"net"}),
    ("llhttp", {"net"}),
    ("spdlog/", {"io"}),
    ("prometheus/", {"io"}),
    ("toml++/", {"io"}),
    ("soci/", {"store", "ledger", "bench"}),
    ("libpq-fe.h", {"store"}),
    ("CLI/", {"app", "bench"}),
    ("doctest/", {TESTS}),
    ("rapidcheck", {TESTS}),
]
# Headers of the operating system.
SYSTEM = re.compile(r"(?:sys|netinet|arpa|net|linux)/[\w/]+\.h|(?:unistd|fcntl|signal|spawn|pwd|termios|poll|netdb|pthread|dlfcn)\.h")
# Files that call it elsewhere, and why.
SYSTEM_EXCEPTIONS = {
    "farthing/store/file_lock.cpp",  # the lock of an SQLite file: one process serves from it
    "farthing/store/postgres.cpp",  # ends the connection of a server that does not answer
    "farthing/wallet/keystore_file.cpp",  # the seam to key files: created once, mode 0600, never overwritten
}
# C headers that have a C++ name.
C_HEADERS = re.compile(r"(?:assert|ctype|errno|float|inttypes|limits|locale|math|setjmp|stdarg|stddef|stdint|stdio|stdlib|string|time)\.h")

# Libraries whose names stay inside their folder even where the header arrives through ours.
NAMES = [
    (re.compile(r"\bboost\s*::\s*json\b"), "json", "farthing::json's aliases (json::Value, json::Object, json::Array)"),
    (re.compile(r"\bsimdjson\s*::"), "json", "json::parse"),
    (re.compile(r"\bboost\s*::\s*multiprecision\b"), "evm", "U256"),
    (re.compile(r"\bspdlog\s*::"), "io", "Log"),
    (re.compile(r"\bprometheus\s*::"), "io", "Metrics"),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
LIBRARY = re.compile(r"farthing_library\(\s*(\w+)([^)]*)\)")
SOURCE_ROOTS = ["farthing", "app", "tests", "fuzz", "bench", "cmake"]


def declared(root):
    """folder -> (DEPS, CMakeLists path) from every farthing/<folder>/CMakeLists.txt."""
    folders = {}
    for path in sorted((root / "farthing").glob("*/CMakeLists.txt")):
        text = re.sub(r"#.*", "", path.read_text())
        for name, rest in LIBRARY.findall(text):
            deps = re.search(r"\bDEPS\b((?:\s+(?!LIBS\b)[\w.]+)*)", rest)
            folders[name] = (deps.group(1).split() if deps else [], str(path.relative_to(root)))
    return folders


def check_declarations(folders):
    """The DEPS themselves: known folders, pure on pure, no circle."""
    for name, (deps, path) in folders.items():
        for dep in deps:
            if dep not in folders:
                yield f"{path}:1: deps: there is no folder farthing/{dep}"
            elif dep == TESTING:
                yield f"{path}:1: deps: farthing/testing is for tests only; every test program links it already"
            elif name in PURE and dep not in PURE:
                yield f"{path}:1: deps: {name} is pure and may not depend on {dep}: take the value as an argument"
            elif reaches(folders, dep, name):
                yield f"{path}:1: deps: {name} and {dep} depend on each other: move what they share below both"


def reaches(folders, start, goal, seen=None):
    seen = set() if seen is None else seen
    if start == goal:
        return True
    if start in seen or start not in folders:
        return False
    seen.add(start)
    return any(reaches(folders, dep, goal, seen) for dep in folders[start][0])


def place_of(path):
    """The folder a file counts for (base, …, app, tests, fuzz, bench, cmake), and whether it is test code."""
    parts = pathlib.PurePath(path).parts
    folder = parts[1] if parts[0] == "farthing" else parts[0]
    return folder, is_test_file(path) or parts[0] in {"tests", "cmake"} or folder == TESTING


def is_test_file(path):
    """x_test.cpp, and headers for tests only: x_test.hpp, test_x.hpp."""
    name = pathlib.PurePath(path).name
    return name.endswith(("_test.cpp", "_test.hpp")) or name.startswith("test_")


def check_farthing_include(path, included, folders):
    folder, is_test = place_of(path)
    parts = pathlib.PurePath(included).parts
    if parts[0] in {"app", "bench", "fuzz", "tests"} and parts[0] == folder and ".." not in parts:
        return None
    if parts[0] == "app":
        return "include", "app is the program; nothing includes it"
    if parts[0] != "farthing" or len(parts) < 3 or ".." in parts:
        return "include", 'write it from the root: "farthing/<folder>/<file>.hpp"'
    target = parts[1]
    if is_test_file(included) and not is_test:
        return "testing", "declarations for tests: include them from *_test.cpp, test_*.hpp and tests/ only"
    if target == folder:
        return None
    if target == TESTING:
        return None if is_test else ("testing", "farthing/testing is for *_test.cpp, test_*.hpp and tests/ only")
    if target not in folders:
        return "include", f"there is no library farthing/{target}"
    if not path.startswith("farthing/") or folder == TESTING:
        return None
    deps, cmake = folders[folder]
    if target in deps:
        return None
    return "layer", f"{folder} may not include {target}: add it to DEPS in {cmake} and say why in the commit, or move the code"


def check_library_include(path, included):
    folder, is_test = place_of(path)
    outside = folder in {"app", "bench", "fuzz", TESTING} or is_test
    for prefix, owners in OWNERS:
        if not included.startswith(prefix):
            continue
        allowed = (EVERYWHERE in owners or folder in owners or (TESTS in owners and is_test)
                   or (WORLD_UP in owners and folder not in PURE))
        # The independent value a property test compares with, and the compiled parts of the build itself.
        if allowed or (is_test and prefix == "boost/multiprecision/") or folder == "cmake":
            return None
        return "library", f"<{included}> belongs to {', '.join(sorted(owners))}: use what that folder offers"
    if SYSTEM.fullmatch(included):
        if folder in {"io", "net"} or outside or path in SYSTEM_EXCEPTIONS:
            return None
        return "library", f"<{included}> is the operating system: only io, net and app call it"
    if C_HEADERS.fullmatch(included):
        return "library", f"<{included}>: include the C++ header <c{included[:-2]}>"
    if "/" in included or included.endswith((".h", ".hpp")):
        return "library", f"<{included}> is a library tools/check_layers.py does not know: name the folder that owns it there"
    return None


def check_file(path, text, folders):
    """Every finding in one file, as printed."""
    code = cpp_source.strip(text, keep_strings=True)
    line_of = cpp_source.Lines(text).at
    found = []
    for match in INCLUDE.finditer(code):
        quoted, angled = match.groups()
        if quoted:
            fault = check_farthing_include(path, quoted, folders)
        elif angled.startswith("farthing/"):
            fault = ("include", f'write it in quotes: "{angled}"')
        else:
            fault = check_library_include(path, angled)
        if fault:
            found.append(f"{path}:{line_of(match.start())}: {fault[0]}: {fault[1]}")
    folder, is_test = place_of(path)
    for pattern, owner, instead in NAMES:
        if folder == owner or is_test:
            continue
        for match in pattern.finditer(cpp_source.strip(text)):
            found.append(f"{path}:{line_of(match.start())}: name: {match.group()} is named in {owner} only: use {instead}")
    return found


def check_tree(root):
    folders = declared(root)
    found = list(check_declarations(folders))
    for source_root in SOURCE_ROOTS:
        for path in tree.below(root, source_root, ".cpp", ".hpp"):
            folder, _ = place_of(path)
            if source_root == "farthing" and folder not in folders:
                found.append(f"{path}:1: layer: farthing/{folder} has no CMakeLists.txt with farthing_library({folder} …)")
                continue
            found += check_file(path, (root / path).read_text(), folders)
    return found


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    found = check_tree(root)
    for text in found:
        print(text)
    print(f"layers: {len(declared(root))} folders, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
