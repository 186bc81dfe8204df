// SPDX-License-Identifier: Apache-2.0
// A real PostgreSQL: stopped, hanging, shared. The contract itself is in intents_test.cpp and
// nodes_test.cpp.
#include <thread>

#include "farthing/store/engine.hpp"
#include "farthing/store/schema.hpp"
#include "farthing/store/test_stores.hpp"
#include "farthing/store/upkeep.hpp"

namespace farthing::store {
namespace {

using namespace std::chrono_literals;

Task<> join(TaskGroup& tasks) { co_await tasks.join(); }

}  // namespace

TEST_CASE("postgres: stopped in the middle of writes, it loses nothing that was acknowledged") {
    Setting world;
    PostgresServer server;
    const auto address = server.create();
    const auto database = world.open(address);
    SqlIntents store(*database, "a");
    std::vector<scheme::PaymentKey> acknowledged;
    std::size_t refused = 0;
    std::size_t after = 0;
    bool stopped = false;
    TaskGroup writers(world.loop);
    const auto write = [&](std::uint64_t number) -> Task<> {
        // Until it has written something after the server came back.
        for (;;) {
            const auto intent = world.intent(number);
            auto begun = co_await store.begin(intent);
            if (begun) {
                acknowledged.push_back(intent.key);
            } else {
                const auto code = begun.error().code;
                CHECK((code == Errc::io_failed || code == Errc::write_unknown));
                ++refused;
            }
            if (acknowledged.size() >= 100 && !std::exchange(stopped, true)) {
                server.stop(SIGQUIT);
                server.start();
            } else if (refused > 0 && begun) {
                ++after;
                co_return;
            }
        }
    };
    for (std::uint64_t i = 0; i < 16; ++i) writers.spawn(write(i));
    run_blocking(world.loop, join(writers));
    CHECK(refused > 0);
    CHECK(after == 16);
    CHECK(world.log.count("store_back") == 1);
    for (const auto& key : acknowledged) CHECK(world.run(store.find(key)).value().has_value());
}

TEST_CASE("postgres: works that wait for each other in a circle are run again") {
    Setting world;
    const auto address = PostgresServer::shared().create();
    const auto one = world.open(address);
    const auto other = world.open(address);
    Database::Work prepare = [](soci::session& session) -> Result<> {
        session << "CREATE TABLE counts (name TEXT, count INTEGER)";
        session << "INSERT INTO counts VALUES ('a', 0), ('b', 0)";
        return {};
    };
    REQUIRE(world.run(one->run(std::move(prepare))));
    std::atomic<int> runs = 0;
    const auto add = [&runs](std::string first, std::string second) {
        return [&runs, first, second](soci::session& session) -> Result<> {
            ++runs;
            for (const auto& name : {first, second}) {
                session << "UPDATE counts SET count = count + 1 WHERE name = :name",
                    soci::use(name, "name");
                session << "SELECT pg_sleep(0.02)";
            }
            return {};
        };
    };
    int done = 0;
    TaskGroup tasks(world.loop);
    const auto run = [&](Database& database, Database::Work work) -> Task<> {
        for (int i = 0; i < 10; ++i) {
            auto result = co_await database.run(work);
            REQUIRE_MESSAGE(result.has_value(), to_string(result.error()));
            ++done;
        }
    };
    tasks.spawn(run(*one, add("a", "b")));
    tasks.spawn(run(*other, add("b", "a")));
    run_blocking(world.loop, join(tasks));
    CHECK(done == 20);
    int sum = 0;
    REQUIRE(one->run_now([&](soci::session& session) -> Result<> {
        session << "SELECT SUM(count) FROM counts", soci::into(sum);
        return {};
    }));
    CHECK(sum == 40);
    CHECK(runs > 20);
}

TEST_CASE("postgres: a server that hangs is given up") {
    const auto address = PostgresServer::shared().create();
    auto engine = postgres_engine(address, 200ms);
    REQUIRE(engine.has_value());
    REQUIRE((*engine)->open(Access::serve));
    int backend = 0;
    (*engine)->session << "SELECT pg_backend_pid()", soci::into(backend);
    REQUIRE(::kill(backend, SIGSTOP) == 0);
    std::optional<Fault> fault;
    try {
        const Engine::Guard guard(**engine);
        (*engine)->session << "SELECT 1";
    } catch (const std::exception& error) {
        fault = (*engine)->fault_of(error);
    }
    REQUIRE(::kill(backend, SIGCONT) == 0);
    REQUIRE(fault);
    CHECK(fault->kind == Fault::Kind::lost);
    CHECK((*engine)->reopen().has_value());
    (*engine)->session << "SELECT 1";
}

TEST_CASE("postgres: many that start at once migrate once, and a newer store is refused") {
    const auto address = PostgresServer::shared().create();
    std::vector<std::thread> starting;
    std::atomic<int> opened = 0;
    for (int i = 0; i < 4; ++i) {
        starting.emplace_back([&] {
            auto engine = postgres_engine(address);
            const auto done = (*engine)->open(Access::serve);
            if (done) ++opened;
        });
    }
    for (auto& each : starting) each.join();
    CHECK(opened == 4);
    Setting world;
    REQUIRE(world.open(address)->run_now([](soci::session& session) -> Result<> {
        session << "UPDATE schema_version SET version = 99";
        return {};
    }));
    for (const auto access : {Access::serve, Access::read}) {
        const auto newer = Database::open(world.env, world.loop, address, access);
        REQUIRE_FALSE(newer.has_value());
        CHECK(newer.error().code == Errc::invalid_config);
        CHECK(newer.error().detail.contains("version 99"));
    }
}

TEST_CASE("postgres: an address with a password, and one that is none, are refused unseen") {
    Setting world;
    for (const auto* address : {"postgresql://me:s3cret@localhost/x",
                                "postgresql:///x?password=s3cret", "postgresql://s3cret:%zz@"}) {
        const auto opened = Database::open(world.env, world.loop, address);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code == Errc::invalid_config);
        CHECK_FALSE(opened.error().detail.contains("s3cret"));
    }
    const auto nobody =
        Database::open(world.env, world.loop, "postgresql:///x?host=/nonexistent%20place");
    REQUIRE_FALSE(nobody.has_value());
    CHECK(nobody.error().code == Errc::io_failed);
    CHECK(nobody.error().detail.contains("/nonexistent place"));
}

