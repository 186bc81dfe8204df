// SPDX-License-Identifier: Apache-2.0
// One request and its answer, opened and repeated with backoff: what the unpaid and the paid half
// of a Payer share.
#pragma once

#include "farthing/wallet/payer.hpp"

namespace farthing::wallet {

/// An answer whose body may still be arriving. `head.body` holds what has been read.
struct Exchange {
    net::Url url;
    net::Request request;
    net::Response head;
    std::unique_ptr<net::ResponseStream> stream;
};

class Line {
  public:
    Line(Env env, net::Client& client, const PayerConfig& config, Observer& observer)
        : env_(env), client_(client), config_(config), observer_(observer) {}

    Task<std::expected<Exchange, net::RequestError>> open(net::Url url, net::Request request);
    /// How long to wait before the repetition after `failures` failures: what the server asked for,
    /// or twice as long each time.
    [[nodiscard]] std::chrono::milliseconds delay(unsigned failures,
                                                  std::optional<std::chrono::seconds> asked) const;
    void transaction_named(const Bytes32& hash) { observer_.transaction_named(hash); }
    Task<> wait(const Error& why, std::chrono::milliseconds delay);

  private:
    Env env_;
    net::Client& client_;
    const PayerConfig& config_;
    Observer& observer_;
};

/// Reads the rest of the body into `exchange.head.body`. Errors: too_large beyond `bytes_max`, and
/// the stream's; what has been read by then stays there.
Task<Result<>> read_body(Exchange& exchange, std::size_t bytes_max);

/// The error of a body that broke off, with where it came from.
[[nodiscard]] Error at(const net::Url& url, Error error);

}  // namespace farthing::wallet
