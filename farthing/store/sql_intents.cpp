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

/// By the clock of the store.
bool is_living(soci::session& session, const std::string& node, const std::string& now) {
    const auto name = node_lease(node);
    int count = 0;
    session << "SELECT COUNT(*) FROM leases WHERE name = :name AND until_ms > " + now,
        use(name, "name"), into(count);
    return count > 0;
}

struct Holding {
    bool open;
    std::string owner;
};

/// Who may write to an intent, without the rest of it.
std::optional<Holding> read_holding(soci::session& session, const KeyText& key,
                                    const std::string& lock) {
    std::string state, owner;
    session << "SELECT state, owner FROM intents" + std::string(kOfKey) + lock,
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce"), into(state), into(owner);
    if (!session.got_data()) return std::nullopt;
    return Holding{state == to_text(Intent::State::open), owner};
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

/// False when there is one already.
bool insert(soci::session& session, const KeyText& key, const Intent& intent,
            const std::string& node) {
    const auto print = to_hex(intent.print);
    const auto begun_at = static_cast<long long>(intent.begun_at);
    int done = 0;
    session << "INSERT INTO intents (network, token, payer, nonce, print, payment, state, owner, "
               "told, txn, reason, detail, begun_at, ended_at) VALUES (:network, :token, :payer, "
               ":nonce, :print, :payment, 'open', :owner, 0, '', '', '', :begun_at, 0) ON CONFLICT "
               "DO NOTHING RETURNING 1",
        use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
        use(key.nonce, "nonce"), use(print, "print"), use(intent.payment, "payment"),
        use(node, "owner"), use(begun_at, "begun_at"), into(done);
    return session.got_data();
}

/// Once, however often it is given.
void insert(soci::session& session, const Broadcast& broadcast) {
    const auto signer = to_hex(broadcast.signer);
    const auto hash = to_hex(broadcast.hash);
    const auto raw = to_hex(broadcast.raw);
    const auto account_nonce = static_cast<long long>(broadcast.account_nonce);
    const auto gas_limit = static_cast<long long>(broadcast.gas_limit);
    session << "INSERT INTO broadcasts (hash, signer, account_nonce, gas_limit, raw) VALUES "
               "(:hash, :signer, :account_nonce, :gas_limit, :raw) ON CONFLICT DO NOTHING",
        use(hash, "hash"), use(signer, "signer"), use(account_nonce, "account_nonce"),
        use(gas_limit, "gas_limit"), use(raw, "raw");
}

/// False when the intent is not open, not the node's, or carried by this transaction already.
bool carry(soci::session& session, const KeyText& key, const std::string& node,
           const Bytes32& transaction, int position, const std::string& lock) {
    const auto hash = to_hex(transaction);
    int done = 0;
    session << std::string(
                   "INSERT INTO carried (network, token, payer, nonce, hash, place, position) "
                   "SELECT network, token, payer, nonce, :hash, (SELECT COUNT(*) FROM carried") +
                   kOfKey + "), CAST(:position AS INTEGER) FROM intents" + kOfKey +
                   " AND state = 'open' AND owner = :node" + lock +
                   " ON CONFLICT DO NOTHING RETURNING 1",
        use(hash, "hash"), use(position, "position"), use(key.network, "network"),
        use(key.token, "token"), use(key.payer, "payer"), use(key.nonce, "nonce"),
        use(node, "node"), into(done);
    return session.got_data();
}

/// What a node said of a failure may be any bytes; a database takes UTF-8.
std::string detail_of(const Ending& ending) {
    return is_utf8(ending.detail) && !ending.detail.contains('\0') &&
                   ending.detail.size() <= kDetailMax
               ? ending.detail
               : printable(ending.detail, kDetailMax);
}

/// False when it is not open, or not `owner`'s.
bool write_end(soci::session& session, const KeyText& key, const Ending& ending,
               const std::string& owner) {
    const std::string state(to_text(ending.state));
    const auto txn = ending.transaction ? to_hex(*ending.transaction) : std::string();
    const auto detail = detail_of(ending);
    const auto at = static_cast<long long>(ending.at);
    int done = 0;
    session << std::string(
                   "UPDATE intents SET state = :state, txn = :txn, reason = :reason, "
                   "detail = :detail, ended_at = :ended_at") +
                   kOfKey + " AND state = 'open' AND owner = :owner" +
                   (ending.if_unsent ? std::string(kUnsent) : "") + " RETURNING 1",
        use(state, "state"), use(txn, "txn"), use(ending.reason, "reason"), use(detail, "detail"),
        use(at, "ended_at"), use(key.network, "network"), use(key.token, "token"),
        use(key.payer, "payer"), use(key.nonce, "nonce"), use(owner, "owner"), into(done);
    return session.got_data();
}

}  // namespace

