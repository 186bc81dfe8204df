// SPDX-License-Identifier: Apache-2.0
// docs/pacts.md: every example is a pact, or part of one, that works as it says.
#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

#include "farthing/io/config.hpp"
#include "farthing/policy/decide.hpp"
#include "farthing/policy/signature.hpp"

using namespace farthing;
using namespace farthing::policy;

namespace {

std::string page() {
    const char* root = std::getenv("FARTHING_SOURCE_DIR");
    return read_file(std::string(root == nullptr ? "." : root) + "/docs/pacts.md", 1 << 20).value();
}

/// The blocks fenced with this language, in order.
std::vector<std::string> fenced(std::string_view text, std::string_view language) {
    std::vector<std::string> out;
    const auto opening = "\n```" + std::string(language) + "\n";
    for (auto at = text.find(opening); at != std::string_view::npos; at = text.find(opening, at)) {
        at += opening.size();
        const auto end = text.find("```\n", at);
        out.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

json::Value toml(std::string_view text) { return parse_toml(text, "pacts.md").value(); }

}  // namespace

TEST_CASE("docs/pacts.md: the whole example is a pact") {
    const auto whole = toml(fenced(page(), "toml").at(0));
    const auto pact = parse_pact(whole);
    CHECK(pact.has_value());
    if (!pact) MESSAGE(pact.error().detail);
}

TEST_CASE("docs/pacts.md: each part fits into the smallest pact") {
    const auto blocks = fenced(page(), "toml");
    REQUIRE(blocks.size() > 15);
    const auto smallest = toml(blocks.at(1)).as_object();
    REQUIRE(parse_pact(json::Value(smallest)).has_value());
    for (std::size_t i = 2; i < blocks.size(); ++i) {
        CAPTURE(blocks[i]);
        auto merged = smallest;
        for (const auto& [key, value] : toml(blocks[i]).as_object()) {
            const bool adds = key == "limit" || key == "networks";
            if (!adds) {
                merged[key] = value;
                continue;
            }
            for (const auto& each : value.as_array()) merged[key].as_array().push_back(each);
        }
        const auto pact = parse_pact(json::Value(merged));
        CHECK(pact.has_value());
        if (!pact) MESSAGE(pact.error().detail);
    }
}

TEST_CASE("docs/pacts.md: every setting and every code is described") {
    const auto text = page();
    for_each_field<Pact>([&](std::string_view name, auto) {
        CAPTURE(name);
        CHECK(text.contains("`" + std::string(name) + "`"));
    });
    for_each_field<Limit>([&](std::string_view name, auto) {
        CAPTURE(name);
        CHECK(text.contains("`" + std::string(name) + "`"));
    });
}

TEST_CASE("docs/pacts.md: the answer it shows is the answer") {
    const auto text = page();
    const auto rules = Rules::make(parse_pact(toml(fenced(text, "toml").at(1))).value()).value();
    Budget budget(rules.meters());
    const auto now = parse_instant("2026-11-21T12:00:00Z").value();
    Reservation spent{.id = "1", .time = now.seconds, .vendor = "api.example.com"};
    spent.dollars = parse_amount("$0.97").value().value;
    REQUIRE(budget.reserve(spent).has_value());
    Request request{.url = "https://api.example.com/v1/search",
                    .network = {"eip155:84532"},
                    .amount = U256(40'000)};
    request.asset = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value();
    const auto decision =
        decide(rules, budget, request, {.now = now.seconds, .agent = rules.pact().agent});
    const auto shown = json::parse(fenced(text, "json").at(0)).value();
    const auto encoded = json::encode(decision);
    for (const auto& [key, value] : shown.as_object()) {
        CAPTURE(std::string_view(key));
        CHECK(json::equal(encoded.at(key), value));
    }
}
