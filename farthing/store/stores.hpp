// SPDX-License-Identifier: Apache-2.0
// Where a service keeps what must outlive it.
#pragma once

#include <memory>

#include "farthing/store/database.hpp"
#include "farthing/store/intents.hpp"
#include "farthing/store/leases.hpp"
#include "farthing/store/reservations.hpp"

namespace farthing::store {

struct Stores {
    std::string node;                    ///< id of this node, new with each start
    bool shared = false;                 ///< with other processes
    std::unique_ptr<Database> database;  ///< null when it is memory
    std::unique_ptr<IntentStore> intents;
    std::unique_ptr<LeaseStore> leases;
    std::unique_ptr<ReservationStore> reservations;  ///< null when no other process is there
};

/// `where` is what `store` in a configuration says: `memory` (also when empty), the path of an
/// SQLite file, or postgresql://… Errors: those of Database::open.
[[nodiscard]] Result<Stores> open_stores(Env env, Loop& loop, const std::string& where);

}  // namespace farthing::store
