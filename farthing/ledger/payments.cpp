// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/payments.hpp"

#include <fmt/format.h>

#include <charconv>

#include "farthing/base/hex.hpp"

namespace farthing::ledger {
namespace {

constexpr unsigned kValueDecimals = 18;

Result<> add(U256& to, const U256& value) {
    const auto sum = to.checked_add(value);
    if (!sum) return fail(Errc::overflow, "the sum of what was paid");
    to = *sum;
    return {};
}

std::string key_of(const Payment& payment, By by) {
    switch (by) {
        case By::vendor:
            return payment.decision().vendor;
        case By::task:
            return payment.decision().task;
        case By::day:
            break;
    }
    return day_text(payment.entry.time);
}

Result<> count(Sums& sums, const Payment& payment) {
    const auto& decision = payment.decision();
    switch (payment.state) {
        case State::refused:
            ++sums.refused;
            return {};
        case State::asked:
            ++sums.asked;
            return {};
        case State::released:
            ++sums.released;
            return {};
        case State::reserved:
            ++sums.reserved;
            return add(sums.reserved_value, decision.value);
        case State::settled:
            break;
    }
    ++sums.settled;
    FARTHING_CHECK(add(sums.spent[{decision.network, decision.asset}], decision.amount));
    return add(sums.spent_value, decision.value);
}

constexpr std::array<std::string_view, 33> kColumns{
    "seq",       "time",     "verdict",  "condition", "state", "why",         "vendor",
    "host",      "category", "method",   "url",       "tool",  "network",     "asset",
    "payer",     "payTo",    "amount",   "dollars",   "task",  "reason",      "card",
    "agent",     "pact",     "approval", "signature", "nonce", "validBefore", "transaction",
    "delivered", "status",   "note",     "released",  "hash"};

std::string csv_line(std::span<const std::string> cells) {
    std::string out;
    for (const auto& each : cells) {
        if (!out.empty()) out.push_back(',');
        // A first cell that is empty would look like none.
        out.append(out.empty() && each.empty() ? "\"\"" : csv_cell(each));
    }
    return out + "\r\n";
}

}  // namespace

Result<Payment> payment_of(Transaction& transaction, const Entry& entry) {
    Payment out{.entry = entry};
    switch (out.decision().verdict) {
        case Verdict::refuse:
            return out;
        case Verdict::ask:
            out.state = State::asked;
            return out;
        case Verdict::allow:
            out.state = State::reserved;
    }
    FARTHING_TRY(const auto fate, transaction.about(entry.seq));
    for (const auto& each : fate) {
        if (const auto* was = std::get_if<Signed>(&each.event)) {
            out.signature = *was;
        } else if (const auto* settled = std::get_if<Settled>(&each.event)) {
            out.settled = *settled;
            out.state = State::settled;
        } else if (const auto* released = std::get_if<Released>(&each.event)) {
            out.released = *released;
            out.state = State::released;
        }
    }
    return out;
}

Result<> for_each_payment(Transaction& transaction, const Filter& filter,
                          const std::function<Result<>(const Payment&)>& each) {
    auto decisions = filter;
    decisions.kind = Decision::kind;
    return transaction.for_each(decisions, 0, [&](const Entry& entry) -> Result<> {
        FARTHING_TRY(const auto payment, payment_of(transaction, entry));
        return each(payment);
    });
}

std::string to_json_line(const Entry& entry) {
    auto object = to_object(entry);
    object.emplace("hash", to_hex(entry.hash));
    return json::to_text(object);
}

std::string csv_cell(std::string_view text) {
    const bool formula = !text.empty() && std::string_view("=+-@\t\r").contains(text[0]);
    const bool quoted = text.find_first_of(",\"\r\n\t") != std::string_view::npos;
    std::string out = formula ? "'" : "";
    for (const char c : text) {
        if (c == '"') out.push_back(c);
        out.push_back(c);
    }
    return quoted ? '"' + out + '"' : out;
}

std::string csv_header() {
    const std::vector<std::string> names(kColumns.begin(), kColumns.end());
    return csv_line(names);
}

std::string to_csv(const Payment& payment) {
    const auto& is = payment.decision();
    const auto& signature = payment.signature;
    const auto& settled = payment.settled;
    const auto& released = payment.released;
    const auto status = settled ? settled->status : released ? released->status : 0;
    const bool has_transaction = settled && settled->transaction;
    const std::array<std::string, kColumns.size()> cells{
        fmt::to_string(payment.entry.seq),
        time_text(payment.entry.time),
        std::string(to_text(is.verdict)),
        is.condition,
        std::string(to_text(payment.state)),
        is.why,
        is.vendor,
        is.host,
        is.category,
        is.method,
        is.url,
        is.tool,
        is.network,
        is.asset,
        is.payer,
        is.pay_to,
        is.amount.to_decimal(),
        to_units(is.value, kValueDecimals),
        is.task,
        is.reason,
        is.card,
        is.agent,
        to_hex(is.pact),
        is.approval ? fmt::to_string(*is.approval) : "",
        signature ? to_hex(signature->signature) : "",
        signature ? to_hex(signature->nonce) : "",
        signature ? fmt::to_string(signature->valid_before) : "",
        has_transaction ? to_hex(*settled->transaction) : "",
        settled ? (settled->delivered ? "yes" : "no") : "",
        status != 0 ? fmt::to_string(status) : "",
        settled ? settled->note : "",
        released ? released->why : "",
        to_hex(payment.entry.hash)};
    return csv_line(cells);
}

std::string time_text(UnixMillis time) {
    // Not through fmt, whose clock counts nanoseconds and ends in 2262.
    const std::chrono::sys_time<std::chrono::milliseconds> point(
        std::chrono::milliseconds(static_cast<std::int64_t>(std::min(time, kTimeMax))));
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(point - day));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string day_text(UnixMillis time) { return time_text(time).substr(0, 10); }

Result<UnixMillis> parse_day(std::string_view text) {
    const auto bad = [&] {
        return fail(Errc::invalid_argument,
                    fmt::format("{}: expected a day such as 2026-11-21", text));
    };
    const auto number = [&](std::size_t at, std::size_t length) {
        int out = -1;
        const auto* const end = text.data() + at + length;
        const auto [stop, error] = std::from_chars(text.data() + at, end, out);
        return error == std::errc{} && stop == end ? out : -1;
    };
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return bad();
    const int year = number(0, 4);
    const int month = number(5, 2);
    const int day = number(8, 2);
    if (year < 1970 || month < 1 || day < 1) return bad();
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return bad();
    const auto since = std::chrono::sys_days(date).time_since_epoch();
    return static_cast<UnixMillis>(std::chrono::milliseconds(since).count());
}

std::string dollars(const U256& value) { return "$" + to_units(value, kValueDecimals); }

Result<Report> report_by(Transaction& transaction, const Filter& filter, By by) {
    Report out;
    FARTHING_CHECK(for_each_payment(transaction, filter, [&](const Payment& payment) {
        return count(out[key_of(payment, by)], payment);
    }));
    return out;
}

std::string bar(const U256& value, const U256& most, unsigned width) {
    if (value.is_zero() || most.is_zero()) return {};
    // Of both the same low digits are dropped when the product would not fit.
    auto part = value.checked_mul(U256(8ULL * width));
    auto whole = std::optional(most);
    if (!part) {
        part = value.checked_div(U256(1 << 20))->checked_mul(U256(8ULL * width));
        whole = most.checked_div(U256(1 << 20));
    }
    if (!part || whole->is_zero()) return {};
    const auto eighths = part->checked_div(*whole)->to_u64();
    if (!eighths) return {};
    const auto shown = std::clamp<std::uint64_t>(*eighths, 1, 8ULL * width);
    std::string out;
    for (std::uint64_t i = 0; i < shown / 8; ++i) out += "█";
    constexpr std::array<const char*, 8> kPart{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    return out + kPart[shown % 8];
}

}  // namespace farthing::ledger
