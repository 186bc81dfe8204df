// SPDX-License-Identifier: Apache-2.0
// A list of addresses in a file: one a line, `#` before a comment.
#pragma once

#include <filesystem>
#include <unordered_set>

#include "farthing/evm/address.hpp"

namespace farthing::facilitator {

using AddressSet = std::unordered_set<Address>;

inline constexpr std::size_t kAddressListBytesMax = 8 << 20;
inline constexpr std::size_t kAddressesMax = 100'000;

/// Strict: a line that is neither empty nor a comment nor an address spoils the whole list, because
/// an entry that is left out lets through whom it names. Errors: invalid_field with the line's
/// number, too_large.
[[nodiscard]] Result<AddressSet> parse_address_list(std::string_view text);
/// Errors: those, and io_failed, with the file's name.
[[nodiscard]] Result<AddressSet> load_address_list(const std::filesystem::path& file);

}  // namespace farthing::facilitator
