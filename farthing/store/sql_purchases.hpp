// SPDX-License-Identifier: Apache-2.0
// Purchases in a database.
#pragma once

#include "farthing/store/database.hpp"
#include "farthing/store/purchases.hpp"

namespace farthing::store {

class SqlPurchases final : public PurchaseStore {
  public:
    SqlPurchases(Database& database, std::string node)
        : database_(database), node_(std::move(node)) {}

    Task<Result<Claim>> claim(scheme::PaymentKey key, bool only_known,
                              scheme::UnixSeconds until) override;
    Task<Result<>> keep(Purchase purchase) override;
    Task<Result<>> release(scheme::PaymentKey key) override;
    Task<Result<>> spend(scheme::PaymentKey key, scheme::UnixSeconds until) override;
    Task<Result<>> forget(scheme::PaymentKey key) override;
    Task<Result<std::vector<Purchase>>> owed(std::size_t most) override;
    Task<Result<>> bar(Address payer, scheme::UnixSeconds since) override;
    Task<Result<std::vector<Address>>> barred(std::size_t most) override;
    Task<Result<std::size_t>> sweep(scheme::UnixSeconds now, std::size_t most) override;

  private:
    Database& database_;
    std::string node_;
};

}  // namespace farthing::store
