// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/settler.hpp"

#include <doctest/doctest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using chain::Taken;
using testing::Crafted;
using testing::development_key;
using testing::Fault;
using testing::known_payee;
using testing::Op;
using testing::World;
using testing::WorldConfig;
using State = Outcome::State;

std::string reason(const Outcome& outcome) {
    if (outcome.state == State::settled) return "settled";
    if (outcome.state == State::unknown) return "unknown";
    return std::string(wire_code(outcome.error.code));
}

bool fails_everything(World& world, Op op) {
    world.chain.faults = [op](Op asked) { return asked == op ? Fault::no_answer() : Fault{}; };
    return true;
}

}  // namespace

TEST_CASE("settler: a good payment moves its money once, and says by which transaction") {
    World world;
    const auto payment = world.payment(0);
    const auto outcome = world.settle(payment);
    CHECK(reason(outcome) == "settled");
    REQUIRE(outcome.transaction);
    CHECK(world.chain.receipt_of(*outcome.transaction)->success);
    CHECK(world.chain.evm.balance(known_payee()) == U256(1000));
    CHECK(world.settler.in_hand() == 0);
    CHECK(world.settler.untold() == 0);
    CHECK(world.log.count("payment_settled") == 1);
}

TEST_CASE("settler: two identical settles at once: one transaction, one truth for both") {
    World world;
    world.chain.latency = 20ms;
    const auto payment = world.payment(0);
    const auto first = world.start_settle(payment);
    const auto second = world.start_settle(payment);
    REQUIRE(world.run_until([&] { return *first && *second; }));
    CHECK(reason(**first) == "settled");
    CHECK(reason(**second) == "settled");
    CHECK((*first)->transaction == (*second)->transaction);
    CHECK(world.chain.mined().size() == 1);
    // Both have heard it: there is nothing left to tell.
    CHECK(reason(world.settle(payment)) == "invalid_exact_evm_nonce_already_used");
}

TEST_CASE("settler: the same payment in another encoding is the same payment") {
    World world;
    world.chain.latency = 20ms;
    auto crafted = world.craft(0).sign_with(development_key(0));
    const auto first = world.start_settle(World::open(crafted));
    crafted.signature[64] = static_cast<std::uint8_t>(crafted.signature[64] - 27);
    const auto second = world.start_settle(World::open(crafted));
    REQUIRE(world.run_until([&] { return *first && *second; }));
    CHECK(reason(**first) == "settled");
    CHECK(reason(**second) == "settled");
    CHECK(world.chain.mined().size() == 1);
}

TEST_CASE("settler: a cheap payment never answers for a dear one with the same nonce") {
    World world;
    world.chain.latency = 20ms;
    auto cheap = world.craft(0, U256(1));
    auto dear = cheap;
    dear.wanted = testing::usdc_requirements(U256(500'000'000));
    dear.authorization.value = dear.wanted.amount;
    auto elsewhere = cheap;
    elsewhere.wanted.pay_to = "0x9876543210987654321098765432109876543210";
    elsewhere.authorization.to = testing::known_address(elsewhere.wanted.pay_to);
    // The cheap authorisation, held against what the dear one costs.
    auto passed_off = cheap;
    passed_off.wanted = dear.wanted;
    for (auto* each : {&cheap, &dear, &elsewhere, &passed_off}) {
        each->sign_with(development_key(0));
    }
    const auto first = world.start_settle(World::open(cheap));
    world.advance(30ms);
    for (const auto* each : {&dear, &elsewhere, &passed_off}) {
        const auto rival = world.settle(World::open(*each));
        CHECK(rival.state == State::failed);
        CHECK(reason(rival) == "invalid_exact_evm_nonce_already_used");
        CHECK_FALSE(rival.transaction);
    }
    REQUIRE(world.run_until([&] { return first->has_value(); }));
    CHECK(reason(**first) == "settled");
    CHECK(world.chain.mined().size() == 1);
}

TEST_CASE("settler: an outcome that waits to be told is not told to a rival") {
    World world;
    world.chain.auto_mine = false;
    auto cheap = world.craft(0, U256(1)).sign_with(development_key(0));
    auto passed_off = cheap;
    passed_off.wanted = testing::usdc_requirements(U256(500'000'000));
    CHECK(reason(world.settle(World::open(cheap), 1s)) == "unknown");
    CHECK(world.settler.standing(*World::open(cheap)) == Standing::sent);
    CHECK(world.settler.standing(*World::open(passed_off)) == Standing::rival);
    world.chain.mine();
    world.advance(1s);
    CHECK(world.settler.untold() == 1);
    CHECK(world.settler.standing(*World::open(passed_off)) == Standing::rival);
    CHECK(reason(world.settle(World::open(passed_off))) == "invalid_exact_evm_nonce_already_used");
    CHECK(world.settler.standing(*World::open(cheap)) == Standing::sent);
    CHECK(reason(world.settle(World::open(cheap))) == "settled");
    CHECK(world.settler.standing(*World::open(cheap)) == Standing::fresh);
}

