// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/stores.hpp"

#include "farthing/store/engine.hpp"
#include "farthing/store/memory_intents.hpp"
#include "farthing/store/memory_leases.hpp"
#include "farthing/store/postgres_reservations.hpp"
#include "farthing/store/sql_intents.hpp"
#include "farthing/store/sql_leases.hpp"

namespace farthing::store {

Result<Stores> open_stores(Env env, Loop& loop, const std::string& where) {
    Stores out;
    out.node = make_node_id(env.random);
    if (where.empty() || where == "memory") {
        const auto table = std::make_shared<MemoryTable>(env.clock);
        out.intents = std::make_unique<MemoryIntents>(table, out.node);
        out.leases = std::make_unique<MemoryLeases>(table, out.node);
        return out;
    }
    FARTHING_TRY(out.database, Database::open(env, loop, where));
    out.shared = is_postgres(where);
    out.intents = std::make_unique<SqlIntents>(*out.database, out.node);
    out.leases = std::make_unique<SqlLeases>(*out.database, out.node);
    if (out.shared) {
        out.reservations = std::make_unique<PostgresReservations>(*out.database, out.node);
    }
    return out;
}

}  // namespace farthing::store
