// SPDX-License-Identifier: Apache-2.0
// Leases in memory.
#pragma once

#include <memory>

#include "farthing/store/memory_table.hpp"

namespace farthing::store {

class MemoryLeases final : public LeaseStore {
  public:
    MemoryLeases(std::shared_ptr<MemoryTable> table, std::string node)
        : table_(std::move(table)), node_(std::move(node)) {}

    Task<Result<bool>> acquire(std::string name, std::chrono::milliseconds ttl) override;
    Task<Result<std::size_t>> count(std::string prefix) override;
    Task<Result<>> release(std::string name) override;
    Task<Result<>> release_all() override;

  private:
    std::shared_ptr<MemoryTable> table_;
    std::string node_;
};

}  // namespace farthing::store
