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

}  // namespace farthing::rlp
