// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace farthing {

void invariant(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "farthing: broken invariant: %s\n", what);
    std::abort();
}

}  // namespace farthing
