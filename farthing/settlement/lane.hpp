// SPDX-License-Identifier: Apache-2.0
// Lane: one signing key on one chain. Every transaction of the key goes through its lane, one nonce
// after the other, so that any number of concurrent payments never compete for a nonce.
#pragma once

#include <memory>
#include <vector>

#include "farthing/chain/chain.hpp"
#include "farthing/crypto/ecdsa.hpp"
#include "farthing/io/env.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/settlement/queue.hpp"
#include "farthing/store/intents.hpp"

namespace farthing::settlement {

struct LaneConfig {
    std::chrono::milliseconds poll_interval{250};  ///< between looks for receipts
    std::chrono::milliseconds rebroadcast_after{
        5'000};  ///< a transaction not mined by then is sent again, as it is
    /// One not mined by then is replaced by a version with higher fees.
    std::chrono::milliseconds replace_after{20'000};
    std::chrono::milliseconds fees_max_age{2'000};
    U256 max_fee_per_gas{500'000'000'000};  ///< the ceiling, in wei
    /// How long a spent nonce without a receipt is doubted: behind one address there may be nodes
    /// of which one is behind the other.
    std::chrono::milliseconds lost_after{10'000};
    std::size_t in_flight_max = 16;  ///< transactions; nodes hold as many of one account
    std::chrono::milliseconds purse_interval{30'000};  ///< between looks at the key's balance
    /// A key that cannot pay this much gas at the current fees is low.
    std::uint64_t purse_gas_min = 5'000'000;
};

/// What a lane has for gas.
enum class Purse : std::uint8_t {
    good,
    low,    ///< it goes on, somebody should fill it
    empty,  ///< a node said that it cannot pay: others take over
};

/// One executor. What it says is certain: `refused` and `lost` are never said of a transaction that
/// a node may have, or may have had mined; such a one stays `sent` until its receipt is there or
/// another one has its nonce.
class Lane {
  public:
    Lane(Env env, Loop& loop, chain::Chain& chain, store::IntentStore& intents, Queue& queue,
         PrivateKey key, LaneConfig config);

    [[nodiscard]] const Address& address() const { return address_; }
    /// A payment whose transaction was signed with this key and perhaps sent before a restart: it
    /// is sent again as it is, and watched. `versions`, not empty, have one nonce; payments of one
    /// transaction share it again.
    SubmissionPtr resume(SubmissionPtr submission, const std::vector<store::Broadcast>& versions);
    /// Sends and watches until cancelled.
    Task<> run();
    /// Until when the key belongs to this process: from then on nothing is signed or sent; what
    /// flies is watched. For ever at first.
    void set_ours_until(SteadyTime until);
    [[nodiscard]] bool is_ours() const { return env_.clock.steady_now() < ours_until_; }
    [[nodiscard]] Purse purse() const { return purse_; }
    /// Whether it takes part in the work.
    [[nodiscard]] bool is_able() const { return is_ours() && purse_ != Purse::empty; }
    /// Set by who owns several lanes: whether another one is able.
    void set_relief(std::function<bool()> others_able) { others_able_ = std::move(others_able); }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }  ///< transactions

  private:
    using FlightPtr = std::shared_ptr<Flight>;
    enum class Sent : std::uint8_t {
        done,   ///< it flies, or is refused
        again,  ///< certain to be in no pool: sign it again with another nonce or fee
    };

    Task<> run_sender();
    [[nodiscard]] bool may_send() const;
    Task<> send_load(Load load);
    Task<Result<>> prepare();
    [[nodiscard]] FlightPtr sign_now(const Load& load) const;
    void sign_version(Flight& flight, const chain::Fees& fees) const;
    Task<Result<>> keep(FlightPtr flight);
    Task<Result<>> keep_for_certain(FlightPtr flight);
    Task<bool> unkeep(FlightPtr flight);
    Task<Sent> broadcast(FlightPtr flight);
    [[nodiscard]] Sent take_answer(const FlightPtr& flight, const chain::SendResult& said);
    void turn_away(const Flight& flight, Errc code, const std::string& detail);
    void fly(const FlightPtr& flight);
    void doubt(const FlightPtr& flight, const std::string& said);

    Task<> run_watcher();
    Task<> look();
    void learn(const std::vector<FlightPtr>& asked,
               const std::vector<std::optional<chain::Receipt>>& receipts);
    void end(Flight& flight, Submission::State state,
             std::shared_ptr<const chain::Receipt> receipt = {});
    Task<> refresh();
    Task<> look_at_nonces();
    Task<bool> send_again(FlightPtr flight);
    Task<bool> push(FlightPtr flight);
    Task<bool> fill_gap(FlightPtr first, std::uint64_t from);
    Task<bool> replace(FlightPtr flight);
    void drop_ended();
    [[nodiscard]] bool is_first(const Flight& flight) const;

    Task<> run_purse();
    void weigh(const U256& balance);
    void set_purse(Purse purse);

    Env env_;
    chain::Chain& chain_;
    store::IntentStore& intents_;
    Queue& queue_;
    PrivateKey key_;
    Address address_;
    LaneConfig config_;
    std::uint64_t chain_id_;
    std::optional<std::uint64_t> next_nonce_;
    std::optional<chain::Fees> fees_;
    SteadyTime fees_read_at_;
    SteadyTime ours_until_ = SteadyTime::max();
    Purse purse_ = Purse::good;
    std::function<bool()> others_able_;
    std::vector<FlightPtr> in_flight_;
    static constexpr std::size_t kTransactionsPerLook = 100;
    std::size_t look_size_ = kTransactionsPerLook;  ///< how many are asked for at once
    std::uint64_t flights_ = 0;                     ///< how many have begun to fly
    Signal flight_changed_;
    Counter& sent_total_;
    Counter& replaced_total_;
    Counter& nonce_conflicts_total_;
    Gauge& in_flight_gauge_;
    Gauge& balance_gauge_;
};

}  // namespace farthing::settlement
