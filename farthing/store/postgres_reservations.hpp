// SPDX-License-Identifier: Apache-2.0
// Reservations in PostgreSQL, the store that nodes share.
#pragma once

#include "farthing/store/database.hpp"
#include "farthing/store/reservations.hpp"

namespace farthing::store {

class PostgresReservations final : public ReservationStore {
  public:
    PostgresReservations(Database& database, std::string node)
        : database_(database), node_(std::move(node)) {}

    Task<Result<bool>> reserve(Reserved payment, U256 room) override;
    Task<Result<>> hold(Reserved payment) override;
    Task<Result<>> let_go(scheme::PaymentKey key, std::chrono::milliseconds after) override;

  private:
    Database& database_;
    std::string node_;
};

}  // namespace farthing::store
