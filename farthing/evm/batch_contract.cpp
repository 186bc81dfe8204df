// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/batch_contract.hpp"

#include <algorithm>
#include <map>

#include "farthing/base/result.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"

namespace farthing::batch_contract {
namespace {

constexpr std::size_t kWords = 9;
constexpr std::size_t kWord = 32;
constexpr std::size_t kSelector = 4;
/// How much of each number is taken: value, validAfter, validBefore.
constexpr std::array<std::size_t, 3> kSizes{12, 5, 5};
constexpr std::uint64_t kTransactionGas = 21'000;
constexpr std::uint32_t kGasMax = 0xffffff;

std::optional<Address> address_in(ByteView word) {
    if (std::ranges::any_of(word.first(12), [](auto byte) { return byte != 0; })) {
        return std::nullopt;
    }
    Address out;
    std::ranges::copy(word.subspan(12), out.data.begin());
    return out;
}

/// Addresses, each once, in the order in which they came.
class Table {
  public:
    std::uint8_t place_of(const Address& address) {
        const auto [at, is_new] =
            places_.try_emplace(address, static_cast<std::uint8_t>(places_.size()));
        if (is_new) append(bytes_, address);
        return at->second;
    }
    void write_to(Bytes& out) const {
        out.push_back(static_cast<std::uint8_t>(places_.size()));
        append(out, bytes_);
    }

  private:
    std::map<Address, std::uint8_t> places_;
    Bytes bytes_;
};

}  // namespace

std::optional<Payment> read(const Call& call) {
    static const auto selector = abi::selector(
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,"
        "bytes32)");
    const ByteView data(call.data);
    if (data.size() != kSelector + kWords * kWord ||
        !std::equal(selector.begin(), selector.end(), data.begin())) {
        return std::nullopt;
    }
    const auto word = [&](std::size_t index) {
        return data.subspan(kSelector + index * kWord, kWord);
    };
    Payment out;
    out.token = call.to;
    const auto from = address_in(word(0));
    const auto payee = address_in(word(1));
    if (!from || !payee) return std::nullopt;
    out.from = *from;
    out.payee = *payee;
    auto* to = out.amount_and_times.data();
    for (std::size_t i = 0; i < kSizes.size(); ++i) {
        const auto number = word(2 + i);
        const auto upper = number.first(kWord - kSizes[i]);
        if (std::ranges::any_of(upper, [](auto byte) { return byte != 0; })) return std::nullopt;
        to = std::ranges::copy(number.subspan(upper.size()), to).out;
    }
    const auto v = word(6);
    if (std::ranges::any_of(v.first(kWord - 1), [](auto byte) { return byte != 0; })) {
        return std::nullopt;
    }
    out.v = v.back();
    constexpr std::array<std::size_t, 3> kWhole{5, 7, 8};
    for (std::size_t i = 0; i < kWhole.size(); ++i) {
        std::ranges::copy(word(kWhole[i]), out.nonce_r_s[i].data.begin());
    }
    return out;
}

/// A transaction's 21,000 pay for about 3,500 of bytes and work in the batch; of two or more
/// payments what is over pays for the transaction itself. The 64th part is what the EVM keeps back
/// from every call.
std::uint32_t gas_within(std::uint64_t gas_limit) {
    const auto rest = gas_limit > kTransactionGas ? gas_limit - kTransactionGas : 0;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rest - rest / 64, kGasMax));
}

Call transfer_all(const std::vector<Payment>& payments) {
    invariant(payments.size() <= kPaymentsMax, "a batch has no more payments than fit");
    static const auto selector = abi::selector("transferAll(bytes)");
    Table tokens;
    Table payees;
    Bytes records;
    for (const auto& each : payments) {
        records.push_back(tokens.place_of(each.token));
        records.push_back(payees.place_of(each.payee));
        records.push_back(each.v);
        for (const int shift : {16, 8, 0}) {
            records.push_back(static_cast<std::uint8_t>(each.gas >> shift));
        }
        append(records, each.amount_and_times);
        append(records, each.from);
        for (const auto& word : each.nonce_r_s) append(records, word);
    }
    Bytes packed;
    tokens.write_to(packed);
    payees.write_to(packed);
    append(packed, records);
    return {kAddress, abi::call(selector, {packed})};
}

Call deployment(const Bytes& init_code) {
    Bytes data(kWord);
    append(data, init_code);
    return {kDeployer, std::move(data)};
}

Address address_of(const Bytes& init_code) {
    const Bytes32 salt;
    const auto code_hash = keccak256(init_code);
    const Bytes start{0xff};
    const auto hash =
        keccak256({ByteView(start), ByteView(kDeployer), ByteView(salt), ByteView(code_hash)});
    Address out;
    std::copy(hash.data.begin() + 12, hash.data.end(), out.data.begin());
    return out;
}

}  // namespace farthing::batch_contract
