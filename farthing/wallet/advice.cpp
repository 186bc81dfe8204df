// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/advice.hpp"

#include <fmt/format.h>

namespace farthing::wallet {
namespace {

std::string_view receipt_text(Payment::Receipt receipt) {
    switch (receipt) {
        case Payment::Receipt::verified:
            return "verified";
        case Payment::Receipt::missing:
            return "missing";
        case Payment::Receipt::none:
            break;
    }
    return "none";
}

std::string_view answer_text(Answered answered) {
    switch (answered) {
        case Answered::approved:
            return "approved";
        case Answered::denied:
            return "denied";
        case Answered::expired:
            return "expired";
        case Answered::not_yet:
            break;
    }
    return "not_yet";
}

/// The pact's own suggestions, once each: of what decided. No approval changes a refusal, whatever
/// else would have been asked about.
std::string suggestions(const policy::Decision& decision) {
    std::string out;
    for (const auto& each : decision.findings) {
        if (each.verdict != decision.verdict) continue;
        if (each.suggestion.empty() || out.contains(each.suggestion)) continue;
        out += (out.empty() ? "" : "; ") + each.suggestion;
    }
    return out;
}

std::string next_after_ask(ledger::Seq id, std::optional<Answered> answered) {
    switch (answered.value_or(Answered::not_yet)) {
        case Answered::denied:
            return "the operator said no: do not ask for this again";
        case Answered::expired:
            return "the operator's approval has expired: the same request asks for a new one";
        case Answered::approved:
            return "the operator has approved it: send the same request again";
        default:
            return fmt::format(
                "nothing was paid; the operator has to approve it (approval {}), then send the "
                "same request again",
                id);
    }
}

std::string next_after_refusal(const policy::Decision& decision) {
    std::string out = "nothing was paid, and the same request is refused again";
    if (decision.retry_after) out += " before " + policy::to_text(*decision.retry_after);
    const auto hints = suggestions(decision);
    return hints.empty() ? out : out + "; what would help: " + hints;
}

std::string next_for(const Error& error) {
    switch (error.code) {
        case Errc::over_limit:
            return "nothing was paid; the price is above the caller's own maximum: raise it, or "
                   "find a cheaper source";
        case Errc::no_acceptable_offer:
            return "nothing was paid; the seller offers no way to pay that this wallet has: use "
                   "another source";
        case Errc::payment_rejected:
            return "the seller refused the payment; its amount stays reserved until the chain "
                   "shows that it was not used";
        case Errc::invalid_signature:
            return "nothing was paid; the pact has to be signed by the operator, with `farthing "
                   "pact sign`";
        default:
            break;
    }
    switch (kind_of(error.code)) {
        case Kind::unknown:
            return "do not pay for it again before it is known what became of this payment: look "
                   "at "
                   "the payments of this wallet, or on the chain";
        case Kind::unavailable:
            return "nothing was paid; try again later";
        case Kind::invalid:
            return "mend the request";
        case Kind::refused:
            return "nothing was paid";
        case Kind::internal:
            break;
    }
    return "report it as a bug";
}

}  // namespace

std::string_view kind_name(Kind kind) {
    switch (kind) {
        case Kind::invalid:
            return "invalid";
        case Kind::refused:
            return "refused";
        case Kind::unavailable:
            return "unavailable";
        case Kind::unknown:
            return "unknown";
        case Kind::internal:
            break;
    }
    return "internal";
}

std::string approval_command(ledger::Seq decision, std::string_view folder) {
    return fmt::format("farthing approvals approve {} --wallet {}", decision, folder);
}

PaymentNote note_of(const Payment& payment) {
    const auto& wanted = payment.requirements;
    return {.amount = wanted.amount,
            .asset = payment.asset.address.to_checksum(),
            .network = wanted.network.id,
            .pay_to = wanted.pay_to,
            .payer = payment.payer.to_checksum(),
            .nonce = payment.nonce,
            .valid_before = std::to_string(payment.valid_before.time_since_epoch().count()),
            .transaction = payment.transaction,
            .receipt = std::string(receipt_text(payment.receipt))};
}

Advice advise(const Error& error, const std::optional<Decided>& decided,
              const std::optional<Payment>& payment, std::optional<Answered> answered) {
    Advice out{.code = std::string(wire_code(error.code)),
               .kind = std::string(kind_name(kind_of(error.code))),
               .detail = error.detail,
               .next = next_for(error),
               .decision = {},
               .approval = {},
               .payment = {}};
    if (payment && kind_of(error.code) != Kind::invalid) {
        out.payment = note_of(*payment);
        out.payment->receipt.reset();
    }
    if (error.code != Errc::not_allowed || !decided) return out;
    const auto& decision = decided->decision;
    if (decision.verdict == policy::Verdict::allow) return out;
    out.decision = decision;
    if (decision.verdict == policy::Verdict::refuse) {
        out.next = next_after_refusal(decision);
        return out;
    }
    out.approval = ApprovalNote{.id = decided->seq, .command = {}, .answer = {}};
    if (answered) out.approval->answer = std::string(answer_text(*answered));
    out.next = next_after_ask(decided->seq, answered);
    return out;
}

Advice for_card_holder(Advice advice, Errc code) {
    switch (code) {
        case Errc::invalid_signature:
        case Errc::invalid_config:
        case Errc::ledger_altered:
        case Errc::io_failed:
        case Errc::internal:
            advice.detail = "the wallet cannot pay now";
            advice.next = "nothing was paid; tell whoever gave you the card";
            return advice;
        default:
            break;
    }
    if (!advice.decision || advice.decision->condition == "card") return advice;
    const bool asks = advice.decision->verdict == policy::Verdict::ask;
    advice.decision.reset();
    advice.approval.reset();
    advice.detail = asks ? "the operator has to approve this payment"
                         : "the wallet's pact does not allow this payment";
    advice.next = asks ? "nothing was paid; send the same request again once it is approved"
                       : "nothing was paid; tell whoever gave you the card";
    return advice;
}

Advice advise(const Fetched& fetched) {
    if (fetched.answer) return {};
    return advise(fetched.answer.error(), fetched.decided, fetched.payment, fetched.answered);
}

}  // namespace farthing::wallet
