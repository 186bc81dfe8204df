// SPDX-License-Identifier: Apache-2.0
// Intents in a database.
#pragma once

#include "farthing/store/database.hpp"
#include "farthing/store/intents.hpp"

namespace farthing::store {

/// `database` must outlive it.
class SqlIntents final : public IntentStore {
  public:
    explicit SqlIntents(Database& database) : database_(database) {}

    Task<Result<std::optional<Intent>>> begin(Intent intent) override;
    Task<Result<>> add_broadcast(scheme::PaymentKey key, Broadcast broadcast) override;
    Task<Result<>> end(scheme::PaymentKey key, Ending ending) override;
    Task<Result<bool>> tell(scheme::PaymentKey key) override;
    Task<Result<>> untell(scheme::PaymentKey key) override;
    Task<Result<std::vector<Intent>>> unfinished(Network network) override;

  private:
    Database& database_;
};

/// Every intent, the oldest first, handed to `each` one by one. Runs on the calling thread. Errors:
/// io_failed (also for a row that is no intent).
Result<> for_each_intent(Database& database, const std::function<void(const Intent&)>& each);

/// Removes what has ended before `before`: failed ones, and settled ones that somebody heard of.
/// Returns how many.
Result<std::uint64_t> forget_ended(Database& database, scheme::UnixSeconds before);

}  // namespace farthing::store
