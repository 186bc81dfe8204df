# SPDX-License-Identifier: Apache-2.0
"""The checkers check themselves: every rule has text it must find and text it must leave alone."""

import pathlib
import tempfile
import unittest

import check_layers
import cpp_source
import lint

HEAD = "// SPDX-License-Identifier: Apache-2.0\n// What it is.\n"


def lint_text(path, text):
    """Rule names found in `text` when it stands at `path` of an otherwise empty tree."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        return [found.split(": ")[1] for _, found in lint.findings(lint.Source(root, path))]


class Stripping(unittest.TestCase):
    def test_comments_and_strings_are_blanked_in_place(self):
        text = 'a /* "x" */ "b // c" d // e\nf \'"\' R"(g "h" )" 1\'000 i'
        code = cpp_source.strip(text)
        self.assertEqual(len(code), len(text))
        for gone in "xbceghg":
            self.assertNotIn(gone, code.replace("1'000", ""))
        for kept in ["a", "d", "f", "1'000", "i"]:
            self.assertIn(kept, code)
        self.assertEqual(cpp_source.Lines(text).at(code.index("f")), 2)

    def test_a_multi_line_raw_string_keeps_the_lines(self):
        text = 'auto a = R"x(one\n)" two\n)x";\nint b;'
        code = cpp_source.strip(text)
        self.assertEqual(code.count("\n"), 3)
        self.assertNotIn("two", code)


class Functions(unittest.TestCase):
    def lengths(self, code):
        line = cpp_source.Lines(code).at
        return [line(end) - line(start) + 1 for start, end in cpp_source.functions(code)]

    def test_bodies_are_found_in_namespaces_and_classes(self):
        code = """namespace a {
template <class T>
struct S : B<T> {
    int size{3};
    explicit S(int x) : size(x) {
        f();
    }
    auto g() const -> int { return 1; }
};
constexpr std::array k{1, 2,
  3};
Task<Result<std::vector<int>>> h(int a) {
    if (a) {
        b();
    }
    auto c = [&] {
        d();
    };
}
}
"""
        self.assertEqual(self.lengths(code), [3, 1, 8])

    def test_a_long_function_is_reported_where_it_starts(self):
        body = "    g();\n" * 59
        self.assertEqual(lint_text("farthing/io/a.cpp", HEAD + "void f() {\n" + body + "}\n"), ["function-length"])
        self.assertEqual(lint_text("farthing/io/a.cpp", HEAD + "void f() {\n" + body[9:] + "}\n"), [])
        self.assertEqual(lint_text("farthing/io/a_test.cpp", HEAD + "void f() {\n" + body + "}\n"), [])


class Awaiting(unittest.TestCase):
    GOOD = [
        "void f() { auto x = co_await g(a, std::move(b)); }",
        "void f() { const Foo foo{1, 2}; co_await g(foo); }",
        "void f() { if (co_await g()) { h(); } else { i({1}); } }",
        "void f() { FARTHING_CO_TRY(auto x, co_await g(std::move(y))); k(Foo{1}); }",
        "void f() { spawn([this]() -> Task<> { co_await g(); }); }",
        "void f() { for (auto& e : v) { co_await g(e[0]); } auto p = Foo{1}; }",
        "void f() { while (true) { const auto n = co_await h(); if (n == 0) break; } }",
        "void f() { switch (a) { case 1: { co_await g(); break; } default: co_return; } }",
        "void f() { co_await g([](int a) { return a + 1; }); }",
        "void f() { try { co_return co_await g(); } catch (const E&) { h(); } }",
        "void f() { if (a == 0) co_return co_await g(); }",
        "void f() { if (a == 0) { co_await g(); } }",
        "void f() { if (!co_await g()) co_return h({}); }",
        "void f() { if (a(Foo{1})) co_await g(); else if (b({})) co_await g(); }",
        "auto f = [x](int a) -> Task<int> { co_return co_await g(x[a]); };",
    ]
    BAD = [
        "void f() { auto x = co_await g({1, 2}); }",
        "void f() { auto x = co_await g(Foo{1, 2}); }",
        "void f() { co_await g(std::array<int, 2>{1, 2}); }",
        "void f() { co_await g([&] { h(); }); }",
        "void f() { co_await g(1, [x](int a) mutable -> Task<> { co_return; }); }",
        "void f() { Foo foo{1, co_await g()}; }",
        "void f() { h(Foo{1}, co_await g()); }",
        "void f() { auto x = co_await g() + Foo{2}.size(); }",
        "void f() { FARTHING_CO_TRY(auto x, co_await g(Foo{.a = 1})); }",
        "void f() { const auto [a, b] = co_await g(); }",
        "void f() { if (co_await g()) { } }",
        "void f() { if (co_await g(a)); }",
        "void f() { if (co_await g({})) h(); }",
        "void f() { if (a) co_await g({}); }",
        "void f() { return h([](int a) -> Task<> { co_await g({a}); }); }",
        "void f() { co_return {1, 2}; }",
    ]

    def test_statements_that_stand_alone_pass(self):
        for code in self.GOOD:
            with self.subTest(code):
                self.assertEqual(list(cpp_source.awaiting_faults(code)), [])

    def test_statements_that_build_something_are_found(self):
        for code in self.BAD:
            with self.subTest(code):
                self.assertTrue(list(cpp_source.awaiting_faults(code)))


class Rules(unittest.TestCase):
    def expect(self, path, text, rules):
        with self.subTest(f"{path}: {text[-60:]!r}"):
            self.assertEqual(lint_text(path, text), rules)

    def test_first_lines(self):
        self.expect("farthing/io/a.cpp", "int a;\n", ["spdx"])
        self.expect("farthing/io/a.hpp", HEAD + "#pragma once\n", [])
        self.expect("farthing/io/a.hpp", HEAD[:39] + "#pragma once\n", ["spdx"])
        self.expect("farthing/io/a.hpp", HEAD + "int a;\n", ["header"])
        self.expect("tools/a.py", "#!/usr/bin/env python3\n# SPDX-License-Identifier: Apache-2.0\n", [])
        self.expect("run", "#!/bin/bash\ntrue\n", ["spdx"])
        self.expect("notes.txt", "anything\n", [])

    def test_size(self):
        self.expect("farthing/io/a.cpp", HEAD + "\n" * 499, ["size"])
        self.expect("farthing/io/a.cpp", HEAD + "\n" * 498, [])
        self.expect("a.json", "1" * (1 << 20), [])
        self.expect("a.json", "1" * ((1 << 20) + 1), ["size"])

    def test_using_namespace(self):
        self.expect("farthing/io/a.hpp", HEAD + "#pragma once\nusing namespace std;\n", ["header"])
        self.expect("farthing/io/a.cpp", HEAD + "using namespace std;\n", [])
        self.expect("farthing/io/a.hpp", HEAD + "#pragma once\n// not using namespace\n", [])

    def test_detached(self):
        self.expect("farthing/net/a.cpp", HEAD + "co_spawn(a, b, asio::detached);\n", ["detached"])
        self.expect("farthing/io/task_group.cpp", HEAD + "co_spawn(a, b, asio::detached);\n", [])
        self.expect("farthing/net/a.cpp", HEAD + "// never detached\n", [])

    def test_floating_point(self):
        self.expect("farthing/evm/a.cpp", HEAD + "double a;\n", ["floating-point"])
        self.expect("farthing/evm/a.cpp", HEAD + '// a double\nauto b = "float";\n', [])
        self.expect("farthing/io/metrics.cpp", HEAD + "double a;\n", [])
        self.expect("bench/a.cpp", HEAD + "double a;\n", [])
        self.expect("farthing/net/a.cpp", HEAD + "gauge.set(static_cast<double>(n));\n", [])
        self.expect("farthing/net/a.cpp", HEAD + "auto a = static_cast<double>(n);\n", ["floating-point"])

    def test_the_world(self):
        for read in ["std::chrono::system_clock::now()", 'std::getenv("A")', "std::random_device{}()", "time(nullptr)",
                     "std::ifstream(path)", "RAND_bytes(a, 1)"]:
            self.expect("farthing/wallet/a.cpp", HEAD + f"auto a = {read};\n", ["world"])
            self.expect("farthing/io/a.cpp", HEAD + f"auto a = {read};\n", [])
            self.expect("farthing/wallet/a_test.cpp", HEAD + f"auto a = {read};\n", [])
        self.expect("farthing/crypto/ecdsa.cpp", HEAD + "RAND_bytes(a, 1);\n", [])
        self.expect("farthing/crypto/ecdsa.cpp", HEAD + "getentropy(a, 1);\n", ["world"])
        self.expect("farthing/wallet/a.cpp", HEAD + "steady_clock::time_point a;\n", [])

    def test_unfinished_work(self):
        for word in ["TO" + "DO", "fix" + "me", "for " + "now", "place" + "holder"]:
            self.expect("farthing/io/a.cpp", HEAD + f"// {word}\n", ["unfinished"])
        self.expect("farthing/io/a.cpp", HEAD + "// method, fornow\n", [])

    def test_checks_that_check_nothing(self):
        self.expect("farthing/io/a_test.cpp", HEAD + "CHECK(true);\n", ["checks"])
        self.expect("tests/e2e/a.test.mjs", HEAD + 'test.skip("a", () => {});\n', ["checks"])
        self.expect("tests/e2e/a.test.mjs", HEAD + "const rest = a.skipped(1);\n", [])
        self.expect("farthing/io/a_test.cpp", HEAD + "std::this_thread::sleep_for(1s);\n", ["checks"])

    def test_machine_paths(self):
        self.expect("a.sh", "# SPDX-License-Identifier: Apache-2.0\ncd /" + "work/main\n", ["machine"])
        self.expect("a.sh", "# SPDX-License-Identifier: Apache-2.0\ncd /" + "tmp/x\n", ["machine"])
        self.expect("a.sh", '# SPDX-License-Identifier: Apache-2.0\ncd "$(mktemp -d)/work"\n', [])

    def test_node_and_lock(self):
        self.expect("tests/a.mjs", HEAD + "import.meta.dirname\n", ["node"])
        self.expect("tests/package-lock.json", '{"resolved": "https://example.org/a.tgz"}\n', ["lock"])

    def test_own_header_first(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "farthing/io").mkdir(parents=True)
            (root / "farthing/io/a.hpp").write_text(HEAD + "#pragma once\n")
            for name, first, expected in [("a.cpp", '"farthing/io/a.hpp"', 0), ("a.cpp", "<vector>", 1),
                                          ("a_test.cpp", "<vector>", 1), ("b.cpp", "<vector>", 0)]:
                (root / "farthing/io" / name).write_text(HEAD + f"#include {first}\n#include <map>\n")
                found = list(lint.findings(lint.Source(root, f"farthing/io/{name}")))
                self.assertEqual(len(found), expected, (name, first, found))


class Layers(unittest.TestCase):
    FOLDERS = {"base": ([], "b"), "json": (["base"], "j"), "evm": (["base", "json"], "e"), "io": (["base"], "i"),
               "net": (["io"], "n"), "testing": (["base"], "t")}

    def faults(self, path, include):
        return [found.split(": ")[1] for found in check_layers.check_file(path, f"#include {include}\n", self.FOLDERS)]

    def test_includes_between_folders(self):
        for path, include, expected in [
            ("farthing/evm/a.cpp", '"farthing/json/value.hpp"', []),
            ("farthing/evm/a.cpp", '"farthing/evm/b.hpp"', []),
            ("farthing/json/a.cpp", '"farthing/evm/a.hpp"', ["layer"]),
            ("farthing/json/a_test.cpp", '"farthing/evm/a.hpp"', ["layer"]),
            ("farthing/json/a.cpp", '"value.hpp"', ["include"]),
            ("farthing/json/a.cpp", '"farthing/json/../evm/a.hpp"', ["include"]),
            ("farthing/json/a.cpp", "<farthing/json/value.hpp>", ["include"]),
            ("farthing/json/a.cpp", '"farthing/store/a.hpp"', ["include"]),
            ("farthing/json/a.cpp", '"app/a.hpp"', ["include"]),
            ("farthing/json/a.cpp", '"farthing/testing/world.hpp"', ["testing"]),
            ("farthing/json/a_test.cpp", '"farthing/testing/world.hpp"', []),
            ("farthing/evm/a.cpp", '"farthing/evm/known_structs_test.hpp"', ["testing"]),
            ("farthing/evm/a_test.cpp", '"farthing/evm/known_structs_test.hpp"', []),
            ("farthing/json/test_peer.hpp", '"farthing/testing/world.hpp"', []),
            ("farthing/json/a_test.cpp", '"farthing/json/test_peer.hpp"', []),
            ("farthing/json/a.cpp", '"farthing/json/test_peer.hpp"', ["testing"]),
            ("farthing/json/a.cpp", '"farthing/json/testable.hpp"', []),
            ("app/main.cpp", '"farthing/net/a.hpp"', []),
            ("app/main.cpp", '"farthing/testing/a.hpp"', ["testing"]),
            ("app/main.cpp", '"app/key.hpp"', []),
            ("farthing/net/a.cpp", '"app/key.hpp"', ["include"]),
            ("tests/sim/a.cpp", '"farthing/testing/a.hpp"', []),
        ]:
            with self.subTest(f"{path} {include}"):
                self.assertEqual(self.faults(path, include), expected)

    def test_libraries_and_their_owners(self):
        for path, include, expected in [
            ("farthing/json/a.cpp", "<boost/json/value.hpp>", []),
            ("farthing/evm/a.cpp", "<boost/json/value.hpp>", ["library"]),
            ("farthing/evm/a.cpp", "<boost/multiprecision/cpp_int.hpp>", []),
            ("farthing/json/a.cpp", "<boost/multiprecision/cpp_int.hpp>", ["library"]),
            ("farthing/evm/a.cpp", "<boost/asio/awaitable.hpp>", ["library"]),
            ("farthing/net/a.cpp", "<boost/asio/awaitable.hpp>", []),
            ("farthing/net/a.cpp", "<spdlog/spdlog.h>", ["library"]),
            ("farthing/io/a.cpp", "<spdlog/spdlog.h>", []),
            ("farthing/io/a.cpp", "<unistd.h>", []),
            ("farthing/evm/a.cpp", "<sys/stat.h>", ["library"]),
            ("farthing/evm/a.cpp", "<string.h>", ["library"]),
            ("farthing/evm/a.cpp", "<cstring>", []),
            ("farthing/evm/a.cpp", "<sqlite3.h>", ["library"]),
            ("farthing/evm/a.cpp", "<doctest/doctest.h>", ["library"]),
            ("farthing/evm/a_test.cpp", "<doctest/doctest.h>", []),
            ("farthing/evm/a_test.cpp", "<rapidcheck.h>", []),
            ("app/main.cpp", "<CLI/CLI.hpp>", []),
            ("farthing/io/a.cpp", "<CLI/CLI.hpp>", ["library"]),
        ]:
            with self.subTest(f"{path} {include}"):
                self.assertEqual(self.faults(path, include), expected)

    def test_a_commented_include_is_no_include(self):
        text = '// #include "farthing/evm/a.hpp"\n/*\n#include <sqlite3.h>\n*/\n'
        self.assertEqual(check_layers.check_file("farthing/json/a.cpp", text, self.FOLDERS), [])

    def test_names_of_libraries(self):
        for path, count in [("farthing/evm/a.cpp", 1), ("farthing/json/a.cpp", 0), ("farthing/evm/a_test.cpp", 0)]:
            found = check_layers.check_file(path, "boost::json::value v;  // boost::json\n", self.FOLDERS)
            self.assertEqual(len(found), count, path)

    def test_declarations(self):
        ok = {"base": ([], "b"), "wire": (["base"], "w"), "net": (["base", "wire"], "n")}
        self.assertEqual(list(check_layers.check_declarations(ok)), [])
        for name, deps in [("wire", ["net"]), ("net", ["store"]), ("net", ["testing"])]:
            folders = dict(ok, testing=([], "t"))
            folders[name] = (deps, "x")
            self.assertTrue(list(check_layers.check_declarations(folders)), (name, deps))
        circle = {"net": (["io"], "n"), "io": (["net"], "i")}
        self.assertEqual(len(list(check_layers.check_declarations(circle))), 2)

    def test_deps_are_read_from_cmake(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in [("base", "farthing_library(base LIBS fmt::fmt)"),
                               ("net", "# why\nfarthing_library(net DEPS base io\n  LIBS llhttp PkgConfig::x)")]:
                (root / "farthing" / name).mkdir(parents=True)
                (root / "farthing" / name / "CMakeLists.txt").write_text(text)
            self.assertEqual({name: deps for name, (deps, _) in check_layers.declared(root).items()},
                             {"base": [], "net": ["base", "io"]})


if __name__ == "__main__":
    unittest.main()
