// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/decide.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/policy/bound.hpp"
#include "farthing/policy/conclusion.hpp"

namespace farthing::policy {
namespace {

constexpr std::size_t kTaskMax = 200;

/// base * (100 + percent) / 100, rounded down.
U256 raised(const U256& base, std::uint32_t percent) {
    const auto product = base.checked_mul(U256(100ULL + percent));
    return product ? product->checked_div(U256(100)).value_or(U256{}) : U256::max();
}

class Judge {
  public:
    Judge(const Rules& rules, const Budget& budget, const Request& request, const Facts& facts)
        : rules_(rules),
          pact_(rules.pact()),
          budget_(budget),
          request_(request),
          facts_(facts),
          now_(budget.now(facts.now)) {}

    Decision judge() {
        out_.pact = rules_.hash();
        if (budget_.fingerprint() != rules_.fingerprint()) {
            refuse("other_budget", "budget", "the budget was counted for another pact",
                   "fold the ledger again");
            return conclude();
        }
        judge_pact();
        if (judge_place() && judge_asset()) {
            judge_lifetime();
            judge_parties();
            judge_claim();
            judge_scope();
            judge_pay_to();
            judge_drift();
            judge_per_request();
            judge_limits();
            judge_rates();
            judge_asked();
        }
        judge_trust();
        return conclude();
    }

  private:
    Finding& find(Verdict verdict, std::string_view code, std::string_view condition,
                  std::string reason, std::string suggestion) {
        findings_.push_back({.verdict = verdict,
                             .code = std::string(code),
                             .condition = std::string(condition),
                             .reason = std::move(reason),
                             .suggestion = std::move(suggestion)});
        return findings_.back();
    }

    Finding& refuse(std::string_view code, std::string_view condition, std::string reason,
                    std::string suggestion) {
        return find(Verdict::refuse, code, condition, std::move(reason), std::move(suggestion));
    }

    void judge_pact() {
        constexpr std::string_view kNewPact = "the operator has to sign a new pact";
        if (pact_.stopped)
            refuse("stopped", "stopped", "the operator stopped this pact", std::string(kNewPact));
        if (is_revoked())
            refuse("revoked", "revoked", "this pact is revoked", std::string(kNewPact));
        if (facts_.agent != pact_.agent) {
            refuse("wrong_agent", "agent",
                   fmt::format("this pact is for {}", pact_.agent.to_checksum()),
                   "use that wallet, or a pact for this one");
        }
        if (pact_.not_before && now_ < pact_.not_before->seconds) {
            const auto begins = to_text(*pact_.not_before);
            refuse("not_yet", "not_before", "this pact begins at " + begins,
                   "retry after " + begins)
                .retry_after = pact_.not_before;
        }
        if (now_ >= pact_.expires.seconds) {
            refuse("expired", "expires", "this pact ended at " + to_text(pact_.expires),
                   std::string(kNewPact));
        }
    }

    [[nodiscard]] bool is_revoked() const {
        if (facts_.revoked == nullptr) return false;
        const auto& [hashes, ids] = *facts_.revoked;
        return std::ranges::find(hashes, rules_.hash()) != hashes.end() ||
               (!pact_.id.empty() && std::ranges::find(ids, pact_.id) != ids.end());
    }

    /// Whether it is known where the request goes.
    bool judge_place() {
        auto place = read_place(request_.url);
        if (!place) {
            refuse("bad_url", "url", place.error().detail, "use a plain https:// URL");
            return false;
        }
        if (request_.task.size() > kTaskMax) {
            refuse("bad_task", "url", "the task id is longer than 200 bytes", "use a shorter id");
            return false;
        }
        place_ = *std::move(place);
        resource_ = resource_of(request_.method, request_.tool, place_);
        if (place_.scheme == "http" && !pact_.plain_http && !place_.is_loopback()) {
            refuse("plain_http", "plain_http", "the request is not encrypted", "use https://");
        }
        return true;
    }