TEST_CASE("settler: patience over while it is sent: unknown with the hash, and told once later") {
    World world;
    world.chain.auto_mine = false;
    const auto payment = world.payment(0);
    const auto early = world.settle(payment, 2s);
    CHECK(early.state == State::unknown);
    CHECK(early.error.code == Errc::settlement_pending);
    REQUIRE(early.transaction);
    CHECK(world.settler.in_hand() == 1);
    // Asked again meanwhile: the same.
    const auto again = world.settle(payment, 1s);
    CHECK(again.state == State::unknown);
    CHECK(again.transaction == early.transaction);
    world.chain.mine();
    world.advance(2s);
    CHECK(world.settler.in_hand() == 0);
    const auto later = world.settle(payment);
    CHECK(reason(later) == "settled");
    CHECK(later.transaction == early.transaction);
    CHECK(reason(world.settle(payment)) == "invalid_exact_evm_nonce_already_used");
    CHECK(world.chain.mined().size() == 1);
}

TEST_CASE("settler: the later outcome is told even when the authorisation has expired meanwhile") {
    World world;
    world.chain.auto_mine = false;
    const auto payment = world.payment(0);
    CHECK(reason(world.settle(payment, 2s)) == "unknown");
    world.advance(280s);
    world.chain.mine();
    world.advance(600s);
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE("settler: patience over before anything was sent: a failure, and nothing is sent later") {
    const Op stuck_at[] = {Op::read, Op::estimate_gas, Op::pending_nonce, Op::fees};
    for (const auto op : stuck_at) {
        CAPTURE(static_cast<int>(op));
        World world;
        world.chain.fail_next(op, Fault::slow(30s));
        const auto payment = world.payment(0);
        const auto outcome = world.settle(payment, 5s);
        CHECK(outcome.state == State::failed);
        CHECK(outcome.error.code == Errc::timed_out);
        CHECK_FALSE(outcome.transaction);
        world.advance(10min);
        CHECK(world.chain.asked(Op::send) == 0);
        CHECK(world.settler.in_hand() == 0);
        world.run(world.settler.drain());
    }
}

TEST_CASE("settler: given up and asked for again, it is settled afresh, once") {
    World world;
    world.chain.fail_next(Op::estimate_gas, Fault::slow(30s));
    const auto payment = world.payment(0);
    CHECK(reason(world.settle(payment, 5s)) == "timed_out");
    CHECK(reason(world.settle(payment)) == "settled");
    world.advance(10min);
    CHECK(world.transfers_of(*payment) == 1);
    CHECK(world.chain.mined().size() == 1);
}

TEST_CASE("settler: one who has no patience left does not withdraw what another one waits for") {
    World world;
    world.chain.fail_next(Op::estimate_gas, Fault::slow(10s));
    const auto payment = world.payment(0);
    const auto patient = world.start_settle(payment, 60s);
    const auto hasty = world.settle(payment, 2s);
    CHECK(hasty.state == State::unknown);
    CHECK_FALSE(hasty.transaction);
    REQUIRE(world.run_until([&] { return patient->has_value(); }));
    CHECK(reason(**patient) == "settled");
}

TEST_CASE("settler: an asker who is gone before the outcome leaves it for the next one") {
    World world;
    world.chain.auto_mine = false;
    const auto payment = world.payment(0);
    TaskGroup connection(world.loop);
    std::optional<Outcome> heard;
    const auto ask = [&]() -> Task<> {
        auto outcome = co_await world.settler.settle(payment, 60s);
        heard = std::move(outcome);
    };
    connection.spawn(ask());
    world.advance(1s);
    connection.cancel();
    world.advance(1s);
    CHECK(connection.size() == 0);
    CHECK_FALSE(heard);
    CHECK(world.settler.in_hand() == 1);
    world.chain.mine();
    world.advance(2s);
    CHECK(world.settler.untold() == 1);
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE("settler: an asker who is gone in the moment of the outcome leaves it too") {
    World world;
    world.chain.auto_mine = false;
    const auto payment = world.payment(0);
    asio::cancellation_signal cancel;
    std::optional<Outcome> heard;
    bool ended = false;
    const auto ask = [&]() -> Task<> {
        auto outcome = co_await world.settler.settle(payment, 60s);
        heard = std::move(outcome);
    };
    auto on_end = [&](const std::exception_ptr&) { ended = true; };
    asio::co_spawn(world.loop, ask(), asio::bind_cancellation_slot(cancel.slot(), on_end));
    world.advance(1s);
    world.chain.mine();
    world.clock.advance(250ms);
    // Its deadline comes between the outcome and the moment in which it would hear of it.
    bool gone = false;
    const auto leave = [&] {
        if (gone || world.settler.in_hand() > 0) return;
        gone = true;
        cancel.emit(asio::cancellation_type::terminal);
    };
    world.loop.restart();
    while (!gone) {
        asio::post(world.loop, leave);
        REQUIRE(world.loop.poll_one() == 1);
    }
    world.advance(1s);
    REQUIRE(ended);
    CHECK_FALSE(heard);
    CHECK(world.settler.untold() == 1);
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE(
    "settler: a success that got lost is told again to who asked by the same name, to nobody "
    "else") {
    World world;
    const auto payment = world.payment(0);
    const auto ask = [&](std::string asker) {
        return world.run(world.settler.settle(payment, 60s, std::move(asker)));
    };
    const auto first = ask("shop one");
    REQUIRE(reason(first) == "settled");
    CHECK(reason(ask("shop two")) == "invalid_exact_evm_nonce_already_used");
    CHECK(reason(ask("")) == "invalid_exact_evm_nonce_already_used");
    CHECK(ask("shop one").transaction == first.transaction);
    CHECK(ask("shop one").transaction == first.transaction);
    // To who verifies it anew it is used up.
    CHECK(world.settler.standing(*payment) == Standing::fresh);
}

TEST_CASE("settler: a success whose answer could not be handed over waits for the next who asks") {
    World world;
    const auto payment = world.payment(0);
    REQUIRE(reason(world.settle(payment)) == "settled");
    world.settler.unheard(*payment);
    CHECK(world.settler.untold() == 1);
    CHECK(world.settler.standing(*payment) == Standing::sent);
    CHECK(reason(world.settle(payment)) == "settled");
    CHECK(reason(world.settle(payment)) == "invalid_exact_evm_nonce_already_used");
}

TEST_CASE("settler: a payment that is not good is refused before anything is sent") {
    World world;
    const auto settled_with = [&](auto change) {
        auto crafted = world.craft(0);
        change(crafted);
        crafted.sign_with(development_key(0));
        const auto outcome = world.settle(World::open(crafted));
        CHECK_FALSE(outcome.transaction);
        return reason(outcome);
    };
    CHECK(settled_with([](Crafted& c) { c.authorization.value = U256(1); }) ==
          "invalid_exact_evm_payload_authorization_value_mismatch");
    CHECK(settled_with([&](Crafted& c) {
              c.authorization.valid_before = U256(world.clock.unix_seconds() + 5);
          }) == "invalid_exact_evm_payload_authorization_valid_before");
    CHECK(settled_with([](Crafted& c) {
              c.wanted.amount = c.authorization.value = U256(World::kDollars + 1);
          }) == "invalid_exact_evm_insufficient_balance");
    CHECK(settled_with([](Crafted& c) {
              c.wanted.asset = "0x9876543210987654321098765432109876543210";
          }) == "asset_not_deployed_contract");
    auto forged = world.craft(0);
    forged.sign_with(development_key(1));
    CHECK(reason(world.settle(World::open(forged))) == "invalid_exact_evm_signature");
    CHECK(world.chain.asked(Op::send) == 0);
}

TEST_CASE("settler: a chain that does not answer before the send: nothing happened") {
    for (const auto op : {Op::read, Op::estimate_gas}) {
        World world;
        fails_everything(world, op);
        const auto outcome = world.settle(world.payment(0));
        CHECK(outcome.state == State::failed);
        CHECK(kind_of(outcome.error.code) == Kind::unavailable);
        CHECK_FALSE(outcome.transaction);
        CHECK(world.chain.asked(Op::send) == 0);
    }
}

TEST_CASE("settler: a chain that stops answering after the send: never a failure") {
    World world;
    const auto payment = world.payment(0);
    fails_everything(world, Op::receipts);
    const auto outcome = world.settle(payment, 60s);
    CHECK(outcome.state == State::unknown);
    CHECK(outcome.transaction);
    world.advance(10min);
    CHECK(reason(world.settle(payment, 60s)) == "unknown");
    world.chain.faults = nullptr;
    world.advance(1min);
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE("settler: a transaction that reverts failed, with its hash and what is known of why") {
    World world;
    world.chain.reverts_at_mining = 1;
    const auto payment = world.payment(0);
    const auto outcome = world.settle(payment);
    CHECK(outcome.state == State::failed);
    CHECK(reason(outcome) == "invalid_exact_evm_transaction_failed");
    CHECK(outcome.transaction);
    CHECK(world.transfers_of(*payment) == 0);
    // The authorisation is still good.
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE("settler: a mined transaction whose events do not prove the payment is no success") {
    const std::function<void(chain::Receipt&)> lies[] = {
        [](auto& receipt) { receipt.events.clear(); },
        [](auto& receipt) { receipt.events.pop_back(); },
        [](auto& receipt) { receipt.events.back().data.back() ^= 1; },
        [](auto& receipt) { receipt.events.back().address = Address{{1}}; },
    };
    for (const auto& lie : lies) {
        World world;
        world.chain.falsify = lie;
        const auto outcome = world.settle(world.payment(0));
        CHECK(reason(outcome) == "invalid_exact_evm_transfer_event_mismatch");
        CHECK(outcome.transaction);
    }
}

TEST_CASE("settler: the gas it pays for is bounded") {
    World world;
    world.chain.transfer_gas = 400'001;  // with the margin over 500,000
    const auto outcome = world.settle(world.payment(0));
    CHECK(reason(outcome) == "invalid_exact_evm_transaction_failed");
    CHECK(outcome.error.detail.find("gas") != std::string::npos);
    CHECK(world.chain.asked(Op::send) == 0);
    world.chain.transfer_gas = ~std::uint64_t{0} - 5;  // a node that answers anything
    CHECK(reason(world.settle(world.payment(0))) == "invalid_exact_evm_transaction_failed");
    world.chain.transfer_gas = 400'000;
    CHECK(reason(world.settle(world.payment(0))) == "settled");
}

TEST_CASE("settler: beyond the payments it can hold it is overloaded, and takes more afterwards") {
    WorldConfig config;
    config.settler.payments_max = 2;
    World world(config);
    world.chain.auto_mine = false;
    const auto first = world.start_settle(world.payment(0));
    const auto second = world.start_settle(world.payment(1));
    world.advance(1s);
    const auto third = world.settle(world.payment(2));
    CHECK(third.error.code == Errc::overloaded);
    CHECK(kind_of(third.error.code) == Kind::unavailable);
    world.chain.mine();
    REQUIRE(world.run_until([&] { return *first && *second; }));
    world.chain.auto_mine = true;
    CHECK(reason(world.settle(world.payment(2))) == "settled");
}

TEST_CASE("settler: what nobody has heard is bounded in memory, and the store remembers the rest") {
    WorldConfig config;
    config.settler.remembered_max = 2;
    World world(config);
    world.chain.auto_mine = false;
    std::vector<std::shared_ptr<const scheme::Opened>> payments;
    for (std::uint64_t i = 0; i < 4; ++i) {
        payments.push_back(world.payment(i));
        CHECK(reason(world.settle(payments.back(), 1s)) == "unknown");
        world.chain.mine();
        world.advance(1s);
        // One that is told in between takes no place.
        if (i == 1) CHECK(reason(world.settle(payments[1])) == "settled");
    }
    CHECK(world.settler.untold() == 2);
    CHECK(reason(world.settle(payments[0])) == "settled");
    CHECK(reason(world.settle(payments[0])) == "invalid_exact_evm_nonce_already_used");
    CHECK(reason(world.settle(payments[2])) == "settled");
    CHECK(reason(world.settle(payments[3])) == "settled");
}

TEST_CASE("settler: drain waits for what is in hand") {
    World world;
    world.chain.auto_mine = false;
    const auto payment = world.payment(0);
    const auto settling = world.start_settle(payment);
    world.advance(1s);
    const auto drained = world.start(World::to_end(world.settler.drain()));
    world.advance(10s);
    CHECK_FALSE(drained->has_value());
    world.chain.mine();
    REQUIRE(world.run_until([&] { return drained->has_value(); }));
    CHECK(reason(**settling) == "settled");
}

TEST_CASE("settler: what nobody has signed keeps nobody's balance, and stands in nobody's way") {
    World world;
    world.chain.latency = 50ms;
    auto crafted = world.craft(0);
    auto forged = crafted;
    forged.wanted.amount = U256(World::kDollars);
    forged.authorization.value = forged.wanted.amount;
    forged.sign_with(development_key(6));
    const auto bad = world.start_settle(World::open(forged));
    world.advance(10ms);
    CHECK(world.examiner.reserved() == 0);
    // The payer's own, with the same nonce, and another one of the same payer.
    const auto good = world.start_settle(World::open(crafted.sign_with(development_key(0))));
    const auto other = world.payment(0);
    CHECK(world.run(world.examiner.examine(other)));
    REQUIRE(world.run_until([&] { return bad->has_value() && good->has_value(); }, 1min));
    CHECK((*bad)->state == Outcome::State::failed);
    CHECK((*bad)->error.code == Errc::exact_signature);
    CHECK((*good)->state == Outcome::State::settled);
}

}  // namespace farthing::settlement
