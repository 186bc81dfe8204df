// SPDX-License-Identifier: Apache-2.0
// What the daemon is asked and what it answers, as JSON. Pure. docs/wallet.md, "The daemon".
#pragma once

#include "farthing/wallet/advice.hpp"

namespace farthing::wallet {

/// A JSON body of the daemon's own API is no longer.
inline constexpr std::size_t kCallBytesMax = 8 << 20;
/// How long a request may wait for the operator.
inline constexpr std::uint64_t kWaitSecondsMax = 600;

/// The body of POST /v1/fetch and /v1/quote.
struct FetchCall {
    std::string url;
    std::optional<std::string> method;  ///< default: GET, POST with a body
    std::optional<json::Object> headers;
    std::optional<std::string> body, body_base64;
    std::optional<std::string> task, reason;
    std::optional<std::string> max_amount;  ///< `$0.01` or `0.01 USDC`
    std::optional<std::uint64_t> wait;      ///< seconds
    std::optional<bool> again;              ///< also when it may have been paid for already
    static constexpr std::array<std::string_view, 1> required{"url"};
    static constexpr auto fields() {
        using T = FetchCall;
        return std::tuple{field("url", &T::url),
                          field("method", &T::method),
                          field("headers", &T::headers),
                          field("body", &T::body),
                          field("bodyBase64", &T::body_base64),
                          field("task", &T::task),
                          field("reason", &T::reason),
                          field("maxAmount", &T::max_amount),
                          field("wait", &T::wait),
                          field("again", &T::again)};
    }
};

/// What of a program's headers goes on: nothing that is for one connection only, nothing that
/// begins with `Farthing-`, and no Authorization with a token of ours.
[[nodiscard]] net::Headers for_the_seller(const net::Headers& given);
/// Errors: invalid_json, invalid_field, invalid_argument, invalid_encoding, too_large.
[[nodiscard]] Result<Order> parse_fetch_call(std::string_view text);
/// Of what a program says of its request. Errors: invalid_field when it is too long.
[[nodiscard]] Result<> check_errand(const Errand& errand);
/// Errors: invalid_field: no number, or more than kWaitSecondsMax.
[[nodiscard]] Result<std::chrono::milliseconds> parse_wait(std::string_view seconds);
/// The decoded value of `name` in the query of `target`.
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view target,
                                                         std::string_view name);

[[nodiscard]] net::Response json_response(int status, const json::Value& body);
/// `{"error": {…}}`, with the status that says what it means.
[[nodiscard]] net::Response error_response(const Advice& advice, Errc code);
[[nodiscard]] net::Response error_response(const Error& error);
/// 402: the operator is asked, or no offer suits. 403: the pact says no. 503: it may have been
/// paid.
[[nodiscard]] int status_of(Errc code, bool asks);

[[nodiscard]] json::Object to_json(const PaidResponse& answer,
                                   const std::optional<Decided>& decided);
[[nodiscard]] json::Object to_json(const Quote& quote);
/// With what the pact would say.
[[nodiscard]] json::Object to_json(const Quoted& quoted);
[[nodiscard]] json::Object to_json(const ledger::Payment& payment);

}  // namespace farthing::wallet
