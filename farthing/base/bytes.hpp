// SPDX-License-Identifier: Apache-2.0
// Byte sequences: a growable one and the fixed sizes that Ethereum signs and hashes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farthing {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

/// Exactly 32 bytes: a hash, a nonce, a storage word. Zero when default-made.
struct Bytes32 {
    std::array<std::uint8_t, 32> data{};

    friend bool operator==(const Bytes32&, const Bytes32&) = default;
    friend auto operator<=>(const Bytes32&, const Bytes32&) = default;
    [[nodiscard]] operator ByteView() const { return data; }
};

}  // namespace farthing

template <>
struct std::hash<farthing::Bytes32> {
    std::size_t operator()(const farthing::Bytes32& value) const noexcept {
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(value.data.data()), value.data.size()});
    }
};
