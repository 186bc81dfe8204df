// SPDX-License-Identifier: Apache-2.0
// Advice: a request that did not end well, said so that a program or a model knows what to do next.
// Pure. The same words wherever they are read: `farthing pay`, the daemon, the proxy, MCP.
#pragma once

#include "farthing/wallet/account.hpp"

namespace farthing::wallet {

/// `invalid`, `refused`, `unavailable`, `unknown`, `internal`.
[[nodiscard]] std::string_view kind_name(Kind kind);

/// A payment for machines: which authorisation it is, and what is known of it.
struct PaymentNote {
    U256 amount;  ///< atomic units
    std::string asset, network, pay_to, payer;
    Bytes32 nonce;
    std::string valid_before;  ///< Unix seconds: until then the signature can be used
    std::optional<Bytes32> transaction;
    std::optional<std::string> receipt;  ///< `verified`, `missing` or `none`; of an answer only
    static constexpr auto fields() {
        using T = PaymentNote;
        return std::tuple{field("amount", &T::amount),
                          field("asset", &T::asset),
                          field("network", &T::network),
                          field("payTo", &T::pay_to),
                          field("payer", &T::payer),
                          field("nonce", &T::nonce),
                          field("validBefore", &T::valid_before),
                          field("transaction", &T::transaction),
                          field("receipt", &T::receipt)};
    }
};
[[nodiscard]] PaymentNote note_of(const Payment& payment);

/// By which the operator says yes to a decision, for a wallet in this folder.
[[nodiscard]] std::string approval_command(ledger::Seq decision, std::string_view folder);

/// What the operator can be asked for.
struct ApprovalNote {
    ledger::Seq id = 0;
    std::optional<std::string> command;  ///< by which the operator says yes
    std::optional<std::string> answer;   ///< `denied`, `expired`, `not_yet`: after a wait
    static constexpr auto fields() {
        using T = ApprovalNote;
        return std::tuple{field("id", &T::id), field("command", &T::command),
                          field("answer", &T::answer)};
    }
};

struct Advice {
    std::string code;    ///< stable
    std::string kind;    ///< what it means for the money: `kind_name`
    std::string detail;  ///< what happened, in words
    std::string next;    ///< what to do, in words
    std::optional<policy::Decision> decision;
    std::optional<ApprovalNote> approval;
    std::optional<PaymentNote> payment;  ///< of a signature that may have been used
    static constexpr auto fields() {
        using T = Advice;
        return std::tuple{field("code", &T::code),         field("detail", &T::detail),
                          field("kind", &T::kind),         field("next", &T::next),
                          field("decision", &T::decision), field("approval", &T::approval),
                          field("payment", &T::payment)};
    }
};

/// `decided` counts when it is what kept the payment from being made.
[[nodiscard]] Advice advise(const Error& error, const std::optional<Decided>& decided = {},
                            const std::optional<Payment>& payment = {},
                            std::optional<Answered> answered = {});
/// The same for the holder of a card, who learns nothing of the wallet: no limits, no files.
[[nodiscard]] Advice for_card_holder(Advice advice, Errc code);
/// Of a fetch that failed.
[[nodiscard]] Advice advise(const Fetched& fetched);

}  // namespace farthing::wallet
