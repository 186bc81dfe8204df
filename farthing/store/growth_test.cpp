// SPDX-License-Identifier: Apache-2.0
// What a service asks of its store costs the same however much has ended: everything is found by an
// index, and by the right one. Leases, which are few, and the list of who is barred, read at a
// start, are not meant.
#include <soci/postgresql/soci-postgresql.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "farthing/store/sql_purchases.hpp"
#include "farthing/store/test_stores.hpp"

namespace farthing::store {
namespace {

/// So many more are open.
constexpr int kQueue = 100;

/// Every statement about intents and purchases, each with rows to find and to pass by.
void exercise(Setting& world, Database& database) {
    SqlLeases leases(database, "a");
    REQUIRE(world.run(leases.acquire(node_lease("a"), std::chrono::hours(1))).value());
    SqlIntents intents(database, "a");
    SqlIntents dead(database, "dead");
    const auto network = world.intent().key.network;
    std::vector<Intent> begun;
    for (std::uint64_t i = 0; i < 8; ++i) {
        begun.push_back(world.intent(i));
        auto& its = i < 6 ? intents : dead;
        REQUIRE(world.run(its.begin(begun.back())).has_value());
    }
    for (int i = 0; i < kQueue; ++i) {
        REQUIRE(world.run(intents.begin(world.intent(100))).has_value());
    }
    const auto key = [&](std::size_t i) { return begun[i].key; };
    REQUIRE(world.run(intents.add_broadcast({key(0), key(1)}, world.broadcast(1))));
    REQUIRE_FALSE(world.run(intents.add_broadcast({key(6)}, world.broadcast(2))));
    const Ending settled{
        .state = Intent::State::settled, .transaction = world.broadcast(1).hash, .at = 7};
    for (const std::size_t i : {0U, 1U, 2U, 6U}) {
        REQUIRE(world.run(intents.end(key(i), settled)));
    }
    REQUIRE(world.run(intents.begin(begun[0])).value().has_value());
    REQUIRE_FALSE(world.run(intents.begin(begun[3])).value().has_value());
    REQUIRE(world.run(intents.find(key(0))).value().has_value());
    REQUIRE(world.run(intents.tell(key(0), "x")).value());
    REQUIRE_FALSE(world.run(intents.tell(key(0), "y")).value());
    REQUIRE(world.run(intents.untell(key(0))));
    REQUIRE(world.run(intents.reopen(key(2), *settled.transaction)));
    REQUIRE(world.run(intents.hand_over(key(4))));
    REQUIRE(world.run(intents.unheard(network)).value().size() == 3);
    REQUIRE(world.run(intents.settled_since(network, 7)).value().size() == 3);
    REQUIRE(world.run(intents.mine(network)).value().size() == 103);
    REQUIRE(world.run(intents.adopt(network)).value().size() == 2);

    SqlPurchases purchases(database, "a");
    for (std::uint64_t i = 0; i < 4; ++i) {
        REQUIRE(world.run(purchases.claim(key(i), false, 100)));
        Purchase kept;
        kept.key = key(i);
        kept.answer = "x";
        kept.payment = "y";
        kept.due = i == 3 ? 50 : 0;
        kept.until = 100;
        REQUIRE(world.run(purchases.keep(std::move(kept))));
        REQUIRE(world.run(purchases.release(key(i))));
    }
    REQUIRE(world.run(purchases.owed(10)).value().size() == 1);
    REQUIRE(world.run(purchases.claim(key(0), true, 100)));
    REQUIRE(world.run(purchases.spend(key(0), 100)));
    REQUIRE(world.run(purchases.claim(key(1), true, 100)));
    REQUIRE(world.run(purchases.forget(key(1))));
    REQUIRE(world.run(purchases.sweep(100, 10)).value() == 2);
}

int note_scan(unsigned /*why*/, void* noted, void* statement, void* /*nanoseconds*/) {
    using namespace sqlite_api;
    auto* of = static_cast<sqlite3_stmt*>(statement);
    const std::string text = sqlite3_sql(of);
    const bool is_meant = text.contains("intents") || text.contains("purchases");
    if (is_meant && sqlite3_stmt_status(of, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1) > 0) {
        static_cast<std::vector<std::string>*>(noted)->push_back(text);
    }
    return 0;
}

}  // namespace

TEST_CASE("store: a service reads no table from end to end") {
    Setting world;
    std::vector<std::string> scans;
    SUBCASE("SQLite") {
        const auto database = world.open();
        REQUIRE(database->run_now([&](soci::session& session) -> Result<> {
            using namespace sqlite_api;
            auto* backend = static_cast<soci::sqlite3_session_backend*>(session.get_backend());
            sqlite3_trace_v2(backend->conn_, SQLITE_TRACE_PROFILE, note_scan, &scans);
            return {};
        }));
        exercise(world, *database);
        for (const auto& each : scans) FAIL_CHECK(each);
        // It would have been seen.
        REQUIRE(database->run_now([](soci::session& session) -> Result<> {
            session << "UPDATE intents SET detail = 'x' WHERE detail = ''";
            return {};
        }));
        CHECK(scans.size() == 1);
    }
    SUBCASE("PostgreSQL") {
        const auto database = world.open(PostgresServer::shared().create());
        const auto tell = [&](std::string statement) {
            Database::Work work = [&](soci::session& session) -> Result<> {
                session << statement;
                return {};
            };
            REQUIRE(world.run(database->run(std::move(work))));
        };
        tell("SELECT pg_stat_force_next_flush()");
        tell("SELECT pg_stat_reset()");
        exercise(world, *database);
        tell("SELECT pg_stat_force_next_flush()");
        REQUIRE(database->run_now([&](soci::session& session) -> Result<> {
            std::string name;
            long long used = 0;
            session << "SELECT COUNT(*) FROM pg_stat_user_tables WHERE idx_scan > 0 AND relname IN "
                       "('intents', 'carried', 'broadcasts', 'purchases')",
                soci::into(used);
            CHECK(used == 4);
            // Nor is what is open looked through for one payment; `mine` has read it once.
            long long passed = 0;
            session << "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = "
                       "'intents_open'",
                soci::into(passed);
            CHECK(passed < 2 * kQueue);
            soci::statement scanned =
                (session.prepare << "SELECT relname FROM pg_stat_user_tables WHERE seq_scan > 0 "
                                    "AND relname NOT IN ('leases', 'barred', 'schema_version')",
                 soci::into(name));
            for (scanned.execute(); scanned.fetch();) scans.push_back(name);
            return {};
        }));
        for (const auto& each : scans) FAIL_CHECK(each);
    }
}

}  // namespace farthing::store
