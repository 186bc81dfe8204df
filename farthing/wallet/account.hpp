// SPDX-License-Identifier: Apache-2.0
// Account: one open wallet in one process. Every way in (daemon, local proxy, MCP) asks, pays and
// looks through it, so that all meet the same decision.
#pragma once

#include <functional>

#include "farthing/ledger/payments.hpp"
#include "farthing/wallet/open_requests.hpp"
#include "farthing/wallet/purse.hpp"

namespace farthing::wallet {

/// One request, with what its caller says of it.
struct Order {
    net::Url url;
    net::Request request;
    Errand errand;
    std::optional<scheme::Money> max_amount;  ///< of the caller; the pact's limits hold besides
    Redirects redirects = Redirects::any;
    /// How long it may wait for the operator when the pact asks; zero: the question is the answer.
    std::chrono::milliseconds wait{0};
    std::chrono::milliseconds max_time{0};  ///< for one attempt; zero: no limit
    /// Also when the same request of the same caller may have been paid for already.
    bool again = false;
    /// Whether its caller still may pay, asked once more before anything is signed.
    std::function<bool()> may_pay;
};

/// What the operator has said to a decision that asked.
enum class Answered : std::uint8_t { not_yet, approved, denied, expired };

struct Fetched {
    Result<PaidResponse> answer;
    std::optional<Decided> decided;  ///< the last; nothing when nothing had to be paid
    /// What was signed, also when the answer is an error.
    std::optional<Payment> payment;
    /// What the operator has said, when there was a wait or an answer.
    std::optional<Answered> answered;
};

struct Quoted {
    Quote quote;
    std::optional<policy::Decision> forecast;  ///< when there is an offer that could be paid
};

/// What a pact says of the choice between offers; it decides over the chosen one. Without `limit`
/// the pact's amounts are the only ones.
void follow_pact(const policy::Pact& pact, const std::optional<scheme::Money>& limit,
                 PayerConfig& config);

class Account {
  public:
    /// Everything outlives the account. `config`: its rules are narrowed by the pact's.
    struct Parts {
        net::Client& client;
        Signer& signer;
        ledger::Ledger& ledger;
        Mandate& mandate;
        const AssetTable& assets;
        PayerConfig config;
    };
    Account(Env env, Parts parts) : env_(env), parts_(std::move(parts)) {}

    /// The resource, paid for if need be and if the pact allows it. The body goes into `sink`,
    /// which outlives the task, or into the answer. What may have been paid is not repeated
    /// blindly: while a payment is in hand, and as long as the signature can be used of one that
    /// failed without a receipt or was left by an earlier program, the same request gets an error
    /// of kind unknown.
    Task<Fetched> fetch(Order order, Sink* sink = nullptr);
    /// What it would cost, and what the pact would say to it. Nothing is decided and nothing
    /// signed. The price is held against the one that the same request is asked for afterwards.
    Task<Result<Quoted>> quote(Order order);
    /// The limits as they stand, as a payment to `vendor` for `task` would meet them.
    Task<Result<std::vector<policy::Standing>>> limits(std::string vendor, std::string task);
    /// The newest decisions that the filter lets through, newest first; with `agent` those that its
    /// token asked for, among the newest thousand.
    Task<Result<std::vector<ledger::Payment>>> payments(ledger::Filter filter, std::size_t limit,
                                                        std::optional<std::string> agent = {});
    /// Decisions that ask and were not answered, newest first, among the newest `limit`.
    Task<Result<std::vector<ledger::Entry>>> waiting(std::size_t limit,
                                                     std::optional<std::string> agent = {});
    Task<Result<Answered>> answer_to(ledger::Seq decision);
    [[nodiscard]] Mandate& mandate() { return parts_.mandate; }
    /// From now on nobody waits for the operator: who does hears that there is no answer yet.
    void stop_waiting() { stopping_ = true; }

  private:
    Task<Fetched> attempt(Order order, Sink* sink, Bytes32 name);
    [[nodiscard]] Result<PayerConfig> config_for(const Order& order);
    Task<Result<Answered>> until_answered(ledger::Seq decision, SteadyTime until);

    class Witness;
    Task<Result<>> know_open();
    void end_open(const Bytes32& request, const Fetched& fetched, bool sent);

    Env env_;
    Parts parts_;
    bool stopping_ = false;
    OpenRequests open_;
    bool knows_open_ = false;  ///< what earlier programs left
    Quotes quotes_;
};

}  // namespace farthing::wallet
