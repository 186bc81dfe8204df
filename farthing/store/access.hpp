// SPDX-License-Identifier: Apache-2.0
// What somebody opens a store for.
#pragma once

#include <cstdint>

namespace farthing::store {

enum class Access : std::uint8_t {
    serve,  ///< migrated to our version, and written to
    read,   ///< as it is, beside whoever serves from it
};

}  // namespace farthing::store
