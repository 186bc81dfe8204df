// SPDX-License-Identifier: Apache-2.0
// EIP-712: what a wallet signs, hashed from a typed value with fields(), never from JSON text.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "farthing/base/fields.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/address.hpp"
#include "farthing/evm/u256.hpp"

namespace farthing::eip712 {

/// A member whose Solidity type is narrower than uint256: `UintN<48>` is a uint48.
template <unsigned Bits>
struct UintN {
    U256 value;
    friend bool operator==(const UintN&, const UintN&) = default;
};

/// A type that is signed as another: specialise with `static auto convert(const T&)`. JSON and the
/// signature then come from one declaration even where people write the value as text.
template <class T>
struct SignedAs {};

template <class T>
concept HasSignedForm = requires(const T& value) { SignedAs<T>::convert(value); };

/// A signed struct: `static constexpr std::string_view eip712_name` and fields().
template <class T>
concept Struct = HasFields<T> && requires { T::eip712_name; };

/// Which of the five domain members are present decides the domain's type. Source: EIP-712,
/// "Definition of domainSeparator".
struct Domain {
    std::string name;
    std::optional<std::string> version;
    std::optional<U256> chain_id;
    std::optional<Address> verifying_contract;
    friend bool operator==(const Domain&, const Domain&) = default;
};

[[nodiscard]] Bytes32 domain_separator(const Domain& domain);

namespace detail {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

/// EIP-712 has no absent member: an optional is signed as an array of none or one.
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
using SignedForm = std::remove_cvref_t<decltype(SignedAs<T>::convert(std::declval<const T&>()))>;

template <class T>
struct IsUintN : std::false_type {};
template <unsigned Bits>
struct IsUintN<UintN<Bits>> : std::true_type {
    static constexpr unsigned bits = Bits;
};

template <class T>
std::string type_name() {
    if constexpr (HasSignedForm<T>)
        return type_name<SignedForm<T>>();
    else if constexpr (std::is_same_v<T, bool>)
        return "bool";
    else if constexpr (std::is_same_v<T, std::uint32_t>)
        return "uint32";
    else if constexpr (std::is_same_v<T, std::uint64_t>)
        return "uint64";
    else if constexpr (std::is_same_v<T, std::int32_t>)
        return "int32";
    else if constexpr (std::is_same_v<T, Address>)
        return "address";
    else if constexpr (std::is_same_v<T, U256>)
        return "uint256";
    else if constexpr (IsUintN<T>::value)
        return "uint" + std::to_string(IsUintN<T>::bits);
    else if constexpr (std::is_same_v<T, Bytes32>)
        return "bytes32";
    else if constexpr (std::is_same_v<T, Bytes>)
        return "bytes";
    else if constexpr (std::is_same_v<T, std::string>)
        return "string";
    else if constexpr (IsVector<T>::value || IsOptional<T>::value)
        return type_name<typename T::value_type>() + "[]";
    else
        return std::string(T::eip712_name);
}

template <class T>
std::string own_type() {
    std::string text = std::string(T::eip712_name) + "(";
    for_each_field<T>([&](std::string_view name, auto member) {
        using Member = std::remove_cvref_t<decltype(std::declval<T>().*member)>;
        if (!text.ends_with('(')) text += ',';
        text += type_name<Member>() + " " + std::string(name);
    });
    return text + ")";
}

/// Referenced structs, sorted by name as the standard wants.
template <class T>
void referenced(std::set<std::string>& into) {
    if constexpr (HasSignedForm<T>) {
        referenced<SignedForm<T>>(into);
    } else if constexpr (IsVector<T>::value || IsOptional<T>::value) {
        referenced<typename T::value_type>(into);
    } else if constexpr (Struct<T>) {
        for_each_field<T>([&](std::string_view, auto member) {
            using Member = std::remove_cvref_t<decltype(std::declval<T>().*member)>;
            referenced<Member>(into);
        });
        into.insert(own_type<T>());
    }
}

template <class T>
Bytes32 encode_member(const T& value);

}  // namespace detail

/// `Mail(Person from,string text)Person(address wallet)`.
template <Struct T>
std::string encode_type() {
    const auto own = detail::own_type<T>();
    std::set<std::string> others;
    detail::referenced<T>(others);
    others.erase(own);
    std::string text = own;
    for (const auto& each : others) text += each;
    return text;
}

template <Struct T>
const Bytes32& type_hash() {
    static const Bytes32 hash = keccak256(std::string_view(encode_type<T>()));
    return hash;
}

template <Struct T>
Bytes32 hash_struct(const T& value) {
    constexpr auto count = std::tuple_size_v<decltype(T::fields())>;
    std::array<std::uint8_t, 32 * (count + 1)> encoded{};
    std::memcpy(encoded.data(), type_hash<T>().data.data(), 32);
    std::size_t at = 32;
    for_each_field<T>([&](std::string_view, auto member) {
        const Bytes32 word = detail::encode_member(value.*member);
        std::memcpy(encoded.data() + at, word.data.data(), 32);
        at += 32;
    });
    return keccak256(ByteView(encoded));
}

/// The digest that is signed: keccak256(0x1901 ‖ domain separator ‖ hash of the struct).
[[nodiscard]] Bytes32 digest(const Bytes32& domain_separator, const Bytes32& struct_hash);

template <Struct T>
Bytes32 digest(const Bytes32& separator, const T& message) {
    return digest(separator, hash_struct(message));
}
template <Struct T>
Bytes32 digest(const Domain& domain, const T& message) {
    return digest(domain_separator(domain), hash_struct(message));
}

namespace detail {

template <class T>
Bytes32 encode_member(const T& value) {
    if constexpr (HasSignedForm<T>) {
        return encode_member(SignedAs<T>::convert(value));
    } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::uint32_t> ||
                         std::is_same_v<T, std::uint64_t>) {
        return U256(value).to_bytes();
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        // Two's complement: the sign fills the word.
        Bytes32 word = U256(static_cast<std::uint32_t>(value)).to_bytes();
        if (value < 0) std::memset(word.data.data(), 0xff, 28);
        return word;
    } else if constexpr (std::is_same_v<T, Bytes32>) {
        return value;
    } else if constexpr (std::is_same_v<T, U256>) {
        return value.to_bytes();
    } else if constexpr (IsUintN<T>::value) {
        return value.value.to_bytes();
    } else if constexpr (std::is_same_v<T, Address>) {
        Bytes32 word;
        std::memcpy(word.data.data() + 12, value.data.data(), 20);
        return word;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return keccak256(std::string_view(value));
    } else if constexpr (std::is_same_v<T, Bytes>) {
        return keccak256(ByteView(value));
    } else if constexpr (IsVector<T>::value) {
        Bytes joined;
        for (const auto& each : value) append(joined, encode_member(each));
        return keccak256(ByteView(joined));
    } else if constexpr (IsOptional<T>::value) {
        if (!value) return keccak256(ByteView{});
        return keccak256(ByteView(encode_member(*value)));
    } else {
        return hash_struct(value);
    }
}

}  // namespace detail
}  // namespace farthing::eip712
