// SPDX-License-Identifier: Apache-2.0
// Cards: never beyond their value, their uses, their vendor and their time; not by a crowd, not
// after a restart, and a use comes back on proof only.
#include "farthing/wallet/card.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/policy/test_pacts.hpp"
#include "farthing/scheme/price.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/testing/temporary_folder.hpp"
#include "farthing/wallet/approval.hpp"
#include "farthing/wallet/spending.hpp"

using namespace farthing;
using namespace farthing::wallet;
using policy::testing::kAgent;

namespace {

constexpr std::string_view kOpen =
    R"({"other_vendors": "allow", "limit": [{"amount": "$1", "per": "day"}]})";

U256 dollars(std::string_view text) {
    return scheme::to_atomic(scheme::parse_money(text).value(), 18).value();
}

PrivateKey key(std::uint8_t last) {
    Bytes32 bytes;
    bytes.data[31] = last;
    return make_key(bytes).value();
}

struct Setting {
    testing::TemporaryFolder folder;
    testing::ManualClock clock;
    testing::SeededRandom random{1};
    testing::CaptureLog log;
    Metrics metrics;
    Loop loop;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<Spending> spending;

    explicit Setting(std::string_view pact = kOpen) { start(pact); }

    /// As a new process.
    void start(std::string_view pact = kOpen) {
        spending.reset();
        ledger.reset();
        Env env{clock, random, log, metrics};
        auto opened = ledger::Ledger::open(env, loop, folder.path);
        REQUIRE_MESSAGE(opened.has_value(), to_string(opened.error()));
        ledger = *std::move(opened);
        spending = std::make_unique<Spending>(*ledger, policy::testing::rules(pact),
                                              parse_address(kAgent).value(), address_of(key(9)));
    }
    template <class T>
    T run(Task<T> task) {
        loop.restart();
        return run_blocking(loop, std::move(task));
    }
    void append(ledger::Event event) {
        const auto done =
            ledger->transact_now([&](ledger::Transaction& t) { return t.append(event); });
        REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
    }
    ledger::CardChange card(std::uint64_t uses = 1, std::string_view max = "$0.05") {
        ledger::CardChange out;
        out.card = "c1";
        out.value = dollars(max);
        out.vendor = "api.example.com";
        out.uses = uses;
        out.expires = (clock.unix_seconds() + 3600) * 1000;
        return out;
    }
    Decided decide(std::uint64_t amount = 10'000, std::string id = "c1", Wish wish = {}) {
        if (wish.request.url.empty()) wish.request = policy::testing::request(amount);
        wish.card = std::move(id);
        auto decided = run(spending->decide(std::move(wish)));
        REQUIRE_MESSAGE(decided.has_value(), to_string(decided.error()));
        return *std::move(decided);
    }
    std::string said(std::uint64_t amount = 10'000, std::string id = "c1") {
        const auto decided = decide(amount, std::move(id));
        return decided.decision.verdict == policy::Verdict::allow ? "paid" : decided.decision.code;
    }
};

}  // namespace

TEST_CASE("card: so many uses, and no more after a restart") {
    Setting setting;
    setting.append(setting.card(2));
    CHECK(setting.said() == "paid");
    CHECK(setting.said() == "paid");
    CHECK(setting.said() == "card_used");
    setting.start();
    CHECK(setting.said() == "card_used");
    const auto card = setting.run(setting.spending->card("c1")).value();
    REQUIRE(card.has_value());
    CHECK(card->used == 2);
    CHECK(card->spent == dollars("$0.02"));
}

TEST_CASE("card: a hundred at once on a card for one use pay once") {
    Setting setting;
    setting.append(setting.card(1));
    int paid = 0;
    TaskGroup crowd(setting.loop);
    for (int i = 0; i < 100; ++i) {
        auto one = [](Setting& in, int& count) -> Task<> {
            Wish wish;
            wish.request = policy::testing::request();
            wish.card = "c1";
            auto decided = co_await in.spending->decide(std::move(wish));
            if (decided && decided->decision.verdict == policy::Verdict::allow) ++count;
        };
        crowd.spawn(one(setting, paid));
    }
    auto all = [](TaskGroup& group) -> Task<bool> {
        co_await group.join();
        co_return true;
    };
    setting.run(all(crowd));
    CHECK(paid == 1);
}

