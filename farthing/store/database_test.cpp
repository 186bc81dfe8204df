// SPDX-License-Identifier: Apache-2.0
// The SQLite file: what survives, who shares it, what is refused.
#include "farthing/store/database.hpp"

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "farthing/base/hex.hpp"
#include "farthing/store/migrations.hpp"
#include "farthing/store/test_stores.hpp"

namespace farthing::store {
namespace {

/// A store of the first version: an open payment that was broadcast twice, and one that was not.
void make_first_version(soci::session& session, const Intent& sent, const Intent& unsent) {
    std::string_view sql = migrations()[0];
    for (auto end = sql.find(";\n"); end != std::string_view::npos; end = sql.find(";\n")) {
        session << std::string(sql.substr(0, end));
        sql.remove_prefix(end + 2);
    }
    session << "CREATE TABLE schema_version (version INTEGER NOT NULL)";
    session << "INSERT INTO schema_version (version) VALUES (1)";
    for (const auto* each : {&sent, &unsent}) {
        const auto& key = each->key;
        session << fmt::format(
            "INSERT INTO intents VALUES ('{}', '{}', '{}', '{}', '{}', 'body', 'open', 0, '', '', "
            "'', {}, 0)",
            key.network.id, to_hex(key.token), to_hex(key.payer), to_hex(key.nonce),
            to_hex(each->print), each->begun_at);
        for (int place = 0; const auto& broadcast : each->broadcasts) {
            session << fmt::format(
                "INSERT INTO broadcasts VALUES ('{}', '{}', '{}', '{}', {}, '{}', {}, {}, '{}', "
                "'{}')",
                key.network.id, to_hex(key.token), to_hex(key.payer), to_hex(key.nonce), place++,
                to_hex(broadcast.signer), broadcast.account_nonce, broadcast.gas_limit,
                to_hex(broadcast.hash), to_hex(broadcast.raw));
        }
    }
}

Task<> join(TaskGroup& tasks) { co_await tasks.join(); }

void check_migration(Setting& world, const soci::backend_factory& backend,
                     const std::string& connection, const std::string& where) {
    auto sent = world.intent(1);
    auto unsent = world.intent(2);
    sent.payment = unsent.payment = "body";
    // The later one has the smaller hash as often as not: their order is not that of the hashes.
    for (std::uint64_t i = 0; i < 4; ++i) sent.broadcasts.push_back(world.broadcast(i));
    {
        soci::session session(backend, connection);
        make_first_version(session, sent, unsent);
    }
    const auto database = world.open(where);
    SqlIntents store(*database, "a");
    sent.owner = unsent.owner = "a";
    unsent.handed_over = true;  // it belonged to nobody
    CHECK(world.run(store.adopt(sent.key.network)).value() == std::vector{sent, unsent});
}

}  // namespace

TEST_CASE("store: what the version before left is carried over") {
    Setting world;
    SUBCASE("SQLite") {
        const auto file = world.folder.file();
        check_migration(world, soci::sqlite3, "db=" + file, file);
    }
    SUBCASE("PostgreSQL") {
        const auto address = PostgresServer::shared().create();
        check_migration(world, soci::postgresql, address, address);
    }
}

TEST_CASE("store: what was told and not heard waits again") {
    Setting world;
    const auto database = world.open();
    SqlIntents store(*database, "a");
    const auto intent = world.intent();
    CHECK_FALSE(world.run(store.begin(intent)).value());
    REQUIRE(world.run(store.end(intent.key, {.state = Intent::State::settled})));
    CHECK(world.run(store.tell(intent.key, "")).value());
    REQUIRE(world.run(store.untell(intent.key)));
    CHECK(world.run(store.tell(intent.key, "")).value());
    CHECK_FALSE(world.run(store.tell(intent.key, "")).value());
}

TEST_CASE("store: everything is there after a restart") {
    Setting world;
    auto intent = world.intent();
    {
        const auto database = world.open();
        SqlIntents store(*database, "a");
        CHECK_FALSE(world.run(store.begin(intent)).value());
        intent.broadcasts.push_back(world.broadcast(3));
        REQUIRE(world.run(store.add_broadcast({intent.key}, intent.broadcasts[0])));
    }
    const auto database = world.open();
    SqlIntents store(*database, "a");
    intent.owner = "a";
    CHECK(world.run(store.find(intent.key)).value() == intent);
}

TEST_CASE("store: writers that come together share a transaction, and each stands or falls alone") {
    Setting world;
    const auto database = world.open();
    SqlIntents store(*database, "a");
    std::vector<Intent> intents;
    for (std::uint64_t i = 0; i < 300; ++i) intents.push_back(world.intent(i));
    std::size_t good = 0;
    TaskGroup writers(world.loop);
    const auto write = [&](Intent intent) -> Task<> {
        auto begun = co_await store.begin(std::move(intent));
        good += begun.has_value() ? 1 : 0;
    };
    const auto spoil = [&]() -> Task<> {
        Database::Work work = [](soci::session&) -> Result<> {
            return fail(Errc::io_failed, "no");
        };
        auto done = co_await database->run(std::move(work));
        CHECK_FALSE(done);
    };
    for (const auto& each : intents) {
        writers.spawn(write(each));
        if (each.begun_at % 50 == 0) writers.spawn(spoil());
    }
    run_blocking(world.loop, writers.join());
    CHECK(good == 300);
    SqlIntents heir(*database, "b");
    CHECK(world.run(heir.adopt(evm_network(84532))).value().size() == 300);
}

TEST_CASE(
    "store: steps go together, work follows where they are not enough, and one that fails is "
    "alone") {
    Setting world;
    std::string where = world.folder.file();
    SUBCASE("SQLite") {}
    SUBCASE("PostgreSQL") { where = PostgresServer::shared().create(); }
    const auto database = world.open(where);
    const auto insertion = [](std::string since) {
        return Step{
            "INSERT INTO barred (payer, since) VALUES (:1, CAST(NULLIF(:2, '') AS BIGINT)) "
            "ON CONFLICT DO NOTHING RETURNING 1",
            {"0x" + since, since}};
    };
    int enough = 0;
    int failed = 0;
    std::vector<std::string> followed;
    const auto insert = [&](std::string since) -> Task<> {
        std::vector<Step> steps{insertion(since)};
        Database::Work work = [&, since](soci::session& session) -> Result<> {
            CHECK_FALSE(run_step(session, insertion(since)));
            followed.push_back(since);
            return {};
        };
        auto done = co_await database->run(std::move(steps), std::move(work));
        failed += done ? 0 : 1;
        enough += done.value_or(false) ? 1 : 0;
    };
    const auto insert_all = [&](const std::vector<std::string>& values) {
        TaskGroup writers(world.loop);
        for (const auto& each : values) writers.spawn(insert(each));
        world.loop.restart();
        run_blocking(world.loop, join(writers));
    };
    insert_all({"1", "2", "3"});
    CHECK(enough == 3);
    insert_all({"4", "2", "5"});
    CHECK(enough == 5);
    CHECK(followed == std::vector<std::string>{"2"});
    // NULL is refused by the column, and that ends a transaction of PostgreSQL.
    insert_all({"6", "", "1", "7"});
    CHECK(failed == 1);
    CHECK(enough == 7);
    CHECK(followed.back() == "1");
    int count = 0;
    REQUIRE(database->run_now([&](soci::session& session) -> Result<> {
        session << "SELECT COUNT(*) FROM barred", soci::into(count);
        return {};
    }));
    CHECK(count == 7);
}

TEST_CASE(
    "store: the log beside a file that is written for long stays small, and shrinks after a long "
    "reader") {
    Setting world;
    constexpr std::uintmax_t kMiB = 1 << 20;
    const auto log_size = [&] { return std::filesystem::file_size(world.folder.file() + "-wal"); };
    const auto database = world.open();
    SqlIntents store(*database, "a");
    std::uint64_t number = 0;
    const auto write = [&](int mebibytes) {
        for (int i = 0; i < mebibytes; ++i) {
            auto intent = world.intent(++number);
            intent.payment = std::string(kMiB, 'x');
            REQUIRE(world.run(store.begin(std::move(intent))).has_value());
        }
    };
    write(24);
    CHECK(log_size() < 8 * kMiB);
    {
        const auto reader =
            Database::open(world.env, world.loop, world.folder.file(), Access::read).value();
        REQUIRE(reader->run_now([&](soci::session& session) -> Result<> {
            int count = 0;
            session << "SELECT COUNT(*) FROM intents", soci::into(count);
            write(24);
            return {};
        }));
    }
    CHECK(log_size() > 20 * kMiB);
    write(8);
    CHECK(log_size() <= 16 * kMiB);
}

TEST_CASE("store: a second process is refused, and so is a store of a newer program") {
    Setting world;
    {
        const auto database = world.open();
        const auto second = Database::open(world.env, world.loop, world.folder.file());
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().detail.ends_with("another process serves from this store"));
        // Who only reads may look in beside it.
        CHECK(Database::open(world.env, world.loop, world.folder.file(), Access::read).has_value());
        REQUIRE(database->run_now([](soci::session& session) -> Result<> {
            session << "UPDATE schema_version SET version = 99";
            return {};
        }));
    }
    const auto newer = Database::open(world.env, world.loop, world.folder.file());
    REQUIRE_FALSE(newer.has_value());
    CHECK(newer.error().code == Errc::invalid_config);
    CHECK(newer.error().detail.contains("version 99"));
}

TEST_CASE("store: a file that is no store, and a place that is none, are named") {
    Setting world;
    std::ofstream(world.folder.file())
        << "this is not a database, and long enough to be read as one";
    const auto bad = Database::open(world.env, world.loop, world.folder.file());
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().detail.contains("store.db"));
    const auto nowhere = Database::open(world.env, world.loop, "/nonexistent/x.db");
    REQUIRE_FALSE(nowhere.has_value());
    CHECK(nowhere.error().detail.contains("/nonexistent/x.db"));
}

}  // namespace farthing::store
