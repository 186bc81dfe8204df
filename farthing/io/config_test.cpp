// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/config.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace json = farthing::json;
using farthing::Errc;
using farthing::parse_toml;
using farthing::SecretSource;

namespace {

struct Accept {
    std::string pay_to;
    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        return std::tuple{farthing::field("pay_to", &Accept::pay_to)};
    }
};

struct Route {
    std::string path;
    std::uint64_t price = 0;
    std::vector<Accept> accepts;
    static constexpr std::array<std::string_view, 1> required{"path"};
    static constexpr auto fields() {
        return std::tuple{farthing::field("path", &Route::path),
                          farthing::field("price", &Route::price),
                          farthing::field("accepts", &Route::accepts)};
    }
};

struct Settings {
    std::string origin;
    std::uint64_t retries = 3;
    std::vector<std::string> networks;
    std::optional<SecretSource> key;
    std::vector<Route> route;
    static constexpr std::array<std::string_view, 1> required{"origin"};
    static constexpr auto fields() {
        return std::tuple{farthing::field("origin", &Settings::origin),
                          farthing::field("retries", &Settings::retries),
                          farthing::field("networks", &Settings::networks),
                          farthing::field("key", &Settings::key),
                          farthing::field("route", &Settings::route)};
    }
    [[nodiscard]] farthing::Result<> validate() const {
        if (retries > 10) return farthing::fail(Errc::invalid_config, ".retries: at most 10");
        return {};
    }
};

