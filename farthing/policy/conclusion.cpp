// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/conclusion.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::policy {
namespace {

Verdict strongest(const std::vector<Finding>& findings) {
    auto verdict = Verdict::allow;
    for (const auto& each : findings) verdict = std::max(verdict, each.verdict);
    return verdict;
}

const Approval* find_approval(std::span<const Approval> approvals, const Reservation& payment,
                              const std::vector<Finding>& findings, std::uint64_t now) {
    const auto fits = [&](const Approval& each) {
        const auto covered = [&](const Finding& finding) {
            return std::ranges::find(each.conditions, finding.condition) != each.conditions.end();
        };
        return each.covers(payment, now) && std::ranges::all_of(findings, covered);
    };
    const auto found = std::ranges::find_if(approvals, fits);
    return found == approvals.end() ? nullptr : &*found;
}

void explain(Decision& decision, const std::vector<Finding>& findings) {
    const auto decides = [&](const Finding& each) { return each.verdict == decision.verdict; };
    const auto first = std::ranges::find_if(findings, decides);
    if (decision.verdict == Verdict::allow || first == findings.end()) {
        decision.text =
            decision.approval ? "allowed: the operator approved it" : "allowed by the pact";
        return;
    }
    decision.condition = first->condition;
    decision.code = first->code;
    decision.retry_after = first->retry_after;
    // Who is asked says yes to all of it, so all of it is said.
    constexpr std::size_t bytes_max = 2'000;  // the ledger takes no more than twice as much
    std::string reason = first->reason;
    if (decision.verdict == Verdict::ask) {
        for (auto each = std::next(first); each != findings.end(); ++each) {
            if (reason.size() + each->reason.size() > bytes_max) break;
            reason += "; " + each->reason;
        }
    }
    decision.text = fmt::format(
        "{} ({}): {}. What would help: {}.",
        decision.verdict == Verdict::ask ? "Needs the operator's approval" : "Refused by the pact",
        first->condition, reason, first->suggestion);
}

}  // namespace

Decision conclude(Decision decision, std::vector<Finding> findings, Reservation payment,
                  std::span<const Approval> approvals, std::uint64_t now) {
    decision.verdict = strongest(findings);
    if (decision.verdict == Verdict::ask) {
        if (const auto* approval = find_approval(approvals, payment, findings, now)) {
            decision.approval = approval->id;
            decision.verdict = Verdict::allow;
            findings.clear();
        }
    }
    if (decision.verdict != Verdict::allow) decision.alerts.clear();
    if (decision.verdict != Verdict::refuse) decision.reservation = std::move(payment);
    explain(decision, findings);
    if (findings.size() > Decision::kFindingsMax) {
        decision.more = findings.size() - Decision::kFindingsMax;
        findings.resize(Decision::kFindingsMax);
    }
    decision.findings = std::move(findings);
    return decision;
}

bool Approval::covers(const Reservation& payment, std::uint64_t now) const {
    return vendor == payment.vendor && resource == payment.resource && network == payment.network &&
           asset == payment.asset && pay_to == payment.pay_to && payment.amount <= amount_max &&
           now < expires.seconds;
}

std::optional<Approval> approval_for(const Decision& decision, Instant expires) {
    if (decision.verdict != Verdict::ask || !decision.reservation || decision.more != 0)
        return std::nullopt;
    const auto& wanted = *decision.reservation;
    Approval approval{.id = {},
                      .conditions = {},
                      .vendor = wanted.vendor,
                      .resource = wanted.resource,
                      .network = wanted.network,
                      .asset = wanted.asset,
                      .pay_to = wanted.pay_to,
                      .amount_max = wanted.amount,
                      .expires = expires};
    for (const auto& each : decision.findings) approval.conditions.push_back(each.condition);
    return approval;
}

}  // namespace farthing::policy
