// SPDX-License-Identifier: Apache-2.0
// What payments hold of a payer's balance on the nodes of one store, each node's own for the
// others to see.
#pragma once

#include "farthing/io/task.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::store {

/// A payment and what it holds, for so long at most.
struct Reserved {
    scheme::PaymentKey key;
    U256 amount;
    std::chrono::milliseconds hold{};
};

/// Made for one node. Each method is atomic and durable when it returns. Errors of all: io_failed,
/// write_unknown.
class ReservationStore {
  public:
    virtual ~ReservationStore() = default;

    /// Holds it, when all that other nodes hold of the payer's balance is at most `room`; false
    /// when it is more. A nonce that several nodes hold counts once, and not for a node that holds
    /// it itself.
    virtual Task<Result<bool>> reserve(Reserved payment, U256 room) = 0;
    /// Whatever others hold.
    virtual Task<Result<>> hold(Reserved payment) = 0;
    /// After this time nobody holds it any more.
    virtual Task<Result<>> let_go(scheme::PaymentKey key, std::chrono::milliseconds after) = 0;
};

}  // namespace farthing::store
