// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/random.hpp"

#include <sys/random.h>

#include <cerrno>

#include "farthing/base/result.hpp"

namespace farthing {

void SystemRandom::fill(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const auto got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        // Going on without randomness would sign with a guessable nonce or key.
        invariant(got > 0, "the operating system gives random bytes");
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

}  // namespace farthing
