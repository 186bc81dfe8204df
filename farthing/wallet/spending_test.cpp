// SPDX-License-Identifier: Apache-2.0
// Spending is exact: over one ledger with several processes, over crashes, and whatever the clock
// says.
#include "farthing/wallet/spending.hpp"

#include <fmt/format.h>

#include "farthing/io/task_group.hpp"
#include "farthing/wallet/approval.hpp"
#include "farthing/wallet/questions.hpp"
#include "farthing/wallet/reconcile.hpp"
#include "farthing/wallet/test_spending.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;
using policy::testing::kAgent;
using policy::testing::request;
using policy::testing::rules;

TEST_CASE("spending: an allow is written with the pact and the pin, a refusal with its reason") {
    Setting world;
    auto one = world.start();
    Wish wish;
    wish.reason = "for the mail";
    const auto first = world.decide(one, 40'000, wish);
    REQUIRE(first.has_value());
    CHECK(first->decision.verdict == kAllow);
    CHECK(world.kinds(one) == "pact decision pin alert alert");
    CHECK(world.verdict(one, 20'000) == kRefuse);
    const auto all = world.entries(one);
    CHECK(std::get<ledger::PactChange>(all[0].event).pact == rules(kFiveCents).hash());
    const auto& paid = std::get<ledger::Decision>(all[1].event);
    CHECK(paid.vendor == "api.example.com");
    CHECK(paid.payer == kAgent);
    CHECK(paid.reason == "for the mail");
    CHECK(paid.value == U256(40'000'000'000'000'000));
    CHECK(std::get<ledger::Pin>(all[2].event).before.empty());
    CHECK(std::get<ledger::Alert>(all[3].event).name == "threshold");
    CHECK(std::get<ledger::Alert>(all[4].event).name == "new_vendor");
    const auto& refused = std::get<ledger::Decision>(all[5].event);
    CHECK(refused.condition == "day");
    CHECK(refused.why.starts_with("Refused by the pact (day): $0.01 of $0.05 left today"));
    CHECK(refused.amount == U256(20'000));
}

TEST_CASE("spending: many at once in several processes get what there is, exactly") {
    Setting world;
    std::vector<Process> processes;
    for (int i = 0; i < 4; ++i) processes.push_back(world.start());
    int allowed = 0, refused = 0, failed = 0;
    const auto one = [&](Process& process) -> Task<> {
        Wish wish;
        wish.request = request(5'000);
        const auto decided = co_await process.spending->decide(std::move(wish));
        if (!decided) {
            ++failed;
        } else {
            ++(decided->decision.verdict == kAllow ? allowed : refused);
        }
    };
    const auto all = [&]() -> Task<bool> {
        TaskGroup group(world.loop);
        for (int i = 0; i < 100; ++i) group.spawn(one(processes[static_cast<std::size_t>(i) % 4]));
        co_await group.join();
        co_return true;
    };
    CHECK(world.run(all()));
    CHECK(allowed == 10);
    CHECK(refused == 90);
    CHECK(failed == 0);
    for (auto& each : processes) CHECK(world.used(each) == "$0.05");
}

TEST_CASE("spending: a process that ends after any step forgets nothing") {
    Setting world;
    ledger::Seq seq = 0;
    {
        auto one = world.start();
        seq = world.decide(one, 50'000)->seq;
    }
    {
        auto one = world.start();
        CHECK(world.verdict(one) == kRefuse);
        REQUIRE(world.record(one, signed_for(seq)));
    }
    {
        auto one = world.start();
        CHECK(world.verdict(one) == kRefuse);
        // Without a chain nothing is known of it, however long it takes.
        world.clock.advance(std::chrono::hours(1));
        const auto open = world.run(reconcile(*one.ledger, world.now(), nullptr));
        REQUIRE(open.has_value());
        CHECK(open->open == 1);
        CHECK(world.verdict(one) == kRefuse);
        REQUIRE(world.record(one, settled_for(seq)));
    }
    auto one = world.start();
    CHECK(world.verdict(one) == kRefuse);
    CHECK(world.used(one) == "$0.05");
    CHECK(!world.record(one, released_for(seq)));
}

TEST_CASE("spending: never signed and long gone is released, and cannot be signed afterwards") {
    Setting world;
    auto one = world.start();
    auto two = world.start();
    const auto seq = world.decide(one, 50'000)->seq;
    CHECK(world.run(reconcile(*two.ledger, world.now() + 599, nullptr))->open == 1);
    CHECK(world.verdict(two) == kRefuse);
    CHECK(world.run(reconcile(*two.ledger, world.now() + 600, nullptr))->released == 1);
    CHECK(world.verdict(two, 50'000) == kAllow);
    const auto late = world.record(one, signed_for(seq));
    REQUIRE(!late);
    CHECK(late.error().code == Errc::invalid_argument);
}

TEST_CASE("spending: what the chain proves after a release counts again") {
    Setting world;
    auto one = world.start();
    const auto seq = world.decide(one, 50'000)->seq;
    REQUIRE(world.record(one, released_for(seq)));
    CHECK(world.used(one) == "$0");
    REQUIRE(world.record(one, settled_for(seq)));
    CHECK(world.used(one) == "$0.05");
    CHECK(world.verdict(one) == kRefuse);
    auto fresh = world.start();
    CHECK(world.used(fresh) == "$0.05");
}

TEST_CASE("spending: a clock that jumps back opens no window twice") {
    constexpr std::string_view hourly =
        R"({"other_vendors": "allow", "limit": [{"amount": "$0.05", "per": "1h"}]})";
    Setting world;
    testing::ManualClock behind(UnixTime{std::chrono::seconds{1'799'990'000}});
    auto late = world.start(hourly);
    auto early = world.start(hourly, behind);
    CHECK(world.verdict(late, 50'000) == kAllow);
    CHECK(world.verdict(early) == kRefuse);
    world.clock.advance(std::chrono::seconds(3'599));
    CHECK(world.verdict(late) == kRefuse);
    world.clock.advance(std::chrono::seconds(1));
    CHECK(world.verdict(late, 50'000) == kAllow);
    CHECK(world.verdict(early) == kRefuse);
}

TEST_CASE("spending: what the ledger does not take is not reserved, and hurts nobody") {
    Setting world;
    auto one = world.start();
    Wish wish;
    wish.reason = std::string(ledger::kTextMax + 1, 'x');
    const auto decided = world.decide(one, 50'000, wish);
    REQUIRE(!decided);
    CHECK(decided.error().code == Errc::too_large);
    CHECK(world.used(one) == "$0");
    CHECK(world.verdict(one, 50'000) == kAllow);
    CHECK(world.verdict(one) == kRefuse);
}

TEST_CASE("spending: a revoked pact pays nothing, in every process") {
    Setting world;
    auto one = world.start();
    auto two = world.start();
    CHECK(world.verdict(one) == kAllow);
    ledger::PactChange change;
    change.change = ledger::Change::revoked;
    change.pact = rules(kFiveCents).hash();
    REQUIRE(world.record(two, change));
    CHECK(world.decide(one)->decision.condition == "revoked");
    auto fresh = world.start();
    CHECK(world.decide(fresh)->decision.condition == "revoked");
    // Another pact is another matter, and what was spent under the first one counts.
    auto other =
        world.start(R"({"other_vendors": "allow", "limit": [{"amount": "$0.04", "per": "day"}]})");
    CHECK(world.used(other) == "$0.01");
    CHECK(world.verdict(other, 30'000) == kAllow);
}

TEST_CASE("spending: signed together with the decision, and only what is allowed") {
    Setting world;
    auto one = world.start();
    int seals = 0;
    const auto decide = [&](std::uint64_t amount) {
        Wish wish;
        wish.request = request(amount);
        return world.run(one.spending->decide(std::move(wish), [&] {
            ++seals;
            return signed_for(0);
        }));
    };
    const auto paid = decide(40'000);
    REQUIRE(paid.has_value());
    CHECK(seals == 1);
    const auto about = world.entries(one, {.kind = "signed"});
    REQUIRE(about.size() == 1);
    CHECK(ledger::decision_of(about[0].event) == paid->seq);
    CHECK(world.kinds(one).ends_with(" signed"));
    CHECK(world.used(one) == "$0.04");
    CHECK(decide(20'000)->decision.verdict == kRefuse);
    CHECK(seals == 1);
    // Nothing of a decision whose signature the ledger does not take.
    const auto before = world.kinds(one);
    Wish wish;
    wish.request = request(1'000);
    const auto failed = world.run(one.spending->decide(std::move(wish), [] {
        auto late = signed_for(0);
        late.valid_before = std::numeric_limits<std::uint64_t>::max();
        return late;
    }));
    REQUIRE(!failed);
    CHECK(world.kinds(one) == before);
    CHECK(world.used(one) == "$0.04");
}

TEST_CASE("spending: opened from a checkpoint it counts the same") {
    constexpr std::string_view many =
        R"({"other_vendors": "allow", "limit": [{"amount": "$9", "per": "day"}]})";
    Setting world;
    {
        auto one = world.start(many);
        const auto all = [&]() -> Task<bool> {
            TaskGroup group(world.loop);
            for (int i = 0; i < 1'100; ++i) {
                const auto pay = [&]() -> Task<> {
                    Wish wish;
                    wish.request = request(1'000);
                    const auto decided = co_await one.spending->decide(std::move(wish));
                    CHECK(decided.has_value());
                };
                group.spawn(pay());
            }
            co_await group.join();
            co_return true;
        };
        CHECK(world.run(all()));
        const auto checkpoint = one.ledger->transact_now(
            [](ledger::Transaction& transaction) { return transaction.last_checkpoint(); });
        REQUIRE(checkpoint.has_value());
        CHECK(checkpoint->has_value());
    }
    auto again = world.start(many);
    CHECK(world.used(again) == "$1.1");
    // One that counts something else reads everything.
    auto other =
        world.start(R"({"other_vendors": "allow", "limit": [{"amount": "$9", "per": "week"}]})");
    CHECK(world.used(other) == "$1.1");
}

namespace {

/// New vendors are asked about.
constexpr std::string_view kAsking = R"({"limit": [{"amount": "$1", "per": "day"}]})";

struct Asked : Setting {
    Process one = start(kAsking);
    ledger::Seq seq = decide(one)->seq;

    ledger::Entry entry(ledger::Seq which) {
        return one.ledger
            ->transact_now(
                [&](ledger::Transaction& transaction) { return transaction.find(which); })
            .value()
            .value();
    }
    ledger::Approval approval(std::uint8_t by = 9, std::uint64_t seconds = 60) {
        return approve(entry(seq), parse_address(kAgent).value(), (now() + seconds) * 1'000,
                       key(by))
            .value();
    }
};

}  // namespace

TEST_CASE("approvals: lets one payment through, and no copy of it another one") {
    Asked world;
    auto& one = world.one;
    CHECK(world.verdict(one) == kAsk);
    const auto yes = world.approval();
    REQUIRE(world.record(one, yes));
    const auto paid = world.decide(one);
    REQUIRE(paid.has_value());
    CHECK(paid->decision.verdict == kAllow);
    CHECK(std::get<ledger::Decision>(world.entry(paid->seq).event).approval.has_value());
    // The vendor is known now: only a dearer call is asked about. Make it unknown again.
    REQUIRE(world.record(one, released_for(paid->seq)));
    CHECK(world.verdict(one) == kAsk);
    REQUIRE(world.record(one, yes));
    CHECK(world.verdict(one) == kAsk);
}

TEST_CASE(
    "approvals: of somebody else, altered, expired, denied or too small lets nothing through") {
    SUBCASE("somebody else's key") {
        Asked world;
        REQUIRE(world.record(world.one, world.approval(8)));
        CHECK(world.verdict(world.one) == kAsk);
    }
    SUBCASE("no signature") {
        Asked world;
        auto yes = world.approval();
        yes.signature.reset();
        REQUIRE(world.record(world.one, yes));
        CHECK(world.verdict(world.one) == kAsk);
    }
    SUBCASE("made to last longer") {
        Asked world;
        auto yes = world.approval();
        yes.expires += 1;
        REQUIRE(world.record(world.one, yes));
        CHECK(world.verdict(world.one) == kAsk);
    }
    SUBCASE("put on another decision") {
        Asked world;
        const auto dearer = world.decide(world.one, 20'000)->seq;
        auto yes = world.approval();
        yes.decision = dearer;
        REQUIRE(world.record(world.one, yes));
        CHECK(world.verdict(world.one, 20'000) == kAsk);
    }
    SUBCASE("expired") {
        Asked world;
        REQUIRE(world.record(world.one, world.approval()));
        world.clock.advance(std::chrono::seconds(60));
        CHECK(world.verdict(world.one) == kAsk);
    }
    SUBCASE("denied afterwards") {
        Asked world;
        REQUIRE(world.record(world.one, world.approval()));
        ledger::Approval no;
        no.decision = world.seq;
        REQUIRE(world.record(world.one, no));
        CHECK(world.verdict(world.one) == kAsk);
    }
    SUBCASE("for less") {
        Asked world;
        REQUIRE(world.record(world.one, world.approval()));
        CHECK(world.verdict(world.one, 10'001) == kAsk);
    }
}

TEST_CASE("questions: the same one is asked once, and a denial stands") {
    Asked world;
    auto& one = world.one;
    const auto again = [&](Wish wish = {}) {
        return world.decide(one, 10'000, std::move(wish)).value().seq;
    };
    const auto entries = world.kinds(one);
    CHECK(again() == world.seq);
    CHECK(world.kinds(one) == entries);
    // A program that was started again, or another process, has read it too.
    auto other = world.start(kAsking);
    CHECK(world.decide(other)->seq == world.seq);
    CHECK(again({.agent = "another"}) != world.seq);
    CHECK(again({.reason = "urgent"}) == world.seq);
    CHECK(world.decide(one, 10'001)->seq != world.seq);
    ledger::Approval no;
    no.decision = world.seq;
    REQUIRE(world.record(one, no));
    CHECK(again() == world.seq);
    world.clock.advance(std::chrono::hours(24));
    CHECK(again() != world.seq);
}

TEST_CASE("questions: all reasons are said to whoever is asked") {
    Setting world;
    auto one = world.start(R"({"ask_above": "$0.005"})");
    const auto decided = world.decide(one);
    REQUIRE(decided->decision.verdict == kAsk);
    REQUIRE(decided->decision.findings.size() > 1);
    const auto alerts = world.entries(one, {.kind = "alert"});
    REQUIRE(!alerts.empty());
    const auto& told = std::get<ledger::Alert>(alerts.front().event);
    CHECK(told.name == "approval_wanted");
    for (const auto& each : decided->decision.findings) {
        CHECK(decided->decision.text.contains(each.reason));
        CHECK(told.text.contains(each.reason));
    }
    // The same question again is told no second time; another one is, also at once.
    REQUIRE(world.decide(one).has_value());
    CHECK(world.entries(one, {.kind = "alert"}).size() == alerts.size());
    REQUIRE(world.decide(one, 10'000, {.agent = "another"}).has_value());
    CHECK(world.entries(one, {.kind = "alert"}).size() == alerts.size() + 1);
}

TEST_CASE("questions: a checkpoint and a restart forget none that stands") {
    constexpr std::string_view some = R"({"vendor": [{"host": "api.example.com"}],
        "limit": [{"amount": "$9", "per": "day"}], "ask_above": "$0.005"})";
    Setting world;
    ledger::Seq seq = 0;
    {
        auto one = world.start(some);
        seq = world.decide(one, 10'000)->seq;
        const auto all = [&]() -> Task<bool> {
            for (int i = 0; i < 1'100; ++i) {
                Wish wish;
                wish.request = request(1'000);
                const auto decided = co_await one.spending->decide(std::move(wish));
                CHECK(decided->decision.verdict == kAllow);
            }
            co_return true;
        };
        CHECK(world.run(all()));
    }
    auto again = world.start(some);
    CHECK(world.decide(again, 10'000)->seq == seq);
}

TEST_CASE("questions: a program has so many at a time") {
    Asked world;
    const auto ask = [&](std::size_t i, std::string agent) {
        Wish wish;
        wish.agent = std::move(agent);
        return world.decide(world.one, 10'000 + i, std::move(wish)).value();
    };
    std::vector<ledger::Seq> asked;
    for (std::size_t i = 0; i < Questions::kWaitingMax; ++i) {
        const auto decided = ask(i, "writer");
        REQUIRE(decided.decision.verdict == kAsk);
        asked.push_back(decided.seq);
    }
    const auto refused = ask(99, "writer");
    CHECK(refused.decision.verdict == kRefuse);
    CHECK(refused.decision.code == "too_many_questions");
    CHECK(std::get<ledger::Decision>(world.entry(refused.seq).event).verdict ==
          ledger::Verdict::refuse);
    CHECK(ask(99, "reader").decision.verdict == kAsk);
    // A question that stands is not one more, and an answer makes room.
    CHECK(ask(3, "writer").seq == asked[3]);
    ledger::Approval no;
    no.decision = asked[0];
    REQUIRE(world.record(world.one, no));
    CHECK(ask(99, "writer").decision.verdict == kAsk);
}

TEST_CASE("spending: no order of payments, ends, clocks and processes goes beyond the limit") {
    constexpr std::uint64_t limit = 50'000;
    constexpr std::string_view pact =
        R"({"other_vendors": "allow", "price_drift": {"history": 1000000},
            "limit": [{"amount": "$0.05", "per": "day"}]})";
    testing::SeededRandom dice(7);
    int allowed = 0, refused = 0;
    for (int round = 0; round < 12; ++round) {
        Setting world;
        testing::ManualClock behind(UnixTime{std::chrono::seconds{1'799'999'000}});
        std::vector<Process> processes;
        processes.push_back(world.start(pact));
        processes.push_back(world.start(pact, behind));
        std::vector<std::pair<ledger::Seq, std::uint64_t>> open;
        std::uint64_t held = 0;  // of the day: no clock leaves it
        for (int step = 0; step < 40; ++step) {
            const auto bytes = dice.bytes32();
            auto& process = processes[bytes.data[0] % 2];
            const auto what = bytes.data[1] % 8;
            if (what < 5) {
                const std::uint64_t amount = (bytes.data[2] % 8 + 1U) * 2'500;
                const auto decided = world.decide(process, amount);
                REQUIRE(decided.has_value());
                const bool fits = held + amount <= limit;
                CHECK((decided->decision.verdict == kAllow) == fits);
                ++(fits ? allowed : refused);
                if (!fits) continue;
                held += amount;
                open.emplace_back(decided->seq, amount);
            } else if (what == 5) {
                // Killed, and started again.
                process = world.start(pact, bytes.data[0] % 2 == 0 ? world.clock : behind);
            } else if (!open.empty()) {
                const auto [seq, amount] = open.back();
                open.pop_back();
                const bool releases = what == 6;
                const auto noted = releases ? world.record(process, released_for(seq))
                                            : world.record(process, settled_for(seq));
                REQUIRE(noted.has_value());
                if (releases) held -= amount;
            }
        }
    }
    CHECK(allowed > 50);
    CHECK(refused > 50);
}
