// SPDX-License-Identifier: Apache-2.0
// EIP-712 typed data as JSON, for signers that hold the key elsewhere and look at what they sign.
// What is hashed comes from the value all the same (eip712.hpp).
#pragma once

#include <functional>

#include "farthing/evm/eip712.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::eip712 {

struct Typed {
    json::Object data;  ///< as eth_signTypedData_v4 takes it
    Bytes preimage;     ///< 66 bytes, whose Keccak-256 is the digest
};

/// Typed data whose digest is known. The rest is made for who asks: a key in memory does not.
struct Signable {
    Bytes32 digest;
    std::function<Typed()> typed;
};

/// The members of the domain's type, and its values.
[[nodiscard]] json::Array domain_type(const Domain& domain);
[[nodiscard]] json::Object domain_data(const Domain& domain);
/// 0x1901 ‖ domain separator ‖ hash of the struct.
[[nodiscard]] Bytes preimage(const Bytes32& domain_separator, const Bytes32& struct_hash);

/// `T` has no structs in it, and its JSON is what is signed.
template <Struct T>
Typed typed_data(const Domain& domain, const T& message) {
    json::Array members;
    for_each_field<T>([&](std::string_view name, auto member) {
        using Member = std::remove_cvref_t<decltype(std::declval<T>().*member)>;
        static_assert(!Struct<Member> && !HasSignedForm<Member>, "a flat struct");
        members.push_back(json::Object{{"name", name}, {"type", detail::type_name<Member>()}});
    });
    const std::string_view name = T::eip712_name;
    json::Object types{{"EIP712Domain", domain_type(domain)}};
    types.emplace(name, std::move(members));
    return {json::Object{{"types", std::move(types)},
                         {"primaryType", name},
                         {"domain", domain_data(domain)},
                         {"message", json::encode(message)}},
            preimage(domain_separator(domain), hash_struct(message))};
}

template <Struct T>
Signable signable(Domain domain, T message) {
    const auto hash = digest(domain, message);
    return {hash, [domain = std::move(domain), message = std::move(message)] {
                return typed_data(domain, message);
            }};
}

}  // namespace farthing::eip712
