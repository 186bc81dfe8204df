// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/sql_purchases.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

#include "farthing/base/hex.hpp"
#include "farthing/store/intents.hpp"
#include "farthing/store/leases.hpp"
#include "farthing/store/sql_rows.hpp"

namespace farthing::store {
namespace {

using soci::into;
using soci::use;

constexpr std::string_view kClaimed = "claimed";
constexpr std::string_view kKept = "kept";
constexpr std::string_view kUsed = "used";
/// What is found and gone again when it is to be taken: another gateway is at it.
constexpr int kClaimTries = 3;

struct Row {
    std::string state, owner, request, answer, receipt, txn, idempotency, payment;
    int sent = 0;
    long long due = 0;
    long long until = 0;
};

bool is_living(soci::session& session, const std::string& node, const std::string& now) {
    if (node.empty()) return false;
    const auto name = node_lease(node);
    int count = 0;
    session << "SELECT COUNT(*) FROM leases WHERE name = :name AND until_ms > " + now,
        use(name, "name"), into(count);
    return count > 0;
}

bool insert(soci::session& session, const KeyText& key, const std::string& node,
            scheme::UnixSeconds until) {
    const auto ends = static_cast<long long>(until);
    int done = 0;
    session << "INSERT INTO purchases (network, token, payer, nonce, state, owner, request, "
               "answer, receipt, txn, sent, idempotency, payment, due, until) VALUES (:network, "
               ":token, :payer, :nonce, 'claimed', :owner, '', '', '', '', 0, '', '', 0, :until) "
               "ON CONFLICT DO NOTHING RETURNING 1",
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce"), use(node, "owner"), use(ends, "until"), into(done);
    return session.got_data();
}

/// Without the answer, which is large and mostly not wanted.
std::optional<Row> read_row(soci::session& session, const KeyText& key, const std::string& lock) {
    Row row;
    session << "SELECT state, owner, request, receipt, txn, sent, idempotency, until, payment, due "
               "FROM "
               "purchases" +
                   std::string(kOfKey) + lock,
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce"), into(row.state), into(row.owner), into(row.request),
        into(row.receipt), into(row.txn), into(row.sent), into(row.idempotency), into(row.until),
        into(row.payment), into(row.due);
    if (!session.got_data()) return std::nullopt;
    return row;
}

std::string read_answer(soci::session& session, const KeyText& key) {
    std::string answer;
    session << "SELECT answer FROM purchases" + std::string(kOfKey), use(key.network, "network"),
        use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce"), into(answer);
    return answer;
}

Error damaged(std::string_view column) {
    return {Errc::io_failed, fmt::format("store: a row of purchases has a bad {}", column)};
}

Result<Purchase> purchase_from(const scheme::PaymentKey& key, Row row) {
    Purchase out;
    out.key = key;
    const auto request = bytes32_from_hex(row.request);
    if (!request) return fail(damaged("request"));
    if (row.until < 0) return fail(damaged("until"));
    if (row.due < 0) return fail(damaged("due"));
    out.request = *request;
    out.answer = std::move(row.answer);
    out.receipt = std::move(row.receipt);
    out.transaction = std::move(row.txn);
    out.idempotency_key = std::move(row.idempotency);
    out.may_have_been_sent = row.sent != 0;
    out.until = static_cast<scheme::UnixSeconds>(row.until);
    out.payment = std::move(row.payment);
    out.due = static_cast<scheme::UnixSeconds>(row.due);
    return out;
}

void take(soci::session& session, const KeyText& key, const std::string& node) {
    session << "UPDATE purchases SET owner = :owner" + std::string(kOfKey), use(node, "owner"),
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce");
}

/// One statement about a row that is this node's.
Database::Work on_own(const scheme::PaymentKey& of, std::string node, std::string statement) {
    return [key = KeyText(of), node = std::move(node),
            statement = std::move(statement)](soci::session& session) -> Result<> {
        session << statement + kOfKey + " AND owner = :owner", use(key.network, "network"),
            use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce"),
            use(node, "owner");
        return {};
    };
}

}  // namespace

Task<Result<PurchaseStore::Claim>> SqlPurchases::claim(scheme::PaymentKey of, bool only_known,
                                                       scheme::UnixSeconds until) {
    auto claim = std::make_shared<Claim>();
    Database::Work work = [claim, of, only_known, until, node = node_, lock = database_.row_lock(),
                           now = database_.now()](soci::session& session) -> Result<> {
        const KeyText key(of);
        *claim = Claim{};
        if (!is_living(session, node, now)) return fail(Errc::io_failed, std::string(kLeaseIsOver));
        for (int i = 0; i < kClaimTries; ++i) {
            if (!only_known && insert(session, key, node, until)) return {};
            auto row = read_row(session, key, lock);
            if (!row && only_known) return {};
            if (!row) continue;
            if (row->state == kUsed) {
                claim->standing = Standing::used;
                return {};
            }
            if (row->state != kClaimed && row->state != kKept) return fail(damaged("state"));
            if (row->owner != node && is_living(session, row->owner, now)) {
                claim->standing = Standing::in_hand;
                return {};
            }
            take(session, key, node);
            if (row->state == kClaimed) return {};
            row->answer = read_answer(session, key);
            FARTHING_TRY(claim->kept, purchase_from(of, *std::move(row)));
            claim->standing = Standing::waiting;
            return {};
        }
        return fail(Errc::io_failed, "store: several gateways claim the payment at once");
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*claim);
}

Task<Result<>> SqlPurchases::keep(Purchase purchase) {
    Database::Work work = [purchase = std::move(purchase),
                           node = node_](soci::session& session) -> Result<> {
        const KeyText key(purchase.key);
        const auto request = to_hex(purchase.request);
        const int sent = purchase.may_have_been_sent ? 1 : 0;
        const auto until = static_cast<long long>(purchase.until);
        const auto due = static_cast<long long>(purchase.due);
        int done = 0;
        auto prepared = session.prepare << fmt::format(
                            "UPDATE purchases SET state = 'kept', request = :request, receipt "
                            "= :receipt, txn = :txn, sent = :sent, idempotency = "
                            ":idempotency, until = :until, payment = :payment, due = :due{}{} AND "
                            "owner = :owner AND state <> "
                            "'used' RETURNING 1",
                            purchase.answer ? ", answer = :answer" : "", kOfKey);
        prepared, use(request, "request"), use(purchase.receipt, "receipt"),
            use(purchase.transaction, "txn"), use(sent, "sent"),
            use(purchase.idempotency_key, "idempotency"), use(until, "until"),
            use(purchase.payment, "payment"), use(due, "due"), use(key.network, "network"),
            use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce"),
            use(node, "owner");
        if (purchase.answer) prepared, use(*purchase.answer, "answer");
        soci::statement keeping = (prepared, into(done));
        const bool is_ours = keeping.execute(true);
        if (!is_ours) return fail(not_ours(purchase.key, kOfAnotherNode));
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlPurchases::release(scheme::PaymentKey of) {
    // What was claimed and never kept has nothing to wait with; a claim takes it as it is.
    auto work = on_own(of, node_, "UPDATE purchases SET owner = ''");
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlPurchases::spend(scheme::PaymentKey of, scheme::UnixSeconds until) {
    auto statement = fmt::format(
        "UPDATE purchases SET state = 'used', owner = '', answer = '', payment = '', due = 0, "
        "until = {}",
        until);
    auto work = on_own(of, node_, std::move(statement));
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlPurchases::forget(scheme::PaymentKey of) {
    auto work = on_own(of, node_, "DELETE FROM purchases");
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<std::vector<Purchase>>> SqlPurchases::owed(std::size_t most) {
    auto found = std::make_shared<std::vector<Purchase>>();
    Database::Work work = [found, most,
                           present = database_.now()](soci::session& session) -> Result<> {
        found->clear();
        std::string network, token, payer, nonce, payment;
        long long due = 0;
        soci::statement read =
            (session.prepare << fmt::format(
                 "SELECT network, token, payer, nonce, payment, due FROM purchases WHERE due > 0 "
                 "AND (owner = '' OR NOT EXISTS (SELECT 1 FROM leases WHERE name = '{}' || owner "
                 "AND until_ms > {})) ORDER BY due LIMIT {}",
                 node_lease(""), present, most),
             into(network), into(token), into(payer), into(nonce), into(payment), into(due));
        for (read.execute(); read.fetch();) {
            const auto on = parse_network(network);
            const auto of = parse_address(token);
            const auto from = parse_address(payer);
            const auto by = bytes32_from_hex(nonce);
            if (!on || !of || !from || !by || due < 0) return fail(damaged("key"));
            Purchase purchase;
            purchase.key = {*on, *of, *from, *by};
            purchase.payment = payment;
            purchase.due = static_cast<scheme::UnixSeconds>(due);
            found->push_back(std::move(purchase));
        }
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*found);
}

Task<Result<>> SqlPurchases::bar(Address payer, scheme::UnixSeconds since) {
    Database::Work work = [payer = to_hex(payer), since = static_cast<long long>(since)](
                              soci::session& session) -> Result<> {
        session << "INSERT INTO barred (payer, since) VALUES (:payer, :since) ON CONFLICT DO "
                   "NOTHING",
            use(payer, "payer"), use(since, "since");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<std::vector<Address>>> SqlPurchases::barred(std::size_t most) {
    auto found = std::make_shared<std::vector<Address>>();
    Database::Work work = [found, most](soci::session& session) -> Result<> {
        found->clear();
        std::string payer;
        soci::statement read = (session.prepare << fmt::format(
                                    "SELECT payer FROM barred ORDER BY since DESC LIMIT {}", most),
                                into(payer));
        for (read.execute(); read.fetch();) {
            const auto address = parse_address(payer);
            if (!address) return fail(damaged("barred payer"));
            found->push_back(*address);
        }
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*found);
}

Task<Result<std::size_t>> SqlPurchases::sweep(scheme::UnixSeconds now, std::size_t most) {
    auto count = std::make_shared<std::size_t>(0);
    Database::Work work = [count, now, most,
                           present = database_.now()](soci::session& session) -> Result<> {
        const auto statement = fmt::format(
            "DELETE FROM purchases WHERE (network, token, payer, nonce) IN (SELECT network, "
            "token, payer, nonce FROM purchases WHERE until <= {} AND due = 0 ORDER BY until LIMIT "
            "{}) AND "
            "(owner = '' OR NOT EXISTS (SELECT 1 FROM leases WHERE name = '{}' || owner AND "
            "until_ms > {}))",
            now, most, node_lease(""), present);
        soci::statement sweeping = (session.prepare << statement);
        sweeping.execute(true);
        *count = static_cast<std::size_t>(sweeping.get_affected_rows());
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return *count;
}

}  // namespace farthing::store
