// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/day.hpp"

#include <doctest/doctest.h>

#include "farthing/evm/transaction.hpp"

namespace farthing::sim {
namespace {

using namespace std::chrono_literals;
using chain::Taken;
using testing::development_key;

constexpr std::uint64_t kPayers = 4;
constexpr std::uint64_t kFrontRunner = 900;
/// Whether the settler looks again at every receipt that it has seen, for a reorganisation may undo
/// a transfer, or do one that reverted before. It does so for what has settled; not for what
/// failed: on a day with reorganisations all the books must balance but what was told against what
/// moved.
constexpr bool kLooksAgain = false;
const U256 kGwei(1'000'000'000);
const U256 kPlenty(1'000'000'000'000'000'000);

U256 gwei(std::uint64_t count) { return kGwei.checked_mul(U256(count)).value_or(U256::max()); }

std::chrono::milliseconds up_to(SeededRandom& random, std::chrono::milliseconds most) {
    return std::chrono::milliseconds(random.below(static_cast<std::uint64_t>(most.count()) + 1));
}

std::vector<scheme::LogEvent> events(const chain::Receipt& receipt) {
    std::vector<scheme::LogEvent> out;
    out.reserve(receipt.events.size());
    for (const auto& each : receipt.events) {
        out.push_back({each.address, each.topics, each.data});
    }
    return out;
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
    payments += other.payments;
    settled += other.settled;
    unknown += other.unknown;
    deaths += other.deaths;
    reorganisations += other.reorganisations;
    batches += other.batches;
    told_in_vain += other.told_in_vain;
    simulated += other.simulated;
    return *this;
}

Weather::Weather(SeededRandom& dice)
    : faults_percent(static_cast<unsigned>(dice.below(35))),
      disk_faults_percent(dice.chance(30) ? static_cast<unsigned>(dice.below(15)) : 0),
      deaths_per_mille(dice.chance(60) ? static_cast<unsigned>(1 + dice.below(15)) : 0),
      reorganises(dice.chance(50)),
      spikes(dice.chance(40)),
      keys(1 + dice.below(3)),
      block_time(200ms + up_to(dice, 3s)) {}

Day::Day(std::uint64_t seed)
    : dice_(seed),
      fate_(seed ^ 0xdead),
      weather_(dice_),
      world_(seed ^ 0x5eed),
      table_(std::make_shared<store::MemoryTable>(world_.clock)),
      askers_(world_.loop) {
    world_.chain.latency = up_to(dice_, 50ms);
    world_.chain.auto_mine = dice_.chance(40);
    world_.chain.receipts_lag = dice_.chance(30) ? up_to(dice_, 5s) : 0ms;
    config_.lane.max_fee_per_gas = gwei(40);
    config_.queue.batch_wait = up_to(dice_, 500ms);
    config_.settler.known_tokens.insert(world_.chain.evm.token_address);
    config_.keys = weather_.keys;
    for (std::uint64_t i = 0; i < weather_.keys; ++i) {
        const auto key = development_key(ChainWorld::kGasKey + i);
        // One of several has next to nothing for gas.
        const bool poor = i > 0 && dice_.chance(20);
        world_.chain.set_wei(address_of(key), poor ? kGwei : kPlenty);
    }
    world_.chain.set_wei(address_of(development_key(kFrontRunner)), kPlenty);
    make_payers();
    make_stories();
}

void Day::make_payers() {
    for (std::uint64_t i = 0; i < kPayers; ++i) world_.funded(i);
    auto& balances = world_.chain.evm.token.balances;
    // One of them is nearly broke.
    balances[address_of(development_key(0))] = U256(2'500);
    for (const auto& [account, balance] : balances) {
        dollars_ = dollars_.checked_add(balance).value();
    }
}

void Day::make_stories() {
    // Now and then a rush, so that payments queue up and go together.
    const auto count = 3 + dice_.below(dice_.chance(20) ? 25 : 6);
    const auto broke = address_of(development_key(0));
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto payer = dice_.below(kPayers);
        auto crafted = world_.craft(payer, U256(1 + dice_.below(1'000)));
        world_.chain.evm.token.balances[broke] = U256(2'500);
        if (dice_.chance(20)) {
            crafted.authorization.valid_before =
                U256(world_.clock.unix_seconds() + 10 + dice_.below(60));
        }
        add_story(crafted, payer);
        if (!dice_.chance(15)) continue;
        auto rival = crafted;
        rival.wanted.amount = U256(1 + dice_.below(1'000'000));
        rival.authorization.value = rival.wanted.amount;
        add_story(rival, payer);
    }
}

void Day::add_story(Crafted crafted, std::uint64_t payer) {
    crafted.sign_with(development_key(payer));
    auto story = std::make_shared<Story>();
    story->payment = ChainWorld::open(crafted);
    story->record = std::to_string(stories_.size());
    stories_.push_back(std::move(story));
}

// ---- The process

bool Day::dies() {
    if (calm_ || fate_.below(1'000) >= weather_.deaths_per_mille) return false;
    ++tally_.deaths;
    born_at_ = world_.clock.steady_now() + up_to(fate_, 8s);
    return true;
}

void Day::be_born() {
    if (!nodes_.empty() && !nodes_.back()->life.is_over()) return;
    if (world_.clock.steady_now() < born_at_) return;
    const auto node =
        std::make_shared<MortalNode>(world_, table_, "node " + std::to_string(nodes_.size()),
                                     config_, [this] { return dies(); });
    node->intents.faults = [this] { return disk_fault(); };
    node->intents.delay = node->reservations.delay = [this] { return disk_delay(); };
    node->intents.told = [this](const scheme::PaymentKey& key, bool known) {
        if (known) {
            told_in_vain_.erase(key);
        } else {
            told_in_vain_.insert(key);
        }
    };
    nodes_.push_back(node);
    for (const auto& story : stories_) story->asking = 0;
    settlement::Settler::Reopen reopen =
        [this](const std::string& record) -> Result<std::shared_ptr<const scheme::Opened>> {
        return stories_.at(std::stoul(record))->payment;
    };
    world_.running.spawn(node->rise(std::move(reopen)));
}

void Day::ask(const StoryPtr& story) {
    if (nodes_.empty() || !nodes_.back()->serves()) return;
    story->asked = true;
    story->said_no = false;
    ++story->asking;
    const auto patience = 200ms + up_to(dice_, dice_.chance(50) ? 5s : 90s);
    askers_.spawn(listen(nodes_.back(), story, patience));
}

Task<> Day::listen(std::shared_ptr<MortalNode> node, StoryPtr story,
                   std::chrono::milliseconds patience) {
    std::string nobody;
    auto outcome = co_await node->settler.settle(story->payment, patience, nobody, story->record);
    if (node->life.is_over()) co_return;  // its last words: whoever asked knows nothing
    --story->asking;
    story->said_no = outcome.state == State::failed && story->asking == 0;
    check_proof(*story, outcome);
    story->answers.push_back(std::move(outcome));
}

// ---- What goes wrong

Fault Day::fault(Op op) {
    if (world_.clock.steady_now() < outage_until_) return Fault::no_answer();
    if (!dice_.chance(weather_.faults_percent)) return {};
    if (dice_.chance(40)) return Fault::slow(up_to(dice_, 12s));
    if ((op == Op::receipts || op == Op::blocks) && dice_.chance(50)) return Fault::hidden();
    return op == Op::send ? send_fault() : Fault::no_answer();
}

Fault Day::send_fault() {
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

StoreFault Day::disk_fault() {
    if (calm_ || !fate_.chance(weather_.disk_faults_percent)) return StoreFault::none;
    return fate_.chance(50) ? StoreFault::not_written : StoreFault::written;
}

std::chrono::milliseconds Day::disk_delay() {
    if (calm_ || !fate_.chance(weather_.disk_faults_percent)) return 0ms;
    return up_to(fate_, 10s);
}

void Day::disturb() {
    auto& chain = world_.chain;
    if (dice_.chance(2)) chain.drop_pool();
    if (dice_.chance(3)) chain.reverts_at_mining = 1;
    if (dice_.chance(3)) outage_until_ = world_.clock.steady_now() + up_to(dice_, 60s);
    if (world_.clock.steady_now() >= spike_until_ && dice_.chance(5)) {
        chain.base_fee = U256(500'000'000 + dice_.below(5'000'000'000));
    }
    if (weather_.spikes && dice_.chance(4)) {
        // Below the ceiling of 40, at it, and beyond: then everything waits.
        chain.base_fee = gwei(10 + dice_.below(80));
        spike_until_ = world_.clock.steady_now() + up_to(dice_, 60s);
    }
    if (dice_.chance(5)) foreign_transaction();
    if (dice_.chance(2)) front_run();
    if (weather_.reorganises && dice_.chance(4)) {
        const auto depth = std::min<std::size_t>(1 + dice_.below(4), chain.height() - 1);
        chain.reorganise(depth, dice_.chance(70) ? testing::Fate::pooled : testing::Fate::dropped);
        ++tally_.reorganisations;
    }
}

/// Another process with one of our keys: after everything, or in the place of what waits.
void Day::foreign_transaction() {
    const auto key = development_key(ChainWorld::kGasKey + dice_.below(weather_.keys));
    const auto sender = address_of(key);
    const auto nonce =
        dice_.chance(50) ? world_.chain.next_nonce_of(sender) : world_.chain.nonce_of(sender);
    const Transaction fields{.chain_id = 84532,
                             .nonce = nonce,
                             .max_priority_fee_per_gas = U256(2'000'000),
                             .max_fee_per_gas = gwei(30),
                             .gas_limit = 100'000,
                             .to = Address{{7}},
                             .value = {},
                             .data = {}};
    world_.chain.inject(sign(fields, key).raw);
}

/// Somebody who has seen a payment sends it himself.
void Day::front_run() {
    auto& story = *stories_[dice_.below(stories_.size())];
    const auto key = development_key(kFrontRunner);
    const auto call = story.payment->transfer();
    const Transaction fields{.chain_id = 84532,
                             .nonce = world_.chain.next_nonce_of(address_of(key)),
                             .max_priority_fee_per_gas = U256(2'000'000),
                             .max_fee_per_gas = gwei(100),
                             .gas_limit = 100'000,
                             .to = call.to,
                             .value = {},
                             .data = call.data};
    world_.chain.inject(sign(fields, key).raw);
    story.front_run = true;
}

// ---- The day

void Day::live() {
    world_.chain.faults = [this](Op op) { return fault(op); };
    const auto begin = world_.clock.steady_now();
    auto next_block = begin;
    while (world_.clock.steady_now() < begin + 3min) {
        be_born();
        world_.advance(50ms + up_to(dice_, 2s));
        if (world_.clock.steady_now() >= next_block) {
            world_.chain.mine();
            next_block = world_.clock.steady_now() + weather_.block_time;
        }
        if (dice_.chance(40)) ask(stories_[dice_.below(stories_.size())]);
        if (stories_.size() > 10 && dice_.chance(5)) {
            for (const auto& story : stories_) ask(story);
        }
        disturb();
        check_now();
    }
    tally_.simulated +=
        std::chrono::duration_cast<std::chrono::seconds>(world_.clock.steady_now() - begin);
}

void Day::settle_down(int half_minutes) {
    for (int i = 0; i < half_minutes; ++i) {
        world_.chain.mine();
        world_.advance(30s);
        check_now();
    }
}

void Day::end() {
    const auto begin = world_.clock.steady_now();
    calm_ = true;
    born_at_ = {};
    world_.chain.faults = nullptr;
    world_.chain.base_fee = kGwei;
    world_.chain.reverts_at_mining = 0;
    world_.chain.auto_mine = true;
    askers_.cancel();
    be_born();
    settle_down(30);
    // A failure that could not be written down is found again by the process after.
    nodes_.back()->life.end();
    be_born();
    settle_down(10);
    REQUIRE(nodes_.back()->serves());
    for (const auto& story : stories_) check_refusal(*story);
    for (auto& story : stories_) {
        if (!story->asked || story->was_told(State::settled)) continue;
        auto outcome =
            world_.run(nodes_.back()->settler.settle(story->payment, 60s, {}, story->record));
        check_proof(*story, outcome);
        story->answers.push_back(std::move(outcome));
    }
    tally_.simulated +=
        std::chrono::duration_cast<std::chrono::seconds>(world_.clock.steady_now() - begin);
    count();
}

void Day::count() {
    for (const auto& story : stories_) {
        tally_.settled += story->was_told(State::settled) ? 1 : 0;
        tally_.unknown += story->was_told(State::unknown) ? 1 : 0;
    }
    tally_.payments = stories_.size();
    tally_.told_in_vain = told_in_vain_.size();
    for (const auto& each : world_.chain.mined()) {
        tally_.batches += each.receipt.events.size() > 2 ? 1 : 0;
    }
}

// ---- The books

void Day::check_now() {
    check_money();
    check_uses();
}

void Day::check_money() const {
    U256 dollars;
    for (const auto& [account, balance] : world_.chain.evm.token.balances) {
        dollars = dollars.checked_add(balance).value();
    }
    CHECK(dollars == dollars_);
}

/// An authorisation is used at most once, and its money moves in the same transaction.
void Day::check_uses() {
    const auto& mined = world_.chain.mined();
    if (mined.size() == mined_seen_ && !weather_.reorganises) return;
    mined_seen_ = mined.size();
    std::set<std::vector<Bytes32>> uses;
    std::size_t used = 0;
    std::size_t moved = 0;
    for (const auto& each : mined) {
        for (const auto& event : each.receipt.events) {
            const bool transfer = event.topics.size() == 3 && !event.data.empty();
            moved += transfer ? 1 : 0;
            if (transfer) continue;
            ++used;
            uses.insert(event.topics);
        }
    }
    CHECK(uses.size() == used);
    CHECK(moved == used);
}

bool Day::may_be_undone() const { return !kLooksAgain && tally_.reorganisations > 0; }

/// Who hears of a success can look it up at that moment.
void Day::check_proof(const Story& story, const settlement::Outcome& answer) const {
    if (answer.state != State::settled) return;
    REQUIRE(answer.transaction);
    const auto* receipt = world_.chain.receipt_of(*answer.transaction);
    const auto proved = receipt != nullptr && story.payment->proved_by(events(*receipt));
    if (!proved && may_be_undone()) return;
    REQUIRE(receipt != nullptr);
    CHECK(receipt->success);
    CHECK(proved);
}

/// Who hears that a payment has failed makes another one: this one must never move.
void Day::check_refusal(const Story& story) const {
    CAPTURE(story.record);
    const bool is_known = story.was_told(State::settled) || story.front_run || may_be_undone() ||
                          told_in_vain_.contains(story.payment->key());
    if (story.said_no && !is_known) CHECK(world_.transfers_of(*story.payment) == 0);
}

void Day::check_story(const Story& story) const {
    CAPTURE(story.record);
    const auto transfers = world_.transfers_of(*story.payment);
    CHECK(transfers <= 1);
    for (const auto& answer : story.answers) check_proof(story, answer);
    if (story.was_told(State::settled) && !may_be_undone()) CHECK(transfers == 1);
    // Somebody hears of every transfer, unless another one made it, or the process died (or its
    // disk failed) after it had written down that this one hears of it.
    if (transfers == 0 || story.front_run || may_be_undone()) return;
    CHECK(story.asked);
    if (!told_in_vain_.contains(story.payment->key())) CHECK(story.was_told(State::settled));
}

void Day::check_nonces() const {
    std::map<Address, std::uint64_t> next;
    for (const auto& each : world_.chain.mined()) {
        CHECK(each.transaction.fields.nonce == next[each.transaction.sender]++);
    }
}

void Day::check() {
    const auto& node = *nodes_.back();
    CHECK(node.settler.in_hand() == 0);
    CHECK(node.lanes.in_flight() == 0);
    for (const auto& [key, intent] : table_->intents) {
        CHECK(intent.state != store::Intent::State::open);
    }
    for (const auto& story : stories_) check_story(*story);
    check_nonces();
}

}  // namespace farthing::sim
