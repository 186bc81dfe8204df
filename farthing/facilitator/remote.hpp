// SPDX-License-Identifier: Apache-2.0
// A facilitator somewhere else, over HTTP. Source: protocol.md section 7, "What the reference
// facilitator client does".
#pragma once

#include "farthing/base/secret.hpp"
#include "farthing/facilitator/facilitator.hpp"
#include "farthing/net/client.hpp"

namespace farthing::facilitator {

struct RemoteConfig {
    net::Url url;                               ///< its endpoints lie below this path
    std::chrono::milliseconds timeout{90'000};  ///< of one call
    std::vector<std::pair<std::string, Secret<std::string>>> headers;  ///< sent with every call
};

/// One loop. Redirects (307 and 308) are followed on the same origin only: the headers are secrets.
///
/// verify and settle read an answer by its body wherever there is one: a VerifyResponse or
/// SettleResponse counts with any status, but one that says no with a status of 400 or more gives
/// facilitator_failed with "reason: message" (verify), as the reference does. Other statuses give
/// facilitator_failed with "Facilitator verify failed (500): <the first 200 characters>". A 2xx of
/// the wrong shape gives facilitator_invalid_data.
///
/// 401, 403 and 429 say that it does not serve us, and nothing about the payment:
/// facilitator_denied and overloaded, both of the kind `unavailable`, unless the answer to a
/// settlement speaks of one that was sent.
///
/// In settle, where the request went out and no answer can be read, the payment may have happened:
/// then (no answer, 5xx without a SettleResponse) the error is settlement_pending. Also
/// facilitator_invalid_data leaves the fate open there; nothing else does.
class RemoteFacilitator final : public Facilitator {
  public:
    RemoteFacilitator(Env env, net::Client& client, RemoteConfig config);

    Task<Result<v2::VerifyResponse>> verify(v2::Payment payment) override;
    /// Ends within the shorter of the patience and the configured timeout.
    Task<Result<v2::SettleResponse>> settle(v2::Payment payment, Asking asking) override;
    /// Tried up to three times when the answer is 429.
    Task<Result<v2::SupportedResponse>> supported() override;

  private:
    using Answer = std::expected<net::Response, net::RequestError>;
    struct Question {
        std::string method;
        std::string endpoint;
        std::string body;
        std::string idempotency_key;  ///< empty for none
        bool tells_timeout = false;   ///< how long we wait
    };
    Task<Answer> exchange(Question question, std::chrono::milliseconds deadline);

    Env env_;
    net::Client& client_;
    RemoteConfig config_;
};

/// What the answers mean: the pure part.
[[nodiscard]] Result<v2::VerifyResponse> read_verify_answer(const net::Response& response);
[[nodiscard]] Result<v2::SettleResponse> read_settle_answer(const net::Response& response);
/// At most 200 characters in one line, for error texts.
[[nodiscard]] std::string excerpt(std::string_view text);

}  // namespace farthing::facilitator
