// SPDX-License-Identifier: Apache-2.0
// A pact made ready for decisions: its hash, the tokens it knows, and what its limits count.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "farthing/policy/meter.hpp"
#include "farthing/policy/pact.hpp"

namespace farthing::policy {

/// A token that a decision may be about.
struct KnownToken {
    std::string symbol;
    std::uint32_t decimals = 0;
    std::optional<U256> value;  ///< of one unit, in 10^-18 dollars
};

/// An amount of a token on the common scale, rounded up: a sum of them is never too small.
struct Worth {
    U256 units;                   ///< 10^-18 of a unit
    std::optional<U256> dollars;  ///< 10^-18 of a dollar; nothing when the pact does not value it
};

/// No single amount, and no value of one, may be above 10^48 on the scale of 10^-18.
inline constexpr unsigned kWorthDigitsMax = 48;

/// Nothing when it is beyond that.
[[nodiscard]] std::optional<Worth> worth_of(const U256& amount, const KnownToken& token);

class Rules {
  public:
    /// Errors: those of Pact::validate.
    [[nodiscard]] static Result<Rules> make(Pact pact);

    [[nodiscard]] const Pact& pact() const { return pact_; }
    /// pact_hash (signature.hpp).
    [[nodiscard]] const Bytes32& hash() const { return hash_; }
    /// What a Budget for this pact has to count.
    [[nodiscard]] const std::vector<Meter>& meters() const { return meters_; }
    /// Equal to that of a Budget which counts this.
    [[nodiscard]] std::size_t fingerprint() const { return fingerprint_; }
    /// The meter of pact().limit[i]; nothing for one per request.
    [[nodiscard]] std::optional<std::size_t> limit_meter(std::size_t i) const {
        return limit_meters_[i];
    }
    [[nodiscard]] std::size_t rate_meter(std::size_t i) const { return rate_meters_[i]; }
    /// At which sums an alert is given.
    struct Threshold {
        std::uint32_t percent;
        U256 amount;
    };
    [[nodiscard]] const std::vector<Threshold>& limit_alerts(std::size_t i) const {
        return limit_alerts_[i];
    }
    [[nodiscard]] const std::string& limit_id(std::size_t i) const { return limit_ids_[i]; }
    [[nodiscard]] const std::string& rate_id(std::size_t i) const { return rate_ids_[i]; }
    /// From [[token]], else from the built-in table, where a unit is a dollar.
    [[nodiscard]] std::optional<KnownToken> find_token(const Network& network,
                                                       const Address& address) const;

  private:
    Rules() = default;
    std::size_t meter(Meter wanted);

    Pact pact_;
    Bytes32 hash_;
    std::vector<Meter> meters_;
    std::size_t fingerprint_ = 0;
    std::vector<std::optional<std::size_t>> limit_meters_;
    std::vector<std::size_t> rate_meters_;
    std::vector<std::vector<Threshold>> limit_alerts_;
    std::vector<std::string> limit_ids_, rate_ids_;
};

}  // namespace farthing::policy
