// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/rate_limit.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::facilitator;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kStart{1h};

RateConfig rate(std::uint64_t tokens, std::chrono::milliseconds per, std::uint64_t burst) {
    return {.rate = tokens, .per = per, .burst = burst};
}

}  // namespace

TEST_CASE("rate limit: a burst, then the rate, and what is refused costs nothing") {
    RateLimit limit(rate(2, 1s, 3), 10);
    for (int i = 0; i < 3; ++i) CHECK(!limit.take("a", kStart));
    for (int i = 0; i < 100; ++i) CHECK(limit.take("a", kStart) == 1s);
    CHECK(limit.take("a", kStart + 499ms));
    CHECK(!limit.take("a", kStart + 500ms));
    CHECK(limit.take("a", kStart + 500ms));
    CHECK(!limit.take("b", kStart));
    // However long the pause, a burst is no larger.
    for (int i = 0; i < 3; ++i) CHECK(!limit.take("a", kStart + 1h));
    CHECK(limit.take("a", kStart + 1h));
}

TEST_CASE("rate limit: waits are whole seconds, rounded up, and then there is a token") {
    RateLimit limit(rate(1, 90'500ms, 1), 10);
    CHECK(!limit.take("a", kStart));
    CHECK(limit.take("a", kStart) == 91s);
    CHECK(limit.take("a", kStart + 90s) == 1s);
    CHECK(!limit.take("a", kStart + 91s));
}

TEST_CASE("rate limit: the largest values of the configuration do not overflow") {
    RateLimit limit(rate(1, RateConfig::kPerMax, RateConfig::kTokensMax), 10);
    for (std::uint64_t i = 0; i < RateConfig::kTokensMax; ++i) REQUIRE(!limit.take("a", kStart));
    CHECK(limit.take("a", kStart) == RateConfig::kPerMax);
}

TEST_CASE("rate limit: memory is bounded, and who asks all the time is not forgotten") {
    RateLimit limit(rate(1, 1h, 1), 3);
    CHECK(!limit.take("steady", kStart));
    for (int i = 0; i < 1000; ++i) {
        CHECK(!limit.take("flood " + std::to_string(i), kStart));
        CHECK(limit.take("steady", kStart));
        CHECK(limit.size() <= 3);
    }
    CHECK(limit.take("flood 999", kStart));
    CHECK(!limit.take("flood 0", kStart));
}
