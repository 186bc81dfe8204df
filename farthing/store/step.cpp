// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/step.hpp"

#include <soci/soci.h>

namespace farthing::store {

bool run_step(soci::session& session, const Step& step) {
    auto prepared = session.prepare << step.sql;
    std::size_t number = 0;
    for (const auto& value : step.values) {
        prepared, soci::use(value, std::to_string(++number));
    }
    int row = 0;
    if (step.tells) prepared, soci::into(row);
    soci::statement statement(prepared);
    return statement.execute(true);
}

}  // namespace farthing::store
