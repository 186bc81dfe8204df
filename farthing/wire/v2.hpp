// SPDX-License-Identifier: Apache-2.0
// Every x402 version 2 message, declared once. Names are the specification's. Source: protocol.md
// section 2.1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "farthing/base/fields.hpp"
#include "farthing/evm/network.hpp"
#include "farthing/evm/u256.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::v2 {

inline constexpr std::uint64_t kVersion = 2;

/// What is sold.
struct ResourceInfo {
    std::string url;  ///< absolute, as the client asked for it
    std::optional<std::string> description;
    std::optional<std::string> mime_type;
    std::optional<std::string> service_name;       ///< 1-32 printable ASCII
    std::optional<std::vector<std::string>> tags;  ///< at most 5 of 1-32 printable ASCII
    std::optional<std::string> icon_url;           ///< at most 2048 characters
    json::Object other;

    static constexpr auto fields() {
        using T = ResourceInfo;
        return std::tuple{field("url", &T::url),
                          field("description", &T::description),
                          field("mimeType", &T::mime_type),
                          field("serviceName", &T::service_name),
                          field("tags", &T::tags),
                          field("iconUrl", &T::icon_url)};
    }
};

/// One way to pay: an entry of `accepts`. Addresses stay text here: the reference compares them
/// letter by letter, and other namespaces have other forms; a scheme parses them.
struct PaymentRequirements {
    std::string scheme;
    Network network;
    U256 amount;  ///< in the asset's atomic units
    std::string asset;
    std::string pay_to;
    std::uint64_t max_timeout_seconds = 0;  ///< how long the client's signature shall be valid
    std::optional<json::Object> extra;
    json::Object other;

    static constexpr auto fields() {
        using T = PaymentRequirements;
        return std::tuple{
            field("scheme", &T::scheme), field("network", &T::network),
            field("amount", &T::amount), field("asset", &T::asset),
            field("payTo", &T::pay_to),  field("maxTimeoutSeconds", &T::max_timeout_seconds),
            field("extra", &T::extra)};
    }
    /// A string member of `extra`.
    [[nodiscard]] std::optional<std::string> extra_text(std::string_view name) const;
};

/// The 402. Entries stay JSON: the client echoes the one it chose exactly as it came, and one it
/// cannot read must not spoil the others.
struct PaymentRequired {
    std::uint64_t x402_version = kVersion;
    std::optional<std::string> error;
    std::optional<json::Object> resource;
    std::vector<json::Value> accepts;
    std::optional<json::Object> extensions;
    json::Object other;

    static constexpr auto fields() {
        using T = PaymentRequired;
        return std::tuple{field("x402Version", &T::x402_version), field("error", &T::error),
                          field("resource", &T::resource), field("accepts", &T::accepts),
                          field("extensions", &T::extensions)};
    }
};

/// The client's signed answer.
struct PaymentPayload {
    std::uint64_t x402_version = kVersion;
    json::Object payload;  ///< the scheme's own data
    std::optional<json::Object> extensions;
    std::optional<json::Object> resource;
    json::Value accepted;  ///< the entry of `accepts`, as it came
    json::Object other;

    static constexpr auto fields() {
        using T = PaymentPayload;
        return std::tuple{field("x402Version", &T::x402_version), field("payload", &T::payload),
                          field("extensions", &T::extensions), field("resource", &T::resource),
                          field("accepted", &T::accepted)};
    }
};

struct VerifyResponse {
    bool is_valid = false;
    std::optional<std::string> invalid_reason;
    std::optional<std::string> invalid_message;
    std::optional<std::string> payer;
    std::optional<json::Object> extensions;
    std::optional<json::Object> extra;
    json::Object other;

    static constexpr auto fields() {
        using T = VerifyResponse;
        return std::tuple{field("isValid", &T::is_valid),
                          field("invalidReason", &T::invalid_reason),
                          field("invalidMessage", &T::invalid_message),
                          field("payer", &T::payer),
                          field("extensions", &T::extensions),
                          field("extra", &T::extra)};
    }
};

struct SettleResponse {
    bool success = false;
    std::optional<std::string> error_reason;
    std::optional<std::string> error_message;
    std::optional<std::string> payer;
    std::string transaction;  ///< hash, or "" when nothing was broadcast
    std::string network;      ///< CAIP-2 in version 2, the short name in version 1
    std::optional<std::string> amount;
    std::optional<json::Object> extensions;
    std::optional<json::Object> extra;
    json::Object other;

    static constexpr auto fields() {
        using T = SettleResponse;
        return std::tuple{field("success", &T::success),
                          field("errorReason", &T::error_reason),
                          field("errorMessage", &T::error_message),
                          field("payer", &T::payer),
                          field("transaction", &T::transaction),
                          field("network", &T::network),
                          field("amount", &T::amount),
                          field("extensions", &T::extensions),
                          field("extra", &T::extra)};
    }
};

struct SupportedKind {
    std::uint64_t x402_version = kVersion;
    std::string scheme;
    std::string network;
    std::optional<json::Object> extra;
    json::Object other;

    static constexpr auto fields() {
        using T = SupportedKind;
        return std::tuple{field("x402Version", &T::x402_version), field("scheme", &T::scheme),
                          field("network", &T::network), field("extra", &T::extra)};
    }
};

struct SupportedResponse {
    std::vector<SupportedKind> kinds;
    std::optional<std::vector<std::string>> extensions;
    std::optional<json::Object> signers;  ///< CAIP family such as `eip155:*` to addresses
    json::Object other;

    static constexpr auto fields() {
        using T = SupportedResponse;
        return std::tuple{field("kinds", &T::kinds), field("extensions", &T::extensions),
                          field("signers", &T::signers)};
    }
};

/// A payment with what it is to be held against, in version 2 terms whatever dialect it arrived in.
/// `payload.accepted` of a version 1 payment holds the scheme and network that the client named and
/// nothing more.
struct Payment {
    std::uint64_t x402_version = kVersion;  ///< the dialect spoken: 1 or 2
    PaymentPayload payload;
    PaymentRequirements requirements;  ///< the server's entry, not the client's
};

}  // namespace farthing::v2
