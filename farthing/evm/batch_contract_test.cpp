// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/batch_contract.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/json/value.hpp"

namespace farthing::batch_contract {
namespace {

/// A member of the committed artifact, which a test of contracts/ holds against its source.
Bytes code_in_artifact(const char* member) {
    const char* folder = std::getenv("FARTHING_SOURCE_DIR");
    REQUIRE(folder != nullptr);
    std::ifstream file(std::string(folder) + "/contracts/artifacts/Batch.json");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto read = json::parse(text);
    REQUIRE(read);
    const auto* code = read->as_object().if_contains(member);
    REQUIRE(code != nullptr);
    const auto bytes = from_hex(std::string_view(code->as_string()));
    REQUIRE(bytes);
    return *bytes;
}

const Address kToken{{0x70}};
const Address kPayee{{0x9a}};
const Address kPayer{{0x0f}};

TransferWithAuthorization terms() {
    Bytes32 nonce;
    nonce.data.fill(0xab);
    return {kPayer, kPayee, U256(1000), U256(1'700'000'000), U256(1'800'000'000), nonce};
}

Bytes signature(std::uint8_t v = 28) {
    Bytes out(64, 0x11);
    out.push_back(v);
    return out;
}

}  // namespace

TEST_CASE("batch contract: the address and the code's hash are those of the committed artifact") {
    CHECK(address_of(code_in_artifact("bytecode")) == kAddress);
    CHECK(keccak256(code_in_artifact("deployedBytecode")) == kCodeHash);
}

TEST_CASE("batch contract: payments are packed as contracts/src/Batch.sol says") {
    auto first = read(eip3009::transfer(kToken, terms(), signature()));
    REQUIRE(first);
    first->gas = 0x012345;
    auto second = *first;
    second.payee = kPayer;
    const auto call = transfer_all({*first, second, *first});
    CHECK(call.to == kAddress);
    const auto packed = abi::Reader(ByteView(call.data).subspan(4)).bytes(0);
    REQUIRE(packed);
    const std::string tables =
        "0170" + std::string(38, '0') + "029a" + std::string(38, '0') + "0f" + std::string(38, '0');
    const auto record = [](const std::string& payee) {
        return "00" + payee + "1c" + "012345" + "0000000000000000000003e8" + "006553f100" +
               "006b49d200" + "0f" + std::string(38, '0') + to_hex(Bytes(32, 0xab)).substr(2) +
               to_hex(Bytes(64, 0x11)).substr(2);
    };
    CHECK(to_hex(*packed) == "0x" + tables + record("00") + record("01") + record("00"));
}

TEST_CASE("batch contract: what it could not make again is not taken") {
    const auto good = eip3009::transfer(kToken, terms(), signature());
    CHECK(read(good));
    // The other form, for contract wallets.
    CHECK_FALSE(read(eip3009::transfer(kToken, terms(), Bytes(66, 0x11))));
    auto longer = good;
    longer.data.push_back(0);
    CHECK_FALSE(read(longer));
    auto shorter = good;
    shorter.data.pop_back();
    CHECK_FALSE(read(shorter));
    CHECK_FALSE(read({kToken, {}}));
    auto other = good;
    other.data[0] ^= 1;
    CHECK_FALSE(read(other));
    // The highest byte that is not taken of each word, and the one below it.
    for (const auto& [word, dropped] :
         {std::pair{0, 12}, {1, 12}, {2, 20}, {3, 27}, {4, 27}, {6, 31}}) {
        auto large = good;
        large.data[static_cast<std::size_t>(4 + 32 * word + dropped - 1)] = 1;
        CHECK_FALSE(read(large));
        auto fits = good;
        fits.data[static_cast<std::size_t>(4 + 32 * word + dropped)] = 1;
        CHECK(read(fits));
    }
}

TEST_CASE("batch contract: the gas of a call within it is less than that of a transaction") {
    CHECK(gas_within(0) == 0);
    CHECK(gas_within(21'000) == 0);
    CHECK(gas_within(102'000) == 81'000 - 81'000 / 64);
    CHECK(gas_within(1'000'000'000) == 0xffffff);
}

}  // namespace farthing::batch_contract