/// A file with the given text, gone at the end of the test.
class TempFile {
  public:
    explicit TempFile(std::string_view text) {
        std::string name = (std::filesystem::temp_directory_path() / "farthing_XXXXXX").string();
        const int fd = ::mkstemp(name.data());
        REQUIRE(fd >= 0);
        std::ofstream(name) << text;
        path_ = name;
    }
    ~TempFile() { std::filesystem::remove(path_); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

std::string toml_error(std::string_view text) {
    const auto value = parse_toml(text, "gate.toml");
    REQUIRE(!value);
    CHECK(value.error().code == Errc::invalid_config);
    return value.error().detail;
}

std::string settings_error(std::string_view text) {
    const auto value = farthing::config_from_toml<Settings>(text, "gate.toml");
    REQUIRE(!value);
    CHECK(value.error().code == Errc::invalid_config);
    return value.error().detail;
}

}  // namespace

TEST_CASE("config: tables, arrays, text, numbers and booleans become JSON") {
    const auto value = parse_toml(R"(
        name = "x"
        on = true
        n = -7
        list = [1, "two", [3]]
        [server.tls]
        file = 'a"b'
        [[route]]
        path = "/a"
        [[route]]
        path = "/b"
    )",
                                  "f");
    REQUIRE(value);
    CHECK(json::equal(*value, *json::parse(R"({"name":"x","on":true,"n":-7,"list":[1,"two",[3]],
        "server":{"tls":{"file":"a\"b"}},"route":[{"path":"/a"},{"path":"/b"}]})")));
}

TEST_CASE("config: a syntax error names file, line and column") {
    CHECK(toml_error("a = 1\nb = \n").starts_with("gate.toml:2:5: "));
    CHECK(toml_error("a = 1\na = 2\n").starts_with("gate.toml:2:"));
    CHECK(toml_error("[a\n").starts_with("gate.toml:1:"));
    CHECK(toml_error("a = \"\xff\"").starts_with("gate.toml:1:"));
}

TEST_CASE("config: fractions and dates are refused with their place") {
    CHECK(toml_error("a = 1\nprice = 0.01\n") ==
          "gate.toml:2:9: price: a fraction is not a setting; amounts are written as text: "
          "\"$0.01\"");
    CHECK(toml_error("[x]\nsince = [2026-01-01]\n") ==
          "gate.toml:2:10: since: a date or time is not a setting");
    CHECK(toml_error("a = nan").starts_with("gate.toml:1:5: a: a fraction"));
}

TEST_CASE("config: hostile nesting is an error, not a crash") {
    std::string dotted = "a";
    for (int i = 0; i < 100'000; ++i) dotted += ".a";
    CHECK(toml_error("x = 1\n[" + dotted + "]\n") ==
          "gate.toml:2:1: more than 200 dots in one line");
    CHECK(toml_error("a = " + std::string(100'000, '[')).starts_with("gate.toml:1:"));
    std::string inline_tables;
    for (int i = 0; i < 10'000; ++i) inline_tables += "a = {";
    CHECK(toml_error(inline_tables).starts_with("gate.toml:1:"));
}

TEST_CASE("config: defaults, unknown keys and validation") {
    const auto good = farthing::config_from_toml<Settings>("origin = \"http://x\"", "gate.toml");
    REQUIRE(good);
    CHECK(good->retries == 3);
    CHECK(settings_error("retries = 1") == "gate.toml:1:1: .origin: missing");
    CHECK(settings_error("origin = \"x\"\nretris = 1") ==
          "gate.toml:2:1: .retris: unknown key, did you mean \"retries\"?");
    CHECK(settings_error("origin = \"x\"\nretries = 11") == "gate.toml:2:1: .retries: at most 10");
    CHECK(settings_error("origin = 5") == "gate.toml:1:1: .origin: expected a string");
}

TEST_CASE("config: every error is at its line and column") {
    struct Case {
        std::string_view text;
        std::string_view error;
    };
    const auto cases = std::to_array<Case>({
        {"# first\n\n  orgin = \"x\"\n",
         "gate.toml:3:3: .orgin: unknown key, did you mean \"origin\"?"},
        {"origin = \"x\"\nnetworks = [\n  \"a\",\n  2\n]\n",
         "gate.toml:4:3: .networks[1]: expected a string"},
        {"origin = \"x\"\n[[route]]\npath = \"/a\"\n\n[[route]]\nprice = 1\n",
         "gate.toml:5:1: .route[1].path: missing"},
        {"origin = \"x\"\n[[route]]\npath = \"/a\"\n[[route.accepts]]\n  pay_too = \"y\"\n",
         "gate.toml:5:3: .route[0].accepts[0].pay_too: unknown key, did you mean \"pay_to\"?"},
        {"origin = \"x\"\nroute = [ { path = \"/a\", accepts = [ {}, { pay_to = 1 } ] } ]\n",
         "gate.toml:2:44: .route[0].accepts[1].pay_to: expected a string"},
        {"origin = \"x\"\n[key]\nenw = \"A\"\n",
         "gate.toml:3:1: .key.enw: unknown key, did you mean \"env\"?"},
        {"origin = \"x\"\nkey.fil.x = 1\n",
         "gate.toml:2:5: .key.fil: unknown key, did you mean \"file\"?"},
        // Keys that look like paths, and a long one, which the message shows in part.
        {"origin = \"x\"\n\n\"key.env\" = 1\n", "gate.toml:3:1: .key.env: unknown key"},
        {"origin = \"x\"\n\n\"route[0]\" = 1\n", "gate.toml:3:1: .route[0]: unknown key"},
        {"origin = \"x\"\n\n\"\" = 1\n", "gate.toml:3:1: .: unknown key"},
        {"origin = \"x\"\n\n\"a: b\" = 1\n", "gate.toml:3:1: .a: b: unknown key"},
    });
    for (const auto& [text, error] : cases) CHECK(settings_error(text) == error);
    CHECK(settings_error("origin = \"x\"\n" + std::string(100, 'k') + " = 1\n") ==
          "gate.toml:2:1: ." + std::string(64, 'k') + ": unknown key");
}

TEST_CASE("config: what validate() says is at its place as well") {
    const auto placed = [](std::string_view text, std::string_view detail) {
        const farthing::Error error{Errc::invalid_field, std::string(detail)};
        const auto out = farthing::at_its_place(text, "gate.toml", error);
        CHECK(out.code == Errc::invalid_config);
        return out.detail;
    };
    constexpr std::string_view kText =
        "origin = \"x\"\n[limits]\nkept = 1\n[[route]]\nmatch = \"/\"\n[[route]]\nmatch = \"/\"\n";
    CHECK(placed(kText, "route[1].match: the same") == "gate.toml:7:1: route[1].match: the same");
    CHECK(placed(kText, "route[1].price: missing") == "gate.toml:6:1: route[1].price: missing");
    CHECK(placed(kText, "route[1]: no price") == "gate.toml:6:1: route[1]: no price");
    CHECK(placed(kText, "limits: expected more") == "gate.toml:2:2: limits: expected more");
    CHECK(placed(kText, "route[2].match: x").starts_with("gate.toml:4:"));
    CHECK(placed(kText, "listen: in use") == "gate.toml:1:1: listen: in use");
    CHECK(placed(kText, "something else") == "gate.toml:1:1: something else");
    CHECK(placed("", ".origin: missing") == "gate.toml:1:1: .origin: missing");
}

TEST_CASE("config: a secret is checked without being read") {
    const TempFile file("0xdef\n");
    const auto check = [](std::optional<std::string> env, std::optional<std::string> path) {
        const auto valid = SecretSource{std::move(env), std::move(path)}.validate();
        return valid ? std::string("good") : valid.error().detail;
    };
    ::unsetenv("FARTHING_TEST_UNSET");
    CHECK(check("FARTHING_TEST_UNSET", {}) == "good");  // may be set where it runs
    CHECK(check({}, file.path().string()) == "good");
    CHECK(check({}, "/nonexistent") == "/nonexistent: No such file or directory");
    CHECK(check({}, file.path().parent_path().string()).ends_with(": Is a directory"));
    CHECK(check({}, "").ends_with(": No such file or directory"));
    CHECK(check({}, {}).ends_with("exactly one of them"));
    CHECK(check("A", "b").ends_with("exactly one of them"));
}

TEST_CASE("config: a file is read, and its absence or size is an error with its name") {
    const TempFile file("origin = \"http://x\"\n");
    const auto config = farthing::load_config<Settings>(file.path());
    REQUIRE(config);
    CHECK(config->origin == "http://x");
    const auto missing = farthing::load_config<Settings>("/nonexistent/gate.toml");
    REQUIRE(!missing);
    CHECK(missing.error().code == Errc::io_failed);
    CHECK(missing.error().detail == "/nonexistent/gate.toml: No such file or directory");
    CHECK(farthing::read_file(file.path(), 20).value() == "origin = \"http://x\"\n");
    CHECK(farthing::read_file(file.path(), 19).error().code == Errc::too_large);
    CHECK(farthing::read_file(std::filesystem::temp_directory_path(), 100).error().code ==
          Errc::io_failed);
}

TEST_CASE("config: a file longer than one read comes whole") {
    const std::string text(100'001, 'x');
    const TempFile file(text);
    CHECK(farthing::read_file(file.path(), 1 << 20).value() == text);
}

TEST_CASE("config: a secret comes from the environment or a file, and only from one") {
    ::setenv("FARTHING_TEST_SECRET", "0xabc \n", 1);
    ::setenv("FARTHING_TEST_EMPTY", " ", 1);
    ::unsetenv("FARTHING_TEST_UNSET");
    const TempFile file("0xdef\n");
    const TempFile empty("\n");
    const auto load = [](std::optional<std::string> env, std::optional<std::string> path) {
        return SecretSource{std::move(env), std::move(path)}.load();
    };
    CHECK(load("FARTHING_TEST_SECRET", {})->reveal() == "0xabc");
    CHECK(load({}, file.path().string())->reveal() == "0xdef");
    CHECK(load("FARTHING_TEST_UNSET", {}).error().detail ==
          "environment variable FARTHING_TEST_UNSET is not set");
    CHECK(load("FARTHING_TEST_EMPTY", {}).error().detail ==
          "environment variable FARTHING_TEST_EMPTY is empty");
    CHECK(load({}, empty.path().string()).error().code == Errc::invalid_config);
    CHECK(load({}, "/nonexistent").error().code == Errc::invalid_config);
    CHECK(load({}, {}).error().code == Errc::invalid_config);
    CHECK(load("FARTHING_TEST_SECRET", "x").error().code == Errc::invalid_config);
}
