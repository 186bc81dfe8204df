// SPDX-License-Identifier: Apache-2.0
// Intents in memory: for tests, and for who says that a crash may forget (`store = "memory"`).
#pragma once

#include <map>

#include "farthing/store/intents.hpp"

namespace farthing::store {

class MemoryIntents final : public IntentStore {
  public:
    Task<Result<std::optional<Intent>>> begin(Intent intent) override;
    Task<Result<>> add_broadcast(scheme::PaymentKey key, Broadcast broadcast) override;
    Task<Result<>> end(scheme::PaymentKey key, Ending ending) override;
    Task<Result<bool>> tell(scheme::PaymentKey key) override;
    Task<Result<>> untell(scheme::PaymentKey key) override;
    Task<Result<std::vector<Intent>>> unfinished(Network network) override;

    [[nodiscard]] std::size_t size() const { return intents_.size(); }

  private:
    std::map<scheme::PaymentKey, Intent> intents_;
};

}  // namespace farthing::store
