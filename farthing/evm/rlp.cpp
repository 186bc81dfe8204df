// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/rlp.hpp"

#include <algorithm>

namespace farthing::rlp {
namespace {

void append_length(Bytes& out, std::size_t size, std::uint8_t base) {
    if (size < 56) {
        out.push_back(static_cast<std::uint8_t>(base + size));
        return;
    }
    Bytes digits;
    for (auto rest = size; rest != 0; rest >>= 8) digits.push_back(static_cast<std::uint8_t>(rest));
    out.push_back(static_cast<std::uint8_t>(base + 55 + digits.size()));
    out.insert(out.end(), digits.rbegin(), digits.rend());
}

}  // namespace

Bytes string(ByteView bytes) {
    if (bytes.size() == 1 && bytes[0] < 0x80) return {bytes[0]};
    Bytes out;
    append_length(out, bytes.size(), 0x80);
    append(out, bytes);
    return out;
}

Bytes number(const U256& value) {
    const auto bytes = value.to_bytes();
    const auto first = std::ranges::find_if(bytes.data, [](auto b) { return b != 0; });
    return string(ByteView(first, bytes.data.end()));
}

Bytes list(const std::vector<Bytes>& items) {
    std::size_t size = 0;
    for (const auto& item : items) size += item.size();
    Bytes out;
    append_length(out, size, 0xc0);
    for (const auto& item : items) append(out, item);
    return out;
}

Result<ByteView> Reader::next() {
    if (data_.empty()) return fail(Errc::invalid_encoding, "RLP ends early");
    const auto first = data_[0];
    if (first < 0x80) return cut(0, 1);
    if (first < 0xb8) return cut(1, first - 0x80U);
    if (first < 0xc0) return cut_long(first - 0xb7U);
    if (first < 0xf8) return cut(1, first - 0xc0U);
    return cut_long(first - 0xf7U);
}

Result<U256> Reader::number() {
    FARTHING_TRY(const auto bytes, next());
    if (bytes.size() > 32 || (!bytes.empty() && bytes[0] == 0)) {
        return fail(Errc::invalid_encoding, "RLP: not a number");
    }
    Bytes32 padded;
    std::ranges::copy(bytes, padded.data.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    return U256::from_bytes(padded);
}

Result<std::uint64_t> Reader::small() {
    FARTHING_TRY(const auto value, number());
    const auto fits = value.to_u64();
    if (!fits) return fail(Errc::invalid_encoding, "RLP: a number of more than 64 bits");
    return *fits;
}

Result<ByteView> Reader::cut(std::size_t head, std::size_t size) {
    if (data_.size() - head < size) return fail(Errc::invalid_encoding, "RLP ends early");
    const auto item = data_.subspan(head, size);
    data_ = data_.subspan(head + size);
    return item;
}

Result<ByteView> Reader::cut_long(std::size_t digits) {
    // Four digits count 4 GiB: more than anything that is read here.
    if (data_.size() <= digits || digits > 4) {
        return fail(Errc::invalid_encoding, "RLP ends early");
    }
    std::size_t size = 0;
    for (std::size_t i = 1; i <= digits; ++i) size = size << 8 | data_[i];
    return cut(1 + digits, size);
}

}  // namespace farthing::rlp
