// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/answer.hpp"

#include <fmt/format.h>

#include <charconv>

#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/wire/dialect.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::wallet {
namespace {

using Meaning = Answer::Meaning;

constexpr std::chrono::seconds kRetryAfterMax{3600};

bool is_pending(std::string_view reason) { return reason == wire_code(Errc::settlement_pending); }

Answer pending(std::optional<Bytes32> transaction) {
    auto detail = transaction ? fmt::format("transaction {} was sent, and its end is not known",
                                            to_hex(*transaction))
                              : std::string("the transfer's end is not known");
    return {Meaning::pending, transaction, Error{Errc::settlement_pending, std::move(detail)}, {}};
}

Answer rejected(std::string_view reason, std::optional<Bytes32> transaction = {}) {
    constexpr std::size_t reason_max = 500;  // protocol.md 8.3
    return {Meaning::rejected,
            transaction,
            Error{Errc::payment_rejected, legible(reason, reason_max)},
            {}};
}

Answer with_receipt(int status, const v2::SettleResponse& receipt, const Signed& ours) {
    const auto transaction = transaction_of(receipt);
    if (!receipt.success && status >= 400) {
        const auto reason = receipt.error_reason.value_or("no reason given");
        if (is_pending(reason)) return pending(transaction);
        const auto message = receipt.error_message.value_or("");
        return rejected(message.empty() || message == reason ? reason : reason + ": " + message,
                        transaction);
    }
    auto hash = check_receipt(receipt, ours);
    if (!hash) return {Meaning::forged, transaction, std::move(hash).error(), {}};
    if (status == 402) {
        return {Meaning::forged,
                transaction,
                Error{Errc::receipt_invalid, "a 402 came with the receipt of a settled payment"},
                {}};
    }
    return {Meaning::settled, *hash, {}, {}};
}

/// The reason of a second 402, from whichever dialect says it.
Answer refused_again(const net::Response& response) {
    const auto offered = dialect::read_payment_required(
        response.headers.get(header::kPaymentRequired), response.body);
    if (offered && offered->error) {
        return is_pending(*offered->error) ? pending({}) : rejected(*offered->error);
    }
    return rejected("no reason given");
}

/// What a JSON body says, as far as it is there: `{"error": "…", "transaction": "0x…"}`.
struct Said {
    std::string error;
    std::optional<Bytes32> transaction;
};

Said said_in(const net::Response& response) {
    const auto body = json::parse(response.body, dialect::kMessageLimits);
    const auto* object = body ? body->if_object() : nullptr;
    const auto text = [&](std::string_view name) -> std::string {
        const auto* value = object == nullptr ? nullptr : object->if_contains(name);
        if (value == nullptr || !value->is_string()) return {};
        return std::string(value->get_string());
    };
    v2::SettleResponse named;
    named.transaction = text("transaction");
    return {text("error"), transaction_of(named)};
}

Answer unavailable(const net::Response& response) {
    if (const auto said = said_in(response); is_pending(said.error)) {
        return pending(said.transaction);
    }
    return {Meaning::busy,
            {},
            Error{Errc::outcome_unknown, fmt::format("the server answered {} {}", response.status,
                                                     net::reason_phrase(response.status))},
            {}};
}

Answer without_receipt(const net::Response& response) {
    switch (response.status) {
        case 402:
        case 412:
            return refused_again(response);
        case 409:
            // Our earlier sending of it is still being served.
            if (said_in(response).error == "payment_in_flight") return pending({});
            return {Meaning::unsettled, {}, {}, {}};
        case 429:
        case 502:
        case 503:
        case 504:
            return unavailable(response);
        default:
            return {response.status < 400 ? Meaning::unproved : Meaning::unsettled, {}, {}, {}};
    }
}

}  // namespace

std::optional<std::chrono::seconds> retry_after(const net::Headers& headers) {
    const auto text = headers.get("Retry-After");
    if (!text) return std::nullopt;
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return std::min(std::chrono::seconds(seconds), kRetryAfterMax);
}

bool body_matters(int status) {
    return status == 402 || status == 409 || status == 412 || status == 503;
}

Answer read_answer(const net::Response& response, const Signed& ours) {
    const auto receipt = read_receipt(response.headers);
    Answer answer;
    if (!receipt) {
        answer = {Meaning::forged, {}, receipt.error(), {}};
    } else if (*receipt) {
        answer = with_receipt(response.status, **receipt, ours);
    } else {
        answer = without_receipt(response);
    }
    answer.retry_after = retry_after(response.headers);
    return answer;
}

}  // namespace farthing::wallet
