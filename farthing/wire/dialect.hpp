// SPDX-License-Identifier: Apache-2.0
// Dialects: every message becomes version 2 on the way in and its own shape again on the way out.
// Nothing above this folder knows version 1's shapes.
#pragma once

#include "farthing/wire/v1.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::dialect {

/// Header limits before anything is decoded. Source: protocol.md section 4.
inline constexpr std::size_t kHeaderBytesMax = 64 << 10;
inline constexpr json::Limits kMessageLimits{
    .bytes_max = 64 << 10, .depth_max = 24, .values_max = 4000};

/// A payment as it stood in a header or a tool call, with the dialect it spoke.
struct Received {
    std::uint64_t x402_version = v2::kVersion;
    v2::PaymentPayload payload;
};

/// Base64 JSON, either version (a version 2 body under the version 1 header name is seen in the
/// wild). Errors: too_large, invalid_encoding, invalid_json, invalid_field, invalid_x402_version.
[[nodiscard]] Result<Received> decode_payment_header(std::string_view header);
[[nodiscard]] Result<Received> payment_from_json(const json::Value& value);

/// Base64 of the message's JSON.
template <class T>
[[nodiscard]] std::string to_header(const T& message);
/// The shape the dialect gives the payload; errors: invalid_field for a network without a version 1
/// name.
[[nodiscard]] Result<json::Value> payment_to_json(std::uint64_t x402_version,
                                                  const v2::PaymentPayload& payload);

/// A facilitator's /verify or /settle body. Errors: missing_parameters, invalid_field,
/// invalid_x402_version; no_such_mechanism for version 1 requirements on a network nobody knows.
[[nodiscard]] Result<v2::Payment> facilitator_request(const json::Value& body);
/// The body for a facilitator, in the payment's dialect.
[[nodiscard]] Result<json::Value> facilitator_request_body(const v2::Payment& payment);

/// What a 402 offers, whichever dialect it came in: the header when there is one, else a version 1
/// body.
struct Offered {
    std::uint64_t x402_version = v2::kVersion;
    std::optional<std::string> error;
    std::optional<json::Object> resource;
    std::optional<json::Object> extensions;
    struct Entry {
        json::Value raw;  ///< as it came: echoed in version 2
        Result<v2::PaymentRequirements> requirements;
    };
    std::vector<Entry> accepts;  ///< unreadable entries keep their error
};
/// Errors: what is wrong with the one that was read (too_large, invalid_encoding, invalid_json,
/// invalid_field, invalid_x402_version).
[[nodiscard]] Result<Offered> read_payment_required(std::optional<std::string_view> header,
                                                    std::string_view body);

/// One requirement as version 1 says it; errors: invalid_field for a network without a version 1
/// name.
[[nodiscard]] Result<v1::PaymentRequirements> to_v1(const v2::PaymentRequirements& requirements,
                                                    const v2::ResourceInfo& resource);
/// Errors: exact_network_mismatch for a network nobody knows.
[[nodiscard]] Result<v2::PaymentRequirements> from_v1(const v1::PaymentRequirements& requirements);

/// The network as the dialect spells it: the short name for version 1 where there is one.
[[nodiscard]] std::string network_in(std::uint64_t x402_version, const Network& network);

}  // namespace farthing::dialect

#include "farthing/base/base64.hpp"

template <class T>
std::string farthing::dialect::to_header(const T& message) {
    return to_base64(json::encode_text(message));
}