    /// Whether it is known what the amount is worth.
    bool judge_asset() {
        if (std::ranges::find(pact_.networks, request_.network) == pact_.networks.end()) {
            refuse("network_not_allowed", "networks",
                   "the pact does not allow payments on this network",
                   "choose an offer on " + joined_networks());
        }
        auto token = rules_.find_token(request_.network, request_.asset);
        if (!token) {
            refuse("asset_unknown", "assets",
                   fmt::format("{} is no token that the pact knows on this network, whatever it "
                               "calls itself",
                               request_.asset.to_checksum()),
                   "choose an offer in another asset");
            return false;
        }
        const auto& allowed = pact_.assets;
        if (!allowed.empty() && std::ranges::find(allowed, token->symbol) == allowed.end()) {
            refuse("asset_not_allowed", "assets",
                   fmt::format("the pact does not allow payments in {}", token->symbol),
                   "choose an offer in another asset");
        }
        const auto worth = worth_of(request_.amount, *token);
        if (!worth) {
            refuse("amount_invalid", "amount", "the amount is beyond any budget",
                   "do not pay this offer");
            return false;
        }
        draft(*token, *worth);
        return true;
    }

    [[nodiscard]] std::string joined_networks() const {
        std::string text;
        for (const auto& each : pact_.networks) text += (text.empty() ? "" : " or ") + each.id;
        return text;
    }

    void draft(const KnownToken& token, const Worth& worth) {
        entry_ = find_entry();
        payment_ = Reservation{.id = {},
                               .time = now_,
                               .vendor = place_.vendor,
                               .category = entry_ == nullptr ? "" : entry_->category,
                               .task = request_.task,
                               .resource = resource_,
                               .network = request_.network,
                               .asset = request_.asset,
                               .symbol = token.symbol,
                               .pay_to = request_.pay_to,
                               .amount = request_.amount,
                               .units = worth.units,
                               .dollars = worth.dollars};
    }

    /// The first entry of the pact that is this vendor and this payTo; else the first that is this
    /// vendor, and the payTo does not fit.
    [[nodiscard]] const Vendor* find_entry() {
        const Vendor* near = nullptr;
        for (const auto& each : pact_.vendor) {
            if (each.host && !each.host->matches(place_.vendor)) continue;
            if (each.did && each.did != facts_.vendor_did) continue;
            const bool pays = each.pay_to.empty() ||
                              std::ranges::find(each.pay_to, request_.pay_to) != each.pay_to.end();
            if (pays) return &each;
            if (near == nullptr && (each.host || each.did)) near = &each;
        }
        pay_to_fits_ = near == nullptr;
        return near;
    }

    void judge_lifetime() {
        if (request_.lifetime <= pact_.lifetime_max.seconds) return;
        const auto most = to_text(pact_.lifetime_max);
        refuse("lifetime_too_long", "lifetime_max",
               fmt::format("the authorisation would be good for {} s, the pact allows {}",
                           request_.lifetime, most),
               "sign for at most " + most)
            .limit = most;
    }

    void judge_parties() {
        for (const auto& each : pact_.deny) {
            const bool fits = (each.host && each.host->covers(place_.vendor)) ||
                              (each.pay_to && *each.pay_to == request_.pay_to) ||
                              (each.did && each.did == facts_.vendor_did);
            if (!fits) continue;
            refuse("denied", "deny", "the operator denied this vendor", "use another vendor");
            break;
        }
        if (entry_ != nullptr && !pay_to_fits_) {
            refuse("pay_to_not_approved", "vendor_pay_to",
                   fmt::format("{} wants to be paid to {}, which is not its address in the pact",
                               place_.vendor, request_.pay_to.to_checksum()),
                   "do not pay; tell the operator");
        }
        if (entry_ != nullptr || is_known()) return;
        const auto verdict = pact_.for_other_vendors();
        if (verdict == Verdict::refuse) {
            refuse("vendor_not_approved", "vendors",
                   fmt::format("{} is not on the pact's list of vendors", place_.vendor),
                   "use a vendor on the list, or ask the operator for a new pact");
        } else if (verdict == Verdict::ask) {
            find(verdict, "vendor_new", "vendors",
                 fmt::format("{} was never paid before", place_.vendor),
                 fmt::format("{} to approve it", kAskOperator));
        } else if (place_.has_idn()) {
            find(Verdict::ask, "idn_host", "idn",
                 fmt::format("{} is an internationalised name and may look like another",
                             place_.vendor),
                 fmt::format("{} to approve it", kAskOperator));
        }
    }

