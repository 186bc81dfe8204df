// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/sql_intents.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

#include "farthing/base/hex.hpp"

namespace farthing::store {
namespace {

using soci::into;
using soci::use;

constexpr const char* kOfKey =
    " WHERE network = :network AND token = :token AND payer = :payer AND nonce = :nonce";
constexpr const char* kColumns =
    "SELECT network, token, payer, nonce, print, payment, state, told, txn, reason, detail, "
    "begun_at, ended_at FROM intents";

/// The key as its columns hold it. Lives as long as the statement that uses it.
struct KeyText {
    explicit KeyText(const scheme::PaymentKey& key)
        : network(key.network.id),
          token(to_hex(key.token)),
          payer(to_hex(key.payer)),
          nonce(to_hex(key.nonce)) {}
    std::string network, token, payer, nonce;
};

/// An intent as its columns hold it.
struct Row {
    std::string network, token, payer, nonce, print, payment, state, txn, reason, detail;
    int told = 0;
    long long begun_at = 0;
    long long ended_at = 0;
};

Error damaged(const char* column) {
    return {Errc::io_failed, fmt::format("store: a row of intents has a bad {}", column)};
}

std::optional<Intent::State> state_from(std::string_view text) {
    for (const auto each : {Intent::State::open, Intent::State::settled, Intent::State::failed}) {
        if (to_text(each) == text) return each;
    }
    return std::nullopt;
}

Result<Intent> intent_from(const Row& row) {
    Intent out;
    const auto network = parse_network(row.network);
    const auto token = parse_address(row.token);
    const auto payer = parse_address(row.payer);
    const auto nonce = bytes32_from_hex(row.nonce);
    const auto print = bytes32_from_hex(row.print);
    const auto state = state_from(row.state);
    if (!network) return fail(damaged("network"));
    if (!token) return fail(damaged("token"));
    if (!payer) return fail(damaged("payer"));
    if (!nonce) return fail(damaged("nonce"));
    if (!print) return fail(damaged("print"));
    if (!state) return fail(damaged("state"));
    if (!row.txn.empty()) {
        const auto txn = bytes32_from_hex(row.txn);
        if (!txn) return fail(damaged("txn"));
        out.transaction = *txn;
    }
    out.key = {*network, *token, *payer, *nonce};
    out.print = *print;
    out.payment = row.payment;
    out.state = *state;
    out.told = row.told != 0;
    out.reason = row.reason;
    out.detail = row.detail;
    out.begun_at = static_cast<scheme::UnixSeconds>(row.begun_at);
    out.ended_at = static_cast<scheme::UnixSeconds>(row.ended_at);
    return out;
}

Result<std::vector<Broadcast>> read_broadcasts(soci::session& session, const KeyText& key) {
    std::string signer, hash, raw;
    long long account_nonce = 0;
    long long gas_limit = 0;
    soci::statement read =
        (session.prepare << std::string("SELECT signer, account_nonce, gas_limit, hash, raw FROM "
                                        "broadcasts") +
                                kOfKey + " ORDER BY place",
         use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
         use(key.nonce, "nonce"), into(signer), into(account_nonce), into(gas_limit), into(hash),
         into(raw));
    std::vector<Broadcast> out;
    for (read.execute(); read.fetch();) {
        const auto from = parse_address(signer);
        const auto is = bytes32_from_hex(hash);
        auto bytes = from_hex(raw);
        if (!from || !is || !bytes) return fail(damaged("broadcast"));
        out.push_back({*from, static_cast<std::uint64_t>(account_nonce),
                       static_cast<std::uint64_t>(gas_limit), *is, *std::move(bytes)});
    }
    return out;
}

/// Rows first, their broadcasts after: one statement at a time.
Result<std::vector<Intent>> read_intents(soci::session& session, const std::string& where,
                                         const std::string& network) {
    Row row;
    std::vector<Row> rows;
    const auto sql = kColumns + where + " ORDER BY begun_at, nonce";
    const auto outputs = [&](auto&& prepared) {
        soci::statement read =
            (prepared, into(row.network), into(row.token), into(row.payer), into(row.nonce),
             into(row.print), into(row.payment), into(row.state), into(row.told), into(row.txn),
             into(row.reason), into(row.detail), into(row.begun_at), into(row.ended_at));
        for (read.execute(); read.fetch();) rows.push_back(row);
    };
    if (network.empty()) {
        outputs((session.prepare << sql));
    } else {
        outputs((session.prepare << sql, use(network, "network")));
    }
    std::vector<Intent> out;
    for (const auto& each : rows) {
        FARTHING_TRY(auto intent, intent_from(each));
        FARTHING_TRY(intent.broadcasts, read_broadcasts(session, KeyText(intent.key)));
        out.push_back(std::move(intent));
    }
    return out;
}

Result<std::optional<Intent>> find(soci::session& session, const KeyText& key) {
    Row row;
    session << kColumns + std::string(kOfKey), use(key.network, "network"), use(key.token, "token"),
        use(key.payer, "payer"), use(key.nonce, "nonce"), into(row.network), into(row.token),
        into(row.payer), into(row.nonce), into(row.print), into(row.payment), into(row.state),
        into(row.told), into(row.txn), into(row.reason), into(row.detail), into(row.begun_at),
        into(row.ended_at);
    if (!session.got_data()) return std::optional<Intent>{};
    FARTHING_TRY(auto intent, intent_from(row));
    FARTHING_TRY(intent.broadcasts, read_broadcasts(session, key));
    return std::optional(std::move(intent));
}

void remove(soci::session& session, const KeyText& key) {
    for (const auto* table : {"broadcasts", "intents"}) {
        session << std::string("DELETE FROM ") + table + kOfKey, use(key.network, "network"),
            use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce");
    }
}

void insert(soci::session& session, const KeyText& key, const Intent& intent) {
    const auto print = to_hex(intent.print);
    const std::string state(to_text(Intent::State::open));
    const auto begun_at = static_cast<long long>(intent.begun_at);
    session << "INSERT INTO intents (network, token, payer, nonce, print, payment, state, told, "
               "txn, reason, detail, begun_at, ended_at) VALUES (:network, :token, :payer, :nonce, "
               ":print, :payment, :state, 0, '', '', '', :begun_at, 0)",
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce"), use(print, "print"), use(intent.payment, "payment"),
        use(state, "state"), use(begun_at, "begun_at");
}

}  // namespace

std::string_view to_text(Intent::State state) {
    switch (state) {
        case Intent::State::open:
            return "open";
        case Intent::State::settled:
            return "settled";
        case Intent::State::failed:
            return "failed";
    }
    return "open";
}

Task<Result<std::optional<Intent>>> SqlIntents::begin(Intent intent) {
    auto there = std::make_shared<std::optional<Intent>>();
    Database::Work work = [there, intent = std::move(intent)](soci::session& session) -> Result<> {
        const KeyText key(intent.key);
        FARTHING_TRY(*there, find(session, key));
        if (*there && (*there)->stands()) return {};
        if (*there) remove(session, key);
        there->reset();
        insert(session, key, intent);
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*there);
}

Task<Result<>> SqlIntents::add_broadcast(scheme::PaymentKey of, Broadcast broadcast) {
    Database::Work work = [key = KeyText(of),
                           broadcast = std::move(broadcast)](soci::session& session) -> Result<> {
        const auto signer = to_hex(broadcast.signer);
        const auto hash = to_hex(broadcast.hash);
        const auto raw = to_hex(broadcast.raw);
        const auto account_nonce = static_cast<long long>(broadcast.account_nonce);
        const auto gas_limit = static_cast<long long>(broadcast.gas_limit);
        int place = 0;
        session << std::string("SELECT COUNT(*) FROM broadcasts") + kOfKey,
            use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
            use(key.nonce, "nonce"), into(place);
        session << "INSERT INTO broadcasts (network, token, payer, nonce, place, signer, "
                   "account_nonce, gas_limit, hash, raw) VALUES (:network, :token, :payer, :nonce, "
                   ":place, :signer, :account_nonce, :gas_limit, :hash, :raw)",
            use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
            use(key.nonce, "nonce"), use(place, "place"), use(signer, "signer"),
            use(account_nonce, "account_nonce"), use(gas_limit, "gas_limit"), use(hash, "hash"),
            use(raw, "raw");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlIntents::end(scheme::PaymentKey of, Ending ending) {
    Database::Work work = [key = KeyText(of),
                           ending = std::move(ending)](soci::session& session) -> Result<> {
        const std::string state(to_text(ending.state));
        const auto txn = ending.transaction ? to_hex(*ending.transaction) : std::string();
        const auto at = static_cast<long long>(ending.at);
        session << std::string(
                       "UPDATE intents SET state = :state, txn = :txn, "
                       "reason = :reason, detail = :detail, ended_at = :ended_at") +
                       kOfKey + " AND state = 'open'",
            use(state, "state"), use(txn, "txn"), use(ending.reason, "reason"),
            use(ending.detail, "detail"), use(at, "ended_at"), use(key.network, "network"),
            use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<bool>> SqlIntents::tell(scheme::PaymentKey of) {
    auto first = std::make_shared<bool>(false);
    Database::Work work = [key = KeyText(of), first](soci::session& session) -> Result<> {
        soci::statement update =
            (session.prepare << std::string("UPDATE intents SET told = 1") + kOfKey +
                                    " AND state = 'settled' AND told = 0",
             use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
             use(key.nonce, "nonce"));
        update.execute(true);
        *first = update.get_affected_rows() == 1;
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return *first;
}

Task<Result<>> SqlIntents::untell(scheme::PaymentKey of) {
    Database::Work work = [key = KeyText(of)](soci::session& session) -> Result<> {
        session << std::string("UPDATE intents SET told = 0") + kOfKey + " AND state = 'settled'",
            use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
            use(key.nonce, "nonce");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<std::vector<Intent>>> SqlIntents::unfinished(Network network) {
    auto found = std::make_shared<std::vector<Intent>>();
    Database::Work work = [found, id = network.id](soci::session& session) -> Result<> {
        FARTHING_TRY(*found,
                     read_intents(session,
                                  " WHERE network = :network AND (state = 'open' OR (state = "
                                  "'settled' AND told = 0))",
                                  id));
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*found);
}

Result<> for_each_intent(Database& database, const std::function<void(const Intent&)>& each) {
    return database.run_now([&each](soci::session& session) -> Result<> {
        FARTHING_TRY(const auto all, read_intents(session, "", ""));
        for (const auto& intent : all) each(intent);
        return {};
    });
}

Result<std::uint64_t> forget_ended(Database& database, scheme::UnixSeconds before) {
    std::uint64_t count = 0;
    FARTHING_CHECK(database.run_now([before, &count](soci::session& session) -> Result<> {
        const auto limit = static_cast<long long>(before);
        const std::string ended =
            "state <> 'open' AND (state = 'failed' OR told = 1) AND ended_at < :before";
        session << "DELETE FROM broadcasts WHERE EXISTS (SELECT 1 FROM intents i WHERE i.network = "
                   "broadcasts.network AND i.token = broadcasts.token AND i.payer = "
                   "broadcasts.payer AND i.nonce = broadcasts.nonce AND " +
                       ended + ")",
            use(limit, "before");
        soci::statement remove =
            (session.prepare << "DELETE FROM intents WHERE " + ended, use(limit, "before"));
        remove.execute(true);
        count = static_cast<std::uint64_t>(remove.get_affected_rows());
        return {};
    }));
    return count;
}

}  // namespace farthing::store
