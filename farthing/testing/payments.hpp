// SPDX-License-Identifier: Apache-2.0
// Payments made by hand, so that a test can get any one member wrong and everything else right.
#pragma once

#include "farthing/base/hex.hpp"
#include "farthing/scheme/exact/exact.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::testing {

/// K0 and K1 of protocol.md 15 are account 0 and 1: keys that everybody knows.
inline PrivateKey development_key(std::uint64_t index) {
    constexpr std::string_view kKnown[] = {
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"};
    Bytes32 bytes;
    if (index < 2) {
        bytes = bytes32_from_hex(kKnown[index]).value_or(Bytes32{});
    } else {
        bytes = keccak256("development key " + std::to_string(index));
    }
    auto key = make_key(bytes);
    invariant(key.has_value(), "a development key is a key");
    return *std::move(key);
}

inline Address known_address(std::string_view text) {
    const auto address = parse_address(text);
    invariant(address.has_value(), "a known address parses");
    return *address;
}

/// P of protocol.md 15.
inline Address known_payee() { return known_address("0x209693Bc6afc0C5328bA36FaF03C514EF312287C"); }

/// What a server asks for: the entry of protocol.md section 6 on Base Sepolia.
inline v2::PaymentRequirements usdc_requirements(U256 amount = U256(1000)) {
    v2::PaymentRequirements wanted;
    wanted.scheme = "exact";
    wanted.network = evm_network(84532);
    wanted.amount = amount;
    wanted.asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
    wanted.pay_to = known_payee().to_checksum();
    wanted.max_timeout_seconds = 300;
    wanted.extra = json::Object{{"name", "USDC"}, {"version", "2"}};
    return wanted;
}

/// A payment in the making: change any member, then `payment()` or `open()`.
struct Crafted {
    v2::PaymentRequirements wanted = usdc_requirements();
    std::uint64_t x402_version = v2::kVersion;
    TransferWithAuthorization authorization;
    Bytes signature;
    std::optional<json::Value> accepted;  ///< instead of an echo of `wanted`

    /// Good for `wanted`, and for 300 seconds from `now`; not signed yet.
    static Crafted from(const Address& payer, std::uint64_t now, const Bytes32& nonce,
                        v2::PaymentRequirements wanted = usdc_requirements()) {
        Crafted out;
        out.wanted = std::move(wanted);
        out.authorization = {.from = payer,
                             .to = known_address(out.wanted.pay_to),
                             .value = out.wanted.amount,
                             .valid_after = {},
                             .valid_before = U256(now + 300),
                             .nonce = nonce};
        return out;
    }

    [[nodiscard]] Bytes32 digest() const {
        const eip712::Domain domain{
            wanted.extra_text("name").value_or(""), wanted.extra_text("version").value_or(""),
            U256(wanted.network.chain_id().value_or(0)), known_address(wanted.asset)};
        return eip712::digest(domain, authorization);
    }
    Crafted& sign_with(const PrivateKey& key) {
        signature = sign(digest(), key).to_bytes();
        return *this;
    }

    [[nodiscard]] v2::Payment payment() const {
        v2::Payment out;
        out.x402_version = x402_version;
        out.payload.x402_version = x402_version;
        out.payload.payload = json::Object{{"authorization", json::encode(authorization)},
                                           {"signature", to_hex(signature)}};
        out.payload.accepted = accepted ? *accepted : json::encode(wanted);
        out.requirements = wanted;
        return out;
    }
    [[nodiscard]] Result<std::shared_ptr<const scheme::Opened>> open() const {
        FARTHING_TRY(auto opened, scheme::exact().open(payment()));
        return std::shared_ptr<const scheme::Opened>(std::move(opened));
    }
};

}  // namespace farthing::testing
