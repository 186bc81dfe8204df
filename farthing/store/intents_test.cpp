// SPDX-License-Identifier: Apache-2.0
// One contract, every store.
#include "farthing/store/intents.hpp"

#include <doctest/doctest.h>
#include <soci/soci.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "farthing/io/task_group.hpp"
#include "farthing/store/memory_intents.hpp"
#include "farthing/store/sql_intents.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/seeded_random.hpp"

namespace farthing::store {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, removed at the end.
struct Folder {
    Folder() {
        auto name = (fs::temp_directory_path() / "farthing-store-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file() const { return (path / "store.db").string(); }
    fs::path path;
};

struct Setting {
    SystemClock clock;
    testing::SeededRandom random{1};
    testing::CaptureLog log;
    Metrics metrics;
    Loop loop;
    Env env{clock, random, log, metrics};
    Folder folder;

    std::unique_ptr<Database> open() {
        auto database = Database::open(env, loop, folder.file());
        REQUIRE(database.has_value());
        return *std::move(database);
    }
    Intent intent(std::uint64_t number = 1) {
        Intent out;
        out.key = {evm_network(84532), {}, {}, random.bytes32()};
        out.key.payer.data[19] = static_cast<std::uint8_t>(number);
        out.print = random.bytes32();
        out.payment = R"({"x402Version":2,"text":"it's \"quoted\" :here"})";
        out.begun_at = 1'800'000'000 + number;
        return out;
    }
    Broadcast broadcast(std::uint64_t nonce) {
        Broadcast out;
        out.signer.data[0] = 0xab;
        out.account_nonce = nonce;
        out.gas_limit = 90'000;
        out.hash = random.bytes32();
        out.raw = {0x02, 0x00, 0xff};
        return out;
    }
    template <class T>
    T run(Task<T> task) {
        loop.restart();
        return run_blocking(loop, std::move(task));
    }
};

/// Runs the test on each store.
template <class Test>
void on_each_store(Test test) {
    {
        Setting setting;
        MemoryIntents store;
        test(setting, store);
    }
    {
        Setting setting;
        const auto database = setting.open();
        SqlIntents store(*database);
        test(setting, store);
    }
}

}  // namespace

TEST_CASE("intents: one that is begun is open, and is there with its broadcasts") {
    on_each_store([](Setting& world, IntentStore& store) {
        auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        const auto first = world.broadcast(7);
        const auto second = world.broadcast(8);
        REQUIRE(world.run(store.add_broadcast(intent.key, first)));
        REQUIRE(world.run(store.add_broadcast(intent.key, second)));
        intent.broadcasts = {first, second};
        const auto open = world.run(store.unfinished(intent.key.network)).value();
        REQUIRE(open.size() == 1);
        CHECK(open[0] == intent);
        CHECK(world.run(store.unfinished(evm_network(1))).value().empty());
        // Begun once more it is what it was: its broadcasts may be mined.
        const auto again = world.run(store.begin(world.intent())).value();
        CHECK_FALSE(again);
        CHECK(world.run(store.begin(intent)).value() == intent);
    });
}

TEST_CASE("intents: what was never broadcast, or has failed, makes room for another") {
    on_each_store([](Setting& world, IntentStore& store) {
        auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        intent.print = world.random.bytes32();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        REQUIRE(world.run(store.add_broadcast(intent.key, world.broadcast(1))));
        REQUIRE(world.run(store.end(intent.key, {.state = Intent::State::failed, .reason = "x"})));
        CHECK(world.run(store.unfinished(intent.key.network)).value().empty());
        CHECK_FALSE(world.run(store.begin(intent)).value());
        // Without what was broadcast for the failed one.
        const auto open = world.run(store.unfinished(intent.key.network)).value();
        REQUIRE(open.size() == 1);
        CHECK(open[0].broadcasts.empty());
    });
}

TEST_CASE("intents: a settlement is told to exactly one") {
    on_each_store([](Setting& world, IntentStore& store) {
        const auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        CHECK_FALSE(world.run(store.tell(intent.key)).value());
        const auto hash = world.random.bytes32();
        REQUIRE(world.run(
            store.end(intent.key, {.state = Intent::State::settled, .transaction = hash})));
        const auto untold = world.run(store.unfinished(intent.key.network)).value();
        REQUIRE(untold.size() == 1);
        CHECK(untold[0].state == Intent::State::settled);
        CHECK(untold[0].transaction == hash);
        CHECK(world.run(store.begin(intent)).value().has_value());
        CHECK(world.run(store.tell(intent.key)).value());
        CHECK_FALSE(world.run(store.tell(intent.key)).value());
        CHECK(world.run(store.unfinished(intent.key.network)).value().empty());
    });
}

TEST_CASE("store: what was told and not heard waits again") {
    Setting world;
    const auto database = world.open();
    SqlIntents store(*database);
    const auto intent = world.intent();
    CHECK_FALSE(world.run(store.begin(intent)).value());
    REQUIRE(world.run(store.end(intent.key, {.state = Intent::State::settled})));
    CHECK(world.run(store.tell(intent.key)).value());
    REQUIRE(world.run(store.untell(intent.key)));
    CHECK(world.run(store.tell(intent.key)).value());
    CHECK_FALSE(world.run(store.tell(intent.key)).value());
}

TEST_CASE("intents: an outcome is not changed by a later one") {
    on_each_store([](Setting& world, IntentStore& store) {
        const auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        REQUIRE(world.run(store.end(intent.key, {.state = Intent::State::settled})));
        REQUIRE(world.run(store.end(intent.key, {.state = Intent::State::failed, .reason = "x"})));
        CHECK(world.run(store.tell(intent.key)).value());
    });
}

TEST_CASE("store: everything is there after a restart") {
    Setting world;
    auto intent = world.intent();
    {
        const auto database = world.open();
        SqlIntents store(*database);
        CHECK_FALSE(world.run(store.begin(intent)).value());
        intent.broadcasts.push_back(world.broadcast(3));
        REQUIRE(world.run(store.add_broadcast(intent.key, intent.broadcasts[0])));
    }
    const auto database = world.open();
    SqlIntents store(*database);
    CHECK(world.run(store.unfinished(intent.key.network)).value() == std::vector{intent});
}

TEST_CASE("store: writers that come together share a transaction, and each stands or falls alone") {
    Setting world;
    const auto database = world.open();
    SqlIntents store(*database);
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
    CHECK(world.run(store.unfinished(evm_network(84532))).value().size() == 300);
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
