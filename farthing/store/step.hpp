// SPDX-License-Identifier: Apache-2.0
// Step: one statement of the kind that many writers run at once. It is prepared once for each
// connection, and the steps of a group are sent together.
#pragma once

#include <string>
#include <vector>

namespace soci {
class session;
}

namespace farthing::store {

struct Step {
    /// With :1, :2 … for the values, and no colon otherwise. It gives a row or none.
    std::string sql;
    std::vector<std::string> values;
    /// Whether the row is the answer; otherwise nothing is made of it.
    bool tells = true;
};

/// By itself. True when it gave a row.
bool run_step(soci::session& session, const Step& step);

}  // namespace farthing::store
