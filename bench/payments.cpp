// SPDX-License-Identifier: Apache-2.0
#include "bench/payments.hpp"

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::bench {

std::vector<PayerAccount> make_payers(std::size_t count) {
    std::vector<PayerAccount> payers;
    payers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto key = make_key(keccak256("farthing bench payer " + std::to_string(i)));
        invariant(key.has_value(), "the hash is below the group order");
        const auto address = address_of(*key);
        payers.push_back({*std::move(key), address});
    }
    return payers;
}

Result<Offer> read_offer(std::string_view header) {
    FARTHING_TRY(auto offered, dialect::read_payment_required(header, {}));
    if (offered.accepts.empty()) return fail(Errc::no_acceptable_offer, "accepts is empty");
    FARTHING_TRY(auto requirements, offered.accepts.front().requirements);
    return Offer{std::move(offered), std::move(requirements)};
}

namespace {

/// The reference clients sign "from the beginning", so the scheme does; some sign a later start.
Result<> start_at(scheme::Authorization& authorization, const v2::PaymentRequirements& wanted,
                  std::uint64_t valid_after) {
    FARTHING_TRY(auto message,
                 json::decode<TransferWithAuthorization>(authorization.payload["authorization"]));
    message.valid_after = U256(valid_after);
    FARTHING_TRY(const auto asset, parse_address(wanted.asset));
    const eip712::Domain domain{wanted.extra_text("name").value_or(""),
                                wanted.extra_text("version").value_or(""),
                                U256(wanted.network.chain_id().value_or(0)), asset};
    authorization.digest = eip712::digest(domain, message);
    authorization.payload["authorization"] = json::encode(message);
    return {};
}

}  // namespace

Result<v2::Payment> sign_payment(const Offer& offer, const PayerAccount& payer, Random& random,
                                 std::uint64_t now, std::uint64_t valid_after) {
    const auto* scheme = scheme::find_scheme(offer.requirements.scheme);
    if (scheme == nullptr) return fail(Errc::no_such_mechanism, offer.requirements.scheme);
    FARTHING_TRY(
        auto authorization,
        scheme->authorize(offer.requirements,
                          {.payer = payer.address, .now = now, .nonce = random.bytes32()}));
    if (valid_after != 0) FARTHING_CHECK(start_at(authorization, offer.requirements, valid_after));
    const auto signature = sign(authorization.digest, payer.key);
    authorization.payload.emplace("signature", to_hex(signature.to_bytes()));
    v2::Payment payment;
    payment.payload.payload = std::move(authorization.payload);
    payment.payload.resource = offer.offered.resource;
    payment.payload.accepted = offer.offered.accepts.front().raw;
    payment.requirements = offer.requirements;
    return payment;
}

}  // namespace farthing::bench
