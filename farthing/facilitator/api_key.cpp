// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/api_key.hpp"

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/sha256.hpp"

namespace farthing::facilitator {
namespace {

/// Tells people and secret scanners what was found.
constexpr std::string_view kPrefix = "farthing_";
constexpr std::size_t kDigits = 64;

bool is_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

Secret<std::string> make_api_key(Random& random) {
    auto bytes = random.bytes32();
    auto digits = to_hex_digits(bytes);
    std::string key;
    key.reserve(kPrefix.size() + kDigits);  // in one piece: no copy is left behind
    key.append(kPrefix).append(digits);
    wipe(bytes.data.data(), bytes.data.size());
    wipe(digits.data(), digits.size());
    return Secret<std::string>(std::move(key));
}

std::optional<Bytes32> hash_api_key(std::string_view key) {
    if (key.size() != kPrefix.size() + kDigits || !key.starts_with(kPrefix)) return std::nullopt;
    if (!std::ranges::all_of(key.substr(kPrefix.size()), is_digit)) return std::nullopt;
    return sha256(key);
}

}  // namespace farthing::facilitator
