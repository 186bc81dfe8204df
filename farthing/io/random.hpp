// SPDX-License-Identifier: Apache-2.0
// Randomness as a parameter: nonces and keys.
#pragma once

#include <span>

#include "farthing/base/bytes.hpp"

namespace farthing {

class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;
    [[nodiscard]] Bytes32 bytes32() {
        Bytes32 out;
        fill(out.data);
        return out;
    }
};

/// The operating system's generator. Thread-safe.
class SystemRandom final : public Random {
  public:
    void fill(std::span<std::uint8_t> out) override;
};

}  // namespace farthing
