// SPDX-License-Identifier: Apache-2.0
// SeededRandom: the same numbers for the same seed, on every machine. Tests print their seed.
#pragma once

#include <bit>
#include <cstdint>

#include "farthing/io/random.hpp"

namespace farthing::testing {

/// SplitMix64 (Steele, Lea, Flood 2014). Never for keys of any value.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

    [[nodiscard]] std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        auto z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// From 0 to `count` - 1.
    [[nodiscard]] std::uint64_t below(std::uint64_t count) { return next() % count; }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }

    void fill(std::span<std::uint8_t> out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(next() >> 56);
    }

  private:
    std::uint64_t state_;
};

}  // namespace farthing::testing
