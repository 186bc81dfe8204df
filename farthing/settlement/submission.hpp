// SPDX-License-Identifier: Apache-2.0
// Submission: one call on its way into a transaction. Flight: one transaction with the calls it
// carries.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "farthing/chain/chain.hpp"
#include "farthing/evm/batch_contract.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::settlement {

struct Submission;
using SubmissionPtr = std::shared_ptr<Submission>;

/// A transaction of a lane: one nonce, and every version of it that was signed.
struct Flight {
    std::vector<SubmissionPtr> carries;
    Call call;
    std::uint64_t gas_limit = 0;
    std::uint64_t nonce = 0;
    std::optional<chain::Fees> fees;  ///< of the last version; unknown after some restarts
    Bytes32 hash;                     ///< of the last version
    Bytes raw;
    std::vector<Bytes32> hashes;  ///< of every version that may have been sent, the last included
    SteadyTime signed_at;         ///< the last version
    SteadyTime sent_at;           ///< the last time
    /// Sent, and no node has said yet that it has it: its nonce may still go to another one.
    bool doubtful = false;
    std::optional<SteadyTime> spent_since;  ///< its nonce was seen spent, its receipt was not
    bool ended = false;
};

/// A call handed to a queue.
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
    /// Whose it is: then every signed transaction is durable under this key before its bytes
    /// leave.
    std::optional<scheme::PaymentKey> payment;
    /// Whether it may share a transaction with others. Only for what cannot take their gas.
    bool shareable = false;
    /// The call as our batch contract takes it, when it can.
    std::optional<batch_contract::Payment> packed;
    bool withdrawn = false;  ///< set by the owner while queued: it is then never sent
    bool forgotten = false;  ///< set by the owner: nobody asks what becomes of it any more
    SteadyTime queued_at;
    std::uint64_t nonce = 0;      ///< of the transaction that carries it
    bool shared = false;          ///< that carries others as well, or did before a restart
    std::vector<Bytes32> hashes;  ///< every transaction that was ever broadcast with it, in order
    std::shared_ptr<const chain::Receipt> receipt;
    Error error;
    Signal changed;

    [[nodiscard]] bool is_final() const { return state != State::queued && state != State::sent; }
};

}  // namespace farthing::settlement
