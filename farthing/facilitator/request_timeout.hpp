// SPDX-License-Identifier: Apache-2.0
// How long who asks is going to wait: `X-Request-Timeout`, in whole seconds. Clients tell it to
// gateways, gateways to facilitators.
#pragma once

#include <chrono>
#include <optional>

#include "farthing/net/http.hpp"

namespace farthing::facilitator {

inline constexpr std::string_view kRequestTimeout = "X-Request-Timeout";

/// Nothing when there is none, or one that is no number from 1 to 86400: it is a hint, and others
/// may mean something else by it.
[[nodiscard]] std::optional<std::chrono::seconds> request_timeout(const net::Headers& headers);

/// What to tell who is asked, so that its answer comes while there is still somebody to hear it.
[[nodiscard]] std::string told_timeout(std::chrono::milliseconds patience);

}  // namespace farthing::facilitator
