// SPDX-License-Identifier: Apache-2.0
#include "farthing/scheme/exact/exact.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/scheme/exact/opened.hpp"

namespace farthing::scheme {
namespace {

/// What a version 1 client signs backwards, for clocks that run ahead. Source: protocol.md 8.3.
constexpr UnixSeconds kV1Backdate = 600;

std::string text_member(const json::Value& object, std::string_view name) {
    const auto* members = object.if_object();
    const auto* value = members == nullptr ? nullptr : members->if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->get_string());
}

class Exact final : public Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "exact"; }
    [[nodiscard]] Result<v2::PaymentRequirements> offer(const OfferTerms& terms) const override;
    [[nodiscard]] Result<Authorization> authorize(const v2::PaymentRequirements& requirements,
                                                  const Signing& signing) const override;
    [[nodiscard]] Result<std::unique_ptr<const Opened>> open(
        const v2::Payment& payment) const override;
    [[nodiscard]] std::optional<std::string> payer_of(const json::Object& payload) const override;
};

Result<v2::PaymentRequirements> Exact::offer(const OfferTerms& terms) const {
    if (terms.asset->transfer_method != "eip3009") {
        return fail(Errc::invalid_config,
                    fmt::format("{} on {} has no EIP-3009: scheme exact cannot take it",
                                terms.asset->symbol, terms.network.id));
    }
    const auto pay_to = parse_address(terms.pay_to);
    if (!pay_to) return fail(Errc::invalid_config, "pay_to: " + pay_to.error().detail);
    if (pay_to->is_zero())
        return fail(Errc::invalid_config, "pay_to: expected an address that is not zero");
    v2::PaymentRequirements out;
    out.scheme = name();
    out.network = terms.network;
    out.amount = terms.amount;
    out.asset = terms.asset->address.to_checksum();
    out.pay_to = pay_to->to_checksum();
    out.max_timeout_seconds = terms.max_timeout_seconds;
    out.extra = terms.extra;
    out.extra->insert_or_assign("name", terms.asset->name);
    out.extra->insert_or_assign("version", terms.asset->version);
    return out;
}

Result<Authorization> Exact::authorize(const v2::PaymentRequirements& wanted,
                                       const Signing& signing) const {
    const auto domain_name = wanted.extra_text("name");
    const auto domain_version = wanted.extra_text("version");
    if (!domain_name || !domain_version)
        return fail(Errc::exact_missing_eip712_domain, ".extra: expected name and version");
    const auto chain_id = wanted.network.chain_id();
    if (!chain_id)
        return fail(Errc::exact_network_mismatch, wanted.network.id + " is not an EVM network");
    FARTHING_TRY(const auto asset, parse_address(wanted.asset));
    FARTHING_TRY(const auto pay_to, parse_address(wanted.pay_to));
    const auto lifetime = std::min(wanted.max_timeout_seconds, signing.lifetime_max);
    const auto valid_after = signing.x402_version == v2::kVersion ? 0 : signing.now - kV1Backdate;
    const TransferWithAuthorization message{.from = signing.payer,
                                            .to = pay_to,
                                            .value = wanted.amount,
                                            .valid_after = U256(valid_after),
                                            .valid_before = U256(signing.now + lifetime),
                                            .nonce = signing.nonce};
    const eip712::Domain domain{*domain_name, *domain_version, U256(*chain_id), asset};
    return Authorization{eip712::signable(domain, message),
                         json::Object{{"authorization", json::encode(message)}}};
}

Result<std::unique_ptr<const Opened>> Exact::open(const v2::Payment& payment) const {
    const auto& wanted = payment.requirements;
    const auto& accepted = payment.payload.accepted;
    const json::Path root;
    const auto payload =
        json::decode<ExactPayload>(payment.payload.payload, json::Path(root, "payload"));
    if (!payload) return fail(Errc::unsupported_payload_type, payload.error().detail);
    if (wanted.scheme != name() || text_member(accepted, "scheme") != name())
        return fail(Errc::exact_scheme);
    const auto domain_name = wanted.extra_text("name");
    const auto domain_version = wanted.extra_text("version");
    if (!domain_name || !domain_version) return fail(Errc::exact_missing_eip712_domain);
    const auto chain_id = wanted.network.chain_id();
    if (!chain_id || text_member(accepted, "network") != wanted.network.id) {
        return fail(Errc::exact_network_mismatch);
    }
    const auto asset = parse_address(wanted.asset);
    if (!asset) return fail(Errc::invalid_payment_requirements, ".asset: " + asset.error().detail);
    const auto pay_to = parse_address(wanted.pay_to);
    if (!pay_to)
        return fail(Errc::invalid_payment_requirements, ".payTo: " + pay_to.error().detail);
    const eip712::Domain domain{*domain_name, *domain_version, U256(*chain_id), *asset};
    return std::make_unique<const OpenedExact>(
        ExactTerms{wanted.network, domain, *pay_to, wanted.amount, payment.x402_version}, *payload);
}

std::optional<std::string> Exact::payer_of(const json::Object& payload) const {
    const auto* authorization = payload.if_contains("authorization");
    if (authorization == nullptr) return std::nullopt;
    auto from = text_member(*authorization, "from");
    if (!parse_address(from)) return std::nullopt;
    return from;
}

}  // namespace

const Scheme& exact() {
    static const Exact scheme;
    return scheme;
}

}  // namespace farthing::scheme
