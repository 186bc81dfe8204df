// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/sql_intents.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

#include <algorithm>
#include <tuple>

#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/store/leases.hpp"
#include "farthing/store/sql_rows.hpp"

namespace farthing::store {
namespace {

using soci::into;
using soci::use;

/// Of an intent: no transaction carries it.
constexpr const char* kUnsent =
    " AND NOT EXISTS (SELECT 1 FROM carried c WHERE c.network = intents.network AND c.token = "
    "intents.token AND c.payer = intents.payer AND c.nonce = intents.nonce)";
constexpr std::size_t kDetailMax = 4'096;
/// What is found and gone again when it is to be replaced: another node is at it.
constexpr int kBeginTries = 3;

/// Of a row that its key names. Written so that PostgreSQL does not take the index of what is open
/// for it, which looks as good while statistics are old, and is read from end to end.
constexpr const char* kIsOpen = "state || '' = 'open'";

/// By the clock of the store.
bool is_living(soci::session& session, const std::string& node, const std::string& now) {
    const auto name = node_lease(node);
    int count = 0;
    session << "SELECT COUNT(*) FROM leases WHERE name = :name AND until_ms > " + now,
        use(name, "name"), into(count);
    return count > 0;
}

bool is_carried(soci::session& session, const KeyText& key) {
    int count = 0;
    session << std::string("SELECT COUNT(*) FROM carried") + kOfKey, use(key.network, "network"),
        use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce"), into(count);
    return count > 0;
}

struct Holding {
    bool open;
    std::string owner;
    std::string print;
};

/// Who may write to an intent, without the rest of it.
std::optional<Holding> read_holding(soci::session& session, const KeyText& key,
                                    const std::string& lock) {
    std::string state, owner, print;
    session << "SELECT state, owner, print FROM intents" + std::string(kOfKey) + lock,
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce"), into(state), into(owner), into(print);
    if (!session.got_data()) return std::nullopt;
    return Holding{state == to_text(Intent::State::open), owner, print};
}

/// A transaction goes when the last payment that it carried goes.
void remove(soci::session& session, const KeyText& key) {
    session << std::string("DELETE FROM broadcasts WHERE hash IN (SELECT hash FROM carried") +
                   kOfKey +
                   ") AND NOT EXISTS (SELECT 1 FROM carried c WHERE c.hash = broadcasts.hash AND "
                   "(c.network, c.token, c.payer, c.nonce) <> (:network, :token, :payer, :nonce))",
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce");
    for (const auto* table : {"carried", "intents"}) {
        session << std::string("DELETE FROM ") + table + kOfKey, use(key.network, "network"),
            use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce");
    }
}

/// Gives a row unless there is one already.
Step insertion(const KeyText& key, const Intent& intent, const std::string& node) {
    return {
        "INSERT INTO intents (network, token, payer, nonce, print, payment, state, owner, "
        "told, txn, reason, detail, begun_at, ended_at) VALUES (:1, :2, :3, :4, :5, :6, "
        "'open', :7, 0, '', '', '', :8, 0) ON CONFLICT DO NOTHING RETURNING 1",
        {key.network, key.token, key.payer, key.nonce, to_hex(intent.print), intent.payment, node,
         std::to_string(intent.begun_at)}};
}

/// Once, however often it is given.
Step insertion(const Broadcast& broadcast) {
    return {
        "INSERT INTO broadcasts (hash, signer, account_nonce, gas_limit, raw) VALUES (:1, :2, "
        ":3, :4, :5) ON CONFLICT DO NOTHING",
        {to_hex(broadcast.hash), to_hex(broadcast.signer), std::to_string(broadcast.account_nonce),
         std::to_string(broadcast.gas_limit), to_hex(broadcast.raw)},
        false};
}

/// Gives no row when the intent is not open, not the node's, or carried by this transaction
/// already.
Step carrying(const KeyText& key, const std::string& node, const Bytes32& transaction,
              std::size_t position, const std::string& lock) {
    return {fmt::format(
                "INSERT INTO carried (network, token, payer, nonce, hash, place, position) SELECT "
                "network, token, payer, nonce, :5, (SELECT COUNT(*) FROM carried{0}), CAST(:6 AS "
                "INTEGER) FROM intents{0} AND {1} AND owner = :7{2} ON CONFLICT DO "
                "NOTHING RETURNING 1",
                kOfNumberedKey, kIsOpen, lock),
            {key.network, key.token, key.payer, key.nonce, to_hex(transaction),
             std::to_string(position), node}};
}

/// What a node said of a failure may be any bytes; a database takes UTF-8.
std::string detail_of(const Ending& ending) {
    return is_utf8(ending.detail) && !ending.detail.contains('\0') &&
                   ending.detail.size() <= kDetailMax
               ? ending.detail
               : printable(ending.detail, kDetailMax);
}

/// Gives no row when it is not open, or not `owner`'s.
Step ending_of(const KeyText& key, const Ending& ending, const std::string& owner) {
    return {fmt::format("UPDATE intents SET state = :5, txn = :6, reason = :7, detail = :8, "
                        "ended_at = :9{} AND {} AND owner = :10 AND (:11 = '' OR print = :11){} "
                        "RETURNING 1",
                        kOfNumberedKey, kIsOpen, ending.if_unsent ? kUnsent : ""),
            {key.network, key.token, key.payer, key.nonce, std::string(to_text(ending.state)),
             ending.transaction ? to_hex(*ending.transaction) : std::string(), ending.reason,
             detail_of(ending), std::to_string(ending.at), owner,
             ending.print ? to_hex(*ending.print) : std::string()}};
}

}  // namespace

Task<Result<std::optional<Intent>>> SqlIntents::begin(Intent intent) {
    const KeyText key(intent.key);
    std::vector<Step> steps;
    steps.push_back(insertion(key, intent, node_));
    auto there = std::make_shared<std::optional<Intent>>();
    Database::Work work = [there, key, insert = steps.front(), node = node_,
                           lock = database_.row_lock(),
                           now = database_.now()](soci::session& session) -> Result<> {
        there->reset();
        for (int i = 0; i < kBeginTries; ++i) {
            FARTHING_TRY(auto found, read_intent(session, key, lock));
            if (found) {
                const bool foreign = found->state == Intent::State::open && found->owner != node &&
                                     is_living(session, found->owner, now);
                if (found->stands() || foreign) {
                    *there = std::move(found);
                    return {};
                }
                remove(session, key);
            }
            if (run_step(session, insert)) return {};
        }
        return fail(Errc::io_failed, "store: several nodes begin the payment at once");
    };
    auto done = co_await database_.run(std::move(steps), std::move(work));
    if (!done) co_return fail(std::move(done).error());
    if (*done) co_return std::nullopt;
    co_return std::move(*there);
}

Task<Result<>> SqlIntents::add_broadcast(std::vector<scheme::PaymentKey> keys,
                                         Broadcast broadcast) {
    if (keys.empty()) co_return fail(Errc::invalid_argument, "a transaction without a payment");
    std::vector<Step> steps;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        steps.push_back(carrying(KeyText(keys[i]), node_, broadcast.hash, i, database_.row_lock()));
    }
    steps.push_back(insertion(broadcast));
    Database::Work work = [keys = std::move(keys), steps, node = node_,
                           lock = database_.row_lock()](soci::session& session) -> Result<> {
        run_step(session, steps.back());
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (run_step(session, steps[i])) continue;
            const auto there = read_holding(session, KeyText(keys[i]), lock);
            if (!there) return fail(not_ours(keys[i], kNotRecorded));
            if (!there->open) return fail(not_ours(keys[i], kHasEnded));
            if (there->owner != node) return fail(not_ours(keys[i], kOfAnotherNode));
        }
        return {};
    };
    auto done = co_await database_.run(std::move(steps), std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return Result<>();
}

