// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/address.hpp"

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"

namespace farthing {

std::string Address::to_lower() const { return to_hex(data); }

std::string Address::to_checksum() const {
    auto text = to_lower();
    const auto hash = keccak256(std::string_view(text).substr(2));
    for (std::size_t i = 0; i < 40; ++i) {
        const auto nibble = (hash.data[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15;
        char& c = text[i + 2];
        if (nibble >= 8 && c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

Result<Address> parse_address(std::string_view text) {
    Address address;
    if (!from_hex(text, address.data)) {
        return fail(Errc::invalid_field, "expected 0x and 40 hex digits");
    }
    bool upper = false;
    bool lower = false;
    for (const char c : text.substr(2)) {
        upper = upper || (c >= 'A' && c <= 'F');
        lower = lower || (c >= 'a' && c <= 'f');
    }
    if (upper && lower && address.to_checksum() != text) {
        return fail(Errc::invalid_field, "the EIP-55 checksum does not fit: mistyped address?");
    }
    return address;
}

Address address_of(const PublicKey& key) {
    const auto hash = keccak256(ByteView(key));
    Address address;
    std::copy(hash.data.begin() + 12, hash.data.end(), address.data.begin());
    return address;
}

Address address_of(const PrivateKey& key) { return address_of(public_key(key)); }

Result<Address> json::Codec<Address>::decode(const Value& value, const Path& path) {
    const auto* text = value.if_string();
    if (text == nullptr) return path.error("expected 0x and 40 hex digits");
    auto address = parse_address(*text);
    if (!address) return path.error(address.error().detail);
    return address;
}

Result<Bytes32> json::Codec<Bytes32>::decode(const Value& value, const Path& path) {
    const auto* text = value.if_string();
    if (text == nullptr) return path.error("expected 0x and 64 hex digits");
    auto bytes = bytes32_from_hex(*text);
    if (!bytes) return path.error(bytes.error().detail);
    return bytes;
}

json::Value json::Codec<Bytes32>::encode(const Bytes32& bytes) { return Value(to_hex(bytes)); }

Result<Bytes> json::Codec<Bytes>::decode(const Value& value, const Path& path) {
    const auto* text = value.if_string();
    if (text == nullptr) return path.error("expected 0x and hex digits");
    if (text->size() > 2 + 2 * bytes_max) return path.error("expected at most 16384 bytes");
    auto bytes = from_hex(*text);
    if (!bytes) return path.error(bytes.error().detail);
    return bytes;
}

json::Value json::Codec<Bytes>::encode(const Bytes& bytes) { return Value(to_hex(bytes)); }

}  // namespace farthing
