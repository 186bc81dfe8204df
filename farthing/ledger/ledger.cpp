// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/ledger.hpp"

#include "farthing/ledger/migrations.hpp"
#include "farthing/store/engine.hpp"

namespace farthing::ledger {

Result<std::unique_ptr<Ledger>> Ledger::open(Env env, Loop& loop,
                                             const std::filesystem::path& folder,
                                             store::Access access) {
    const auto path = folder / kFileName;
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
