// SPDX-License-Identifier: Apache-2.0
// What a limit counts, exactly: rolling windows to the second, calendar periods, the pact's whole
// time. Time never goes back here: what is older than a period at the newest entry is forgotten.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "farthing/policy/place.hpp"
#include "farthing/policy/terms.hpp"

namespace farthing::policy {

/// From `begin` up to, not including, `end`.
struct Stretch {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// The day, week (from Monday) or month that holds `now`, with midnight at `offset`.
[[nodiscard]] Stretch calendar_stretch(Period::Kind kind, std::uint64_t now, UtcOffset offset);

/// What is counted, of whom, over which time. Limits that count the same share one.
struct Meter {
    enum class Of : std::uint8_t { everything, each_vendor, vendor, category, each_task, task };
    Of of = Of::everything;
    std::string which;      ///< the host pattern, category or task
    bool payments = false;  ///< their number, released ones too; else their sum
    std::string unit;       ///< of the sum: a symbol, or empty for dollars
    Period per;
    UtcOffset offset;
    std::uint64_t since = 0;  ///< when per pact

    /// The same for meters that count the same.
    [[nodiscard]] std::string id() const;
    /// Where a slot of `time` begins, and the earliest slot that counts at `now`.
    [[nodiscard]] std::uint64_t slot_of(std::uint64_t time) const;
    [[nodiscard]] std::uint64_t first_slot(std::uint64_t now) const;
    /// Under which key a payment counts here; nothing when it does not.
    [[nodiscard]] std::optional<std::string_view> key_for(std::string_view vendor,
                                                          std::string_view category,
                                                          std::string_view task) const;
};

/// Equal when the same is counted in the same order.
[[nodiscard]] std::size_t fingerprint_of(const std::vector<Meter>& meters);

/// One sum over time, as totals up to each slot: any window is one subtraction.
class Tally {
  public:
    struct Slot {
        std::uint64_t time;
        U256 total;  ///< of everything up to and with this slot
    };

    /// `time` is not before the newest slot's.
    void add(std::uint64_t time, const U256& amount);
    /// Takes `amount` out of the slot at `time`; one that is forgotten needs nothing.
    void take(std::uint64_t time, const U256& amount);
    void forget_before(std::uint64_t time);
    /// The sum of the slots from `first` on.
    [[nodiscard]] U256 sum(std::uint64_t first) const;
    /// The first slot such that what comes after it sums to at most `most`.
    [[nodiscard]] std::optional<std::uint64_t> last_to_leave(const U256& most) const;
    [[nodiscard]] bool empty() const { return head_ == slots_.size(); }
    [[nodiscard]] std::uint64_t newest() const { return empty() ? 0 : slots_.back().time; }
    /// Time and amount of each slot.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, U256>> slots() const;

  private:
    [[nodiscard]] std::size_t find(std::uint64_t time) const;
    [[nodiscard]] U256 total_before(std::size_t index) const;

    std::vector<Slot> slots_;
    std::size_t head_ = 0;  ///< slots before are forgotten
    U256 forgotten_;        ///< their total
};

}  // namespace farthing::policy
