// SPDX-License-Identifier: Apache-2.0
// Purse: the treasury of one request of the agent. It knows what the agent says about it, and what
// was decided.
#pragma once

#include "farthing/wallet/mandate.hpp"
#include "farthing/wallet/quotes.hpp"
#include "farthing/wallet/treasury.hpp"

namespace farthing::wallet {

/// What the agent says.
struct Errand {
    std::string task;
    std::string tool;  ///< of MCP; empty: a plain request
    std::string reason;
    std::string agent;  ///< whose token asked; empty: the wallet's own program
    std::string card;   ///< the id of the card that it is spent by
};

/// What is known of the request before it is paid for.
struct Foreknown {
    std::optional<Bytes32> request;   ///< stands for it in the ledger
    std::vector<QuotedPrice> quoted;  ///< what its seller said that it costs
    std::function<bool()> may_pay;    ///< false once its caller has lost the leave to
};

/// What the pact is asked about.
[[nodiscard]] Wish wish_of(Purchase purchase, const Errand& errand, const Foreknown& known);

class Purse final : public Treasury {
  public:
    Purse(Mandate& mandate, Errand errand, Foreknown known = {})
        : mandate_(mandate), errand_(std::move(errand)), known_(std::move(known)) {}

    Task<Result<Grant>> before_signing(Purchase purchase, Seal seal) override;
    Task<Result<>> before_sending(Grant grant, Issued issued) override;
    Task<Result<>> never_sent(Grant grant) override;
    Task<Result<>> settled(Grant grant, Receipted receipt) override;

    /// Whether a signature may have left.
    [[nodiscard]] bool has_sent() const { return has_sent_; }
    /// The last one, and nothing before the first.
    [[nodiscard]] const std::optional<Decided>& decided() const { return decided_; }

  private:
    [[nodiscard]] Result<> check_leave() const;

    Mandate& mandate_;
    std::shared_ptr<Terms> terms_;  ///< by which it was decided
    Errand errand_;
    Foreknown known_;
    std::optional<Decided> decided_;
    bool has_sent_ = false;
};

}  // namespace farthing::wallet
