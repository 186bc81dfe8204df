// SPDX-License-Identifier: Apache-2.0
// Ethereum addresses, with EIP-55 checksums on the way out and either case on the way in.
#pragma once

#include "farthing/base/bytes.hpp"
#include "farthing/base/result.hpp"
#include "farthing/crypto/ecdsa.hpp"
#include "farthing/json/codec.hpp"

namespace farthing {

struct Address {
    std::array<std::uint8_t, 20> data{};

    friend bool operator==(const Address&, const Address&) = default;
    friend auto operator<=>(const Address&, const Address&) = default;
    [[nodiscard]] operator ByteView() const { return data; }
    [[nodiscard]] bool is_zero() const { return *this == Address{}; }
    /// EIP-55 mixed case.
    [[nodiscard]] std::string to_checksum() const;
    [[nodiscard]] std::string to_lower() const;
};

/// `0x` and 40 hex digits. A mixed-case text must carry the right EIP-55 checksum: a mistyped
/// address is refused, not paid. Errors: invalid_field.
[[nodiscard]] Result<Address> parse_address(std::string_view text);
/// The account of a public key. Source: Yellow Paper, appendix F.
[[nodiscard]] Address address_of(const PublicKey& key);
[[nodiscard]] Address address_of(const PrivateKey& key);

template <>
struct json::Codec<Address> {
    static Result<Address> decode(const Value& value, const Path& path);
    static Value encode(const Address& address) { return Value(address.to_checksum()); }
};

template <>
struct json::Codec<Bytes32> {
    static Result<Bytes32> decode(const Value& value, const Path& path);
    static Value encode(const Bytes32& bytes);
};

/// `0x` hex of any even length, at most `bytes_max` bytes.
template <>
struct json::Codec<Bytes> {
    static constexpr std::size_t bytes_max = 16384;
    static Result<Bytes> decode(const Value& value, const Path& path);
    static Value encode(const Bytes& bytes);
};

}  // namespace farthing

template <>
struct std::hash<farthing::Address> {
    std::size_t operator()(const farthing::Address& value) const noexcept {
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(value.data.data()), value.data.size()});
    }
};
