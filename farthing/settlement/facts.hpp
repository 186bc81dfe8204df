// SPDX-License-Identifier: Apache-2.0
// Facts: what the chain knows about a payment, asked in one exchange and remembered for a bounded
// time.
#pragma once

#include <unordered_map>

#include "farthing/chain/chain.hpp"
#include "farthing/io/env.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::settlement {

/// What comes before the transfer, and what the payer is.
struct Judged {
    std::optional<Call> deployment;  ///< must come first
    bool payer_has_code = false;
};

struct FactsConfig {
    std::chrono::milliseconds staleness_max{2'000};  ///< how old a good answer may be
    std::chrono::milliseconds asset_code_age_max{
        900'000};  ///< code of a token, once seen (protocol.md 8.3)
};

/// Verification against one chain. One executor.
class Examiner {
  public:
    /// `sender` is the account that will send the settlement: simulations run as it.
    Examiner(Env env, chain::Chain& chain, Address sender, scheme::Policy policy,
             FactsConfig config);

    /// Everything of protocol.md 9.1, simulation included. Errors of kind refused: the payment is
    /// not good, with the wire code. Errors of kind unavailable: the chain did not answer, nothing
    /// is known.
    Task<Result<>> examine(std::shared_ptr<const scheme::Opened> payment);
    /// The same without memory, just before it is sent. Only what must be deployed first is
    /// simulated, since otherwise the estimate of its gas does the same.
    Task<Result<Judged>> judge_now(std::shared_ptr<const scheme::Opened> payment);
    /// What the payer has of the token. Errors: kind unavailable; exact_simulation_failed when the
    /// token does not say.
    Task<Result<U256>> balance(std::shared_ptr<const scheme::Opened> payment);
    /// Why the transfer reverts. Errors: kind unavailable.
    Task<Result<Error>> diagnose(std::shared_ptr<const scheme::Opened> payment);
    /// A payment that was sent is no longer as it was examined.
    void forget(const scheme::PaymentKey& key) { good_.erase(key); }

  private:
    struct KeyHash {
        std::size_t operator()(const scheme::PaymentKey& key) const noexcept {
            return std::hash<Bytes32>{}(key.nonce) ^ std::hash<Address>{}(key.payer);
        }
    };
    using Time = std::chrono::steady_clock::time_point;
    /// A payment whose simulation succeeded, with the facts it was judged by.
    struct Good {
        scheme::Facts facts;
        Bytes32
            digest;  ///< of the transfer call: the same key with other bytes is another question
        Time at;
    };

    Task<Result<scheme::Facts>> ask_facts(std::shared_ptr<const scheme::Opened> payment);
    Task<Result<>> simulate(std::shared_ptr<const scheme::Opened> payment,
                            std::optional<Call> deployment);
    [[nodiscard]] const Good* remembered(const scheme::Opened& payment,
                                         const Bytes32& digest) const;
    [[nodiscard]] UnixTime::rep now() const { return env_.clock.now().time_since_epoch().count(); }

    Env env_;
    chain::Chain& chain_;
    Address sender_;
    scheme::Policy policy_;
    FactsConfig config_;
    std::unordered_map<scheme::PaymentKey, Good, KeyHash> good_;
    std::unordered_map<Address, Time> asset_code_seen_;
};

}  // namespace farthing::settlement
