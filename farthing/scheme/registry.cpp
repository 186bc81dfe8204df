// SPDX-License-Identifier: Apache-2.0
// The list of schemes.
#include "farthing/scheme/exact/exact.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::scheme {

const std::vector<const Scheme*>& all_schemes() {
    static const std::vector<const Scheme*> schemes{&exact()};
    return schemes;
}

const Scheme* find_scheme(std::string_view name) {
    for (const auto* each : all_schemes()) {
        if (each->name() == name) return each;
    }
    return nullptr;
}

}  // namespace farthing::scheme