    void judge_claim() {
        // The money goes where the operator said.
        if (entry_ != nullptr && !entry_->pay_to.empty() && pay_to_fits_) return;
        const auto claimed = claimed_elsewhere(request_.claimed, place_);
        if (!claimed) return;
        find(Verdict::ask, "resource_elsewhere", "resource",
             fmt::format("{} was asked, and its offer is for what {} has", place_.vendor,
                         claimed->vendor),
             fmt::format("{} whether both are one vendor", kAskOperator));
    }

    [[nodiscard]] const VendorHistory* history() const { return budget_.vendor(place_.vendor); }

    [[nodiscard]] bool is_known() const { return history() != nullptr && history()->payments > 0; }

    void judge_scope() {
        if (pact_.scope.empty()) return;
        const auto fits = [&](const Scope& each) {
            const auto any = [](const auto& list, auto&& matches) {
                return list.empty() || std::ranges::any_of(list, matches);
            };
            return any(each.urls, [&](const UrlPattern& url) { return url.matches(place_); }) &&
                   any(each.methods,
                       [&](const auto& method) { return method == request_.method; }) &&
                   (each.tools.empty() || !request_.tool.empty()) &&
                   any(each.tools,
                       [&](const auto& glob) { return glob_matches(glob, request_.tool); }) &&
                   any(each.tasks,
                       [&](const auto& glob) { return glob_matches(glob, request_.task); });
        };
        if (std::ranges::any_of(pact_.scope, fits)) return;
        refuse("out_of_scope", "scope",
               "the pact allows no such request (URL, method, tool and task taken together)",
               "stay within the task, or ask the operator for a new pact");
    }

    void judge_pay_to() {
        if (pact_.pay_to_change == Verdict::allow || history() == nullptr) return;
        // What the pact names needs no pin.
        if (entry_ != nullptr && !entry_->pay_to.empty()) return;
        const auto& pins = history()->pay_to;
        if (pins.empty() || std::ranges::find(pins, request_.pay_to) != pins.end()) return;
        find(pact_.pay_to_change, "pay_to_changed", "pay_to_change",
             fmt::format("{} was paid to {} before and now wants {}", place_.vendor,
                         pins.back().to_checksum(), request_.pay_to.to_checksum()),
             fmt::format("{} to confirm the new address with the vendor", kAskOperator));
    }

    void judge_drift() {
        const auto& drift = pact_.price_drift;
        const std::string unit = payment_.dollars ? "" : payment_.symbol;
        const auto price = payment_.in(unit);
        const auto usual =
            history() == nullptr ? std::nullopt : history()->usual_price(resource_, unit);
        if (usual && price > raised(*usual, drift.history)) {
            drifted("price_above_history", "usual price", amount_text(*usual, unit),
                    amount_text(price, unit), drift.history);
        }
        if (request_.quoted && request_.amount > raised(*request_.quoted, drift.quote)) {
            drifted("price_above_quote", "vendor's own quote", request_.quoted->to_decimal(),
                    request_.amount.to_decimal(), drift.quote);
        }
    }

    void drifted(std::string_view code, std::string_view what, const std::string& before,
                 const std::string& price, std::uint32_t percent) {
        find(pact_.price_drift.then, code, "price_drift",
             fmt::format("the price {} is more than {} % above the {} {}", price, percent, what,
                         before),
             fmt::format("look for another offer, or {}", kAskOperator))
            .limit = before;
    }

