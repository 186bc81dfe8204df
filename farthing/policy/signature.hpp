// SPDX-License-Identifier: Apache-2.0
// The operator's word on a pact: EIP-712 over the typed value, so that TOML, JSON and any order of
// keys have one hash, and every changed value another.
#pragma once

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/policy/pact.hpp"

namespace farthing::policy {

/// Domain: name "Farthing Pact", version "1", no chain and no contract.
[[nodiscard]] const Bytes32& pact_domain();
/// What is signed, and how ledgers and revocations name the pact.
[[nodiscard]] Bytes32 pact_hash(const Pact& pact);

/// Beside the pact (`pact.sig`) or in it as `[signature]`.
struct Seal {
    Address signer;
    Bytes signature;  ///< 65 bytes
    static constexpr auto fields() {
        return std::tuple{field("signer", &Seal::signer), field("signature", &Seal::signature)};
    }
    friend bool operator==(const Seal&, const Seal&) = default;
};

[[nodiscard]] Seal sign(const Pact& pact, const PrivateKey& key);
/// Errors: invalid_signature: not by `op`, or the pact was altered after it was signed.
[[nodiscard]] Result<> check(const Pact& pact, const Seal& seal, const Address& op);

/// A document that may carry its `[signature]`.
struct Document {
    Pact pact;
    std::optional<Seal> seal;
};
[[nodiscard]] Result<Document> parse_document(const json::Value& document);

}  // namespace farthing::policy
