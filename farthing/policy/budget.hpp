// SPDX-License-Identifier: Apache-2.0
// What was spent and reserved: a pure fold over a ledger's entries, in their order. A reservation
// counts from the moment it is made, until it is released; settled, it stays. Time never goes back:
// an entry that says it is older than the one before counts as just as old.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "farthing/evm/address.hpp"
#include "farthing/policy/meter.hpp"

namespace farthing::policy {

/// A payment that was allowed.
struct Reservation {
    std::string id;  ///< the wallet's; unique
    std::uint64_t time = 0;
    std::string vendor;    ///< host, or host:port
    std::string category;  ///< of the pact's entry for the vendor
    std::string task;
    std::string resource;  ///< method and URL without query, or the tool
    Network network;
    Address asset;
    std::string symbol;  ///< as the pact knows the asset
    Address pay_to;
    U256 amount;                  ///< atomic units of the asset
    U256 units;                   ///< in 10^-18 of a unit
    std::optional<U256> dollars;  ///< in 10^-18 of a dollar

    static constexpr auto fields() {
        using T = Reservation;
        return std::tuple{field("id", &T::id),           field("time", &T::time),
                          field("vendor", &T::vendor),   field("category", &T::category),
                          field("task", &T::task),       field("resource", &T::resource),
                          field("network", &T::network), field("asset", &T::asset),
                          field("symbol", &T::symbol),   field("pay_to", &T::pay_to),
                          field("amount", &T::amount),   field("units", &T::units),
                          field("dollars", &T::dollars)};
    }
    friend bool operator==(const Reservation&, const Reservation&) = default;
    /// On the scale of `unit`: a symbol, or empty for dollars. Zero when it has none there.
    [[nodiscard]] U256 in(std::string_view unit) const;
};

/// The last settled prices of one resource, in one unit.
struct PriceHistory {
    std::string resource;
    std::string unit;          ///< a symbol, or empty for dollars
    std::vector<U256> prices;  ///< oldest first, in 10^-18
    static constexpr auto fields() {
        using T = PriceHistory;
        return std::tuple{field("resource", &T::resource), field("unit", &T::unit),
                          field("prices", &T::prices)};
    }
    friend bool operator==(const PriceHistory&, const PriceHistory&) = default;
};

struct VendorHistory {
    std::uint64_t first_seen = 0;
    std::uint64_t last_seen = 0;
    std::uint64_t payments = 0;        ///< without released ones
    std::vector<Address> pay_to;       ///< pinned, oldest first
    std::vector<PriceHistory> prices;  ///< the resource settled last is the last
    static constexpr auto fields() {
        using T = VendorHistory;
        return std::tuple{field("first_seen", &T::first_seen), field("last_seen", &T::last_seen),
                          field("payments", &T::payments), field("pay_to", &T::pay_to),
                          field("prices", &T::prices)};
    }
    friend bool operator==(const VendorHistory&, const VendorHistory&) = default;
    /// The lower median of what is remembered.
    [[nodiscard]] std::optional<U256> usual_price(std::string_view resource,
                                                  std::string_view unit) const;
};

class Budget {
  public:
    static constexpr std::size_t kPricesMax = 8;
    static constexpr std::size_t kResourcesMax = 64;  ///< per vendor, the latest
    static constexpr std::size_t kPinsMax = 16;
    static constexpr std::size_t kVendorsMax = 100'000;

    /// `meters` are those of Rules::meters(): under another pact, fold again.
    explicit Budget(std::vector<Meter> meters);

    /// Errors: invalid_argument (an id that is there already), overflow (above 10^48): nothing
    /// happened.
    Result<> reserve(Reservation reservation);
    /// Errors: invalid_argument: no open reservation has this id.
    Result<> settle(std::string_view id);
    Result<> release(std::string_view id);

    /// The time decisions are made at: the clock's, but never before the newest entry's.
    [[nodiscard]] std::uint64_t now(std::uint64_t clock) const { return std::max(clock, newest_); }
    /// `now` is at least now(0).
    [[nodiscard]] U256 used(std::size_t meter, std::string_view key, std::uint64_t now) const;
    /// When at most `most` will be used, if nothing is added; nothing when never.
    [[nodiscard]] std::optional<std::uint64_t> frees_at(std::size_t meter, std::string_view key,
                                                        const U256& most, std::uint64_t now) const;
    [[nodiscard]] const VendorHistory* vendor(std::string_view name) const;
    [[nodiscard]] const Reservation* open(std::string_view id) const;
    [[nodiscard]] std::size_t open_count() const { return open_.size(); }
    [[nodiscard]] const std::vector<Meter>& meters() const { return meters_; }
    /// Equal for budgets and rules that count the same.
    [[nodiscard]] std::size_t fingerprint() const { return fingerprint_; }

    /// Everything, so that a fold can go on from here.
    [[nodiscard]] json::Value checkpoint() const;
    /// What such a checkpoint may cost to read.
    static constexpr json::Limits kCheckpointLimits{.bytes_max = 1U << 30U,
                                                    .values_max = 100'000'000};
    /// Errors: invalid_field with the path; also when it counted something else than `meters`.
    [[nodiscard]] static Result<Budget> restore(std::vector<Meter> meters,
                                                const json::Value& checkpoint);

  private:
    using Tallies = std::unordered_map<std::string, Tally>;

    void count(const Reservation& reservation);
    void note_vendor(const Reservation& reservation);
    void note_price(const Reservation& reservation);
    void forget_vendors();
    void sweep(std::size_t meter);
    const Tally* tally(std::size_t meter, std::string_view key) const;

    std::vector<Meter> meters_;
    std::size_t fingerprint_ = 0;
    std::vector<Tallies> tallies_;         ///< of each meter
    std::vector<std::size_t> sweep_from_;  ///< how many tallies a meter may have before a sweep
    std::map<std::string, Reservation, std::less<>> open_;
    std::map<std::string, VendorHistory, std::less<>> vendors_;
    std::uint64_t newest_ = 0;
};

}  // namespace farthing::policy
