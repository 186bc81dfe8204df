// SPDX-License-Identifier: Apache-2.0
// What somebody does to the file is found.
#include <fmt/format.h>

#include <fstream>

#include "farthing/base/hex.hpp"
#include "farthing/ledger/migrations.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/ledger/test_ledger.hpp"

namespace farthing::ledger {
namespace {

using soci::into;
using soci::use;

/// Another value that could stand there as well.
json::Value another(const json::Value& value) {
    if (value.is_bool()) return !value.as_bool();
    const auto* text = value.if_string();
    if (text == nullptr) return value.to_number<std::uint64_t>() + 1;
    std::string out(text->data(), text->size());
    if (out.empty()) return "x";
    out.back() = out.back() == '1' ? '2' : '1';
    return json::Value(out);
}

/// A ledger with one of each kind, without what protects it.
struct Spoilt {
    Spoilt() : ledger(world.open()), raw(world.folder.raw()) {
        fill(*ledger);
        raw << "DROP TRIGGER entries_no_update";
        raw << "DROP TRIGGER entries_no_delete";
        raw << "DROP TRIGGER entries_in_order";
        bodies.resize(14);
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            raw << fmt::format("SELECT body FROM entries WHERE seq = {}", i + 1), into(bodies[i]);
        }
    }
    void set(std::size_t seq, const std::string& body, bool with_hash) {
        const auto hash = to_hex(hash_of_body(with_hash ? body : bodies[seq - 1]));
        raw << fmt::format("UPDATE entries SET body = :body, hash = :hash WHERE seq = {}", seq),
            use(body), use(hash);
    }
    std::string found() {
        const auto head =
            ledger->transact_now([](Transaction& transaction) { return transaction.verify(); });
        if (head) return "nothing";
        CHECK(head.error().code == Errc::ledger_altered);
        return head.error().detail;
    }

    Setting world;
    std::unique_ptr<Ledger> ledger;
    soci::session raw;
    std::vector<std::string> bodies;
};

}  // namespace

TEST_CASE("ledger: nothing is altered, removed, replaced or put between") {
    Setting world;
    const auto ledger = world.open();
    fill(*ledger);
    for (const auto* each :
         {"UPDATE entries SET body = ''", "UPDATE entries SET seq = 99 WHERE seq = 1",
          "DELETE FROM entries WHERE seq = 14", "DELETE FROM entries",
          "INSERT INTO entries (seq, hash, body) VALUES (16, '', '{}')",
          "INSERT INTO entries (seq, hash, body) VALUES (0, '', '{}')",
          "INSERT OR REPLACE INTO entries (seq, hash, body) VALUES (14, '', '{}')"}) {
        CAPTURE(each);
        auto raw = world.folder.raw();
        CHECK_THROWS(raw << each);
    }
    CHECK(ledger->transact_now([](Transaction& t) { return t.verify(); }).value().seq == 14);
}

TEST_CASE("ledger: each member of each entry that is altered is found") {
    Spoilt spoilt;
    CHECK(spoilt.found() == "nothing");
    std::size_t members = 0;
    for (std::size_t seq = 1; seq <= spoilt.bodies.size(); ++seq) {
        const auto body = json::parse(spoilt.bodies[seq - 1]).value().as_object();
        for (const auto& [name, value] : body) {
            CAPTURE(seq);
            CAPTURE(std::string(name));
            ++members;
            auto altered = body;
            altered[name] = another(value);
            const auto text = json::to_text(altered);
            REQUIRE(text != spoilt.bodies[seq - 1]);
            spoilt.set(seq, text, false);
            CHECK(spoilt.found().starts_with(fmt::format("entry {}: ", seq)));
            // With a hash that fits, only who knows the head can tell for the last one.
            spoilt.set(seq, text, true);
            if (seq < spoilt.bodies.size()) CHECK(spoilt.found() != "nothing");
            spoilt.set(seq, spoilt.bodies[seq - 1], true);
        }
    }
    CHECK(members > 120);
    CHECK(spoilt.found() == "nothing");
}

