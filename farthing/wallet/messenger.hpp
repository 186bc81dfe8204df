// SPDX-License-Identifier: Apache-2.0
// Messenger: one way to tell somebody an alert. It tells once; who asks it again is the alerter.
#pragma once

#include <memory>

#include "farthing/io/env.hpp"
#include "farthing/net/client.hpp"
#include "farthing/wallet/settings.hpp"

namespace farthing::wallet {

/// One alert, on its way.
struct Message {
    std::string id;    ///< hash of the alert's entry: who gets it twice knows it by this
    std::string name;  ///< of the alert
    std::string body;  ///< JSON
};

class Messenger {
  public:
    virtual ~Messenger() = default;
    /// What became of one attempt. Errors: invalid_argument (it was refused for what it is: asking
    /// again is of no use), io_failed, timed_out, connection_failed and whatever kept it from being
    /// told.
    virtual Task<Result<>> tell(Message message) = 0;
    [[nodiscard]] virtual std::string_view kind() const = 0;
};

/// Reads the secret of a webhook. Errors: invalid_config.
[[nodiscard]] Result<std::unique_ptr<Messenger>> make_messenger(Env env, Loop& loop,
                                                                net::Client& client,
                                                                const SinkConfig& config);

/// `t=1795000000,v1=…`: when, and HMAC-SHA-256 in hex of `t`, a dot and the body.
[[nodiscard]] std::string signature_of(std::string_view secret, std::uint64_t time,
                                       std::string_view body);

}  // namespace farthing::wallet
