// SPDX-License-Identifier: Apache-2.0
// The chain in memory behaves where tests lean on it: reorganisations, replacement, fees.
#include "farthing/testing/chain/fake_chain.hpp"

#include <doctest/doctest.h>

#include "farthing/testing/world.hpp"

namespace farthing::testing {
namespace {

using chain::Taken;

struct Mined : ChainWorld {
    Mined() { chain.auto_mine = false; }

    SignedTransaction transaction(std::uint64_t nonce, Call call, std::uint64_t max_fee,
                                  std::uint64_t tip) const {
        const Transaction fields{.chain_id = 84532,
                                 .nonce = nonce,
                                 .max_priority_fee_per_gas = U256(tip),
                                 .max_fee_per_gas = U256(max_fee),
                                 .gas_limit = 100'000,
                                 .to = call.to,
                                 .value = {},
                                 .data = std::move(call.data)};
        return sign(fields, development_key(kGasKey));
    }
    SignedTransaction nothing(std::uint64_t nonce, std::uint64_t max_fee, std::uint64_t tip) const {
        return transaction(nonce, {Address{{7}}, {}}, max_fee, tip);
    }
    Taken offer(const SignedTransaction& signed_now) { return chain.inject(signed_now.raw).taken; }
    U256 balance(const Address& account) const { return chain.evm.balance(account); }

    const Address gas_account = address_of(development_key(kGasKey));
};

}  // namespace

TEST_CASE("fake chain: a reorganisation takes back what its blocks did") {
    Mined world;
    const auto crafted = world.craft(0).sign_with(development_key(0));
    const auto payer = crafted.authorization.from;
    const auto sent = world.transaction(0, World::open(crafted)->transfer(), 5'000'000'000, 1);
    world.chain.mine_blocks(3);
    const auto before = world.run(world.chain.head()).value();
    REQUIRE(world.offer(sent) == Taken::accepted);
    REQUIRE(world.chain.mine() == 1);
    const auto first = *world.chain.receipt_of(sent.hash);
    const auto wei = world.run(world.chain.balance(world.gas_account)).value();
    REQUIRE(first.success);
    world.chain.mine();
    REQUIRE(world.balance(payer) == U256(World::kDollars - 1000));

    SUBCASE("and its transactions wait again") {
        world.chain.reorganise(2);
        CHECK(world.run(world.chain.head()).value().hash == before.hash);
        CHECK(world.balance(payer) == U256(World::kDollars));
        CHECK(world.chain.evm.token.used.empty());
        CHECK(world.chain.nonce_of(world.gas_account) == 0);
        CHECK(world.run(world.chain.balance(world.gas_account)).value() > wei);
        CHECK(world.chain.receipt_of(sent.hash) == nullptr);
        CHECK(world.chain.pooled() == 1);
        world.chain.mine_blocks(2);
        const auto again = world.chain.receipt_of(sent.hash);
        REQUIRE(again != nullptr);
        CHECK(again->block_number == first.block_number);
        CHECK(again->block_hash != first.block_hash);
        CHECK(world.balance(payer) == U256(World::kDollars - 1000));
    }
    SUBCASE("and its transactions are gone") {
        world.chain.reorganise(2, Fate::dropped);
        world.chain.mine_blocks(2);
        CHECK(world.chain.receipt_of(sent.hash) == nullptr);
        CHECK(world.balance(payer) == U256(World::kDollars));
        CHECK(world.chain.nonce_of(world.gas_account) == 0);
    }
    SUBCASE("and not more than that") {
        world.chain.reorganise(1);
        CHECK(world.chain.receipt_of(sent.hash)->block_hash == first.block_hash);
        CHECK(world.balance(payer) == U256(World::kDollars - 1000));
    }
}

TEST_CASE("fake chain: blocks are a chain") {
    Mined world;
    auto before = world.run(world.chain.head()).value();
    for (int i = 0; i < 70; ++i) {
        world.chain.mine();
        const auto head = world.run(world.chain.head()).value();
        CHECK(head.number == before.number + 1);
        CHECK(head.parent_hash == before.hash);
        before = head;
    }
    world.chain.safe_depth.reset();
    CHECK_FALSE(world.run(world.chain.head(chain::HeadAt::safe)));
    CHECK(world.run(world.chain.head(chain::HeadAt::finalized)).value().number == 63);
}

TEST_CASE("fake chain: a replacement needs ten percent more of both fees") {
    Mined world;
    REQUIRE(world.offer(world.nothing(0, 2'000'000'000, 1'000)) == Taken::accepted);
    CHECK(world.offer(world.nothing(0, 3'000'000'000, 1'000)) == Taken::underpriced);
    CHECK(world.offer(world.nothing(0, 3'000'000'000, 1'099)) == Taken::underpriced);
    CHECK(world.offer(world.nothing(0, 2'199'999'999, 1'100)) == Taken::underpriced);
    const auto good = world.nothing(0, 2'200'000'000, 1'100);
    CHECK(world.offer(good) == Taken::accepted);
    CHECK(world.chain.pooled() == 1);
    world.chain.mine();
    CHECK(world.chain.receipt_of(good.hash) != nullptr);
}

TEST_CASE("fake chain: nothing is mined below the base fee, and what is pays base fee and tip") {
    Mined world;
    const auto sent = world.nothing(0, 2'000'000'000, 7);
    REQUIRE(world.offer(sent) == Taken::accepted);
    world.chain.base_fee = U256(2'000'000'001);
    CHECK(world.chain.mine() == 0);
    CHECK(world.chain.pooled() == 1);
    world.chain.base_fee = U256(1'500'000'000);
    const auto before = world.run(world.chain.balance(world.gas_account)).value();
    CHECK(world.chain.mine() == 1);
    const auto paid =
        before.checked_sub(world.run(world.chain.balance(world.gas_account)).value()).value();
    CHECK(paid == U256(60'000ULL * 1'500'000'007ULL));
}

}  // namespace farthing::testing
