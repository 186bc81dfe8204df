// SPDX-License-Identifier: Apache-2.0
// Carrier: takes one payment from "it is asked for" to "it is known what became of it": judge,
// deploy the payer's wallet if need be, send, watch, prove.
#pragma once

#include <memory>

#include "farthing/settlement/exposure.hpp"
#include "farthing/settlement/facts.hpp"
#include "farthing/settlement/lane.hpp"
#include "farthing/settlement/outcome.hpp"

namespace farthing::settlement {

struct CarrierConfig {
    std::uint64_t gas_limit_max =
        500'000;  ///< a token contract that wants more is refused: the gas is ours
    std::uint64_t deployment_gas_max = 2'000'000;  ///< the same for a payer's wallet
};

/// One payment on its way.
struct Errand {
    explicit Errand(std::shared_ptr<const scheme::Opened> what) : payment(std::move(what)) {}

    /// Makes a signed transfer durable before it is sent.
    using Keep = std::function<Task<Result<>>(const Submission&)>;

    std::shared_ptr<const scheme::Opened> payment;
    std::shared_ptr<Submission> submission;  ///< the transfer's last, once there is one
    std::vector<Bytes32> earlier;            ///< broadcast for submissions before that
    Keep keep;
    bool given_up = false;  ///< set by the owner: send nothing from now on

    /// Whether a transfer may have left this process.
    [[nodiscard]] bool is_sent() const;
    [[nodiscard]] std::optional<Bytes32> last_hash() const;
};

/// One chain, one executor.
class Carrier {
  public:
    Carrier(Env env, Loop& loop, chain::Chain& chain, Examiner& examiner, Lane& lane,
            CarrierConfig config);

    /// Ends with `settled` or `failed`, never before one of them is certain.
    Task<Outcome> carry(std::shared_ptr<Errand> errand);
    /// The same for a payment of which something was broadcast before a restart: `broadcasts`, not
    /// empty, in their order.
    Task<Outcome> carry_on(std::shared_ptr<Errand> errand,
                           std::vector<store::Broadcast> broadcasts);

  private:
    using ErrandPtr = std::shared_ptr<Errand>;

    Task<Result<>> prepare(ErrandPtr errand);
    /// Sends, as often as what was sent is lost.
    Task<Outcome> send(ErrandPtr errand);
    Task<Result<>> deploy(ErrandPtr errand, Call call);
    /// A place beside the payer's other payments under way, once the balance covers them all.
    Task<Result<Exposure::Hold>> make_room(ErrandPtr errand);
    Task<Result<std::uint64_t>> gas_for(ErrandPtr errand);
    /// The outcome, or nothing when its transaction is lost and it must be sent again.
    Task<std::optional<Outcome>> watch(ErrandPtr errand);
    Task<Outcome> after_mined(ErrandPtr errand, chain::Receipt receipt);
    Task<Outcome> after_failure(ErrandPtr errand, Error error);
    Task<std::optional<Outcome>> after_expiry(ErrandPtr errand);
    /// The receipt of the one that moved the money, among everything broadcast for the payment.
    Task<Result<std::optional<chain::Receipt>>> look_back(ErrandPtr errand);
    [[nodiscard]] Outcome prove(const Errand& errand, const chain::Receipt& receipt) const;
    [[nodiscard]] bool is_expired(const Errand& errand) const;
    [[nodiscard]] SteadyTime next_check(const Errand& errand) const;
    [[nodiscard]] scheme::UnixSeconds now() const;

    Env env_;
    chain::Chain& chain_;
    Examiner& examiner_;
    Lane& lane_;
    CarrierConfig config_;
    Exposure exposure_;
};

}  // namespace farthing::settlement