/// In the order of the keys, as `Database::take_steps`.
Task<Result<>> SqlIntents::drop_broadcast(std::vector<scheme::PaymentKey> keys, Bytes32 hash) {
    std::ranges::sort(keys);
    Database::Work work = [keys = std::move(keys), hash = to_hex(hash), node = node_,
                           lock = database_.row_lock()](soci::session& session) -> Result<> {
        for (const auto& each : keys) {
            const auto there = read_holding(session, KeyText(each), lock);
            if (there && there->owner != node) return fail(not_ours(each, kOfAnotherNode));
        }
        for (const auto& each : keys) {
            const KeyText key(each);
            session << std::string("DELETE FROM carried") + kOfKey + " AND hash = :hash",
                use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
                use(key.nonce, "nonce"), use(hash, "hash");
        }
        session << "DELETE FROM broadcasts WHERE hash = :hash AND NOT EXISTS (SELECT 1 FROM "
                   "carried WHERE carried.hash = :hash)",
            use(hash, "hash");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlIntents::end(scheme::PaymentKey of, Ending ending) {
    const KeyText key(of);
    std::vector<Step> steps;
    steps.push_back(ending_of(key, ending, node_));
    Database::Work work = [of, key, ending = std::move(ending), lock = database_.row_lock(),
                           now = database_.now(),
                           node = node_](soci::session& session) -> Result<> {
        const auto there = read_holding(session, key, lock);
        if (!there || !there->open) return {};
        if (ending.print && to_hex(*ending.print) != there->print) return {};
        if (there->owner == node && ending.if_unsent) return {};
        if (there->owner != node && is_living(session, there->owner, now)) {
            return fail(not_ours(of, kOfAnotherNode));
        }
        // What the dead one has sent may be mined yet: who adopts it finds out.
        if (there->owner != node && ending.state == Intent::State::failed && !ending.if_unsent &&
            is_carried(session, key)) {
            return fail(not_ours(of, kOfAnotherNode));
        }
        // The row is locked: it is still ours, or the dead one's.
        if (!run_step(session, ending_of(key, ending, there->owner)) && !ending.if_unsent) {
            return fail(Errc::io_failed, "store: an intent that is locked has changed");
        }
        return {};
    };
    auto done = co_await database_.run(std::move(steps), std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return Result<>();
}

Task<Result<std::optional<Intent>>> SqlIntents::find(scheme::PaymentKey of) {
    auto found = std::make_shared<std::optional<Intent>>();
    Database::Work work = [found, of](soci::session& session) -> Result<> {
        FARTHING_TRY(*found, read_intent(session, KeyText(of)));
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*found);
}

Task<Result<bool>> SqlIntents::tell(scheme::PaymentKey of, std::string asker) {
    const KeyText key(of);
    std::vector<Step> steps;
    steps.push_back({fmt::format("UPDATE intents SET told = 1, told_to = :5{} AND state = "
                                 "'settled' AND (told = 0 OR (told_to = :5 AND told_to <> '')) "
                                 "RETURNING 1",
                                 kOfNumberedKey),
                     {key.network, key.token, key.payer, key.nonce, std::move(asker)}});
    Database::Work not_first = [](soci::session&) -> Result<> { return {}; };
    auto done = co_await database_.run(std::move(steps), std::move(not_first));
    co_return done;
}

Task<Result<>> SqlIntents::untell(scheme::PaymentKey of) {
    // A step, as telling is one: before it in a group, or the next to ask would be told nothing.
    const KeyText key(of);
    std::vector<Step> steps;
    steps.push_back({fmt::format("UPDATE intents SET told = 0{} AND state = 'settled' RETURNING 1",
                                 kOfNumberedKey),
                     {key.network, key.token, key.payer, key.nonce}});
    Database::Work not_settled = [](soci::session&) -> Result<> { return {}; };
    const auto done = co_await database_.run(std::move(steps), std::move(not_settled));
    if (!done) co_return fail(done.error());
    co_return Result<>();
}

Task<Result<>> SqlIntents::hand_over(scheme::PaymentKey of) {
    Database::Work work = [of, node = node_,
                           lock = database_.row_lock()](soci::session& session) -> Result<> {
        const KeyText key(of);
        FARTHING_TRY(const auto there, read_intent(session, key, lock));
        if (!there) return fail(not_ours(of, kNotRecorded));
        if (there->state != Intent::State::open) return fail(not_ours(of, kHasEnded));
        if (there->owner != node) return fail(not_ours(of, kOfAnotherNode));
        if (!there->broadcasts.empty()) return fail(not_ours(of, kWasBroadcast));
        session << std::string("UPDATE intents SET owner = ''") + kOfKey,
            use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
            use(key.nonce, "nonce");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlIntents::reopen(scheme::PaymentKey of, Bytes32 gone) {
    Database::Work work = [of, txn = to_hex(gone),
                           node = node_](soci::session& session) -> Result<> {
        const KeyText key(of);
        int done = 0;
        session << std::string(
                       "UPDATE intents SET state = 'open', owner = :node, txn = '', "
                       "ended_at = 0") +
                       kOfKey + " AND state = 'settled' AND txn = :txn RETURNING 1",
            use(node, "node"), use(key.network, "network"), use(key.token, "token"),
            use(key.payer, "payer"), use(key.nonce, "nonce"), use(txn, "txn"), into(done);
        if (!session.got_data()) return fail(not_ours(of, kHasNotSettled));
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

/// Node by node: a row that another adopts meanwhile is no longer the dead one's when its lock is
/// had.
Task<Result<std::vector<Intent>>> SqlIntents::adopt(Network network) {
    auto adopted = std::make_shared<std::vector<Intent>>();
    Database::Work work = [adopted, id = network.id, node = node_, lock = database_.row_lock(),
                           now = database_.now()](soci::session& session) -> Result<> {
        adopted->clear();
        // In two ranges: its own, which may be many, are not looked through.
        std::vector<std::string> owners;
        std::string owner;
        {
            soci::statement read =
                (session.prepare << "SELECT DISTINCT owner FROM intents WHERE network = :network "
                                    "AND state = 'open' AND owner < :node UNION SELECT DISTINCT "
                                    "owner FROM intents WHERE network = :network AND state = "
                                    "'open' AND owner > :node",
                 use(id, "network"), use(node, "node"), into(owner));
            for (read.execute(); read.fetch();) owners.push_back(owner);
        }
        for (const auto& dead : owners) {
            if (is_living(session, dead, now)) continue;
            FARTHING_TRY(auto left,
                         read_intents(session,
                                      " WHERE network = :network AND state = 'open' AND owner = "
                                      ":owner" +
                                          lock,
                                      {{"network", id}, {"owner", dead}}));
            for (auto& each : left) {
                const KeyText key(each.key);
                session << std::string("UPDATE intents SET owner = :node") + kOfKey,
                    use(node, "node"), use(key.network, "network"), use(key.token, "token"),
                    use(key.payer, "payer"), use(key.nonce, "nonce");
                each.owner = node;
                each.handed_over = dead.empty() && each.broadcasts.empty();
                adopted->push_back(std::move(each));
            }
        }
        std::ranges::sort(*adopted, [](const Intent& a, const Intent& b) {
            return std::tie(a.begun_at, a.key) < std::tie(b.begun_at, b.key);
        });
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*adopted);
}

Task<Result<std::vector<Intent>>> SqlIntents::settled_since(Network network,
                                                            scheme::UnixSeconds time) {
    Bindings bindings{{"network", network.id}};
    auto rest = fmt::format(
        " WHERE network = :network AND state = 'settled' AND ended_at >= {} ORDER BY ended_at DESC "
        "LIMIT {}",
        time, kSettledMax);
    auto found = co_await read(std::move(rest), std::move(bindings), Detail::without_broadcasts);
    co_return found;
}

Task<Result<std::vector<Intent>>> SqlIntents::mine(Network network) {
    Bindings bindings{{"network", network.id}, {"node", node_}};
    auto found = co_await read(
        " WHERE network = :network AND state = 'open' AND owner = :node ORDER BY begun_at, nonce",
        std::move(bindings));
    co_return found;
}

Task<Result<std::vector<Intent>>> SqlIntents::unheard(Network network) {
    Bindings bindings{{"network", network.id}};
    auto found = co_await read(
        " WHERE network = :network AND state = 'settled' AND told = 0 ORDER BY begun_at, nonce",
        std::move(bindings));
    co_return found;
}

Task<Result<std::vector<Intent>>> SqlIntents::read(std::string rest, Bindings bindings,
                                                   Detail detail) {
    auto found = std::make_shared<std::vector<Intent>>();
    Database::Work work = [found, rest = std::move(rest), bindings = std::move(bindings),
                           detail](soci::session& session) -> Result<> {
        FARTHING_TRY(*found, read_intents(session, rest, bindings, detail));
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*found);
}

}  // namespace farthing::store
