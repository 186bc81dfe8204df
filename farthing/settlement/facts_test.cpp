// SPDX-License-Identifier: Apache-2.0
// Verification from what is known of the chain: when it is not asked, when it has to be, and what a
// payer's balance covers.
#include "farthing/settlement/facts.hpp"

#include <doctest/doctest.h>

#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using testing::ChainWorld;
using testing::Crafted;
using testing::development_key;
using testing::Fault;
using testing::Op;

constexpr std::uint64_t kElse = 90;  ///< index of somebody who sends transactions of their own

struct FactsWorld : ChainWorld {
    explicit FactsWorld(FactsConfig config = {}, bool trusted = true)
        : examiner(env, loop, chain, address_of(development_key(kGasKey)),
                   {.eip6492_factories = {}, .signers = signers}, config) {
        chain.set_wei(address_of(development_key(kElse)), U256(1'000'000'000'000'000'000));
        if (trusted) {
            examiner.trust(chain.evm.token_address, eip712::domain_separator(chain.evm.domain()));
        }
        running.spawn(examiner.run());
    }
    ~FactsWorld() { stop(); }

    std::shared_ptr<scheme::Signers> signers = std::make_shared<scheme::Signers>();
    Examiner examiner;

    std::string verify(const std::shared_ptr<const scheme::Opened>& payment) {
        return said(run(examiner.examine(payment)));
    }
    static std::string said(const Result<>& verdict) {
        return verdict ? "good" : std::string(wire_code(verdict.error().code));
    }
    /// The follower looks, for which somebody must have verified something.
    void follow() {
        verify(payment(50, U256(1)));
        advance(600ms);
    }
    /// Requests to verify one thing, other than the looks of the follower.
    std::size_t reads_for(const std::shared_ptr<const scheme::Opened>& payment,
                          const std::string& expected = "good") {
        const auto before = asked_in_all();
        CHECK(verify(payment) == expected);
        return asked_in_all() - before;
    }
    [[nodiscard]] std::size_t asked_in_all() const {
        std::size_t sum = 0;
        for (std::size_t op = 0; op < static_cast<std::size_t>(Op::count_); ++op) {
            sum += chain.asked(static_cast<Op>(op));
        }
        return sum;
    }
    /// Somebody else executes an authorisation of this payer.
    void spend_elsewhere(std::uint64_t payer, const U256& amount) {
        auto crafted = craft_kept(payer, amount);
        spend(*open(crafted.sign_with(development_key(payer))));
    }
    void spend(const scheme::Opened& payment) {
        auto call = payment.transfer();
        const Transaction fields{.chain_id = 84532,
                                 .nonce = chain.nonce_of(address_of(development_key(kElse))),
                                 .max_priority_fee_per_gas = U256(2'000'000),
                                 .max_fee_per_gas = U256(30'000'000'000),
                                 .gas_limit = 100'000,
                                 .to = call.to,
                                 .value = {},
                                 .data = std::move(call.data)};
        chain.inject(sign(fields, development_key(kElse)).raw);
        REQUIRE(chain.mined().back().receipt.success);
    }
    /// Without giving the payer dollars.
    Crafted craft_kept(std::uint64_t payer, const U256& amount) {
        return Crafted::from(address_of(development_key(payer)), clock.unix_seconds(),
                             random.bytes32(), testing::usdc_requirements(amount));
    }
    std::shared_ptr<const scheme::Opened> kept(std::uint64_t payer, const U256& amount) {
        return open(craft_kept(payer, amount).sign_with(development_key(payer)));
    }
    void set_balance(std::uint64_t payer, const U256& amount) {
        chain.evm.token.balances[address_of(development_key(payer))] = amount;
    }
};

}  // namespace

TEST_CASE("facts: one signature is recovered once from the first look to the settlement") {
    FactsWorld world;
    world.follow();
    const auto before = world.signers->recoveries();
    const auto payment = world.payment(0);
    CHECK(world.verify(payment) == "good");
    CHECK(world.verify(payment) == "good");
    CHECK(world.run(world.examiner.judge_now(payment)).has_value());
    CHECK(world.signers->recoveries() == before + 1);
    CHECK(world.verify(world.payment(0)) == "good");
    CHECK(world.signers->recoveries() == before + 2);
}

