// SPDX-License-Identifier: Apache-2.0
// The one decision: may this payment be made? Pure and total: the same pact, budget, request and
// facts give the same answer, and every request has one. Nothing a seller writes but the price and
// the address is an input: no description, no error text, no body. A seller that names another host
// as the place of what it sells is asked about; that it names none, or its own, allows nothing.
//
// Refuse beats ask, ask beats allow. The conditions are judged in the order of Pact::fields(); the
// first that gave the strongest verdict is the one that decided. Every one that stands in the way
// is listed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "farthing/policy/budget.hpp"
#include "farthing/policy/rules.hpp"

namespace farthing::policy {

/// What the agent wants to pay for, from the request itself and the offer that was chosen.
struct Request {
    std::string method = "GET";
    std::string url;
    std::string claimed;  ///< the URL that the offer says it is for, or empty; only holds back
    std::string tool;     ///< of MCP; empty: a plain request
    Network network;
    Address asset;
    Address pay_to;
    U256 amount;                 ///< atomic units
    std::optional<U256> quoted;  ///< what this vendor quoted for this before, same asset
    std::uint64_t lifetime = 0;  ///< seconds until the authorisation expires
    std::string task;            ///< id, or empty
    bool justified = false;      ///< a reason was given; its text decides nothing
};

/// What the operator said yes to: one payment, once. Who keeps approvals hands in unused ones.
struct Approval {
    std::string id;
    std::vector<std::string> conditions;  ///< the ids that asked
    std::string vendor;
    std::string resource;
    Network network;
    Address asset;
    Address pay_to;
    U256 amount_max;  ///< atomic units
    Instant expires;
    static constexpr auto fields() {
        using T = Approval;
        return std::tuple{field("id", &T::id),           field("conditions", &T::conditions),
                          field("vendor", &T::vendor),   field("resource", &T::resource),
                          field("network", &T::network), field("asset", &T::asset),
                          field("pay_to", &T::pay_to),   field("amount_max", &T::amount_max),
                          field("expires", &T::expires)};
    }
    friend bool operator==(const Approval&, const Approval&) = default;
    /// Whether it is about this payment; the conditions are another matter.
    [[nodiscard]] bool covers(const Reservation& payment, std::uint64_t now) const;
};

/// Pacts that count no longer, by hash or by id.
struct Revocations {
    std::vector<Bytes32> hashes;
    std::vector<std::string> ids;
    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        return std::tuple{field("hashes", &Revocations::hashes), field("ids", &Revocations::ids)};
    }
};

/// What is known besides the request.
struct Facts {
    std::uint64_t now =
        0;          ///< the clock, in seconds; never taken as before the budget's newest entry
    Address agent;  ///< who will sign
    std::optional<std::uint32_t> trust;     ///< the vendor's score, 0 to 100
    std::optional<std::string> vendor_did;  ///< as proven
    std::span<const Approval> approvals;
    const Revocations* revoked = nullptr;
};

/// A condition that stands in the way. Amounts are text: `$0.03`, `0.03 USDC`, or a count.
struct Finding {
    Verdict verdict = Verdict::refuse;
    std::string code;       ///< stable: what is wrong
    std::string condition;  ///< which condition of the pact
    std::string reason;
    std::string suggestion;  ///< what would change it
    std::optional<std::string> limit, used, left;
    std::optional<Instant> retry_after;
    static constexpr auto fields() {
        using T = Finding;
        return std::tuple{field("verdict", &T::verdict),
                          field("code", &T::code),
                          field("condition", &T::condition),
                          field("reason", &T::reason),
                          field("suggestion", &T::suggestion),
                          field("limit", &T::limit),
                          field("used", &T::used),
                          field("left", &T::left),
                          field("retry_after", &T::retry_after)};
    }
    friend bool operator==(const Finding&, const Finding&) = default;
};

/// A threshold that this payment crosses.
struct Alert {
    std::string condition;
    std::uint32_t percent = 0;
    std::string used, limit;
    static constexpr auto fields() {
        return std::tuple{field("condition", &Alert::condition), field("percent", &Alert::percent),
                          field("used", &Alert::used), field("limit", &Alert::limit)};
    }
    friend bool operator==(const Alert&, const Alert&) = default;
};

struct Decision {
    Verdict verdict = Verdict::refuse;
    std::string condition;  ///< that decided; empty when nothing stood in the way
    std::string code;       ///< the same
    std::string text;       ///< for whoever asked, in one or two sentences
    std::optional<Instant> retry_after;
    std::vector<Finding> findings;        ///< at most kFindingsMax, in the pact's order
    std::uint64_t more = 0;               ///< findings that are not listed
    std::vector<Alert> alerts;            ///< when allowed
    std::optional<std::string> approval;  ///< the id of the one that was needed and is used up
    Bytes32 pact;                         ///< hash
    /// Unless refused: what to reserve; it lacks only its id.
    std::optional<Reservation> reservation;
    static constexpr std::size_t kFindingsMax = 16;
    static constexpr auto fields() {
        using T = Decision;
        return std::tuple{field("verdict", &T::verdict),
                          field("condition", &T::condition),
                          field("code", &T::code),
                          field("text", &T::text),
                          field("retry_after", &T::retry_after),
                          field("findings", &T::findings),
                          field("more", &T::more),
                          field("alerts", &T::alerts),
                          field("approval", &T::approval),
                          field("pact", &T::pact),
                          field("reservation", &T::reservation)};
    }
    friend bool operator==(const Decision&, const Decision&) = default;
};

/// A budget that does not count what the rules need is refused, as `other_budget`.
[[nodiscard]] Decision decide(const Rules& rules, const Budget& budget, const Request& request,
                              const Facts& facts);

/// What an operator is asked to grant after a decision to ask; it lacks only its id.
[[nodiscard]] std::optional<Approval> approval_for(const Decision& decision, Instant expires);

/// One limit as it stands.
struct Standing {
    std::string condition;
    Period per;
    std::string limit, used, left;
    std::optional<Instant> resets;  ///< calendar periods
    static constexpr auto fields() {
        using T = Standing;
        return std::tuple{field("condition", &T::condition), field("per", &T::per),
                          field("limit", &T::limit),         field("used", &T::used),
                          field("left", &T::left),           field("resets", &T::resets)};
    }
    friend bool operator==(const Standing&, const Standing&) = default;
};

/// The limits and rates that a payment to `vendor` for `task` would meet; empty: those for
/// everything.
[[nodiscard]] std::vector<Standing> standings(const Rules& rules, const Budget& budget,
                                              std::uint64_t clock, std::string_view vendor = {},
                                              std::string_view task = {});

}  // namespace farthing::policy
