// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::wallet {

Error at(const net::Url& url, Error error) {
    error.detail = fmt::format("{}: {}", url.origin(), error.detail);
    return error;
}

Task<std::expected<Exchange, net::RequestError>> Line::open(net::Url url, net::Request request) {
    observer_.sending(url, request);
    net::BodySource none;
    auto opened = co_await client_.open(url, request, std::move(none), std::nullopt);
    if (!opened) co_return std::unexpected(std::move(opened).error());
    Exchange exchange{std::move(url), std::move(request), (*opened)->head(), std::move(*opened)};
    observer_.received(exchange.head);
    co_return exchange;
}

std::chrono::milliseconds Line::delay(unsigned failures,
                                      std::optional<std::chrono::seconds> asked) const {
    if (asked) return *asked;
    auto delay = config_.backoff;
    for (unsigned i = 1; i < failures && delay < config_.backoff_max; ++i) delay *= 2;
    return std::min(delay, config_.backoff_max);
}

Task<> Line::wait(const Error& why, std::chrono::milliseconds delay) {
    observer_.waiting(why, delay);
    co_await env_.clock.sleep(delay);
}

Task<Result<>> read_body(Exchange& exchange, std::size_t bytes_max) {
    auto& body = exchange.head.body;
    while (exchange.stream) {
        auto piece = co_await exchange.stream->read();
        if (!piece) co_return fail(at(exchange.url, std::move(piece).error()));
        if (piece->empty()) {
            exchange.stream.reset();
            break;
        }
        body += *piece;
        if (body.size() > bytes_max) {
            co_return fail(at(exchange.url, {Errc::too_large, fmt::format("a body of more than {} "
                                                                          "bytes",
                                                                          bytes_max)}));
        }
    }
    co_return Result<>{};
}

}  // namespace farthing::wallet
