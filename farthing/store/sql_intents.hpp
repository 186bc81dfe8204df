// SPDX-License-Identifier: Apache-2.0
// Intents in a database.
#pragma once

#include "farthing/store/database.hpp"
#include "farthing/store/intents.hpp"
#include "farthing/store/sql_rows.hpp"

namespace farthing::store {

/// `database` must outlive it.
class SqlIntents final : public IntentStore {
  public:
    SqlIntents(Database& database, std::string node)
        : database_(database), node_(std::move(node)) {}

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

  private:
    /// The intents of a WHERE clause and what follows it.
    Task<Result<std::vector<Intent>>> read(std::string rest, Bindings bindings,
                                           Detail detail = Detail::whole);

    Database& database_;
    std::string node_;
};

}  // namespace farthing::store
