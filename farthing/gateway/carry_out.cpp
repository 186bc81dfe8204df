// SPDX-License-Identifier: Apache-2.0
// One settlement: kept, asked for, recorded. Source: protocol.md section 5.3.
#include "farthing/gateway/checkout.hpp"
#include "farthing/gateway/fate.hpp"

namespace farthing::gateway {
namespace {

/// Says that a settlement is over however its task ends.
class EndOfSettlement {
  public:
    explicit EndOfSettlement(Settlement& settlement) : settlement_(settlement) {}
    EndOfSettlement(const EndOfSettlement&) = delete;
    EndOfSettlement& operator=(const EndOfSettlement&) = delete;
    ~EndOfSettlement() {
        settlement_.is_over = true;
        settlement_.ended.notify();
    }

  private:
    Settlement& settlement_;
};

}  // namespace

Task<> Checkout::carry_out(std::shared_ptr<Settlement> settlement, v2::Payment payment) {
    auto& waiting = settlement->waiting;
    auto& hold = settlement->hold;
    auto& may_have_been_sent = settlement->may_have_been_sent;
    auto& result = settlement->result;
    const EndOfSettlement end(*settlement);
    result = fail(Errc::settlement_pending, "the settlement was broken off");
    Result<> kept;
    waiting.may_have_been_sent = true;
    if (!std::exchange(settlement->is_kept, false))
        kept = co_await hold.keep(waiting, std::exchange(settlement->with_answer, false));
    if (!kept && kept.error().code == Errc::intent_not_ours) {
        settlement->is_taken = true;
        hold.forget();
        co_return;
    }
    const auto began = parts_.env.clock.steady_now();
    facilitator::Asking asking{std::min(rules_.settle_patience, left_until(settlement->give_up)),
                               waiting.idempotency_key};
    auto answer = co_await parts_.facilitator.settle(payment, asking);
    if (fate_of(answer) == Fate::open && answer && !answer->transaction.empty()) {
        // Once more, as the reference does. Source: protocol.md 5.3.
        may_have_been_sent = true;
        waiting.transaction = answer->transaction;
        asking.patience = std::min(rules_.settle_patience, left_until(settlement->give_up));
        answer = co_await parts_.facilitator.settle(std::move(payment), asking);
    }
    observe(parts_.metrics.settle_seconds, parts_.env.clock.steady_now() - began);
    if (may_have_been_sent) answer = in_doubt(std::move(answer), rules_.facilitator_remembers);
    result = std::move(answer);
    if (result && !result->transaction.empty()) waiting.transaction = result->transaction;
    switch (fate_of(result)) {
        case Fate::failed:
            hold.forget();
            co_return;
        case Fate::settled:
            waiting.receipt = *result;
            waiting.payment.clear();
            waiting.due = 0;
            break;
        case Fate::nothing_sent:
            waiting.may_have_been_sent = false;
            break;
        case Fate::open:
        case Fate::unreadable:
            break;
    }
    // Before anybody hears of it. What cannot be written this process still knows.
    const auto recorded = co_await hold.keep(waiting, false);
    if (!recorded) co_return;
}

}  // namespace farthing::gateway
