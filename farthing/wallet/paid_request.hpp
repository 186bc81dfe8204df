// SPDX-License-Identifier: Apache-2.0
// The paid half of a Payer: one signed payment, sent until its answer is known.
#pragma once

#include "farthing/wallet/exchange.hpp"

namespace farthing::wallet {

/// A signed payment and the header that carries it.
struct Authorised {
    Payment payment;
    std::string header_name;
    std::string header_value;
};

/// What is known when a deadline cuts a task off.
struct Flight {
    bool sent = false;
    std::optional<Payment> payment;  ///< when one was signed
    std::optional<Bytes32> transaction;
    std::optional<Grant> grant;  ///< of the treasury
    bool settled = false;        ///< the receipt was there
};

/// "the payment may have been made", why that is not known, and the transaction to look at.
[[nodiscard]] Error unknown_outcome(std::string_view why,
                                    const std::optional<Bytes32>& transaction);

class PaidRequest {
  public:
    /// `unpaid` is the exchange that ended in the 402. References outlive this.
    PaidRequest(Env env, Line& line, const PayerConfig& config, Exchange unpaid,
                Authorised& authorised, Flight& flight);

    /// The answer that ends it, with the payment's receipt judged. Errors: payment_rejected;
    /// outcome_unknown, settlement_pending, receipt_invalid; the connection's errors when the
    /// payment never left.
    Task<Result<Exchange>> run();
    /// The body of a settled answer broke off: whether to `run` again. A server that kept the
    /// answer gives it once more for the same payment; any other refuses it, and nothing is lost by
    /// asking.
    [[nodiscard]] bool ask_again_for_body();

  private:
    enum class Next : std::uint8_t { deliver, again };

    Task<Answer> answer_of(Exchange& exchange);
    [[nodiscard]] std::chrono::milliseconds delay_after(const Answer& answer) const;
    bool redirected(const Exchange& exchange, const Answer& answer);
    [[nodiscard]] Result<Next> judge(const Answer& answer, int status);
    [[nodiscard]] Result<Next> judge_unproved(int status);
    [[nodiscard]] Result<Next> judge_busy(const Answer& answer, int status);
    [[nodiscard]] Result<Next> judge_pending(const Answer& answer);
    [[nodiscard]] Error over(const Error& error) const;

    Env env_;
    Line& line_;
    const PayerConfig& config_;
    net::Url url_;
    net::Request request_;
    Authorised& authorised_;
    Flight& flight_;
    bool may_have_moved_ = false;  ///< some attempt's answer was lost
    unsigned failures_ = 0;
    unsigned hops_ = 0;
    std::optional<std::chrono::steady_clock::time_point> pending_until_;
};

}  // namespace farthing::wallet