    void judge_per_request() {
        const auto& most = pact_.per_request;
        if (!applies(most, "per_request")) return;
        const auto price = payment_.in(most.unit);
        if (price <= most.value) return;
        const auto limit = to_text(most);
        refuse(
            "over_request_limit", "per_request",
            fmt::format("{} asked, at most {} per request", amount_text(price, most.unit), limit),
            "choose an offer of at most " + limit)
            .limit = limit;
    }

    /// Whether an amount that must hold for every payment can be compared with this one.
    bool applies(const Amount& amount, std::string_view condition) {
        if (amount.unit.empty() && !payment_.dollars) {
            not_valued(condition);
            return false;
        }
        if (amount.unit.empty() || amount.unit == payment_.symbol) return true;
        refuse("asset_not_limited", condition,
               fmt::format("{} is in {} and says nothing about {}", condition, amount.unit,
                           payment_.symbol),
               "choose an offer in " + amount.unit);
        return false;
    }

    void not_valued(std::string_view condition) {
        refuse(
            "asset_not_valued", condition,
            fmt::format("the pact has a limit in dollars and does not value {}", payment_.symbol),
            "choose an offer in another asset");
    }

    void judge_limits() {
        for (std::size_t i = 0; i < pact_.limit.size(); ++i) {
            const auto& each = pact_.limit[i];
            const auto bound = limit_bound(rules_, i);
            const auto key = key_for(each, bound.meter);
            if (!key) continue;
            if (each.amount.unit.empty() && !payment_.dollars) {
                not_valued(bound.id);
                continue;
            }
            // In units of another token it says nothing about this one.
            if (!each.amount.unit.empty() && each.amount.unit != payment_.symbol) continue;
            const auto before = used(bound, *key);
            const auto asked = payment_.in(each.amount.unit);
            judge_bound(bound, *key, before, asked);
            if (bound.meter) note_alerts(bound, before, asked, rules_.limit_alerts(i));
        }
    }

    /// The key of this payment in a limit's meter; one per request has no meter and needs none.
    [[nodiscard]] std::optional<std::string_view> key_for(const Limit& limit,
                                                          std::optional<std::size_t> meter) const {
        if (meter) return key_in(*meter);
        const bool fits = (!limit.vendor || *limit.vendor == "each" ||
                           HostPattern{*limit.vendor}.covers(place_.vendor)) &&
                          (!limit.category || *limit.category == payment_.category) &&
                          (!limit.task || *limit.task == "each" || *limit.task == payment_.task);
        return fits ? std::optional<std::string_view>("") : std::nullopt;
    }

    [[nodiscard]] std::optional<std::string_view> key_in(std::size_t meter) const {
        return rules_.meters()[meter].key_for(payment_.vendor, payment_.category, payment_.task);
    }

    void judge_rates() {
        for (std::size_t i = 0; i < pact_.rate.size(); ++i) {
            const auto bound = rate_bound(rules_, i);
            if (const auto key = key_in(*bound.meter))
                judge_bound(bound, *key, used(bound, *key), U256(1));
        }
    }

    [[nodiscard]] U256 used(const Bound& bound, std::string_view key) const {
        return bound.meter ? budget_.used(*bound.meter, key, now_) : U256{};
    }

    void judge_bound(const Bound& bound, std::string_view key, const U256& used,
                     const U256& asked) {
        const auto after = used.checked_add(asked);
        if (after && *after <= bound.limit) return;
        const auto left = bound.limit.saturating_sub(used);
        const auto when = when_text(bound.per);
        const auto left_text = bound.text(left);
        auto reason = fmt::format("{} of {} left {}, {} asked", left_text, bound.text(bound.limit),
                                  when, bound.text(asked));
        if (!bound.meter)
            reason = fmt::format("{} asked, at most {} per request", bound.text(asked), left_text);
        auto& finding = find(bound.over, bound.unit ? "over_limit" : "rate_exceeded", bound.id,
                             std::move(reason), "");
        finding.limit = bound.text(bound.limit);
        finding.used = bound.text(used);
        finding.left = left_text;
        finding.suggestion = way_out(bound, key, asked, left, finding);
    }

