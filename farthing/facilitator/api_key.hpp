// SPDX-License-Identifier: Apache-2.0
// API keys: `farthing_` and 64 hex digits, 32 random bytes. Only such keys exist, and that is why a
// plain SHA-256 keeps them: a slow hash guards what can be guessed, as a password can. 2^256 values
// cannot be tried at any speed, and a slow hash on each request would be a way to burn our time.
#pragma once

#include <optional>

#include "farthing/base/bytes.hpp"
#include "farthing/base/secret.hpp"
#include "farthing/io/random.hpp"

namespace farthing::facilitator {

[[nodiscard]] Secret<std::string> make_api_key(Random& random);
/// What the configuration keeps of it; nothing for a text that is no key.
[[nodiscard]] std::optional<Bytes32> hash_api_key(std::string_view key);

}  // namespace farthing::facilitator
