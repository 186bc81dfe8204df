// SPDX-License-Identifier: Apache-2.0
// The SQLite file: what survives, who shares it, what is refused.
#include "farthing/store/database.hpp"

#include "farthing/store/test_stores.hpp"

namespace farthing::store {

TEST_CASE("store: what was told and not heard waits again") {
    Setting world;
    const auto database = world.open();
    SqlIntents store(*database, "a");
    const auto intent = world.intent();
    CHECK_FALSE(world.run(store.begin(intent)).value());
    REQUIRE(world.run(store.end(intent.key, {.state = Intent::State::settled})));
    CHECK(world.run(store.tell(intent.key)).value());
    REQUIRE(world.run(store.untell(intent.key)));
    CHECK(world.run(store.tell(intent.key)).value());
    CHECK_FALSE(world.run(store.tell(intent.key)).value());
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
