// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/signature.hpp"

#include <fmt/format.h>

namespace farthing::policy {

const Bytes32& pact_domain() {
    static const Bytes32 separator = eip712::domain_separator(
        {.name = "Farthing Pact", .version = "1", .chain_id = std::nullopt});
    return separator;
}

Bytes32 pact_hash(const Pact& pact) { return eip712::digest(pact_domain(), pact); }

Seal sign(const Pact& pact, const PrivateKey& key) {
    return {address_of(key), sign(pact_hash(pact), key).to_bytes()};
}

Result<> check(const Pact& pact, const Seal& seal, const Address& op) {
    if (seal.signer != op) {
        return fail(Errc::invalid_signature,
                    fmt::format("the pact is signed by {}, its operator is {}",
                                seal.signer.to_checksum(), op.to_checksum()));
    }
    FARTHING_TRY(const auto signature, parse_signature(seal.signature));
    FARTHING_TRY(const auto key, recover(pact_hash(pact), signature));
    if (address_of(key) != op) {
        return fail(Errc::invalid_signature,
                    fmt::format("the pact is not what {} signed: it was altered, or signed for "
                                "something else",
                                op.to_checksum()));
    }
    return {};
}

Result<Document> parse_document(const json::Value& document) {
    Document out;
    const auto* object = document.if_object();
    const auto* seal = object == nullptr ? nullptr : object->if_contains("signature");
    if (seal == nullptr) {
        FARTHING_TRY(out.pact, parse_pact(document));
        return out;
    }
    const json::Path root(json::Unknown::refuse);
    FARTHING_TRY(out.seal, json::decode<Seal>(*seal, json::Path(root, "signature")));
    auto rest = *object;
    rest.erase("signature");
    FARTHING_TRY(out.pact, parse_pact(json::Value(std::move(rest))));
    return out;
}

}  // namespace farthing::policy
