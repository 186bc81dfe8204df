// SPDX-License-Identifier: Apache-2.0
// The decision before anything is asked of anybody: is there a payment, and what is it to be held
// against. Pure. Source: protocol.md sections 5.2 and 5.5.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <variant>

#include "farthing/gateway/site.hpp"
#include "farthing/scheme/scheme.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::gateway {

/// What the request's headers carry.
struct Presented {
    std::optional<dialect::Received> payment;
    /// Why a header that was there counts as absent; for the log.
    std::optional<Error> unreadable;
};

/// Reads PAYMENT-SIGNATURE and X-PAYMENT. Errors: several_payments, when a header is there twice,
/// or both are and do not say the same: which of them the payer means is not for us to guess.
[[nodiscard]] Result<Presented> read_payment(const net::Headers& headers);

/// The first offer that the payment's `accepted` designates: version 2 by the six core members and
/// our `extra`, version 1 by scheme and network. Null when there is none.
[[nodiscard]] const Offer* find_offer(const Route& route, const dialect::Received& payment);

/// A payment that fits an offer, and its identity.
struct Payable {
    v2::Payment payment;
    std::unique_ptr<const scheme::Opened> opened;
    const Offer* offer = nullptr;  ///< of the route
};

/// The payment's shape against the offer's scheme. Errors: no_matching_requirements and the
/// scheme's codes; then the answer is a 402 with that code.
[[nodiscard]] Result<Payable> match_payment(const Route& route, dialect::Received received);

/// 402s of requests without a payment, ready to send. The offer is the route's, but it names the
/// URL asked for, so the last URLs are remembered.
class UnpaidAnswers {
  public:
    using Bytes = std::shared_ptr<const std::string>;

    /// `make` gives the response when it is not remembered.
    template <class Make>
    Bytes get(std::size_t route, std::string_view allowed_origin, const std::string& url,
              Make make);

    [[nodiscard]] std::size_t size() const { return answers_.size(); }

  private:
    static constexpr std::size_t kAnswersMax = 1024;
    static constexpr std::size_t kBytesMax = 8 << 20;

    void remember(std::string key, Bytes bytes);

    std::unordered_map<std::string, Bytes> answers_;
    std::deque<const std::string*> order_;  ///< keys in the map, oldest first
    std::size_t bytes_ = 0;
};

template <class Make>
UnpaidAnswers::Bytes UnpaidAnswers::get(std::size_t route, std::string_view allowed_origin,
                                        const std::string& url, Make make) {
    std::string key;
    key.reserve(url.size() + allowed_origin.size() + 12);
    key.append(std::to_string(route)).append(" ");
    key.append(allowed_origin).append(" ").append(url);
    if (const auto found = answers_.find(key); found != answers_.end()) return found->second;
    auto bytes = std::make_shared<const std::string>(make());
    remember(std::move(key), bytes);
    return bytes;
}

}  // namespace farthing::gateway
