// SPDX-License-Identifier: Apache-2.0
// Keccak-256 with Ethereum's padding (not SHA3-256), over Botan.
#pragma once

#include <initializer_list>

#include "farthing/base/bytes.hpp"

namespace farthing {

[[nodiscard]] Bytes32 keccak256(ByteView data);
/// The hash of the parts one after another, without joining them first.
[[nodiscard]] Bytes32 keccak256(std::initializer_list<ByteView> parts);
[[nodiscard]] inline Bytes32 keccak256(std::string_view text) { return keccak256(as_bytes(text)); }

}  // namespace farthing
