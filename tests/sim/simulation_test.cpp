// SPDX-License-Identifier: Apache-2.0
// Seeded days (day.hpp). FARTHING_SOAK_MINUTES: for that long, with fresh seeds, instead of a
// bounded number; FARTHING_SOAK_SEED: from that one on; FARTHING_SOAK_DAYS: so many.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/sim/day.hpp"

namespace farthing::sim {
namespace {

Tally run_day(std::uint64_t seed) {
    CAPTURE(seed);
    Day day(seed);
    day.live();
    day.end();
    day.check();
    return day.tally();
}

/// Nothing when the variable is not set.
std::optional<std::uint64_t> number_of(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::stoull(text);
}

void report(const Tally& tally, std::size_t days, std::uint64_t first) {
    fmt::print(
        "{} days from seed {} ({} h simulated): {} payments, {} settled, {} unknown for a time, {} "
        "batches, {} deaths, {} reorganisations, {} told in vain\n",
        days, first, std::chrono::duration_cast<std::chrono::hours>(tally.simulated).count(),
        tally.payments, tally.settled, tally.unknown, tally.batches, tally.deaths,
        tally.reorganisations, tally.told_in_vain);
    std::fflush(stdout);
}

}  // namespace

TEST_CASE("simulation: whatever goes wrong, every transfer is told and nothing else is") {
    using Now = std::chrono::steady_clock;
    const auto minutes = number_of("FARTHING_SOAK_MINUTES");
    const auto most = number_of("FARTHING_SOAK_DAYS").value_or(minutes ? UINT64_MAX : 400);
    const auto first = number_of("FARTHING_SOAK_SEED")
                           .value_or(minutes ? std::uint64_t{std::random_device{}()} << 20 : 1);
    const auto end = Now::now() + std::chrono::minutes(minutes.value_or(0));
    auto next_report = Now::now() + std::chrono::minutes(1);
    Tally all;
    std::size_t days = 0;
    while (days < most && (!minutes || Now::now() < end)) {
        all += run_day(first + days++);
        if (Now::now() < next_report) continue;
        report(all, days, first);
        next_report += std::chrono::minutes(1);
    }
    report(all, days, first);
    // The days were neither all fair nor all foul.
    if (days < 100) return;
    CHECK(all.settled > days);
    CHECK(all.unknown > days / 4);
    CHECK(all.deaths > days / 4);
    CHECK(all.batches > days / 20);
}

}  // namespace farthing::sim
