// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/memory_leases.hpp"

#include <algorithm>

namespace farthing::store {

Task<Result<bool>> MemoryLeases::acquire(std::string name, std::chrono::milliseconds ttl) {
    const auto now = table_->clock.steady_now();
    auto& lease = table_->leases[std::move(name)];
    if (lease.holder != node_ && lease.until > now) co_return false;
    lease = {node_, now + ttl};
    co_return true;
}

Task<Result<std::size_t>> MemoryLeases::count(std::string prefix) {
    const auto now = table_->clock.steady_now();
    co_return static_cast<std::size_t>(std::ranges::count_if(table_->leases, [&](const auto& each) {
        return each.first.starts_with(prefix) && each.second.until > now;
    }));
}

Task<Result<>> MemoryLeases::release(std::string name) {
    const auto found = table_->leases.find(name);
    if (found != table_->leases.end() && found->second.holder == node_) table_->leases.erase(found);
    co_return Result<>{};
}

Task<Result<>> MemoryLeases::release_all() {
    std::erase_if(table_->leases, [this](const auto& each) { return each.second.holder == node_; });
    co_return Result<>{};
}

}  // namespace farthing::store
