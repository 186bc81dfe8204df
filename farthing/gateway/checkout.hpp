// SPDX-License-Identifier: Apache-2.0
// Checkout: one request with a payment, from verification to the answer. Source: protocol.md
// sections 5.2 and 5.3.
//
// The order is verify, claim, origin, keep, settle, release: from the claim on no other gateway has
// the payment, and from then on that it is kept a crash loses neither answer nor payment.
// What a failure means for the money:
//   the store is down, before the origin is asked: 503, nothing happens
//   before settle     nothing was taken and nothing is; the payment can be used again
//   the client leaves before the origin is asked: the same. After that it is charged: the origin
//                     has worked, and an order would be free for who hangs up
//   settle says no    402, the origin's answer is dropped
//   settle is open    503; the payment waits with the origin's answer, and the same payment for the
//                     same request settles it without another run of the origin
//   settled, but the client is gone
//                     the payment waits with its receipt, and gets the same answer again; never a
//                     new one: when the answer is no longer kept, the payment is used up
// A route may settle before the origin is asked: then a failing origin's answer goes out with the
// receipt, and the same payment may ask again until it is served. Or it may serve on credit
// (credit.hpp): the answer goes out at once and without a receipt, for there is none yet; the debt
// is durable by then and settled within a window.
// The body of a request is read when its payment has been verified: a forged one costs no memory.
// A payment is in hand once, with all gateways that share a store: who brings it a second time
// meanwhile gets 409.
#pragma once

#include "farthing/facilitator/facilitator.hpp"
#include "farthing/gateway/credit.hpp"
#include "farthing/gateway/metrics.hpp"
#include "farthing/gateway/paygate.hpp"
#include "farthing/gateway/proxy.hpp"
#include "farthing/gateway/register.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::gateway {

struct CheckoutRules {
    std::uint64_t request_body_bytes_max = 8 << 20;
    std::uint64_t response_body_bytes_max = 64 << 20;
    std::chrono::milliseconds settle_patience{30'000};
    /// Asked again, the facilitator answers what became of the first settlement. One that does not
    /// promise it may say "nonce already used" of the very payment it settled.
    bool facilitator_remembers = true;
    std::chrono::milliseconds settle_window{10'000};  ///< of a debt
    CreditLimits credit;
};

/// A request to a paid route.
struct Sale {
    const Route& route;
    std::string url;                  ///< as the client sees it
    OriginRequest origin;             ///< without a body yet
    net::BodyReader* body = nullptr;  ///< null when there is none
    std::function<bool()> client_gone = [] { return false; };
    std::optional<std::chrono::seconds> timeout;  ///< how long the client says it waits
};

/// A settlement that goes on when the request that wanted it is gone.
struct Settlement {
    Settlement(Loop& loop, Register::Hold its) : hold(std::move(its)), ended(loop) {}

    Register::Hold hold;
    Waiting waiting;
    SteadyTime give_up;               ///< the client waits no longer
    bool may_have_been_sent = false;  ///< by an earlier call
    bool with_answer = true;          ///< the store does not have it yet
    bool is_kept = false;             ///< in the store, as it is
    bool is_debt = false;             ///< served, and not paid yet
    bool is_delivered = false;
    bool is_taken = false;  ///< by another gateway: nothing was asked for
    bool is_over = false;
    Signal ended;
    Result<v2::SettleResponse> result;
};

/// What goes to the client, and what is to be logged of it.
struct Answered {
    OriginAnswer answer;
    Ending ending = Ending::bad_request;
    std::string reason;  ///< why not, for the log
    std::string payer;
    std::string transaction;
    const v2::PaymentRequirements* requirements = nullptr;  ///< the offer that was taken
    /// Of a released answer: call `delivered` when the client has it.
    std::shared_ptr<Settlement> settlement;
};

class Checkout {
  public:
    struct Parts {
        Env env;
        Loop& loop;
        net::Client& origin;
        facilitator::Facilitator& facilitator;
        Register& payments;
        GatewayMetrics& metrics;
        TaskGroup& settlements;
    };
    Checkout(Parts parts, CheckoutRules rules)
        : parts_(parts), rules_(rules), credit_(rules.credit) {}

    Task<Answered> run(Sale sale, dialect::Received received);
    void delivered(const Answered& answered);
    /// Settles the debts of gateways that are gone, and hears who does not pay.
    Task<> take_over_debts();

  private:
    /// What all steps of one request share.
    struct Deal;

    [[nodiscard]] std::chrono::milliseconds left_until(SteadyTime give_up) const;
    /// The request's body into the deal. What to answer when it is no good.
    Task<std::optional<Answered>> read_body(Deal& deal);
    Task<Answered> buy(Deal& deal, Register::Hold hold);
    /// After a verdict that is none or no: a payment that an earlier run of a gateway settled is
    /// refused by whoever verifies, and has its answer waiting.
    Task<Answered> look_up(Deal& deal, Register::Hold hold, Answered refusal);
    /// What to answer when the payment, claimed, is not ours to go on with.
    [[nodiscard]] static std::optional<Answered> obstacle(const Deal& deal, const Result<>& claimed,
                                                          Register::Hold::Standing standing);
    Task<Answered> resume(Deal& deal, Register::Hold hold);
    [[nodiscard]] static Answered no_longer_kept(const Deal& deal, v2::SettleResponse receipt);
    /// As the route wants it: settled first, or served first.
    Task<Answered> begin(Deal& deal, Register::Hold hold);
    Task<Answered> prepay(Deal& deal, Register::Hold hold);
    Task<Answered> serve(Deal& deal, Register::Hold hold);
    Task<Answered> defer(Deal& deal, std::shared_ptr<Settlement> settlement,
                         std::shared_ptr<Credit::Open> credit);
    Task<> pay_debt(std::shared_ptr<Settlement> settlement, v2::Payment payment,
                    std::shared_ptr<const scheme::Opened> opened,
                    std::shared_ptr<Credit::Open> credit);
    Task<> take_over(store::Purchase owed);
    Task<std::expected<OriginAnswer, OriginFailure>> ask_origin(const Deal& deal);
    [[nodiscard]] std::shared_ptr<Settlement> prepare(const Deal& deal, Register::Hold hold,
                                                      std::shared_ptr<const OriginAnswer> answer);
    Task<> carried_out(Deal& deal, std::shared_ptr<Settlement> settlement);
    Task<Answered> settle(Deal& deal, Register::Hold hold,
                          std::shared_ptr<const OriginAnswer> answer);
    Task<> carry_out(std::shared_ptr<Settlement> settlement, v2::Payment payment);
    [[nodiscard]] Answered conclude(Deal& deal, std::shared_ptr<Settlement> settlement) const;

    Parts parts_;
    CheckoutRules rules_;
    Credit credit_;
};

}  // namespace farthing::gateway
