// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/ledger.hpp"

#include <fstream>

#include "farthing/ledger/migrations.hpp"
#include "farthing/store/engine.hpp"

namespace farthing::ledger {
namespace {

/// Nobody else's business; what SQLite makes beside it gets the same mode.
Result<> make_file(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return {};
    if (!std::ofstream(path, std::ios::app)) {
        return fail(Errc::io_failed, path.string() + ": cannot be made");
    }
    using enum std::filesystem::perms;
    std::filesystem::permissions(path, owner_read | owner_write, error);
    if (error) return fail(Errc::io_failed, path.string() + ": " + error.message());
    return {};
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(Env env, Loop& loop,
                                             const std::filesystem::path& folder,
                                             store::Access access) {
    const auto path = folder / kFileName;
    if (access == store::Access::serve) FARTHING_CHECK(make_file(path));
    store::SqliteFile file{path.string(), migrations(), "ledger", true};
    FARTHING_TRY(auto database, store::Database::open(
                                    env, loop, store::sqlite_engine(env, std::move(file)), access));
    return std::unique_ptr<Ledger>(new Ledger(env.clock, std::move(database)));
}

UnixMillis Ledger::clock_now() const {
    const auto now = std::chrono::milliseconds(clock_.now().time_since_epoch()).count();
    return static_cast<UnixMillis>(std::max<decltype(now)>(now, 0));
}

}  // namespace farthing::ledger
