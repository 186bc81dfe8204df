// SPDX-License-Identifier: Apache-2.0
// How the settlement of a payment stands.
#pragma once

#include <optional>

#include "farthing/base/bytes.hpp"
#include "farthing/base/error.hpp"

namespace farthing::settlement {

struct Outcome {
    enum class State : std::uint8_t {
        settled,  ///< mined, and its events prove that exactly this payment moved
        failed,   ///< proved not to have happened, with the reason in `error`
        unknown,  ///< broadcast, or about to be: it may still happen; ask again
    };
    State state = State::unknown;
    std::optional<Bytes32> transaction;  ///< of the last broadcast, when there was one
    Error error;                         ///< for `failed` and `unknown`
    std::uint64_t block_number = 0;      ///< where it was mined, when this process saw it
    Bytes32 block_hash;
};

}  // namespace farthing::settlement
