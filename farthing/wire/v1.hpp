// SPDX-License-Identifier: Apache-2.0
// The version 1 messages that differ from version 2. Source: protocol.md section 2.2.
#pragma once

#include "farthing/wire/v2.hpp"

namespace farthing::v1 {

inline constexpr std::uint64_t kVersion = 1;

struct PaymentRequirements {
    std::string scheme;
    std::string network;  ///< short name such as `base-sepolia`
    U256 max_amount_required;
    std::string resource;
    std::string description;
    std::optional<std::string> mime_type;
    std::optional<json::Value> output_schema;
    std::string pay_to;
    std::uint64_t max_timeout_seconds = 0;
    std::string asset;
    std::optional<json::Object> extra;
    json::Object other;

    static constexpr auto fields() {
        using T = PaymentRequirements;
        return std::tuple{field("scheme", &T::scheme),
                          field("network", &T::network),
                          field("maxAmountRequired", &T::max_amount_required),
                          field("resource", &T::resource),
                          field("description", &T::description),
                          field("mimeType", &T::mime_type),
                          field("outputSchema", &T::output_schema),
                          field("payTo", &T::pay_to),
                          field("maxTimeoutSeconds", &T::max_timeout_seconds),
                          field("asset", &T::asset),
                          field("extra", &T::extra)};
    }
};

/// The 402 body.
struct PaymentRequired {
    std::uint64_t x402_version = kVersion;
    std::optional<std::string> error;
    std::vector<json::Value> accepts;
    std::optional<std::string> payer;
    json::Object other;

    static constexpr auto fields() {
        using T = PaymentRequired;
        return std::tuple{field("x402Version", &T::x402_version), field("error", &T::error),
                          field("accepts", &T::accepts), field("payer", &T::payer)};
    }
};

struct PaymentPayload {
    std::uint64_t x402_version = kVersion;
    std::string scheme;
    std::string network;
    json::Object payload;
    json::Object other;

    static constexpr auto fields() {
        using T = PaymentPayload;
        return std::tuple{field("x402Version", &T::x402_version), field("scheme", &T::scheme),
                          field("network", &T::network), field("payload", &T::payload)};
    }
};

}  // namespace farthing::v1
