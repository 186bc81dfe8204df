// SPDX-License-Identifier: Apache-2.0
// No crowd of calls, over several processes, deaths and jumping clocks, spends beyond any limit:
// judged afterwards from nothing but the entries of the ledger.
#include <map>

#include "farthing/io/task_group.hpp"
#include "farthing/wallet/test_spending.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

constexpr std::string_view kLimits = R"({
    "other_vendors": "allow", "price_drift": {"history": 1000000}, "expires": "2099-01-01",
    "limit": [{"amount": "$0.03", "per": "1h"}, {"amount": "$0.05", "per": "day"},
              {"amount": "$0.12", "per": "week"},
              {"amount": "$0.035", "per": "day", "vendor": "each"}]})";
constexpr std::uint64_t kDay = 86'400;

struct Held {
    std::uint64_t time;  ///< seconds
    std::string vendor;
    std::uint64_t amount;
};

/// What the entries say at their end, each limit held at every decision on the way.
struct Audit {
    std::map<ledger::Seq, Held> held;
    int allowed = 0;

    std::uint64_t sum(auto&& counts) const {
        std::uint64_t out = 0;
        for (const auto& [seq, each] : held) out += counts(each) ? each.amount : 0;
        return out;
    }
    void check(const Held& now) const {
        // The first of January 1970 was a Thursday; weeks begin on Mondays.
        const auto week = [](std::uint64_t time) { return (time / kDay + 3) / 7; };
        CHECK(sum([&](const Held& each) { return each.time + 3'600 > now.time; }) <= 30'000);
        CHECK(sum([&](const Held& each) { return each.time / kDay == now.time / kDay; }) <= 50'000);
        CHECK(sum([&](const Held& each) { return week(each.time) == week(now.time); }) <= 120'000);
        CHECK(sum([&](const Held& each) {
                  return each.time / kDay == now.time / kDay && each.vendor == now.vendor;
              }) <= 35'000);
    }
    void read(const ledger::Entry& entry) {
        if (const auto* decision = std::get_if<ledger::Decision>(&entry.event)) {
            if (decision->verdict != ledger::Verdict::allow) return;
            const Held now{entry.time / 1'000, decision->vendor,
                           decision->amount.to_u64().value_or(0)};
            held.emplace(entry.seq, now);
            check(now);
            ++allowed;
        } else if (std::holds_alternative<ledger::Released>(entry.event)) {
            CHECK(held.erase(*ledger::decision_of(entry.event)) == 1);
        }
    }
};

struct Crowd : Setting {
    /// So many at once, some signed together with the decision.
    void storm(std::vector<Process>& processes, const Bytes32& dice, std::size_t calls) {
        const auto all = [&]() -> Task<bool> {
            TaskGroup group(loop);
            for (std::size_t i = 0; i < calls; ++i) {
                group.spawn(one(processes[dice.data[i] % processes.size()], dice.data[i + 8],
                                dice.data[i + 16]));
            }
            co_await group.join();
            co_return true;
        };
        CHECK(run(all()));
    }
    Task<> one(Process& process, std::uint8_t amount, std::uint8_t what) {
        Wish wish;
        wish.request = policy::testing::request((amount % 8 + 1U) * 2'500);
        if (what % 2 == 0) wish.request.url = "https://other.example/v1";
        Spending::Sign sign;
        if (what % 3 == 0) sign = [] { return signed_for(0); };
        const auto decided = co_await process.spending->decide(std::move(wish), std::move(sign));
        REQUIRE(decided.has_value());
        if (decided->decision.verdict == kAllow) open.push_back(decided->seq);
    }
    std::vector<ledger::Seq> open;
};

}  // namespace

TEST_CASE("spending: a crowd never goes beyond any of several limits") {
    int allowed = 0;
    testing::SeededRandom dice(11);
    for (int round = 0; round < 16; ++round) {
        Crowd world;
        testing::ManualClock behind(UnixTime{std::chrono::seconds{1'799'990'000}});
        std::vector<Process> processes;
        processes.push_back(world.start(kLimits));
        processes.push_back(world.start(kLimits, behind));
        for (int step = 0; step < 30; ++step) {
            const auto bytes = dice.bytes32();
            const auto what = bytes.data[31] % 8;
            if (what < 4) {
                world.storm(processes, bytes, bytes.data[30] % 7 + 2U);
            } else if (what == 4) {
                auto& other = bytes.data[0] % 2 == 0 ? behind : world.clock;
                processes[bytes.data[1] % 2] = world.start(kLimits, other);
            } else if (what == 5) {
                world.clock.advance(std::chrono::minutes(bytes.data[0]));
            } else if (what == 6) {
                behind.advance(std::chrono::hours(bytes.data[0] % 30));
            } else if (!world.open.empty()) {
                const auto seq = world.open.back();
                world.open.pop_back();
                const bool releases = bytes.data[0] % 2 == 0;
                ledger::Event end = settled_for(seq);
                if (releases) end = released_for(seq);
                REQUIRE(world.record(processes[bytes.data[1] % 2], std::move(end)).has_value());
            }
        }
        Audit audit;
        for (const auto& entry : world.entries(processes[0])) audit.read(entry);
        allowed += audit.allowed;
        const auto whole = processes[0].ledger->transact_now(
            [](ledger::Transaction& transaction) { return transaction.verify(); });
        CHECK(whole.has_value());
    }
    CHECK(allowed > 100);
}