TEST_CASE("ledger: missing, swapped and cut off entries are found") {
    Spoilt spoilt;
    SUBCASE("missing") {
        spoilt.raw << "DELETE FROM entries WHERE seq = 9";
        CHECK(spoilt.found() == "entry 9: missing");
    }
    SUBCASE("the first") {
        spoilt.raw << "DELETE FROM entries WHERE seq = 1";
        CHECK(spoilt.found() == "entry 1: missing");
    }
    SUBCASE("swapped") {
        spoilt.raw << "UPDATE entries SET seq = 99 WHERE seq = 10";
        spoilt.raw << "UPDATE entries SET seq = 10 WHERE seq = 11";
        spoilt.raw << "UPDATE entries SET seq = 11 WHERE seq = 99";
        CHECK(spoilt.found() == "entry 10: says it is 11");
    }
    SUBCASE("cut off before a checkpoint") {
        REQUIRE(spoilt.ledger->transact_now([](Transaction& t) { return t.put_checkpoint("x"); }));
        spoilt.raw << "DELETE FROM entries WHERE seq > 12";
        spoilt.raw << "DELETE FROM reserved";
        CHECK(spoilt.found() == "entry 14: missing, though there is a checkpoint for it");
    }
    SUBCASE("cut off: the reservation is left") {
        spoilt.raw << "DELETE FROM entries WHERE seq > 12";
        CHECK(spoilt.found() == "entry 14: is reserved and should not be, or the opposite");
    }
    SUBCASE("a forgotten reservation") {
        spoilt.raw << "DELETE FROM reserved";
        CHECK(spoilt.found() == "entry 14: is reserved and should not be, or the opposite");
    }
    SUBCASE("seen from the head that somebody remembers") {
        const auto head = spoilt.ledger->transact_now([](Transaction& t) { return t.last(); });
        spoilt.raw << "DELETE FROM entries WHERE seq > 12";
        spoilt.raw << "DELETE FROM reserved";
        CHECK(spoilt.found() == "nothing");
        const auto from =
            spoilt.ledger->transact_now([&](Transaction& t) { return t.verify(head.value()); });
        CHECK(from.error().detail == "entry 14: not the one that was named");
    }
}

TEST_CASE("ledger: nothing is decided on a ledger whose end was altered") {
    Spoilt spoilt;
    spoilt.raw << "UPDATE entries SET body = replace(body, '10000', '1') WHERE seq = 14";
    const auto entry = spoilt.ledger->transact_now(
        [](Transaction& t) { return t.append(decision_of(Verdict::allow)); });
    CHECK(entry.error().code == Errc::ledger_altered);
}

TEST_CASE("ledger: the script of docs/wallet.md checks an export") {
    const char* const source = std::getenv("FARTHING_SOURCE_DIR");
    REQUIRE(source != nullptr);
    std::ifstream in(std::filesystem::path(source) / "docs/wallet.md");
    const std::string docs{std::istreambuf_iterator<char>(in), {}};
    const auto begin = docs.find("```python\nimport hashlib");
    REQUIRE(begin != std::string::npos);
    const auto script = docs.substr(begin + 10, docs.find("```", begin + 10) - begin - 10);
    Setting world;
    const auto ledger = world.open();
    fill(*ledger);
    auto odd = decision_of(Verdict::refuse);
    odd.reason = "\x01\x1f\x7f\b\f\n\r\t\"\\/ \u00e9\u2028\U0001F4B8";
    append(*ledger, odd);
    std::vector<std::string> lines;
    REQUIRE(ledger->transact_now([&](Transaction& t) {
        return t.for_each({}, 0, [&](const Entry& entry) -> Result<> {
            lines.push_back(to_json_line(entry));
            return {};
        });
    }));
    const auto check = [&] {
        const auto at = [&](const char* name) { return (world.folder.path / name).string(); };
        std::ofstream(at("check.py")) << script;
        {
            std::ofstream out(at("ledger.jsonl"));
            for (const auto& each : lines) out << each << '\n';
        }
        return std::system(
            fmt::format("python3 {} < {} > {}", at("check.py"), at("ledger.jsonl"), at("said"))
                .c_str());
    };
    CHECK(check() == 0);
    std::ifstream said(world.folder.path / "said");
    const std::string text{std::istreambuf_iterator<char>(said), {}};
    CHECK(text.starts_with("good: 15 entries, head 0x"));
    lines[3].replace(lines[3].find("200"), 3, "201");
    CHECK(check() != 0);
}

}  // namespace farthing::ledger