TEST_CASE("card: its value is for all its uses together") {
    Setting setting;
    setting.append(setting.card(10, "$0.025"));
    CHECK(setting.said(10'000) == "paid");
    CHECK(setting.said(20'000) == "card_amount");
    CHECK(setting.said(15'000) == "paid");
    CHECK(setting.said(1) == "card_amount");
}

TEST_CASE("card: its vendor, its time, and whether it was taken back") {
    Setting setting;
    CHECK(setting.said() == "card_unknown");
    setting.append(setting.card(10));
    Wish elsewhere;
    elsewhere.request = policy::testing::request();
    elsewhere.request.url = "https://evil.example/v1/search";
    CHECK(setting.decide(0, "c1", elsewhere).decision.code == "card_vendor");
    elsewhere.request.url = "https://api.example.com:8443/v1/search";
    CHECK(setting.decide(0, "c1", elsewhere).decision.code == "card_vendor");
    CHECK(setting.said() == "paid");
    auto back = setting.card();
    back.change = ledger::Change::revoked;
    SUBCASE("revoked") {
        setting.append(back);
        CHECK(setting.said() == "card_revoked");
        // Made once more under the same name it stays what it was.
        setting.append(setting.card(100));
        CHECK(setting.said() == "card_revoked");
    }
    SUBCASE("expired") {
        setting.clock.advance(std::chrono::hours(1));
        CHECK(setting.said() == "card_expired");
    }
}

TEST_CASE("card: one of the same name raises nothing") {
    Setting setting;
    setting.append(setting.card(1));
    setting.append(setting.card(100, "$0.9"));
    CHECK(setting.said() == "paid");
    CHECK(setting.said() == "card_used");
}

TEST_CASE(
    "card: a use comes back when it is proved that it was not paid, and is gone when it was") {
    Setting setting;
    setting.append(setting.card(1));
    const auto first = setting.decide().seq;
    CHECK(setting.said() == "card_used");
    setting.append(ledger::Released{.decision = first, .why = "never_signed"});
    CHECK(setting.said() == "paid");
    CHECK(setting.said() == "card_used");
    // The chain knows better after all.
    setting.append(ledger::Settled{.decision = first, .transaction = Bytes32{}, .note = {}});
    setting.start();
    const auto card = setting.run(setting.spending->card("c1")).value();
    CHECK(card->used == 2);
    CHECK(card->spent == dollars("$0.02"));
}

TEST_CASE("card: the task is the card's, whatever its holder says") {
    Setting setting(R"({"other_vendors": "allow", "limit": [{"amount": "$1", "per": "day"}],
                        "scope": [{"tasks": ["mail"]}]})");
    setting.append(setting.card(5));
    Wish wish;
    wish.request = policy::testing::request();
    wish.request.task = "mail";
    CHECK(setting.decide(0, "c1", wish).decision.verdict == policy::Verdict::refuse);
    auto mail = setting.card(5);
    mail.card = "c2";
    mail.task = "mail";
    setting.append(mail);
    wish.request.task = "other";
    CHECK(setting.decide(0, "c2", wish).decision.verdict == policy::Verdict::allow);
}

TEST_CASE("card: the pact holds besides, and an approval is for the card that asked") {
    Setting setting(R"({"other_vendors": "allow", "limit": [{"amount": "$1", "per": "day"}],
                        "ask_above": "$0.005"})");
    setting.append(setting.card(5));
    auto second = setting.card(5);
    second.card = "c2";
    setting.append(second);
    CHECK(setting.said(60'000) == "over_request_limit");
    const auto asked = setting.decide().seq;
    const auto entry =
        setting.ledger->transact_now([&](ledger::Transaction& t) { return t.find(asked); }).value();
    setting.append(approve(*entry, parse_address(kAgent).value(), 0, key(9)).value());
    CHECK(setting.said(10'000, "c2") != "paid");
    CHECK(setting.said(10'000, "") != "paid");
    CHECK(setting.said() == "paid");
    CHECK(setting.said() != "paid");
}

TEST_CASE("card: a checkpoint says what all entries say") {
    Setting setting;
    setting.append(setting.card(2'000, "$0.9"));
    const auto open = setting.decide(100).seq;
    // Enough entries for a checkpoint, of which each may pay.
    for (int i = 0; i < 1'100; ++i) CHECK(setting.said(100) == "paid");
    const auto before = setting.run(setting.spending->card("c1")).value();
    setting.start();
    const auto found =
        setting.ledger->transact_now([](ledger::Transaction& t) { return t.last_checkpoint(); })
            .value();
    REQUIRE(found.has_value());
    const auto after = setting.run(setting.spending->card("c1")).value();
    CHECK(after->used == before->used);
    CHECK(after->spent == before->spent);
    // One that was open at the checkpoint is still known.
    setting.append(ledger::Released{.decision = open, .why = "never_signed"});
    CHECK(setting.run(setting.spending->card("c1")).value()->used == before->used - 1);
}
