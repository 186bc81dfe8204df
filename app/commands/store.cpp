// SPDX-License-Identifier: Apache-2.0
// `farthing store`: look after what a facilitator or gateway keeps its payments in.
#include <fmt/format.h>

#include <array>
#include <cstdio>

#include "app/commands/commands.hpp"
#include "app/world.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/store/schema.hpp"
#include "farthing/store/upkeep.hpp"

namespace farthing::app {
namespace {

using store::Access;
using store::Database;
using store::Intent;

constexpr std::uint64_t kSecondsPerDay = 86'400;

struct Options {
    std::string store;
    std::uint64_t days = 30;
};

json::Object to_json(const Intent& intent) {
    json::Array broadcasts;
    for (const auto& each : intent.broadcasts) {
        broadcasts.push_back(json::Object{{"signer", each.signer.to_checksum()},
                                          {"accountNonce", each.account_nonce},
                                          {"transaction", to_hex(each.hash)}});
    }
    return {{"network", intent.key.network.id},
            {"token", intent.key.token.to_checksum()},
            {"payer", intent.key.payer.to_checksum()},
            {"nonce", to_hex(intent.key.nonce)},
            {"state", store::to_text(intent.state)},
            {"owner", intent.owner},
            {"told", intent.told},
            {"transaction", intent.transaction ? to_hex(*intent.transaction) : ""},
            {"reason", intent.reason},
            {"detail", intent.detail},
            {"begunAt", intent.begun_at},
            {"endedAt", intent.ended_at},
            {"broadcasts", std::move(broadcasts)}};
}

Result<> check(Database& database) {
    FARTHING_CHECK(database.check());
    std::array<std::uint64_t, 3> counts{};
    std::uint64_t unheard = 0;
    FARTHING_CHECK(store::for_each_intent(database, [&](const Intent& intent) {
        ++counts[static_cast<std::size_t>(intent.state)];
        unheard += intent.is_unheard() ? 1 : 0;
    }));
    fmt::print("good: version {}, {} open, {} settled ({} of them unheard), {} failed\n",
               store::schema_version(), counts[0], counts[1], unheard, counts[2]);
    return {};
}

Result<> export_all(Database& database) {
    return store::for_each_intent(
        database, [](const Intent& intent) { fmt::print("{}\n", json::to_text(to_json(intent))); });
}

Result<> compact(Database& database, const Options& options, Clock& clock) {
    const auto now = static_cast<std::uint64_t>(clock.now().time_since_epoch().count());
    FARTHING_TRY(const auto count,
                 store::forget_ended(database, now - std::min(now, options.days * kSecondsPerDay)));
    FARTHING_CHECK(database.shrink());
    fmt::print("{} ended payments removed\n", count);
    return {};
}

template <class Work>
int with_store(const Options& options, Access access, Work work) {
    World world(Level::warn);
    auto database = Database::open(world.env(), world.loop, options.store, access);
    if (!database) return report(database.error());
    const auto done = work(**database, world);
    return done ? 0 : report(done.error());
}

}  // namespace

void add_store(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "store", "look after what a facilitator or gateway keeps its payments in");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Access access, auto work) {
        auto* each = command->add_subcommand(name, help);
        each->add_option("STORE", options->store, "SQLite file, or postgresql://…")->required();
        each->callback([options, &run, access, work] {
            run = [options, access, work] { return with_store(*options, access, work); };
        });
        return each;
    };
    add("check", "read everything and say whether it is whole", Access::read,
        [](Database& database, World&) { return check(database); });
    add("export", "print every payment as one JSON line", Access::read,
        [](Database& database, World&) { return export_all(database); });
    add("compact",
        "remove payments that ended long ago; nothing may serve from an SQLite file meanwhile",
        Access::serve,
        [options](Database& database, World& world) {
            return compact(database, *options, world.clock);
        })
        ->add_option("--keep-days", options->days, "what ended longer ago is removed (30)")
        ->check(CLI::Range(1, 36'500));
}

}  // namespace farthing::app
