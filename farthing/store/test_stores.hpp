// SPDX-License-Identifier: Apache-2.0
// Every store, for tests that hold for all of them.
#pragma once

#include <doctest/doctest.h>
#include <soci/soci.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "farthing/io/task_group.hpp"
#include "farthing/store/memory_intents.hpp"
#include "farthing/store/memory_leases.hpp"
#include "farthing/store/sql_intents.hpp"
#include "farthing/store/sql_leases.hpp"
#include "farthing/store/test_postgres.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/testing/temporary_folder.hpp"

namespace farthing::store {

struct Folder : testing::TemporaryFolder {
    [[nodiscard]] std::string file() const { return (path / "store.db").string(); }
};

struct Setting {
    SystemClock clock;
    testing::SeededRandom random{1};
    testing::CaptureLog log;
    Metrics metrics;
    Loop loop;
    Env env{clock, random, log, metrics};
    Folder folder;

    std::unique_ptr<Database> open(const std::string& where) {
        auto database = Database::open(env, loop, where);
        REQUIRE_MESSAGE(database.has_value(), to_string(database.error()));
        return *std::move(database);
    }
    std::unique_ptr<Database> open() { return open(folder.file()); }
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

/// One of those who share a store. It lives from the start.
struct Node {
    std::string id;
    std::unique_ptr<IntentStore> intents;
    std::unique_ptr<LeaseStore> leases;
};

/// What nodes share.
class Place {
  public:
    explicit Place(Setting& world) : world_(world) {}
    virtual ~Place() = default;
    Node node(std::string id) {
        auto out = make(std::move(id));
        REQUIRE(world_.run(out.leases->acquire(node_lease(out.id), std::chrono::hours(1))).value());
        return out;
    }
    /// Time passes for a lease.
    virtual void expire(const std::string& lease) = 0;

  protected:
    virtual Node make(std::string id) = 0;
    Setting& world_;
};

class MemoryPlace final : public Place {
  public:
    explicit MemoryPlace(Setting& world)
        : Place(world), table_(std::make_shared<MemoryTable>(world.clock)) {}
    void expire(const std::string& lease) override { table_->leases.at(lease).until = {}; }

  protected:
    Node make(std::string id) override {
        return {id, std::make_unique<MemoryIntents>(table_, id),
                std::make_unique<MemoryLeases>(table_, id)};
    }

  private:
    std::shared_ptr<MemoryTable> table_;
};

/// A connection for each node where the database takes several.
class SqlPlace final : public Place {
  public:
    SqlPlace(Setting& world, std::function<std::unique_ptr<Database>()> connect, bool shared)
        : Place(world), connect_(std::move(connect)), shared_(shared) {}
    void expire(const std::string& lease) override {
        Database::Work work = [lease](soci::session& session) -> Result<> {
            session << "UPDATE leases SET until_ms = 0 WHERE name = :name",
                soci::use(lease, "name");
            return {};
        };
        REQUIRE(world_.run(databases_.at(0)->run(std::move(work))));
    }

  protected:
    Node make(std::string id) override {
        if (databases_.empty() || !shared_) databases_.push_back(connect_());
        return {id, std::make_unique<SqlIntents>(*databases_.back(), id),
                std::make_unique<SqlLeases>(*databases_.back(), id)};
    }

  private:
    std::function<std::unique_ptr<Database>()> connect_;
    bool shared_;
    std::vector<std::unique_ptr<Database>> databases_;
};

/// Runs `test(setting, place)` on each store.
template <class Test>
void on_each_store(Test test) {
    SUBCASE("memory") {
        Setting world;
        MemoryPlace place(world);
        test(world, place);
    }
    SUBCASE("SQLite") {
        Setting world;
        SqlPlace place(world, [&] { return world.open(); }, true);
        test(world, place);
    }
    SUBCASE("PostgreSQL") {
        Setting world;
        const auto address = PostgresServer::shared().create();
        SqlPlace place(world, [&] { return world.open(address); }, false);
        test(world, place);
    }
}

}  // namespace farthing::store
