// SPDX-License-Identifier: Apache-2.0
// Lane: one signing key on one chain. Every transaction of the key goes through its lane, one nonce
// after the other, so that any number of concurrent payments never compete for a nonce.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "farthing/chain/chain.hpp"
#include "farthing/crypto/ecdsa.hpp"
#include "farthing/io/env.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/store/intents.hpp"

namespace farthing::settlement {

struct LaneConfig {
    std::chrono::milliseconds poll_interval{250};  ///< between looks for receipts
    std::chrono::milliseconds rebroadcast_after{
        5'000};  ///< a transaction not mined by then is sent again, as it is
    std::chrono::milliseconds fees_max_age{2'000};
    /// How long a spent nonce without a receipt is doubted: behind one address there may be nodes
    /// of which one is behind the other.
    std::chrono::milliseconds lost_after{10'000};
};

/// A transaction handed to a lane.
struct Submission {
    enum class State : std::uint8_t {
        queued,   ///< nothing of it can be in any pool
        sent,     ///< broadcast, or possibly so
        mined,    ///< `receipt` is there
        refused,  ///< no node ever took it: nothing happened, `error` says why
        lost,     ///< its nonce went to another transaction: it can never be mined
    };
    explicit Submission(Loop& loop) : changed(loop) {}

    State state = State::queued;
    Call call;
    std::uint64_t gas_limit = 0;
    /// Awaited after each signing and before the bytes leave: they must be durable by then. When it
    /// fails, nothing is sent.
    std::function<Task<Result<>>(const Submission&)> before_send;
    bool withdrawn = false;  ///< set by the owner while queued: it is then never sent
    bool forgotten = false;  ///< set by the owner: nobody asks what becomes of it any more
    Address signer;
    std::uint64_t nonce = 0;
    Bytes32 hash;
    std::vector<Bytes32> hashes;  ///< every one that was ever broadcast for it, the last included
    Bytes raw;
    SteadyTime sent_at;
    /// Sent, and no node has said yet that it has it: its nonce may still go to another one.
    bool doubtful = false;
    std::optional<SteadyTime> spent_since;  ///< its nonce was seen spent, its receipt was not
    std::optional<chain::Receipt> receipt;
    Error error;
    Signal changed;

    [[nodiscard]] bool is_final() const { return state != State::queued && state != State::sent; }
};

/// One executor. What it says is certain: `refused` and `lost` are never said of a transaction that
/// a node may have, or may have had mined; such a one stays `sent` until its receipt is there or
/// another one has its nonce.
class Lane {
  public:
    Lane(Env env, Loop& loop, chain::Chain& chain, PrivateKey key, LaneConfig config);

    [[nodiscard]] const Address& address() const { return address_; }
    /// Queues; the submission tells how it goes on.
    std::shared_ptr<Submission> submit(
        Call call, std::uint64_t gas_limit,
        std::function<Task<Result<>>(const Submission&)> before_send = {});
    /// One that was signed with this key and perhaps sent before a restart: it is sent again as it
    /// is, and watched.
    std::shared_ptr<Submission> resume(Call call, const store::Broadcast& broadcast,
                                       std::vector<Bytes32> hashes);
    /// Sends and watches until cancelled.
    Task<> run();
    [[nodiscard]] std::size_t queued() const { return queue_.size(); }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }

  private:
    using SubmissionPtr = std::shared_ptr<Submission>;
    enum class Sent : std::uint8_t {
        done,   ///< it flies, or is refused
        again,  ///< certain to be in no pool: sign it again with another nonce or fee
    };

    Task<> run_sender();
    Task<> send_next(SubmissionPtr submission);
    Task<Result<>> prepare();
    void sign_now(Submission& submission);
    Task<Sent> broadcast(SubmissionPtr submission);
    [[nodiscard]] Sent take_answer(const SubmissionPtr& submission, const chain::SendResult& said);
    void fly(const SubmissionPtr& submission);
    void doubt(const SubmissionPtr& submission, const std::string& said);

    Task<> run_watcher();
    Task<> look();
    void learn(const std::vector<SubmissionPtr>& asked,
               std::vector<std::optional<chain::Receipt>> receipts);
    Task<> rebroadcast();
    void drop_ended();
    void finish(Submission& submission, Submission::State state);
    void refuse(Submission& submission, Errc code, std::string detail);

    Env env_;
    Loop& loop_;
    chain::Chain& chain_;
    PrivateKey key_;
    Address address_;
    LaneConfig config_;
    std::uint64_t chain_id_;
    std::optional<std::uint64_t> next_nonce_;  ///< empty: must be read from the chain first
    std::optional<chain::Fees> fees_;
    SteadyTime fees_read_at_;
    std::deque<SubmissionPtr> queue_;
    std::vector<SubmissionPtr> in_flight_;
    std::size_t look_size_;      ///< how many receipts are asked for at once
    std::uint64_t flights_ = 0;  ///< how many have begun to fly
    Signal queue_changed_;
    Signal flight_changed_;
    Counter& sent_total_;
    Counter& nonce_conflicts_total_;
    Gauge& in_flight_gauge_;
    Gauge& queued_gauge_;
};

}  // namespace farthing::settlement