TEST_CASE("facts: a payer that is known costs no question") {
    FactsWorld world;
    world.follow();
    const auto payment = world.payment(0);
    CHECK(world.reads_for(payment) == 1);  // all in one exchange
    CHECK(world.reads_for(payment) == 0);
    world.advance(5s);
    CHECK(world.reads_for(payment) == 0);
    // A nonce that is new could have been used before we looked: one question, no simulation.
    const auto second = world.payment(0);
    CHECK(world.reads_for(second) == 1);
    CHECK(world.reads_for(second) == 0);
    // Unless the authorisation did not hold then.
    auto late = world.craft(0);
    world.advance(2s);
    late.authorization.valid_after = U256(world.clock.unix_seconds() - 1);
    const auto third = FactsWorld::open(late.sign_with(development_key(0)));
    CHECK(world.reads_for(third) == 0);
}

TEST_CASE("facts: what was judged is judged again each time") {
    FactsWorld world;
    world.follow();
    auto crafted = world.craft(0);
    const auto payment = FactsWorld::open(crafted.sign_with(development_key(0)));
    CHECK(world.reads_for(payment) == 1);
    auto forged = crafted;
    forged.signature = crafted.signature;
    forged.signature[40] ^= 1;
    CHECK(world.verify(FactsWorld::open(forged)) == "invalid_exact_evm_signature");
    auto other_name = crafted;
    other_name.wanted.extra->insert_or_assign("name", "USD Coin");
    other_name.sign_with(development_key(0));
    CHECK(world.verify(FactsWorld::open(other_name)) == "invalid_exact_evm_token_name_mismatch");
    // The looks go on for as long as somebody verifies.
    for (int i = 0; i < 29; ++i) {
        world.advance(10s);
        if (i < 28) CHECK(world.verify(payment) == "good");
    }
    world.advance(6s);
    CHECK(world.reads_for(payment, "invalid_exact_evm_payload_authorization_valid_before") <= 1);
}

