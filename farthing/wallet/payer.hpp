// SPDX-License-Identifier: Apache-2.0
// Payer: an HTTP client that pays for what it asks for, within its rules. Source: protocol.md
// section 6.
//
//   net::Request → 402 → choose (select.hpp) → sign once → the same request with the payment →
//   answer (answer.hpp), receipt checked → body into the sink
//
// One call signs at most once. When the answer to a paid request is lost, the same signed payment
// is sent again, never a new one: the chain takes an authorisation once, however often it is sent.
// An error of kind `unknown` means that the money may have moved; any other kind, that the caller
// may ask anew.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "farthing/io/env.hpp"
#include "farthing/net/client.hpp"
#include "farthing/wallet/answer.hpp"
#include "farthing/wallet/redirect.hpp"
#include "farthing/wallet/select.hpp"
#include "farthing/wallet/signer.hpp"
#include "farthing/wallet/treasury.hpp"

namespace farthing::wallet {

struct PayerConfig {
    SpendRules rules;
    Redirects redirects = Redirects::any;
    unsigned redirects_max = 5;
    /// Times the unpaid request is repeated when it fails or is answered 408, 429, 500, 502, 503 or
    /// 504, as curl's --retry does.
    unsigned retries = 0;
    /// Times a signed payment is sent again when its answer is lost.
    unsigned resends_max = 3;
    std::chrono::milliseconds backoff{500};  ///< before the first repetition; doubles
    /// A signed payment waits no longer than this for a busy server, whatever Retry-After says.
    std::chrono::milliseconds backoff_max{10'000};
    /// How long to go on asking while the server says that settlement is pending, whatever
    /// Retry-After says.
    std::chrono::milliseconds pending_wait{60'000};
    std::chrono::milliseconds max_time{0};  ///< for everything; zero: no limit
    std::size_t body_bytes_max = 64 << 20;  ///< for request and get
};

/// What was signed, and what is known of it.
struct Payment {
    enum class Receipt : std::uint8_t {
        verified,  ///< the server's receipt names our payment
        missing,   ///< the resource came without one (`receipt_missing`)
        none,      ///< the request failed, and nothing says that it was paid for
    };

    v2::PaymentRequirements requirements;
    Asset asset;
    Address payer;
    Bytes32 nonce;
    UnixTime valid_before;  ///< until then the signature can be used
    Receipt receipt = Receipt::none;
    std::optional<Bytes32> transaction;  ///< of a verified receipt
};

/// For people: which authorisation on which chain to look for, until when it can be used, and that
/// running it again would sign another.
[[nodiscard]] std::string how_to_find_out(const Payment& payment);

struct PaidResponse {
    net::Url url;            ///< after redirects
    net::Response response;  ///< the body stays empty when it went into a sink
    std::optional<Payment> payment;
};

/// What a request would cost, without signing anything.
struct Quote {
    net::Url url;
    net::Response response;                   ///< status and headers
    std::optional<dialect::Offered> offered;  ///< nothing when nothing is asked for
    Choice choice;
    std::optional<Purchase> purchase;  ///< of what was chosen
};

/// Where the body of the final answer goes as it arrives. Answers on the way (redirects, the 402)
/// never reach it.
class Sink {
  public:
    virtual ~Sink() = default;
    /// Before the first piece.
    virtual Result<> begin(const net::Response& head, std::optional<std::uint64_t> length) = 0;
    virtual Result<> write(std::string_view piece) = 0;
    /// Awaited after `begin` and each `write`, for a sink that is slower than the seller.
    virtual Task<Result<>> flushed() { co_return Result<>{}; }
    /// The body broke off, and the same answer may be had once more: true when what was written is
    /// forgotten and `begin` may come again.
    virtual bool restart() { return false; }
};

/// Watches what happens on the way, for people. Each call is made before its step is taken, but
/// that with a treasury and a key at hand `signing` follows the grant.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void sending(const net::Url&, const net::Request&) {}
    virtual void received(const net::Response& /*head*/) {}
    virtual void offered(const dialect::Offered&, const Choice&) {}
    virtual void signing(const Payment&, const Bytes32& /*digest*/) {}
    /// The server names the transaction of our payment. It may not be true.
    virtual void transaction_named(const Bytes32&) {}
    virtual void waiting(const Error&, std::chrono::milliseconds) {}
};

struct Exchange;    // exchange.hpp
struct Authorised;  // paid_request.hpp
struct Flight;

class Payer {
  public:
    /// Everything outlives the payer. One loop.
    Payer(Env env, net::Client& client, Signer& signer, const AssetTable& assets,
          PayerConfig config, Observer* observer = nullptr, Treasury* treasury = nullptr);

    /// The resource, paid for if need be. Errors, by kind: invalid (URL), refused (nothing
    /// acceptable is offered, over_limit, not_allowed by the treasury, payment_rejected),
    /// unavailable (nothing was paid), unknown (outcome_unknown, settlement_pending,
    /// receipt_invalid: the money may have moved; the detail ends with `how_to_find_out`).
    Task<Result<PaidResponse>> get(std::string url);
    Task<Result<PaidResponse>> request(net::Url url, net::Request request);
    /// The same with the body into `sink`, which outlives the task.
    Task<Result<PaidResponse>> download(net::Url url, net::Request request, Sink& sink);
    /// What would be paid and why. Signs nothing.
    Task<Result<Quote>> quote(net::Url url, net::Request request);

  private:
    Task<Result<PaidResponse>> run(net::Url url, net::Request request, Sink& sink, Flight& flight);
    Task<Result<Exchange>> explore(net::Url url, net::Request request);
    Task<Result<Exchange>> open_unpaid(net::Url url, net::Request request);
    Task<Result<dialect::Offered>> read_offer(Exchange& exchange);
    Task<Result<PaidResponse>> pay(Exchange unpaid, dialect::Offered offered, Sink& sink,
                                   Flight& flight);
    /// What will be signed if it is granted.
    struct Draft;
    [[nodiscard]] Result<Draft> draft(const Exchange& unpaid, const dialect::Offered& offered,
                                      const Choice& choice);
    [[nodiscard]] Result<Purchase> purchase_of(const Exchange& unpaid,
                                               const dialect::Offered& offered,
                                               const Choice& choice) const;
    /// Reserves and signs, in this order, and has both noted before anything is sent.
    Task<Result<Authorised>> authorise(const Exchange& unpaid, const dialect::Offered& offered,
                                       const Choice& choice, Flight& flight);
    Task<Result<Bytes>> sign_granted(Draft draft, Flight& flight);
    /// Tells the treasury how it ended, as far as that is known.
    Task<> account_for(const Flight& flight, const Result<PaidResponse>& ended);
    Task<Result<Exchange>> follow_settled(Exchange exchange, const Payment& payment);

    Env env_;
    net::Client& client_;
    Signer& signer_;
    const AssetTable& assets_;
    PayerConfig config_;
    Observer& observer_;
    Treasury* treasury_;
};

/// For programs without a loop: pays, waits, and returns the whole answer.
[[nodiscard]] Result<PaidResponse> pay_blocking(Env env, Signer& signer, const AssetTable& assets,
                                                PayerConfig config, net::ClientConfig client,
                                                std::string url, net::Request request = {});

}  // namespace farthing::wallet
