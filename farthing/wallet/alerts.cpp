// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/alerts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/printable.hpp"
#include "farthing/ledger/payments.hpp"

namespace farthing::wallet {
namespace {

/// The newest alerts that are looked at for a repetition.
constexpr std::size_t kLookBack = 64;
constexpr std::size_t kTextMax = 1'000;

/// Why this condition stands in the way; nothing when it does not.
const std::string* reason_of(const policy::Decision& decision, std::string_view condition) {
    const auto found = std::ranges::find(decision.findings, condition, &policy::Finding::condition);
    return found == decision.findings.end() ? nullptr : &found->reason;
}

ledger::Alert about(const ledger::Decision& entry, ledger::Seq seq, std::string_view name,
                    std::string_view text) {
    ledger::Alert out;
    out.name = name;
    out.text = legible(text, kTextMax);
    out.vendor = entry.vendor;
    out.decision = seq;
    return out;
}

}  // namespace

std::vector<ledger::Alert> alerts_of(const policy::Decision& decision,
                                     const ledger::Decision& entry, ledger::Seq seq,
                                     const Circumstances& known) {
    std::vector<ledger::Alert> out;
    const auto add = [&](std::string_view name, std::string_view text) {
        out.push_back(about(entry, seq, name, text));
    };
    for (const auto& each : decision.alerts) {
        add(alert::kThreshold, fmt::format("{}: {} of {} used, beyond {} %", each.condition,
                                           each.used, each.limit, each.percent));
    }
    if (decision.verdict == policy::Verdict::ask) {
        add(alert::kApprovalWanted,
            fmt::format("{} {} for {}: {}", entry.method, entry.url.substr(0, entry.url.find('?')),
                        ledger::dollars(entry.value), decision.text));
    }
    const std::initializer_list<std::pair<std::string_view, std::string_view>> told{
        {"price_drift", alert::kPriceDrift},
        {"pay_to_change", alert::kPayToChanged},
        {"vendor_pay_to", alert::kPayToChanged}};
    for (const auto& [condition, name] : told) {
        const auto* reason = reason_of(decision, condition);
        if (reason != nullptr) add(name, fmt::format("{}: {}", entry.vendor, *reason));
    }
    if (decision.verdict != policy::Verdict::allow) return out;
    if (known.pay_to_was) {
        add(alert::kPayToChanged, fmt::format("{} was paid to {} before, and is paid to {} now",
                                              entry.vendor, *known.pay_to_was, entry.pay_to));
    }
    if (known.first && !known.named) {
        add(alert::kNewVendor, fmt::format("{} is paid for the first time", entry.vendor));
    }
    return out;
}

Result<std::optional<ledger::Alert>> refusal_burst(ledger::Transaction& transaction) {
    std::optional<ledger::Alert> out;
    FARTHING_TRY(const auto now, transaction.now());
    const auto since = now - std::min(now, kBurstWithin);
    const ledger::Filter refused{
        .kind = "decision", .verdict = ledger::Verdict::refuse, .from = since};
    FARTHING_TRY(const auto refusals, transaction.newest(refused, kBurst));
    if (refusals.size() < kBurst) return out;
    const ledger::Filter told{.kind = "alert", .from = since};
    FARTHING_TRY(const auto alerts, transaction.newest(told, kLookBack));
    const auto is_burst = [](const ledger::Entry& each) {
        return std::get<ledger::Alert>(each.event).name == alert::kRefusalBurst;
    };
    if (std::ranges::any_of(alerts, is_burst)) return out;
    const auto& newest = refusals.back();
    const auto& decision = std::get<ledger::Decision>(newest.event);
    out = about(decision, newest.seq, alert::kRefusalBurst,
                fmt::format("{} payments refused within {} minutes, the last for {}", kBurst,
                            kBurstWithin / 60'000, decision.condition));
    return out;
}

Result<std::vector<ledger::Alert>> without_repeats(ledger::Transaction& transaction,
                                                   std::vector<ledger::Alert> alerts) {
    if (alerts.empty()) return alerts;
    FARTHING_TRY(const auto now, transaction.now());
    const ledger::Filter told{.kind = "alert", .from = now - std::min(now, kBurstWithin)};
    FARTHING_TRY(const auto before, transaction.newest(told, kLookBack));
    std::erase_if(alerts, [&](const ledger::Alert& each) {
        // Each is another question: the same one is asked, and so told, once.
        if (each.name == alert::kThreshold || each.name == alert::kApprovalWanted) return false;
        return std::ranges::any_of(before, [&](const ledger::Entry& entry) {
            const auto& old = std::get<ledger::Alert>(entry.event);
            return old.name == each.name && old.vendor == each.vendor && old.text == each.text;
        });
    });
    return alerts;
}

}  // namespace farthing::wallet
