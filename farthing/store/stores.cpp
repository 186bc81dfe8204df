// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/stores.hpp"

#include "farthing/store/memory_intents.hpp"
#include "farthing/store/sql_intents.hpp"

namespace farthing::store {

Result<Stores> open_stores(Env env, Loop& loop, const std::string& where) {
    Stores out;
    if (where.empty() || where == "memory") {
        out.intents = std::make_unique<MemoryIntents>();
        return out;
    }
    FARTHING_TRY(out.database, Database::open(env, loop, where));
    out.intents = std::make_unique<SqlIntents>(*out.database);
    return out;
}

}  // namespace farthing::store
