// SPDX-License-Identifier: Apache-2.0
// Leases: who may use what only one node at a time may use, and for how long. A node is alive for
// as long as it holds the lease of its own name.
#pragma once

#include <chrono>
#include <string>

#include "farthing/base/result.hpp"
#include "farthing/io/random.hpp"
#include "farthing/io/task.hpp"

namespace farthing::store {

/// A new name for a node: nobody had it before, also not this machine before its restart.
[[nodiscard]] std::string make_node_id(Random& random);
/// The lease by which a node is alive.
[[nodiscard]] std::string node_lease(std::string_view node);

/// Made for one node. Each method is atomic, and counts for every node when it returns. Errors of
/// all: io_failed: it is not known whether it happened, and the caller acts as if it held nothing.
class LeaseStore {
  public:
    virtual ~LeaseStore() = default;

    /// True when this node has it from now on for `ttl`: new, renewed, or the one who had it let it
    /// expire. False when another node has it.
    virtual Task<Result<bool>> acquire(std::string name, std::chrono::milliseconds ttl) = 0;
    /// How many leases whose names begin with this are held, by whomever.
    virtual Task<Result<std::size_t>> count(std::string prefix) = 0;
    /// What another node has stays with it.
    virtual Task<Result<>> release(std::string name) = 0;
    /// At a clean stop, after everything else: all that this node has, its own life included.
    virtual Task<Result<>> release_all() = 0;
};

}  // namespace farthing::store
