// SPDX-License-Identifier: Apache-2.0
// Thousands of seeded days on a chain where anything goes wrong: slow and silent nodes, answers
// lost before and after the deed, other processes with the same key, dropped transactions, outages,
// impatient and vanishing askers, rivals for one nonce. After each the books must balance.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "farthing/evm/transaction.hpp"
#include "farthing/settlement/settler.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using chain::Taken;
using testing::Crafted;
using testing::development_key;
using testing::Fault;
using testing::Op;
using testing::SeededRandom;
using testing::World;
using testing::WorldConfig;
using State = Outcome::State;

constexpr std::uint64_t kPayers = 4;

/// A payment of the day, and everything that was said of it.
struct Story {
    std::shared_ptr<const scheme::Opened> payment;
    std::vector<Outcome> answers;
    int asking = 0;

    [[nodiscard]] bool was_told(State state) const {
        return std::ranges::any_of(answers, [&](const auto& a) { return a.state == state; });
    }
};

std::chrono::milliseconds up_to(SeededRandom& random, std::chrono::milliseconds most) {
    return std::chrono::milliseconds(random.below(static_cast<std::uint64_t>(most.count()) + 1));
}

class Day {
  public:
    explicit Day(std::uint64_t seed) : dice_(seed), world_(config(seed)), askers_(world_.loop) {
        world_.chain.latency = up_to(dice_, 50ms);
        world_.chain.auto_mine = dice_.chance(40);
        world_.chain.receipts_lag = dice_.chance(30) ? up_to(dice_, 5s) : 0ms;
        block_time_ = 200ms + up_to(dice_, 3s);
        fault_percent_ = static_cast<unsigned>(dice_.below(35));
        for (std::uint64_t i = 0; i < kPayers; ++i) world_.funded(i);
        // One of them is nearly broke.
        world_.chain.evm.token.balances[address_of(development_key(0))] = U256(2'500);
        for (const auto& [account, balance] : world_.chain.evm.token.balances) {
            dollars_ = dollars_.checked_add(balance).value();
        }
        make_stories();
    }
    ~Day() { world_.stop(); }
    Day(const Day&) = delete;
    Day& operator=(const Day&) = delete;

    void live() {
        world_.chain.faults = [this](Op op) { return fault(op); };
        const auto end = world_.clock.steady_now() + 3min;
        auto next_block = world_.clock.steady_now();
        while (world_.clock.steady_now() < end) {
            world_.advance(50ms + up_to(dice_, 2s));
            if (world_.clock.steady_now() >= next_block) {
                world_.chain.mine();
                next_block = world_.clock.steady_now() + block_time_;
            }
            if (dice_.chance(40)) ask(stories_[dice_.below(stories_.size())]);
            disturb();
        }
    }

    /// Everything works again; every question that was left open is asked once more.
    void end() {
        world_.chain.faults = nullptr;
        world_.chain.base_fee = U256(1'000'000'000);
        world_.chain.reverts_at_mining = 0;
        world_.chain.auto_mine = true;
        askers_.cancel();
        for (int i = 0; i < 40; ++i) {
            world_.chain.mine();
            world_.advance(30s);
        }
        for (auto& story : stories_) {
            if (story->answers.empty() || story->was_told(State::settled)) continue;
            story->answers.push_back(world_.settle(story->payment));
        }
    }

    void check() const {
        U256 dollars;
        for (const auto& [account, balance] : world_.chain.evm.token.balances) {
            dollars = dollars.checked_add(balance).value();
        }
        CHECK(dollars == dollars_);
        CHECK(world_.settler.in_hand() == 0);
        CHECK(world_.lanes.in_flight() == 0);
        CHECK(world_.chain.pooled() == 0);
        for (std::size_t i = 0; i < stories_.size(); ++i) check(i);
        std::uint64_t nonce = 0;
        for (const auto& each : world_.chain.mined()) {
            CHECK(each.transaction.fields.nonce == nonce++);
        }
    }

    std::size_t settled = 0;
    std::size_t unknown = 0;

  private:
    static WorldConfig config(std::uint64_t seed) {
        WorldConfig out;
        out.seed = seed ^ 0x5eed;
        return out;
    }

    void make_stories() {
        const auto count = 3 + dice_.below(6);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto payer = dice_.below(kPayers);
            auto crafted = world_.craft(payer, U256(1 + dice_.below(1'000)));
            if (payer == 0)
                world_.chain.evm.token.balances[crafted.authorization.from] = U256(2'500);
            if (dice_.chance(20)) {
                crafted.authorization.valid_before =
                    U256(world_.clock.unix_seconds() + 10 + dice_.below(60));
            }
            add(crafted, payer);
            if (!dice_.chance(15)) continue;
            auto rival = crafted;
            rival.wanted.amount = U256(1 + dice_.below(1'000'000));
            rival.authorization.value = rival.wanted.amount;
            add(rival, payer);
        }
    }
    void add(Crafted crafted, std::uint64_t payer) {
        crafted.sign_with(development_key(payer));
        stories_.push_back(std::make_shared<Story>(Story{World::open(crafted), {}, 0}));
    }

    void ask(const std::shared_ptr<Story>& story) {
        const auto patience = 200ms + up_to(dice_, dice_.chance(50) ? 5s : 90s);
        askers_.spawn(listen(world_.settler, story, patience));
    }
    static Task<> listen(Settler& settler, std::shared_ptr<Story> story,
                         std::chrono::milliseconds patience) {
        auto outcome = co_await settler.settle(story->payment, patience);
        story->answers.push_back(std::move(outcome));
    }

    Fault fault(Op op) {
        if (world_.clock.steady_now() < outage_until_) return Fault::no_answer();
        if (!dice_.chance(fault_percent_)) return {};
        if (dice_.chance(40)) return Fault::slow(up_to(dice_, 12s));
        if (op != Op::send) return Fault::no_answer();
        switch (dice_.below(6)) {
            case 0:
                return Fault::no_answer();
            case 1:
                return Fault::says(Taken::unclear, "Internal error");
            case 2:
                return Fault::says_after(Taken::unclear, "Internal error");
            case 3:
                return Fault::says(Taken::busy, "txpool is full");
            case 4:
                return Fault::says(Taken::underpriced, "transaction underpriced");
            default:
                return Fault::no_answer_after();
        }
    }

    void disturb() {
        auto& chain = world_.chain;
        if (dice_.chance(2)) chain.drop_pool();
        if (dice_.chance(3)) chain.reverts_at_mining = 1;
        if (dice_.chance(3)) outage_until_ = world_.clock.steady_now() + up_to(dice_, 60s);
        if (dice_.chance(5)) chain.base_fee = U256(500'000'000 + dice_.below(5'000'000'000));
        if (dice_.chance(5)) foreign_transaction();
    }
    /// Another process with the same key: after everything, or in the place of what waits.
    void foreign_transaction() {
        auto nonce = world_.chain.nonce_of(world_.lanes.address());
        if (dice_.chance(50)) nonce += world_.chain.pooled();
        const Transaction fields{.chain_id = 84532,
                                 .nonce = nonce,
                                 .max_priority_fee_per_gas = U256(2'000'000),
                                 .max_fee_per_gas = U256(30'000'000'000),
                                 .gas_limit = 100'000,
                                 .to = Address{{7}},
                                 .value = {},
                                 .data = {}};
        world_.chain.inject(sign(fields, development_key(World::kGasKey)).raw);
    }

    void check(std::size_t index) const {
        const auto& story = *stories_[index];
        CAPTURE(index);
        const auto transfers = world_.transfers_of(*story.payment);
        CHECK(transfers <= 1);
        for (const auto& answer : story.answers) {
            if (answer.state != State::settled) continue;
            REQUIRE(answer.transaction);
            const auto* receipt = world_.chain.receipt_of(*answer.transaction);
            REQUIRE(receipt != nullptr);
            CHECK(receipt->success);
            CHECK(story.payment->proved_by(events(*receipt)));
        }
        // Somebody has heard of every transfer, and nobody of one that was not.
        CHECK(story.was_told(State::settled) == (transfers == 1 && !story.answers.empty()));
        if (transfers == 1) CHECK_FALSE(story.answers.empty());
    }
    static std::vector<scheme::LogEvent> events(const chain::Receipt& receipt) {
        std::vector<scheme::LogEvent> out;
        for (const auto& each : receipt.events) {
            out.push_back({each.address, each.topics, each.data});
        }
        return out;
    }

    SeededRandom dice_;
    World world_;
    TaskGroup askers_;
    std::vector<std::shared_ptr<Story>> stories_;
    U256 dollars_;
    unsigned fault_percent_ = 0;
    std::chrono::milliseconds block_time_{};
    SteadyTime outage_until_;

  public:
    void count() {
        for (const auto& story : stories_) {
            settled += story->was_told(State::settled) ? 1 : 0;
            unknown += story->was_told(State::unknown) ? 1 : 0;
        }
    }
};

}  // namespace

TEST_CASE("simulation: whatever goes wrong, every transfer is told and nothing else is") {
    constexpr std::uint64_t kDays = 1'000;
    std::size_t settled = 0;
    std::size_t unknown = 0;
    for (std::uint64_t seed = 1; seed <= kDays; ++seed) {
        CAPTURE(seed);
        Day day(seed);
        day.live();
        day.end();
        day.check();
        day.count();
        settled += day.settled;
        unknown += day.unknown;
    }
    // The days were neither all fair nor all foul.
    CHECK(settled > kDays);
    CHECK(unknown > kDays / 4);
}

}  // namespace farthing::settlement
