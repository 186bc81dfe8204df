// SPDX-License-Identifier: Apache-2.0
// The version of a database, and the way to ours. Exceptions of the library pass through.
#pragma once

#include <string_view>
#include <vector>

#include "farthing/base/result.hpp"

namespace soci {
class session;
}

namespace farthing::store {

/// Steps as migrations.hpp has them, one for each version.
using Migrations = std::vector<std::string_view>;

/// The newest version of the store this program knows.
[[nodiscard]] int schema_version();

/// Within a transaction that no other process has at the same time. Errors: invalid_config (made
/// by a newer program).
Result<> migrate(soci::session& session, const Migrations& known, std::string_view what = "store");
/// Errors: invalid_config (not of our version).
Result<> check_version(soci::session& session, const Migrations& known,
                       std::string_view what = "store");

}  // namespace farthing::store
