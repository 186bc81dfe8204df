// SPDX-License-Identifier: Apache-2.0
// Intents: payments on their way to the chain, as they are remembered across a crash. An intent is
// durable before anything of it is broadcast, every broadcast is durable before its bytes leave,
// and an outcome is durable before anybody hears it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "farthing/io/task.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::store {

/// A transaction that was signed for an intent: it may be in a pool.
struct Broadcast {
    Address signer;
    std::uint64_t account_nonce = 0;
    std::uint64_t gas_limit = 0;
    Bytes32 hash;
    Bytes raw;

    friend bool operator==(const Broadcast&, const Broadcast&) = default;
};

struct Intent {
    enum class State : std::uint8_t {
        open,     ///< its outcome is not known
        settled,  ///< proved by the events of `transaction`
        failed,   ///< proved not to have happened, `reason` and `detail` say why
    };

    scheme::PaymentKey key;
    Bytes32 print;        ///< scheme::Opened::print
    std::string payment;  ///< a /settle body: enough to open the payment again
    State state = State::open;
    bool told = false;                   ///< somebody heard that it is settled
    std::optional<Bytes32> transaction;  ///< of the outcome
    std::string reason;                  ///< wire code of a failure
    std::string detail;
    scheme::UnixSeconds begun_at = 0;
    scheme::UnixSeconds ended_at = 0;
    std::vector<Broadcast> broadcasts;  ///< in their order

    /// Whether it has moved its money, or may yet: then nothing takes its place.
    [[nodiscard]] bool stands() const {
        return state == State::settled || (state == State::open && !broadcasts.empty());
    }
    friend bool operator==(const Intent&, const Intent&) = default;
};

[[nodiscard]] std::string_view to_text(Intent::State state);

/// What a finished intent says.
struct Ending {
    Intent::State state = Intent::State::failed;
    std::optional<Bytes32> transaction;
    std::string reason;
    std::string detail;
    scheme::UnixSeconds at = 0;
};

/// Each method is atomic and durable when it returns. Errors of all: io_failed (disk full, database
/// away): then nothing of it happened, or it is not known whether it did, and the caller acts as if
/// it had not.
class IntentStore {
  public:
    virtual ~IntentStore() = default;

    /// Records a new intent. What is there under its key already is returned instead, unless it
    /// failed, or was never broadcast: then nothing can come of it and the new one takes its place.
    virtual Task<Result<std::optional<Intent>>> begin(Intent intent) = 0;
    /// Before the bytes leave.
    virtual Task<Result<>> add_broadcast(scheme::PaymentKey key, Broadcast broadcast) = 0;
    /// Before anybody hears it. An intent that has ended already stays as it is.
    virtual Task<Result<>> end(scheme::PaymentKey key, Ending ending) = 0;
    /// True for exactly one caller: who hears of a settlement that nobody has heard of.
    virtual Task<Result<bool>> tell(scheme::PaymentKey key) = 0;
    /// The one who was told did not hear it.
    virtual Task<Result<>> untell(scheme::PaymentKey key) = 0;
    /// After a start: the open ones, and the settled ones that nobody has heard of, the oldest
    /// first.
    virtual Task<Result<std::vector<Intent>>> unfinished(Network network) = 0;
};

}  // namespace farthing::store
