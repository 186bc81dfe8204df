// SPDX-License-Identifier: Apache-2.0
// Base64 as the x402 headers use it: standard alphabet. Source: protocol.md section 4, measured on
// the reference.
#pragma once

#include "farthing/base/bytes.hpp"
#include "farthing/base/result.hpp"

namespace farthing {

/// Padded, standard alphabet, no line breaks.
[[nodiscard]] std::string to_base64(std::string_view bytes);

/// Accepts what `^[A-Za-z0-9+/]*={0,2}$` matches: missing padding passes; base64url, white space
/// and inner `=` do not. Bits left over in the last character are dropped, and a lone last
/// character is dropped, as the reference decoder does. Errors: invalid_encoding.
[[nodiscard]] Result<std::string> from_base64(std::string_view text);

}  // namespace farthing