TEST_CASE("facts: a payer who spends elsewhere is found out by the events") {
    FactsWorld world;
    world.set_balance(0, U256(1'000));
    world.follow();
    const auto payment = world.kept(0, U256(700));
    CHECK(world.reads_for(payment) == 1);
    CHECK(world.reads_for(payment) == 0);
    world.spend_elsewhere(0, U256(600));
    world.advance(1s);
    CHECK(world.verify(payment) == "invalid_exact_evm_insufficient_balance");
    // Money that comes in counts at once.
    world.set_balance(0, U256(1'000));
    CHECK(world.verify(payment) == "good");
}

TEST_CASE("facts: a payment that somebody else executed is found out by the events") {
    FactsWorld world;
    world.follow();
    const auto payment = world.payment(0);
    CHECK(world.verify(payment) == "good");
    world.spend(*payment);
    world.advance(1s);
    CHECK(world.verify(payment) == "invalid_exact_evm_nonce_already_used");
    // The same once the balance is known again.
    CHECK(world.verify(world.payment(0)) == "good");
    CHECK(world.reads_for(payment, "invalid_exact_evm_nonce_already_used") == 0);
}

TEST_CASE("facts: an event that a node shows late is seen all the same") {
    FactsWorld world;
    world.set_balance(0, U256(1'000));
    world.follow();
    const auto payment = world.kept(0, U256(700));
    CHECK(world.verify(payment) == "good");
    world.chain.fail_next(Op::logs, Fault::hidden());
    world.chain.fail_next(Op::logs, Fault::hidden());
    world.spend_elsewhere(0, U256(600));
    world.advance(1s);
    CHECK(world.reads_for(payment) == 0);  // it could not be known
    world.chain.mine();
    world.advance(1s);
    CHECK(world.verify(payment) == "invalid_exact_evm_insufficient_balance");
}

TEST_CASE("facts: a reorganisation takes back what was learnt") {
    for (const std::size_t blocks_after : {1U, 3U}) {
        CAPTURE(blocks_after);
        FactsWorld world;
        world.set_balance(0, U256(100));
        world.set_balance(1, U256(5'000));
        world.follow();
        CHECK(world.verify(world.kept(0, U256(50))) == "good");
        // Money comes in, and is seen.
        auto gift = world.craft_kept(1, U256(900));
        gift.wanted.pay_to = address_of(development_key(0)).to_checksum();
        gift.authorization.to = address_of(development_key(0));
        world.spend(*FactsWorld::open(gift.sign_with(development_key(1))));
        world.advance(1s);
        const auto payment = world.kept(0, U256(800));
        CHECK(world.verify(payment) == "good");
        CHECK(world.reads_for(payment) == 0);
        // Other blocks take the place of those that held it.
        world.chain.reorganise(1, testing::Fate::dropped);
        world.chain.mine_blocks(blocks_after);
        world.advance(1s);
        CHECK(world.verify(payment) == "invalid_exact_evm_insufficient_balance");
    }
}

TEST_CASE("facts: a reorganisation without an event of ours is seen by the hashes") {
    for (const std::size_t blocks_after : {1U, 2U}) {
        CAPTURE(blocks_after);
        FactsWorld world;
        world.set_balance(0, U256(100));
        world.follow();
        world.chain.mine();
        world.set_balance(0, U256(1'000));
        world.advance(1s);
        const auto payment = world.kept(0, U256(700));
        CHECK(world.verify(payment) == "good");
        CHECK(world.reads_for(payment) == 0);
        world.chain.reorganise(1);
        world.chain.mine_blocks(blocks_after);
        world.advance(1s);
        CHECK(world.verify(payment) == "invalid_exact_evm_insufficient_balance");
    }
}

TEST_CASE("facts: a chain that cannot be looked at is not believed") {
    FactsWorld world;
    world.follow();
    const auto payment = world.payment(0);
    CHECK(world.verify(payment) == "good");
    world.chain.faults = [](Op op) { return op == Op::head ? Fault::no_answer() : Fault{}; };
    world.advance(1s);
    CHECK(world.reads_for(payment) == 0);
    world.advance(2s);
    CHECK(world.reads_for(payment) == 1);
    world.advance(3s);
    CHECK(world.reads_for(payment) == 1);
    world.chain.faults = nullptr;
    world.advance(1s);
    CHECK(world.verify(payment) == "good");
    CHECK(world.reads_for(payment) == 0);
    CHECK(world.log.count("chain_not_followed") == 1);
}

TEST_CASE("facts: who comes while the events are asked for is not taken for followed") {
    FactsWorld world;
    world.follow();
    CHECK(world.verify(world.payment(51)) == "good");
    world.advance(600ms);
    auto crafted = world.craft(0);
    crafted.authorization.valid_after = U256(world.clock.unix_seconds());
    const auto executed = FactsWorld::open(crafted.sign_with(development_key(0)));
    world.advance(2s);
    world.spend(*executed);
    for (int i = 0; i < 2; ++i) world.chain.fail_next(Op::logs, Fault::slow(200ms));
    const auto looks = world.chain.asked(Op::logs);
    REQUIRE(world.run_until([&] { return world.chain.asked(Op::logs) > looks; }, 1s));
    CHECK(world.verify(world.payment(0)) == "good");
    world.advance(410ms);
    CHECK(world.chain.asked(Op::logs) == looks + 2);
    CHECK(world.verify(executed) == "invalid_exact_evm_nonce_already_used");
}

TEST_CASE("facts: logs that are not told are no look") {
    FactsWorld world;
    world.follow();
    const auto payment = world.payment(0);
    CHECK(world.verify(payment) == "good");
    world.chain.faults = [](Op op) { return op == Op::logs ? Fault::no_answer() : Fault{}; };
    world.chain.mine();
    world.advance(3s);
    CHECK(world.reads_for(payment) == 1);
}

TEST_CASE("facts: nobody verifies, nothing is asked") {
    FactsWorld world;
    world.advance(1h);
    CHECK(world.asked_in_all() == 0);
    const auto payment = world.payment(0);
    CHECK(world.verify(payment) == "good");
    world.advance(1min);
    const auto before = world.asked_in_all();
    world.advance(1h);
    CHECK(world.asked_in_all() == before);
    const auto again = world.payment(0);
    CHECK(world.reads_for(again) >= 1);
}

TEST_CASE("facts: nothing is remembered of who is refused") {
    FactsWorld world;
    world.follow();
    CHECK(world.verify(world.payment(0)) == "good");
    const auto remembered = world.examiner.remembered();
    CHECK(remembered > 0);
    for (std::uint64_t i = 10; i < 20; ++i) {
        CHECK(world.verify(world.kept(i, U256(5))) == "invalid_exact_evm_insufficient_balance");
        auto forged = world.craft(30 + i);
        CHECK(world.verify(FactsWorld::open(forged.sign_with(development_key(2)))) ==
              "invalid_exact_evm_signature");
    }
    CHECK(world.examiner.remembered() == remembered);
    CHECK(world.examiner.reserved() == 2);
}

TEST_CASE("facts: a simulation is run again now and then") {
    FactsWorld world;
    world.follow();
    const auto payment = world.payment(0);
    CHECK(world.reads_for(payment) == 1);
    std::size_t asked = 0;
    for (int i = 0; i < 7; ++i) {
        world.advance(10s);
        asked += world.reads_for(payment);
    }
    CHECK(asked == 1);
}

TEST_CASE("facts: wallets and unknown tokens are asked about as ever") {
    FactsWorld world;
    world.follow();
    const auto owner = development_key(3);
    const auto wallet = world.chain.evm.wallet_address(address_of(owner), Bytes32{});
    world.chain.evm.wallets.emplace(wallet, address_of(owner));
    world.chain.evm.token.balances[wallet] = U256(5'000);
    auto crafted = Crafted::from(wallet, world.clock.unix_seconds(), world.random.bytes32());
    const auto payment = FactsWorld::open(crafted.sign_with(owner));
    CHECK(world.verify(payment) == "good");
    world.advance(3s);
    CHECK(world.reads_for(payment) >= 1);
    world.chain.evm.refusing.insert(wallet);
    world.advance(3s);
    CHECK(world.verify(payment) == "invalid_exact_evm_signature");

    FactsWorld other({}, false);
    const auto unknown = other.payment(0);
    CHECK(other.reads_for(unknown) == 1);
    other.advance(3s);
    CHECK(other.reads_for(unknown) == 1);
    CHECK(other.chain.asked(Op::head) == 0);
}

TEST_CASE("facts: a balance covers no more payments than it is worth") {
    for (const bool trusted : {true, false}) {
        for (const auto latency : {0ms, 40ms}) {
            CAPTURE(trusted);
            CAPTURE(latency.count());
            FactsWorld world({}, trusted);
            world.set_balance(0, U256(3'500));
            world.follow();
            world.chain.latency = latency;
            std::vector<std::shared_ptr<const scheme::Opened>> payments;
            std::vector<testing::Started<Result<>>> verdicts;
            for (int i = 0; i < 10; ++i) payments.push_back(world.kept(0, U256(1'000)));
            for (const auto& each : payments) {
                verdicts.push_back(world.start(world.examiner.examine(each)));
            }
            world.run_until([&] {
                return std::ranges::all_of(verdicts, [](const auto& v) { return v->has_value(); });
            });
            std::vector<std::shared_ptr<const scheme::Opened>> good;
            std::vector<std::shared_ptr<const scheme::Opened>> refused;
            for (std::size_t i = 0; i < payments.size(); ++i) {
                (**verdicts[i] ? good : refused).push_back(payments[i]);
                if (**verdicts[i]) continue;
                CHECK(FactsWorld::said(**verdicts[i]) == "invalid_exact_evm_insufficient_balance");
                CHECK((*verdicts[i])->error().detail.find("reserved") != std::string::npos);
            }
            REQUIRE(good.size() == 3);
            // Who asks twice has one place.
            for (const auto& each : good) CHECK(world.verify(each) == "good");
            CHECK(world.verify(refused[0]) == "invalid_exact_evm_insufficient_balance");
            // One fails: another may have its place.
            world.examiner.begin(*good[0]);
            CHECK(world.verify(refused[0]) == "invalid_exact_evm_insufficient_balance");
            world.examiner.forget(good[0]->key());
            CHECK(world.verify(refused[0]) == "good");
            CHECK(world.verify(refused[1]) == "invalid_exact_evm_insufficient_balance");
            // One settles: its money is gone, and its place with it.
            world.examiner.begin(*good[1]);
            world.spend(*good[1]);
            world.examiner.forget(good[1]->key());
            CHECK(world.verify(refused[1]) == "invalid_exact_evm_insufficient_balance");
            CHECK(world.verify(world.kept(0, U256(501))) ==
                  "invalid_exact_evm_insufficient_balance");
            CHECK(world.verify(world.kept(0, U256(500))) == "good");
            // Nobody settles the rest: the next one passes.
            world.advance(61s);
            CHECK(world.verify(refused[1]) == "good");
            CHECK(world.verify(refused[2]) == "good");
            CHECK(world.verify(refused[3]) == "invalid_exact_evm_insufficient_balance");
        }
    }
}

TEST_CASE("facts: a balance that was asked for while another payment ended is asked for again") {
    FactsWorld world;
    world.set_balance(0, U256(1'500));
    world.follow();
    const auto first = world.kept(0, U256(1'000));
    CHECK(world.verify(first) == "good");
    world.examiner.begin(*first);
    world.advance(3s);
    const auto second = world.kept(0, U256(1'000));
    world.chain.latency = 40ms;
    const auto reads = world.chain.asked(Op::read);
    const auto verdict = world.start(world.examiner.examine(second));
    world.advance(20ms);
    world.examiner.forget(first->key());  // it failed
    world.run_until([&] { return verdict->has_value(); });
    CHECK(FactsWorld::said(**verdict) == "good");
    CHECK(world.chain.asked(Op::read) == reads + 2);
}

}  // namespace farthing::settlement
