// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/paygate.hpp"

#include <array>

#include "farthing/wire/headers.hpp"

namespace farthing::gateway {
namespace {

constexpr std::array<std::string_view, 6> kCoreMembers{"scheme", "network", "amount",
                                                       "asset",  "payTo",   "maxTimeoutSeconds"};

/// Whether the header values decode to one and the same payment.
bool is_same_payment(const dialect::Received& a, const dialect::Received& b) {
    if (!json::equal(json::Value(a.payload.payload), json::Value(b.payload.payload))) return false;
    if (a.x402_version == b.x402_version)
        return json::equal(a.payload.accepted, b.payload.accepted);
    // One is version 1, which names scheme and network only.
    for (const std::string_view name : {"scheme", "network"}) {
        const auto* of_a = a.payload.accepted.if_object();
        const auto* of_b = b.payload.accepted.if_object();
        const auto* left = of_a == nullptr ? nullptr : of_a->if_contains(name);
        const auto* right = of_b == nullptr ? nullptr : of_b->if_contains(name);
        if (left == nullptr || right == nullptr || !json::equal(*left, *right)) return false;
    }
    return true;
}

bool has_equal_member(const json::Object& accepted, const json::Object& wanted,
                      std::string_view name) {
    const auto* given = accepted.if_contains(name);
    const auto* ours = wanted.if_contains(name);
    return given != nullptr && ours != nullptr && json::equal(*given, *ours);
}

bool is_accepted_v2(const json::Object& accepted, const json::Object& wanted) {
    for (const auto name : kCoreMembers) {
        if (!has_equal_member(accepted, wanted, name)) return false;
    }
    const auto* ours = wanted.if_contains("extra");
    if (ours == nullptr) return true;
    const auto* given = accepted.if_contains("extra");
    if (given == nullptr) return ours->is_object() && ours->get_object().empty();
    return json::contains(*given, *ours);
}

}  // namespace

Result<Presented> read_payment(const net::Headers& headers) {
    Presented out;
    std::vector<dialect::Received> payments;
    std::size_t given = 0;
    for (const auto name : {header::kPaymentSignature, header::kPaymentV1}) {
        const auto values = headers.all(name);
        if (values.size() > 1)
            return fail(Errc::several_payments, std::string(name) + " is there more than once");
        if (values.empty()) continue;
        ++given;
        auto payment = dialect::decode_payment_header(values.front());
        if (payment) {
            payments.push_back(std::move(*payment));
        } else {
            out.unreadable =
                Error{payment.error().code, std::string(name) + ": " + payment.error().detail};
        }
    }
    if (given == 2 && !payments.empty() &&
        (payments.size() != 2 || !is_same_payment(payments[0], payments[1]))) {
        return fail(Errc::several_payments, "PAYMENT-SIGNATURE and X-PAYMENT differ");
    }
    if (!payments.empty()) out.payment = std::move(payments.front());
    return out;
}

const Offer* find_offer(const Route& route, const dialect::Received& received) {
    const auto* accepted = received.payload.accepted.if_object();
    if (accepted == nullptr) return nullptr;
    for (const auto& offer : route.offers) {
        const auto& wanted = offer.as_json.get_object();
        const bool fits = received.x402_version == v2::kVersion
                              ? is_accepted_v2(*accepted, wanted)
                              : has_equal_member(*accepted, wanted, "scheme") &&
                                    has_equal_member(*accepted, wanted, "network");
        if (fits) return &offer;
    }
    return nullptr;
}

Result<Payable> match_payment(const Route& route, dialect::Received received) {
    const auto* offer = find_offer(route, received);
    if (offer == nullptr) return fail(Errc::no_matching_requirements);
    Payable out;
    out.offer = offer;
    out.payment = {received.x402_version, std::move(received.payload), offer->requirements};
    const auto* scheme = scheme::find_scheme(offer->requirements.scheme);
    invariant(scheme != nullptr, "an offer's scheme is one we speak");
    FARTHING_TRY(out.opened, scheme->open(out.payment));
    return out;
}

void UnpaidAnswers::remember(std::string key, Bytes bytes) {
    const auto size = key.size() + bytes->size();
    if (size > kBytesMax / 8) return;
    while (!order_.empty() && (answers_.size() >= kAnswersMax || bytes_ + size > kBytesMax)) {
        const auto oldest = answers_.find(*order_.front());
        order_.pop_front();
        bytes_ -= oldest->first.size() + oldest->second->size();
        answers_.erase(oldest);
    }
    const auto [at, is_new] = answers_.emplace(std::move(key), std::move(bytes));
    invariant(is_new, "an answer is remembered once");
    order_.push_back(&at->first);
    bytes_ += size;
}

}  // namespace farthing::gateway
