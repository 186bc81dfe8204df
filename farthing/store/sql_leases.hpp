// SPDX-License-Identifier: Apache-2.0
// Leases in a database, by its clock.
#pragma once

#include "farthing/store/database.hpp"
#include "farthing/store/leases.hpp"

namespace farthing::store {

/// `database` must outlive it.
class SqlLeases final : public LeaseStore {
  public:
    SqlLeases(Database& database, std::string node) : database_(database), node_(std::move(node)) {}

    Task<Result<bool>> acquire(std::string name, std::chrono::milliseconds ttl) override;
    Task<Result<std::size_t>> count(std::string prefix) override;
    Task<Result<>> release(std::string name) override;
    Task<Result<>> release_all() override;

  private:
    Database& database_;
    std::string node_;
};

}  // namespace farthing::store
