// SPDX-License-Identifier: Apache-2.0
// The version of a store, and the way to ours. Exceptions of the library pass through.
#pragma once

#include "farthing/base/result.hpp"

namespace soci {
class session;
}

namespace farthing::store {

/// The newest version this program knows.
[[nodiscard]] int schema_version();

/// Within a transaction that no other process has at the same time. Errors: invalid_config (made
/// by a newer program).
Result<> migrate(soci::session& session);
/// Errors: invalid_config (not of our version).
Result<> check_version(soci::session& session);

}  // namespace farthing::store
