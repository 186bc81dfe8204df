// SPDX-License-Identifier: Apache-2.0
// Header names of both dialects. Source: protocol.md section 4.
#pragma once

#include <string_view>

namespace farthing::header {

inline constexpr std::string_view kPaymentRequired = "PAYMENT-REQUIRED";
inline constexpr std::string_view kPaymentSignature = "PAYMENT-SIGNATURE";
inline constexpr std::string_view kPaymentResponse = "PAYMENT-RESPONSE";
inline constexpr std::string_view kPaymentV1 = "X-PAYMENT";
inline constexpr std::string_view kPaymentResponseV1 = "X-PAYMENT-RESPONSE";

}  // namespace farthing::header
