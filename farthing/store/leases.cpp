// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/leases.hpp"

#include <array>

#include "farthing/base/hex.hpp"

namespace farthing::store {

std::string make_node_id(Random& random) {
    std::array<std::uint8_t, 12> bytes{};
    random.fill(bytes);
    return to_hex_digits(bytes);
}

std::string node_lease(std::string_view node) { return "node/" + std::string(node); }

}  // namespace farthing::store
