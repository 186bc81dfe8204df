// SPDX-License-Identifier: Apache-2.0
#include "farthing/wire/dialect.hpp"

#include <fmt/format.h>

#include "farthing/base/base64.hpp"

namespace farthing::dialect {
namespace {

constexpr std::size_t kAcceptsMax = 64;

Result<std::uint64_t> version_of(const json::Value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) return fail(Errc::invalid_field, "expected an object");
    const auto* version = object->if_contains("x402Version");
    if (version == nullptr) return fail(Errc::invalid_x402_version, ".x402Version: missing");
    FARTHING_TRY(const auto number,
                 json::decode<std::uint64_t>(*version, json::Path(json::Path{}, "x402Version")));
    if (number != v1::kVersion && number != v2::kVersion) {
        return fail(Errc::invalid_x402_version, ".x402Version: expected 1 or 2");
    }
    return number;
}

/// Version 1 named networks; some clients send CAIP-2 all the same. A name that nobody knows stays
/// as it came: it fits no requirement, and the scheme says so with its own code.
v2::PaymentPayload from_v1_payload(v1::PaymentPayload payload) {
    v2::PaymentPayload out;
    out.x402_version = v1::kVersion;
    out.payload = std::move(payload.payload);
    const auto known = network_from_any(payload.network);
    out.accepted =
        json::Object{{"scheme", payload.scheme}, {"network", known ? known->id : payload.network}};
    return out;
}

}  // namespace

std::string network_in(std::uint64_t x402_version, const Network& network) {
    if (x402_version == v1::kVersion) return std::string(network.v1_name().value_or(network.id));
    return network.id;
}

Result<Received> payment_from_json(const json::Value& value) {
    FARTHING_TRY(const auto version, version_of(value));
    if (version == v2::kVersion) {
        FARTHING_TRY(auto payload, json::decode<v2::PaymentPayload>(value));
        if (!payload.accepted.is_object()) {
            return fail(Errc::invalid_field, ".accepted: expected an object");
        }
        return Received{version, std::move(payload)};
    }
    FARTHING_TRY(auto payload, json::decode<v1::PaymentPayload>(value));
    return Received{version, from_v1_payload(std::move(payload))};
}

Result<Received> decode_payment_header(std::string_view header) {
    if (header.size() > kHeaderBytesMax) {
        return fail(Errc::too_large, fmt::format("payment header of {} bytes, at most {} accepted",
                                                 header.size(), kHeaderBytesMax));
    }
    FARTHING_TRY(const auto text, from_base64(header));
    FARTHING_TRY(const auto value, json::parse(text, kMessageLimits));
    return payment_from_json(value);
}

Result<json::Value> payment_to_json(std::uint64_t x402_version, const v2::PaymentPayload& payload) {
    if (x402_version == v2::kVersion) return json::encode(payload);
    FARTHING_TRY(const auto accepted, json::decode<json::Object>(payload.accepted));
    const auto* scheme = accepted.if_contains("scheme");
    const auto* network = accepted.if_contains("network");
    if (scheme == nullptr || network == nullptr || !scheme->is_string() || !network->is_string()) {
        return fail(Errc::invalid_field, ".accepted: expected scheme and network");
    }
    return json::encode(v1::PaymentPayload{
        .x402_version = v1::kVersion,
        .scheme = std::string(scheme->get_string()),
        .network = network_in(v1::kVersion, Network{std::string(network->get_string())}),
        .payload = payload.payload,
        .other = {}});
}

Result<v2::Payment> facilitator_request(const json::Value& body) {
    const auto* object = body.if_object();
    if (object == nullptr) return fail(Errc::invalid_field, "expected an object");
    const auto* payload = object->if_contains("paymentPayload");
    const auto* requirements = object->if_contains("paymentRequirements");
    if (payload == nullptr || payload->is_null() || requirements == nullptr ||
        requirements->is_null()) {
        return fail(Errc::missing_parameters, "Missing paymentPayload or paymentRequirements");
    }
    FARTHING_TRY(auto received, payment_from_json(*payload));
    const json::Path root;
    const json::Path path(root, "paymentRequirements");
    if (received.x402_version == v2::kVersion) {
        FARTHING_TRY(auto wanted, json::decode<v2::PaymentRequirements>(*requirements, path));
        return v2::Payment{received.x402_version, std::move(received.payload), std::move(wanted)};
    }
    FARTHING_TRY(const auto wanted_v1, json::decode<v1::PaymentRequirements>(*requirements, path));
    auto wanted = from_v1(wanted_v1);
    if (!wanted) {
        return fail(Errc::no_such_mechanism,
                    fmt::format("No facilitator registered for scheme: {} and network: {}",
                                wanted_v1.scheme.substr(0, 64), wanted_v1.network.substr(0, 64)));
    }
    return v2::Payment{received.x402_version, std::move(received.payload), *std::move(wanted)};
}