    /// What can be done about a bound, and when it opens again.
    std::string way_out(const Bound& bound, std::string_view key, const U256& asked,
                        const U256& left, Finding& finding) const {
        std::string text;
        const auto also = [&](const std::string& more) {
            text += (text.empty() ? "" : ", or ") + more;
        };
        if (bound.unit && !left.is_zero()) also("choose an offer of at most " + bound.text(left));
        const auto rest = bound.limit.checked_sub(asked);
        const auto opens =
            rest && bound.meter ? budget_.frees_at(*bound.meter, key, *rest, now_) : std::nullopt;
        if (opens) {
            finding.retry_after = Instant{*opens};
            also("retry after " + to_text(*finding.retry_after));
        }
        if (bound.over == Verdict::ask) also(std::string(kAskOperator));
        if (text.empty()) text = "ask the operator for a new pact";
        return text;
    }

    void note_alerts(const Bound& bound, const U256& before, const U256& asked,
                     const std::vector<Rules::Threshold>& thresholds) {
        const auto after = before.checked_add(asked);
        for (const auto& [percent, amount] : thresholds) {
            if (!after || before >= amount || *after < amount) continue;
            out_.alerts.push_back({bound.id, percent, bound.text(*after), bound.text(bound.limit)});
        }
    }

    void judge_asked() {
        if (pact_.ask_above && applies(*pact_.ask_above, "ask_above") &&
            payment_.in(pact_.ask_above->unit) > pact_.ask_above->value) {
            const auto limit = to_text(*pact_.ask_above);
            find(Verdict::ask, "approval_needed", "ask_above",
                 "the operator wants to approve payments above " + limit,
                 fmt::format("{} for approval", kAskOperator))
                .limit = limit;
        }
        if (pact_.justify_above && !request_.justified &&
            applies(*pact_.justify_above, "justify_above") &&
            payment_.in(pact_.justify_above->unit) > pact_.justify_above->value) {
            const auto limit = to_text(*pact_.justify_above);
            refuse("justification_needed", "justify_above",
                   "a payment above " + limit + " needs a reason",
                   "send the request again with a justification: what it is for")
                .limit = limit;
        }
    }

    void judge_trust() {
        if (!pact_.trust_min) return;
        const auto limit = std::to_string(*pact_.trust_min);
        if (!facts_.trust) {
            if (pact_.trust_unknown == Verdict::allow) return;
            find(pact_.trust_unknown, "trust_unknown", "trust_min",
                 "nothing is known about this vendor, the pact wants a trust of " + limit,
                 fmt::format("use another vendor, or {}", kAskOperator))
                .limit = limit;
        } else if (*facts_.trust < *pact_.trust_min) {
            refuse("trust_too_low", "trust_min",
                   fmt::format("the vendor's trust is {}, the pact wants {}", *facts_.trust, limit),
                   "use another vendor")
                .limit = limit;
        }
    }

    Decision conclude() {
        return policy::conclude(std::move(out_), std::move(findings_), std::move(payment_),
                                facts_.approvals, now_);
    }

    const Rules& rules_;
    const Pact& pact_;
    const Budget& budget_;
    const Request& request_;
    const Facts& facts_;
    std::uint64_t now_;
    Place place_;
    std::string resource_;
    const Vendor* entry_ = nullptr;
    bool pay_to_fits_ = true;
    Reservation payment_;
    std::vector<Finding> findings_;
    Decision out_;
};

}  // namespace

Decision decide(const Rules& rules, const Budget& budget, const Request& request,
                const Facts& facts) {
    return Judge(rules, budget, request, facts).judge();
}

}  // namespace farthing::policy
