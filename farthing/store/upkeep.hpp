// SPDX-License-Identifier: Apache-2.0
// What `farthing store` does with a database. On the calling thread, one at a time.
#pragma once

#include <functional>

#include "farthing/store/database.hpp"
#include "farthing/store/intents.hpp"

namespace farthing::store {

/// Every intent in the order of the keys, handed to `each` one by one. Errors: io_failed (also for
/// a row that is no intent).
[[nodiscard]] Result<> for_each_intent(Database& database,
                                       const std::function<void(const Intent&)>& each);

/// Removes what has ended before `before`: failed ones, and settled ones that somebody heard of.
/// Returns how many. In small transactions, beside whoever serves from the same database.
[[nodiscard]] Result<std::uint64_t> forget_ended(Database& database, scheme::UnixSeconds before);

}  // namespace farthing::store