Result<json::Value> facilitator_request_body(const v2::Payment& payment) {
    FARTHING_TRY(auto payload, payment_to_json(payment.x402_version, payment.payload));
    json::Value requirements;
    if (payment.x402_version == v2::kVersion) {
        requirements = json::encode(payment.requirements);
    } else {
        FARTHING_TRY(const auto as_v1, to_v1(payment.requirements, {}));
        requirements = json::encode(as_v1);
    }
    return json::Value(json::Object{{"x402Version", payment.x402_version},
                                    {"paymentPayload", std::move(payload)},
                                    {"paymentRequirements", std::move(requirements)}});
}

Result<v1::PaymentRequirements> to_v1(const v2::PaymentRequirements& from,
                                      const v2::ResourceInfo& resource) {
    const auto name = from.network.v1_name();
    if (!name) {
        return fail(Errc::invalid_field, ".network: " + from.network.id + " has no version 1 name");
    }
    v1::PaymentRequirements to;
    to.scheme = from.scheme;
    to.network = *name;
    to.max_amount_required = from.amount;
    to.resource = resource.url;
    to.description = resource.description.value_or("");
    to.mime_type = resource.mime_type.value_or("");
    to.pay_to = from.pay_to;
    to.max_timeout_seconds = from.max_timeout_seconds;
    to.asset = from.asset;
    to.extra = from.extra;
    // What a version 1 entry carried beyond our fields comes back as it was.
    for (const auto& [key, value] : from.other) {
        if (key == "outputSchema") {
            to.output_schema = value;
        } else if (key == "resource" && value.is_string()) {
            to.resource = value.get_string();
        } else if (key == "description" && value.is_string()) {
            to.description = value.get_string();
        } else if (key == "mimeType" && value.is_string()) {
            to.mime_type = std::string(value.get_string());
        } else {
            to.other.emplace(key, value);
        }
    }
    return to;
}

Result<v2::PaymentRequirements> from_v1(const v1::PaymentRequirements& from) {
    auto network = network_from_any(from.network);
    if (!network) return fail(Errc::exact_network_mismatch, ".network: " + network.error().detail);
    v2::PaymentRequirements to;
    to.scheme = from.scheme;
    to.network = *std::move(network);
    to.amount = from.max_amount_required;
    to.asset = from.asset;
    to.pay_to = from.pay_to;
    to.max_timeout_seconds = from.max_timeout_seconds;
    to.extra = from.extra;
    to.other = from.other;
    to.other.emplace("resource", from.resource);
    to.other.emplace("description", from.description);
    if (from.mime_type) to.other.emplace("mimeType", *from.mime_type);
    if (from.output_schema) to.other.emplace("outputSchema", *from.output_schema);
    return to;
}

Result<Offered> read_payment_required(std::optional<std::string_view> header,
                                      std::string_view body) {
    Offered out;
    std::vector<json::Value> accepts;
    if (header) {
        if (header->size() > kHeaderBytesMax)
            return fail(Errc::too_large, "PAYMENT-REQUIRED header");
        FARTHING_TRY(const auto text, from_base64(*header));
        FARTHING_TRY(auto required, json::from_text<v2::PaymentRequired>(text, kMessageLimits));
        if (required.x402_version != v2::kVersion) {
            return fail(Errc::invalid_x402_version, "PAYMENT-REQUIRED .x402Version: expected 2");
        }
        out.error = std::move(required.error);
        out.resource = std::move(required.resource);
        out.extensions = std::move(required.extensions);
        accepts = std::move(required.accepts);
    } else {
        FARTHING_TRY(auto required, json::from_text<v1::PaymentRequired>(body, kMessageLimits));
        if (required.x402_version != v1::kVersion) {
            return fail(Errc::invalid_x402_version, "402 body .x402Version: expected 1");
        }
        out.x402_version = v1::kVersion;
        out.error = std::move(required.error);
        accepts = std::move(required.accepts);
    }
    if (accepts.empty()) return fail(Errc::invalid_field, ".accepts: expected at least one entry");
    if (accepts.size() > kAcceptsMax)
        return fail(Errc::too_large, ".accepts: more than 64 entries");
    const json::Path root;
    const json::Path path(root, "accepts");
    for (std::size_t i = 0; i < accepts.size(); ++i) {
        const json::Path at(path, i);
        Result<v2::PaymentRequirements> requirements;
        if (out.x402_version == v2::kVersion) {
            requirements = json::decode<v2::PaymentRequirements>(accepts[i], at);
        } else if (const auto as_v1 = json::decode<v1::PaymentRequirements>(accepts[i], at)) {
            requirements = from_v1(*as_v1);
        } else {
            requirements = fail(as_v1.error());
        }
        out.accepts.push_back({std::move(accepts[i]), std::move(requirements)});
    }
    return out;
}

}  // namespace farthing::dialect