TEST_CASE("postgres: who only reads changes nothing, and keeping house leaves what is unfinished") {
    Setting world;
    const auto address = PostgresServer::shared().create();
    const auto database = world.open(address);
    SqlIntents store(*database, "a");
    const auto open = world.intent(1);
    auto failed = world.intent(2);
    CHECK_FALSE(world.run(store.begin(open)).value());
    CHECK_FALSE(world.run(store.begin(failed)).value());
    // What a node said of it may be no text at all.
    REQUIRE(world.run(store.end(failed.key, {.state = Intent::State::failed,
                                             .reason = "x",
                                             .detail = std::string("\xff\0y", 3),
                                             .at = 1'000})));
    CHECK(world.run(store.find(failed.key)).value()->detail == "??y");
    auto reader = Database::open(world.env, world.loop, address, Access::read);
    REQUIRE(reader.has_value());
    CHECK((*reader)->check());
    std::size_t count = 0;
    REQUIRE(for_each_intent(**reader, [&](const Intent&) { ++count; }));
    CHECK(count == 2);
    CHECK_FALSE(forget_ended(**reader, 2'000).has_value());
    reader->reset();
    CHECK(forget_ended(*database, 1'000).value() == 0);
    CHECK(forget_ended(*database, 2'000).value() == 1);
    CHECK(database->shrink());
    CHECK(world.run(store.find(open.key)).value().has_value());
    CHECK_FALSE(world.run(store.find(failed.key)).value().has_value());
}

}  // namespace farthing::store
