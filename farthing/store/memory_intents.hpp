// SPDX-License-Identifier: Apache-2.0
// Intents in memory: for tests, and for who says that a crash may forget (`store = "memory"`).
#pragma once

#include <memory>

#include "farthing/store/memory_table.hpp"

namespace farthing::store {

class MemoryIntents final : public IntentStore {
  public:
    MemoryIntents(std::shared_ptr<MemoryTable> table, std::string node)
        : table_(std::move(table)), node_(std::move(node)) {}

    Task<Result<std::optional<Intent>>> begin(Intent intent) override;
    Task<Result<>> add_broadcast(std::vector<scheme::PaymentKey> keys,
                                 Broadcast broadcast) override;
    Task<Result<>> drop_broadcast(std::vector<scheme::PaymentKey> keys, Bytes32 hash) override;
    Task<Result<>> end(scheme::PaymentKey key, Ending ending) override;
    Task<Result<std::optional<Intent>>> find(scheme::PaymentKey key) override;
    Task<Result<bool>> tell(scheme::PaymentKey key, std::string asker) override;
    Task<Result<>> untell(scheme::PaymentKey key) override;
    Task<Result<>> hand_over(scheme::PaymentKey key) override;
    Task<Result<>> reopen(scheme::PaymentKey key, Bytes32 gone) override;
    Task<Result<std::vector<Intent>>> settled_since(Network network,
                                                    scheme::UnixSeconds time) override;
    Task<Result<std::vector<Intent>>> adopt(Network network) override;
    Task<Result<std::vector<Intent>>> mine(Network network) override;
    Task<Result<std::vector<Intent>>> unheard(Network network) override;

    [[nodiscard]] std::size_t size() const { return table_->intents.size(); }

  private:
    [[nodiscard]] bool is_of_another(const Intent& intent) const {
        return intent.owner != node_ && table_->is_living(intent.owner);
    }

    std::shared_ptr<MemoryTable> table_;
    std::string node_;
};

}  // namespace farthing::store
