// SPDX-License-Identifier: Apache-2.0
// Carrier: takes one payment from "it is asked for" to "it is known what became of it": judge,
// deploy the payer's wallet if need be, send, watch, prove.
#pragma once

#include <memory>
#include <set>

#include "farthing/settlement/exposure.hpp"
#include "farthing/settlement/facts.hpp"
#include "farthing/settlement/lanes.hpp"
#include "farthing/settlement/outcome.hpp"

namespace farthing::settlement {

struct CarrierConfig {
    std::uint64_t gas_limit_max =
        500'000;  ///< a token contract that wants more is refused: the gas is ours
    std::uint64_t deployment_gas_max = 2'000'000;  ///< the same for a payer's wallet
    /// Tokens whose transfers may share a transaction: those the operator knows. Another one could
    /// burn the gas of its neighbours.
    std::set<Address> known_tokens;
};

/// Whether a mined transaction moved exactly this payment. Errors: exact_transfer_event_mismatch.
[[nodiscard]] Result<> prove(const scheme::Opened& payment, const chain::Receipt& receipt);

/// One payment on its way.
struct Errand {
    explicit Errand(std::shared_ptr<const scheme::Opened> what) : payment(std::move(what)) {}

    std::shared_ptr<const scheme::Opened> payment;
    SubmissionPtr submission;                     ///< the transfer's last, once there is one
    std::vector<Bytes32> earlier;                 ///< broadcast for submissions before that
    std::shared_ptr<const chain::Receipt> mined;  ///< of the last that was, to no avail
    bool alone = false;                           ///< it shares no transaction with others
    bool given_up = false;                        ///< set by the owner: send nothing from now on
    bool elsewhere = false;                       ///< set by the owner: another node may send it
    bool judged = false;                          ///< its signature is good, and it has its place
    bool signed_elsewhere = false;                ///< by a key that is not ours any more

    /// Whether a transfer may have left this process.
    [[nodiscard]] bool is_sent() const;
    [[nodiscard]] std::optional<Bytes32> last_hash() const;
};

/// One chain, one executor.
class Carrier {
  public:
    Carrier(Env env, Loop& loop, chain::Chain& chain, Examiner& examiner, Lanes& lanes,
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
    void take_place(Errand& errand);
    Task<Result<>> deploy(ErrandPtr errand, Call call);
    /// A place beside the payer's other payments under way, once the balance covers them all.
    Task<Result<Exposure::Hold>> make_room(ErrandPtr errand);
    Task<Result<std::uint64_t>> gas_for(ErrandPtr errand);
    /// The outcome, or nothing when its transaction is lost and it must be sent again.
    Task<std::optional<Outcome>> watch(ErrandPtr errand);
    /// Nothing when it must be sent again, alone.
    Task<std::optional<Outcome>> after_mined(ErrandPtr errand);
    Task<Outcome> after_failure(ErrandPtr errand, Error error);
    Task<Result<std::optional<chain::Receipt>>> proof_among(
        std::shared_ptr<const scheme::Opened> payment, std::vector<Bytes32> hashes);
    /// Somebody else sent the same authorisation: the receipt that proves it, or nothing.
    Task<Result<std::optional<chain::Receipt>>> find_execution(ErrandPtr errand);
    Task<std::optional<Outcome>> after_expiry(ErrandPtr errand);
    /// The receipt that proves the payment, among everything broadcast for it.
    Task<Result<std::optional<chain::Receipt>>> look_back(ErrandPtr errand);
    [[nodiscard]] bool is_expired(const Errand& errand) const;
    [[nodiscard]] SteadyTime next_check(const Errand& errand) const;
    [[nodiscard]] scheme::UnixSeconds now() const;

    Env env_;
    chain::Chain& chain_;
    Examiner& examiner_;
    Lanes& lanes_;
    CarrierConfig config_;
    Exposure exposure_;
};

}  // namespace farthing::settlement
