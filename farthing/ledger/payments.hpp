// SPDX-License-Identifier: Apache-2.0
// Payments: each decision together with what became of it, as tables and sums.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "farthing/ledger/ledger.hpp"

namespace farthing::ledger {

enum class State : std::uint8_t { refused, asked, reserved, settled, released };
template <>
struct Names<State> {
    static constexpr std::array<std::string_view, 5> all{"refused", "asked", "reserved", "settled",
                                                         "released"};
};

struct Payment {
    Entry entry;  ///< of the decision
    State state = State::refused;
    std::optional<Signed> signature;
    std::optional<Settled> settled;
    std::optional<Released> released;

    [[nodiscard]] const Decision& decision() const { return std::get<Decision>(entry.event); }
};

/// Of every decision that the filter lets through, oldest first.
[[nodiscard]] Result<> for_each_payment(Transaction& transaction, const Filter& filter,
                                        const std::function<Result<>(const Payment&)>& each);

/// A decision and what became of it. `decision` is its entry.
[[nodiscard]] Result<Payment> payment_of(Transaction& transaction, const Entry& decision);

/// One line of an export: the entry and its hash, as docs/wallet.md checks it.
[[nodiscard]] std::string to_json_line(const Entry& entry);

/// Lines of a spreadsheet, ended by CRLF (RFC 4180). A cell that a spreadsheet would take for a
/// formula begins with an apostrophe.
[[nodiscard]] std::string csv_header();
[[nodiscard]] std::string to_csv(const Payment& payment);
[[nodiscard]] std::string csv_cell(std::string_view text);

/// `2026-11-21T20:50:31Z`, and the day of it.
[[nodiscard]] std::string time_text(UnixMillis time);
[[nodiscard]] std::string day_text(UnixMillis time);
/// The first millisecond of a day in UTC. Errors: invalid_argument.
[[nodiscard]] Result<UnixMillis> parse_day(std::string_view text);
/// `$0.0015`, of 10^-18 dollars.
[[nodiscard]] std::string dollars(const U256& value);

enum class By : std::uint8_t { vendor, task, day };

/// What was decided and spent in one group.
struct Sums {
    std::uint64_t settled = 0;
    std::uint64_t reserved = 0;
    std::uint64_t released = 0;
    std::uint64_t asked = 0;
    std::uint64_t refused = 0;
    U256 spent_value;     ///< of what is settled, in 10^-18 dollars
    U256 reserved_value;  ///< of what may still be paid
    /// Atomic units settled, by network and asset.
    std::map<std::pair<std::string, std::string>, U256> spent;
};

using Report = std::map<std::string, Sums>;
/// Errors: overflow.
[[nodiscard]] Result<Report> report_by(Transaction& transaction, const Filter& filter, By by);

/// `value` of `most` in blocks, at most `width` of them, to an eighth of one; something is never
/// nothing.
[[nodiscard]] std::string bar(const U256& value, const U256& most, unsigned width);

}  // namespace farthing::ledger
