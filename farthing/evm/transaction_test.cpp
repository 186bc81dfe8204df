// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/transaction.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

Transaction approval(const json::Value& file) {
    const auto spender = parse_address(text_at(file, "spender")).value();
    const auto amount = u256_from_decimal(text_at(file, "amount")).value();
    return {.chain_id = file.at("chainId").to_number<std::uint64_t>(),
            .nonce = file.at("nonce").to_number<std::uint64_t>(),
            .max_priority_fee_per_gas =
                u256_from_decimal(text_at(file, "maxPriorityFeePerGas")).value(),
            .max_fee_per_gas = u256_from_decimal(text_at(file, "maxFeePerGas")).value(),
            .gas_limit = file.at("gasLimit").to_number<std::uint64_t>(),
            .to = parse_address(text_at(file, "to")).value(),
            .value = {},
            .data = abi::call("approve(address,uint256)", {spender, amount})};
}

}  // namespace

TEST_CASE("transaction: the raw approval of protocol.md 15.3, byte for byte") {
    const json::Value file(load_vectors("transaction.json"));
    const auto key = make_key(bytes32_at(file, "key")).value();
    const auto made = sign(approval(file), key);
    CHECK(to_hex(made.raw) == text_at(file, "raw"));
    CHECK(to_hex(made.hash) == text_at(file, "hash"));
    CHECK(keccak256(ByteView(made.raw)) == made.hash);
}

TEST_CASE("transaction: every member is signed") {
    const json::Value file(load_vectors("transaction.json"));
    const auto original = approval(file);
    const auto hash = signing_hash(original);
    CHECK(signing_hash(original) == hash);
    const auto differs = [&](auto change) {
        auto other = original;
        change(other);
        return signing_hash(other) != hash;
    };
    CHECK(differs([](Transaction& t) { ++t.chain_id; }));
    CHECK(differs([](Transaction& t) { ++t.nonce; }));
    CHECK(differs([](Transaction& t) { t.max_priority_fee_per_gas = U256(1); }));
    CHECK(differs([](Transaction& t) { t.max_fee_per_gas = U256(1); }));
    CHECK(differs([](Transaction& t) { ++t.gas_limit; }));
    CHECK(differs([](Transaction& t) { t.to = Address{}; }));
    CHECK(differs([](Transaction& t) { t.value = U256(1); }));
    CHECK(differs([](Transaction& t) { t.data.push_back(0); }));
}

TEST_CASE("transaction: read again, it is what was signed") {
    const json::Value file(load_vectors("transaction.json"));
    const auto key = make_key(bytes32_at(file, "key")).value();
    const auto made = sign(approval(file), key);
    const auto read = read_transaction(made.raw);
    REQUIRE(read);
    CHECK(read->sender == address_of(key));
    CHECK(read->hash == made.hash);
    CHECK(sign(read->fields, key).raw == made.raw);
}

TEST_CASE("transaction: what is not exactly one is not read") {
    const json::Value file(load_vectors("transaction.json"));
    const auto key = make_key(bytes32_at(file, "key")).value();
    const auto raw = sign(approval(file), key).raw;
    for (std::size_t size = 0; size < raw.size(); ++size) {
        CHECK_FALSE(read_transaction(ByteView(raw).first(size)));
    }
    auto longer = raw;
    longer.push_back(0);
    CHECK_FALSE(read_transaction(longer));
    auto legacy = raw;
    legacy[0] = 0x01;
    CHECK_FALSE(read_transaction(legacy));
    // A length of more bytes than there are, in as many digits as there can be.
    CHECK_FALSE(read_transaction(Bytes{0x02, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    CHECK_FALSE(read_transaction(Bytes{0x02, 0xfb, 0xff, 0xff, 0xff, 0xff, 1}));
}
