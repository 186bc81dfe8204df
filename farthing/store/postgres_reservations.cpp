// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/postgres_reservations.hpp"

#include <fmt/format.h>

#include "farthing/store/sql_rows.hpp"

namespace farthing::store {
namespace {

/// Rows that are over and go with each one that is let go.
constexpr int kSweptMax = 100;

/// One node after the other for each payer. A statement of its own: the one that counts must begin
/// after the lock is had. `!` is before every other value, and the steps of a group go in the order
/// of their values: all its locks are had before its first row.
Step lock_of(const KeyText& key) {
    return {"SELECT pg_advisory_xact_lock(hashtextextended(:1, 0))",
            {fmt::format("!{} {} {}", key.network, key.token, key.payer)},
            false};
}

Step reservation_of(const KeyText& key, const Reserved& payment, const std::string& node,
                    const U256& room, const std::string& now) {
    auto sql = fmt::format(
        "INSERT INTO reservations AS own (network, token, payer, nonce, node, amount, until_ms) "
        "SELECT CAST(:1 AS TEXT), CAST(:2 AS TEXT), CAST(:3 AS TEXT), CAST(:4 AS TEXT), CAST(:5 AS "
        "TEXT), CAST(:6 AS TEXT), {0} + CAST(:7 AS BIGINT) WHERE (SELECT COALESCE(SUM(held), 0) "
        "FROM (SELECT MAX(CAST(r.amount AS NUMERIC)) AS held FROM reservations r WHERE r.network = "
        ":1 AND r.token = :2 AND r.payer = :3 AND r.nonce <> :4 AND r.node <> :5 AND r.until_ms > "
        "{0} AND NOT EXISTS (SELECT 1 FROM reservations o WHERE o.network = r.network AND o.token "
        "= r.token AND o.payer = r.payer AND o.nonce = r.nonce AND o.node = :5 AND o.until_ms > "
        "{0}) GROUP BY r.nonce) others) <= CAST(:8 AS NUMERIC) ON CONFLICT (network, token, payer, "
        "nonce, node) DO UPDATE SET amount = CAST(GREATEST(CAST(own.amount AS NUMERIC), "
        "CAST(excluded.amount AS NUMERIC)) AS TEXT), until_ms = GREATEST(own.until_ms, "
        "excluded.until_ms) RETURNING 1",
        now);
    return {std::move(sql),
            {key.network, key.token, key.payer, key.nonce, node, payment.amount.to_decimal(),
             std::to_string(payment.hold.count()), room.to_decimal()}};
}

/// The steps say it all.
Result<> nothing_more(soci::session& /*session*/) { return {}; }

}  // namespace

Task<Result<bool>> PostgresReservations::reserve(Reserved payment, U256 room) {
    const KeyText key(payment.key);
    std::vector<Step> steps;
    steps.push_back(lock_of(key));
    steps.push_back(reservation_of(key, payment, node_, room, database_.now()));
    auto granted = co_await database_.run(std::move(steps), nothing_more);
    co_return granted;
}

Task<Result<>> PostgresReservations::hold(Reserved payment) {
    auto held = co_await reserve(std::move(payment), U256::max());
    if (!held) co_return fail(std::move(held).error());
    co_return Result<>{};
}

Task<Result<>> PostgresReservations::let_go(scheme::PaymentKey of,
                                            std::chrono::milliseconds after) {
    const KeyText key(of);
    const auto now = database_.now();
    std::vector<Step> steps;
    steps.push_back(
        {fmt::format("UPDATE reservations SET until_ms = LEAST(until_ms, {} + CAST(:5 AS "
                     "BIGINT)) WHERE network = :1 AND token = :2 AND payer = :3 AND "
                     "nonce = :4",
                     now),
         {key.network, key.token, key.payer, key.nonce, std::to_string(after.count())},
         false});
    steps.push_back(
        {fmt::format("DELETE FROM reservations WHERE ctid IN (SELECT ctid FROM "
                     "reservations WHERE until_ms <= {} LIMIT {} FOR UPDATE SKIP LOCKED)",
                     now, kSweptMax),
         {},
         false});
    auto done = co_await database_.run(std::move(steps), nothing_more);
    if (!done) co_return fail(std::move(done).error());
    co_return Result<>{};
}

}  // namespace farthing::store
