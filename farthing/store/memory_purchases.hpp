// SPDX-License-Identifier: Apache-2.0
// Purchases in memory, shared by the gateways of one process: for tests.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "farthing/store/intents.hpp"
#include "farthing/store/memory_table.hpp"
#include "farthing/store/purchases.hpp"

namespace farthing::store {

struct MemoryPurchaseTable {
    enum class State : std::uint8_t { claimed, kept, used };
    struct Row {
        State state = State::claimed;
        std::string owner;
        Purchase purchase;
    };
    std::map<scheme::PaymentKey, Row> rows;
    std::set<Address> barred;
    bool broken = false;  ///< every call fails
};

class MemoryPurchases final : public PurchaseStore {
  public:
    /// Who lives is said by the leases of `nodes`.
    MemoryPurchases(std::shared_ptr<MemoryPurchaseTable> table, std::shared_ptr<MemoryTable> nodes,
                    std::string node)
        : table_(std::move(table)), nodes_(std::move(nodes)), node_(std::move(node)) {}

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
    using Row = MemoryPurchaseTable::Row;
    [[nodiscard]] Row* ours(const scheme::PaymentKey& key) const;
    [[nodiscard]] Result<> works() const;

    std::shared_ptr<MemoryPurchaseTable> table_;
    std::shared_ptr<MemoryTable> nodes_;
    std::string node_;
};

}  // namespace farthing::store