Task<Result<std::optional<Intent>>> SqlIntents::begin(Intent intent) {
    auto there = std::make_shared<std::optional<Intent>>();
    Database::Work work = [there, intent = std::move(intent), node = node_,
                           lock = database_.row_lock(),
                           now = database_.now()](soci::session& session) -> Result<> {
        const KeyText key(intent.key);
        there->reset();
        for (int i = 0; i < kBeginTries; ++i) {
            if (insert(session, key, intent, node)) return {};
            FARTHING_TRY(auto found, read_intent(session, key, lock));
            if (!found) continue;
            const bool foreign = found->state == Intent::State::open && found->owner != node &&
                                 is_living(session, found->owner, now);
            if (found->stands() || foreign) {
                *there = std::move(found);
                return {};
            }
            remove(session, key);
        }
        return fail(Errc::io_failed, "store: several nodes begin the payment at once");
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*there);
}

Task<Result<>> SqlIntents::add_broadcast(std::vector<scheme::PaymentKey> keys,
                                         Broadcast broadcast) {
    if (keys.empty()) co_return fail(Errc::invalid_argument, "a transaction without a payment");
    Database::Work work = [keys = std::move(keys), broadcast = std::move(broadcast), node = node_,
                           lock = database_.row_lock()](soci::session& session) -> Result<> {
        insert(session, broadcast);
        for (int position = 0; const auto& each : keys) {
            const KeyText key(each);
            if (carry(session, key, node, broadcast.hash, position++, lock)) continue;
            const auto there = read_holding(session, key, lock);
            if (!there) return fail(not_ours(each, kNotRecorded));
            if (!there->open) return fail(not_ours(each, kHasEnded));
            if (there->owner != node) return fail(not_ours(each, kOfAnotherNode));
        }
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlIntents::end(scheme::PaymentKey of, Ending ending) {
    Database::Work work = [of, ending = std::move(ending), node = node_,
                           lock = database_.row_lock(),
                           now = database_.now()](soci::session& session) -> Result<> {
        const KeyText key(of);
        if (write_end(session, key, ending, node)) return {};
        const auto there = read_holding(session, key, lock);
        if (!there || !there->open) return {};
        if (there->owner == node && ending.if_unsent) return {};
        if (is_living(session, there->owner, now)) return fail(not_ours(of, kOfAnotherNode));
        // The row is locked: it is still the dead one's.
        if (!write_end(session, key, ending, there->owner) && !ending.if_unsent) {
            return fail(Errc::io_failed, "store: an intent that is locked has changed");
        }
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
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
    auto first = std::make_shared<bool>(false);
    Database::Work work = [key = KeyText(of), asker = std::move(asker),
                           first](soci::session& session) -> Result<> {
        int done = 0;
        session << std::string("UPDATE intents SET told = 1, told_to = :asker") + kOfKey +
                       " AND state = 'settled' AND (told = 0 OR (told_to = :asker AND told_to <> "
                       "'')) RETURNING 1",
            use(asker, "asker"), use(key.network, "network"), use(key.token, "token"),
            use(key.payer, "payer"), use(key.nonce, "nonce"), into(done);
        *first = session.got_data();
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
        std::vector<std::string> owners;
        std::string owner;
        {
            soci::statement read =
                (session.prepare << "SELECT DISTINCT owner FROM intents WHERE network = :network "
                                    "AND state = 'open' AND owner <> :node",
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
    auto found = co_await read(std::move(rest), std::move(bindings));
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

Task<Result<std::vector<Intent>>> SqlIntents::read(
    std::string rest, std::vector<std::pair<std::string, std::string>> bindings) {
    auto found = std::make_shared<std::vector<Intent>>();
    Database::Work work = [found, rest = std::move(rest),
                           bindings = std::move(bindings)](soci::session& session) -> Result<> {
        FARTHING_TRY(*found, read_intents(session, rest, bindings));
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return std::move(*found);
}

}  // namespace farthing::store
