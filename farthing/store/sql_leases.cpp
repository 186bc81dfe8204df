// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/sql_leases.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

namespace farthing::store {

using soci::into;
using soci::use;

Task<Result<bool>> SqlLeases::acquire(std::string name, std::chrono::milliseconds ttl) {
    auto held = std::make_shared<bool>(false);
    Database::Work work = [held, name = std::move(name), node = node_, now = database_.now(),
                           ttl = ttl.count()](soci::session& session) -> Result<> {
        int done = 0;
        session << fmt::format(
            "INSERT INTO leases (name, holder, until_ms) VALUES (:name, :holder, {0} + {1}) ON "
            "CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms "
            "WHERE leases.holder = excluded.holder OR leases.until_ms <= {0} RETURNING 1",
            now, ttl),
            use(name, "name"), use(node, "holder"), into(done);
        *held = session.got_data();
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return *held;
}

Task<Result<std::size_t>> SqlLeases::count(std::string prefix) {
    auto held = std::make_shared<std::size_t>(0);
    Database::Work work = [held, prefix = std::move(prefix),
                           now = database_.now()](soci::session& session) -> Result<> {
        std::string name;
        *held = 0;
        soci::statement read =
            (session.prepare << "SELECT name FROM leases WHERE until_ms > " + now, into(name));
        for (read.execute(); read.fetch();) *held += name.starts_with(prefix) ? 1 : 0;
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    if (!done) co_return fail(std::move(done).error());
    co_return *held;
}

Task<Result<>> SqlLeases::release(std::string name) {
    Database::Work work = [name = std::move(name),
                           node = node_](soci::session& session) -> Result<> {
        session << "DELETE FROM leases WHERE name = :name AND holder = :holder", use(name, "name"),
            use(node, "holder");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

Task<Result<>> SqlLeases::release_all() {
    Database::Work work = [node = node_](soci::session& session) -> Result<> {
        session << "DELETE FROM leases WHERE holder = :holder", use(node, "holder");
        return {};
    };
    auto done = co_await database_.run(std::move(work));
    co_return done;
}

}  // namespace farthing::store
