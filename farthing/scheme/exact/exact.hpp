// SPDX-License-Identifier: Apache-2.0
// Scheme `exact` on EVM chains: a fixed price, moved by one EIP-3009 authorisation. Source:
// protocol.md section 9.1 and 9.2.
#pragma once

#include "farthing/scheme/scheme.hpp"

namespace farthing::scheme {

/// The payload of a version 1 or 2 `exact` payment.
struct ExactPayload {
    TransferWithAuthorization authorization;
    Bytes signature;

    static constexpr auto fields() {
        return std::tuple{field("authorization", &ExactPayload::authorization),
                          field("signature", &ExactPayload::signature)};
    }
};

[[nodiscard]] const Scheme& exact();

}  // namespace farthing::scheme
