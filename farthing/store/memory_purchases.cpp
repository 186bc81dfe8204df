// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/memory_purchases.hpp"

#include <algorithm>

namespace farthing::store {

using State = MemoryPurchaseTable::State;

Result<> MemoryPurchases::works() const {
    if (table_->broken) return fail(Errc::io_failed, "store: broken");
    return {};
}

MemoryPurchases::Row* MemoryPurchases::ours(const scheme::PaymentKey& key) const {
    const auto found = table_->rows.find(key);
    if (found == table_->rows.end() || found->second.owner != node_) return nullptr;
    return &found->second;
}

Task<Result<PurchaseStore::Claim>> MemoryPurchases::claim(scheme::PaymentKey key, bool only_known,
                                                          scheme::UnixSeconds until) {
    FARTHING_CO_CHECK(works());
    if (!nodes_->is_living(node_)) co_return fail(Errc::io_failed, std::string(kLeaseIsOver));
    Claim out;
    const auto found = table_->rows.find(key);
    if (found == table_->rows.end()) {
        if (only_known) co_return out;
        Row row;
        row.owner = node_;
        row.purchase.key = key;
        row.purchase.until = until;
        table_->rows.emplace(key, std::move(row));
        co_return out;
    }
    auto& row = found->second;
    if (row.state == State::used) {
        out.standing = Standing::used;
        co_return out;
    }
    if (row.owner != node_ && nodes_->is_living(row.owner)) {
        out.standing = Standing::in_hand;
        co_return out;
    }
    row.owner = node_;
    if (row.state == State::kept) {
        out.standing = Standing::waiting;
        out.kept = row.purchase;
    }
    co_return out;
}

Task<Result<>> MemoryPurchases::keep(Purchase purchase) {
    FARTHING_CO_CHECK(works());
    auto* row = ours(purchase.key);
    if (row == nullptr || row->state == State::used)
        co_return fail(not_ours(purchase.key, kOfAnotherNode));
    if (!purchase.answer) purchase.answer = row->purchase.answer.value_or("");
    row->purchase = std::move(purchase);
    row->state = State::kept;
    co_return Result<>{};
}

Task<Result<>> MemoryPurchases::release(scheme::PaymentKey key) {
    FARTHING_CO_CHECK(works());
    auto* row = ours(key);
    if (row == nullptr) co_return Result<>{};
    if (row->state == State::claimed) {
        table_->rows.erase(key);
    } else {
        row->owner.clear();
    }
    co_return Result<>{};
}

Task<Result<>> MemoryPurchases::spend(scheme::PaymentKey key, scheme::UnixSeconds until) {
    FARTHING_CO_CHECK(works());
    auto* row = ours(key);
    if (row == nullptr) co_return Result<>{};
    row->state = State::used;
    row->owner.clear();
    row->purchase.answer = "";
    row->purchase.payment.clear();
    row->purchase.due = 0;
    row->purchase.until = until;
    co_return Result<>{};
}

Task<Result<>> MemoryPurchases::forget(scheme::PaymentKey key) {
    FARTHING_CO_CHECK(works());
    if (ours(key) != nullptr) table_->rows.erase(key);
    co_return Result<>{};
}

Task<Result<std::vector<Purchase>>> MemoryPurchases::owed(std::size_t most) {
    FARTHING_CO_CHECK(works());
    std::vector<Purchase> out;
    for (const auto& [key, row] : table_->rows) {
        if (row.purchase.due != 0 && !nodes_->is_living(row.owner)) out.push_back(row.purchase);
    }
    std::ranges::sort(out, {}, &Purchase::due);
    out.resize(std::min(out.size(), most));
    co_return out;
}

Task<Result<>> MemoryPurchases::bar(Address payer, scheme::UnixSeconds /*since*/) {
    FARTHING_CO_CHECK(works());
    table_->barred.insert(payer);
    co_return Result<>{};
}

Task<Result<std::vector<Address>>> MemoryPurchases::barred(std::size_t most) {
    FARTHING_CO_CHECK(works());
    std::vector<Address> out(table_->barred.begin(), table_->barred.end());
    out.resize(std::min(out.size(), most));
    co_return out;
}

Task<Result<std::size_t>> MemoryPurchases::sweep(scheme::UnixSeconds now, std::size_t most) {
    FARTHING_CO_CHECK(works());
    std::size_t count = 0;
    for (auto each = table_->rows.begin(); each != table_->rows.end() && count < most;) {
        const auto& row = each->second;
        if (row.purchase.until > now || row.purchase.due != 0 || nodes_->is_living(row.owner)) {
            ++each;
            continue;
        }
        each = table_->rows.erase(each);
        ++count;
    }
    co_return count;
}

}  // namespace farthing::store
