// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/abi.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/crypto/keccak.hpp"

namespace farthing::abi {
namespace {

std::unexpected<Error> truncated(std::size_t index) {
    return fail(Errc::invalid_encoding,
                fmt::format("ABI word {}: offset or length past the end", index));
}

void append_word(Bytes& out, const U256& value) { append(out, value.to_bytes()); }

}  // namespace

bool Item::is_dynamic() const {
    if (shape_ == Shape::bytes || shape_ == Shape::array) return true;
    return std::ranges::any_of(items_, [](const Item& each) { return each.is_dynamic(); });
}

Bytes Item::body() const {
    Bytes out;
    switch (shape_) {
        case Shape::word:
            append(out, word_);
            break;
        case Shape::bytes:
            append_word(out, U256(bytes_.size()));
            append(out, bytes_);
            out.resize((out.size() + 31) / 32 * 32);
            break;
        case Shape::array:
            append_word(out, U256(items_.size()));
            append(out, encode(items_));
            break;
        case Shape::tuple:
            return encode(items_);
    }
    return out;
}

Bytes encode(const std::vector<Item>& arguments) {
    std::vector<Bytes> bodies;
    std::size_t head_size = 0;
    for (const auto& each : arguments) {
        bodies.push_back(each.body());
        head_size += each.is_dynamic() ? 32 : bodies.back().size();
    }
    Bytes head;
    Bytes tail;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].is_dynamic()) {
            append_word(head, U256(head_size + tail.size()));
            append(tail, bodies[i]);
        } else {
            append(head, bodies[i]);
        }
    }
    append(head, tail);
    return head;
}

std::array<std::uint8_t, 4> selector(std::string_view signature) {
    const auto hash = keccak256(signature);
    return {hash.data[0], hash.data[1], hash.data[2], hash.data[3]};
}

Bytes call(std::string_view signature, const std::vector<Item>& arguments) {
    return call(selector(signature), arguments);
}

Bytes call(const std::array<std::uint8_t, 4>& selector, const std::vector<Item>& arguments) {
    Bytes out(selector.begin(), selector.end());
    append(out, encode(arguments));
    return out;
}

Result<Bytes32> Reader::word(std::size_t index) const {
    if (index >= data_.size() / 32) return truncated(index);
    Bytes32 out;
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(index * 32), 32, out.data.begin());
    return out;
}

Result<U256> Reader::number(std::size_t index) const {
    FARTHING_TRY(const auto bytes, word(index));
    return U256::from_bytes(bytes);
}

Result<bool> Reader::boolean(std::size_t index) const {
    FARTHING_TRY(const auto value, number(index));
    if (value > U256(1))
        return fail(Errc::invalid_encoding, fmt::format("ABI word {}: not a bool", index));
    return value == U256(1);
}

Result<Address> Reader::address(std::size_t index) const {
    FARTHING_TRY(const auto bytes, word(index));
    if (std::any_of(bytes.data.begin(), bytes.data.begin() + 12, [](auto b) { return b != 0; })) {
        return fail(Errc::invalid_encoding, fmt::format("ABI word {}: not an address", index));
    }
    Address out;
    std::copy(bytes.data.begin() + 12, bytes.data.end(), out.data.begin());
    return out;
}

Result<std::size_t> Reader::offset(std::size_t index) const {
    FARTHING_TRY(const auto value, number(index));
    const auto small = value.to_u64();
    if (!small || *small > data_.size()) return truncated(index);
    return static_cast<std::size_t>(*small);
}

Result<std::size_t> Reader::length_at(std::size_t offset) const {
    if (data_.size() - offset < 32) return truncated(offset / 32);
    Bytes32 bytes;
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(offset), 32, bytes.data.begin());
    const auto small = U256::from_bytes(bytes).to_u64();
    if (!small || *small > data_.size()) return truncated(offset / 32);
    return static_cast<std::size_t>(*small);
}

Result<ByteView> Reader::bytes(std::size_t index) const {
    FARTHING_TRY(const auto start, offset(index));
    FARTHING_TRY(const auto size, length_at(start));
    if (data_.size() - start - 32 < size) return truncated(index);
    return data_.subspan(start + 32, size);
}

Result<std::string> Reader::text(std::size_t index) const {
    FARTHING_TRY(const auto raw, bytes(index));
    return std::string(raw.begin(), raw.end());
}

Result<Reader> Reader::tuple(std::size_t index) const {
    FARTHING_TRY(const auto start, offset(index));
    return Reader(data_.subspan(start));
}

Result<std::vector<Reader>> Reader::array(std::size_t index, std::size_t count_max) const {
    FARTHING_TRY(const auto start, offset(index));
    FARTHING_TRY(const auto count, length_at(start));
    if (count > count_max) return fail(Errc::too_large, fmt::format("ABI array of {}", count));
    const Reader elements(data_.subspan(start + 32));
    std::vector<Reader> out;
    for (std::size_t i = 0; i < count; ++i) {
        FARTHING_TRY(auto element, elements.tuple(i));
        out.push_back(element);
    }
    return out;
}

}  // namespace farthing::abi
