// SPDX-License-Identifier: Apache-2.0
// Facts: what the chain knows about a payment, asked in one exchange and remembered for a bounded
// time.
#pragma once

#include <unordered_map>

#include "farthing/chain/chain.hpp"
#include "farthing/io/env.hpp"
#include "farthing/scheme/scheme.hpp"
#include "farthing/settlement/follower.hpp"
#include "farthing/settlement/reservations.hpp"
#include "farthing/store/reservations.hpp"

namespace farthing::settlement {

/// What comes before the transfer, and what the payer is.
struct Judged {
    std::optional<Call> deployment;  ///< must come first
    bool payer_has_code = false;
};

struct FactsConfig {
    /// How old a good answer may be, and how long ago the chain was looked at last for what is
    /// believed of it.
    std::chrono::milliseconds staleness_max{2'000};
    /// What no event tells: code of a payer, and what a simulation alone finds out (a paused token,
    /// a list of refused accounts). Asked again after this.
    std::chrono::milliseconds recheck_after{60'000};
    std::chrono::milliseconds reserve_for{60'000};  ///< see ReservationsConfig
    std::chrono::milliseconds idle_after{30'000};   ///< see FollowerConfig
    std::chrono::milliseconds asset_code_age_max{
        900'000};  ///< code of a token, once seen (protocol.md 8.3)
};

/// Verification against one chain. One executor.
class Examiner {
  public:
    /// `sender` is the account that will send the settlement: simulations run as it.
    /// `shared` is where other nodes see what is reserved here; null without any.
    Examiner(Env env, Loop& loop, chain::Chain& chain, Address sender, scheme::Policy policy,
             FactsConfig config, store::ReservationStore* shared = nullptr);

    /// Keeps what is believed of the chain true, until cancelled.
    Task<> run() { return follower_.run(); }
    /// A token that the operator knows and whose domain was compared with the chain: it behaves as
    /// FiatToken does, and its events tell all that changes its balances and nonces.
    void trust(const Address& token, const Bytes32& domain_separator) {
        cache_.trust(token, domain_separator);
    }

    /// Everything of protocol.md 9.1, simulation included, or what is known instead of it. A good
    /// payment has its amount reserved afterwards. Errors of kind refused: the payment is not good,
    /// with the wire code. Errors of kind unavailable: the chain did not answer, nothing is known;
    /// or overloaded.
    Task<Result<>> examine(std::shared_ptr<const scheme::Opened> payment);
    /// The same without memory, just before it is sent. Only what must be deployed first is
    /// simulated, since otherwise the estimate of its gas does the same.
    Task<Result<Judged>> judge_now(std::shared_ptr<const scheme::Opened> payment);
    /// What the payer has of the token. Errors: kind unavailable; exact_simulation_failed when the
    /// token does not say.
    Task<Result<U256>> balance(std::shared_ptr<const scheme::Opened> payment);
    /// Why the transfer reverts. Errors: kind unavailable.
    Task<Result<Error>> diagnose(std::shared_ptr<const scheme::Opened> payment);
    /// Its settlement has begun: its amount stays reserved until `forget`.
    void begin(const scheme::Opened& payment) { reservations_.begin(payment); }
    /// The same for other nodes, and `let_go` for `forget`. Errors: those of the store.
    Task<Result<>> hold(std::shared_ptr<const scheme::Opened> payment);
    Task<> let_go(scheme::PaymentKey key);
    /// A payment that was settled or has failed is no longer as it was examined.
    void forget(const scheme::PaymentKey& key);
    [[nodiscard]] std::size_t reserved() const { return reservations_.size(); }
    /// How much is remembered of payers.
    [[nodiscard]] std::size_t remembered() const { return cache_.items(); }

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
        Bytes32 print;  ///< the same key with another print is another question
        Time at;
        Reservations::Known balance;
        bool is_followed;  ///< events tell what happens to the payer
    };
    /// What one exchange with the chain says of a payment.
    struct Seen {
        scheme::Facts facts;
        std::optional<Reservations::Known> balance;  ///< nothing: the token does not say
        std::optional<bool> nonce_used;
        std::optional<chain::CallResult> simulated;
    };
    enum class Ask : std::uint8_t { code, all, all_but_simulation };

    using Taken = Reservations::Taken;
    Task<Result<Taken>> examine_here(std::shared_ptr<const scheme::Opened> payment);
    Task<Result<Taken>> examine_by_chain(std::shared_ptr<const scheme::Opened> payment);
    /// Nothing: the chain has to be asked.
    [[nodiscard]] std::optional<Result<Taken>> examine_by_cache(const scheme::Opened& payment);
    [[nodiscard]] std::optional<Result<Taken>> examine_by_memory(const scheme::Opened& payment);
    [[nodiscard]] std::chrono::milliseconds left_of(const scheme::Opened& payment,
                                                    std::chrono::milliseconds most) const;
    Task<Result<Seen>> look(std::shared_ptr<const scheme::Opened> payment, Ask ask);
    Task<Result<>> simulate(std::shared_ptr<const scheme::Opened> payment,
                            std::optional<Call> deployment);
    Task<Result<>> refuse(std::shared_ptr<const scheme::Opened> payment, chain::CallResult result);
    /// What was seen of a payment of a trusted token and of a payer without code.
    void learn(const scheme::Opened& payment, const Seen& seen, std::optional<std::uint64_t> id,
               bool simulated);
    [[nodiscard]] bool is_young(Time at, std::chrono::milliseconds age) const {
        return env_.clock.steady_now() - at < age;
    }
    [[nodiscard]] UnixTime::rep now() const { return env_.clock.now().time_since_epoch().count(); }

    Env env_;
    chain::Chain& chain_;
    Address sender_;
    scheme::Policy policy_;
    FactsConfig config_;
    std::unordered_map<scheme::PaymentKey, Good, KeyHash> good_;
    std::unordered_map<Address, Time> asset_code_seen_;
    FactsCache cache_;
    Follower follower_;
    Reservations reservations_;
    store::ReservationStore* shared_;
};

}  // namespace farthing::settlement
