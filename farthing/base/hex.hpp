// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text with the 0x prefix, as Ethereum's JSON uses it.
#pragma once

#include <span>

#include "farthing/base/bytes.hpp"
#include "farthing/base/result.hpp"

namespace farthing {

/// `0x` and lower-case digits.
[[nodiscard]] std::string to_hex(ByteView bytes);
[[nodiscard]] std::string to_hex_digits(ByteView bytes);  ///< the same without 0x
/// Accepts `0x` (lower-case x) and an even number of digits of either case. Errors:
/// invalid_encoding.
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);
/// The same into exactly `out.size()` bytes, no allocation.
[[nodiscard]] Result<> from_hex(std::string_view text, std::span<std::uint8_t> out);
[[nodiscard]] Result<Bytes32> bytes32_from_hex(std::string_view text);

}  // namespace farthing
