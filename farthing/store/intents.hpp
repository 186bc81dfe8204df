// SPDX-License-Identifier: Apache-2.0
// Intents: payments on their way to the chain, as they are remembered across a crash. An intent is
// durable before anything of it is broadcast, every broadcast is durable before its bytes leave,
// and an outcome is durable before anybody hears it. Each open one belongs to one node, which alone
// sends for it; when that node dies, another adopts it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "farthing/io/task.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::store {

/// A transaction that was signed for an intent, and perhaps for others with it: it may be in a
/// pool.
struct Broadcast {
    Address signer;
    std::uint64_t account_nonce = 0;
    std::uint64_t gas_limit = 0;
    Bytes32 hash;
    Bytes raw;
    std::uint32_t position = 0;  ///< of the intent among those that it carries; set by the store

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
    std::string owner;    ///< id of the node that sends for it; set by the store
    State state = State::open;
    /// Nobody's: its node has nothing to send it with, and another one shall.
    bool handed_over = false;
    bool told = false;                   ///< somebody heard that it is settled
    std::string told_to;                 ///< the name of who heard, when it has one
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
    /// Settled, and nobody has heard of it.
    [[nodiscard]] bool is_unheard() const { return state == State::settled && !told; }
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
    bool if_unsent = false;        ///< of an intent that a transaction carries, nothing is written
    std::optional<Bytes32> print;  ///< of an intent with another one, nothing is written
};

/// What a caller is told who may not send for an intent, or end it. `why` follows "the payment …".
[[nodiscard]] Error not_ours(const scheme::PaymentKey& key, std::string_view why);
inline constexpr std::string_view kNotRecorded = "is not recorded";
inline constexpr std::string_view kHasEnded = "has ended";
inline constexpr std::string_view kOfAnotherNode = "is another node's";
inline constexpr std::string_view kHasNotSettled = "has not settled";
inline constexpr std::string_view kWasBroadcast = "was broadcast";

/// Made for one node. Each method is atomic and durable when it returns. Errors of all: io_failed
/// (disk full, database away): nothing of it happened; write_unknown (the database went away while
/// it was written): nobody knows whether it did.
///
/// A node is living while it holds its own lease (leases.hpp). Who has lost it without noticing
/// does no harm: what was adopted from it meanwhile is refused here.
class IntentStore {
  public:
    virtual ~IntentStore() = default;

    /// Records a new intent, which is this node's. What is there under its key already is returned
    /// instead, unless it failed, or was never broadcast and belongs to no other living node: then
    /// nothing can come of it and the new one takes its place.
    virtual Task<Result<std::optional<Intent>>> begin(Intent intent) = 0;
    /// Before the bytes leave. `keys` are what the transaction carries, in its order; all of them
    /// have it afterwards or none. The same transaction once more changes nothing. Errors:
    /// intent_not_ours (one of them is not open, or not this node's): the bytes must not leave.
    virtual Task<Result<>> add_broadcast(std::vector<scheme::PaymentKey> keys,
                                         Broadcast broadcast) = 0;
    /// The other way round, for bytes that are certain to be in no pool, before any of `keys` ends:
    /// who adopts one of them would send what carries the others as well. Errors: intent_not_ours
    /// (one of them is another node's, which may be sending the bytes): all stay as they are.
    virtual Task<Result<>> drop_broadcast(std::vector<scheme::PaymentKey> keys, Bytes32 hash) = 0;
    /// Before anybody hears it. An intent that has ended already stays as it is. Errors:
    /// intent_not_ours (it is open and another living node's; or a dead one's that has sent it, and
    /// the ending a failure).
    virtual Task<Result<>> end(scheme::PaymentKey key, Ending ending) = 0;
    /// What is recorded. Memory forgets what failed or was told, in favour of younger ones.
    virtual Task<Result<std::optional<Intent>>> find(scheme::PaymentKey key) = 0;
    /// True for who hears of a settlement that nobody has heard of: exactly one caller; and again
    /// for who heard of it under the same name, not empty.
    virtual Task<Result<bool>> tell(scheme::PaymentKey key, std::string asker) = 0;
    /// The one who was told did not hear it.
    virtual Task<Result<>> untell(scheme::PaymentKey key) = 0;
    /// Gives one of this node that was never broadcast to whichever node adopts it. Errors:
    /// intent_not_ours.
    virtual Task<Result<>> hand_over(scheme::PaymentKey key) = 0;
    /// One that `gone` has settled is open again, this node's, and told or not as it was: that
    /// transaction is no longer in the chain. Errors: intent_not_ours (it has not settled, or by
    /// another one).
    virtual Task<Result<>> reopen(scheme::PaymentKey key, Bytes32 gone) = 0;
    /// Whoever settled them: those of this time and later without their broadcasts, the youngest
    /// first, at most kSettledMax.
    virtual Task<Result<std::vector<Intent>>> settled_since(Network network,
                                                            scheme::UnixSeconds time) = 0;
    static constexpr std::size_t kSettledMax = 20'000;
    /// Makes the open ones whose node is not living this node's, and returns them, the oldest
    /// first. Each goes to one node only, however many ask at once. After a start, and now and
    /// then.
    virtual Task<Result<std::vector<Intent>>> adopt(Network network) = 0;
    /// This node's open ones, the oldest first.
    virtual Task<Result<std::vector<Intent>>> mine(Network network) = 0;
    /// Whoever settled them: those that nobody has heard of, the oldest first.
    virtual Task<Result<std::vector<Intent>>> unheard(Network network) = 0;
};

}  // namespace farthing::store
