// SPDX-License-Identifier: Apache-2.0
#include "farthing/scheme/exact/opened.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/printable.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"

namespace farthing::scheme {
namespace {

/// How much of a token's own words is repeated.
constexpr std::size_t kQuoteMax = 64;

const Bytes32& transfer_topic() {
    static const Bytes32 topic = keccak256(std::string_view("Transfer(address,address,uint256)"));
    return topic;
}

const Bytes32& authorization_used_topic() {
    static const Bytes32 topic = keccak256(std::string_view("AuthorizationUsed(address,bytes32)"));
    return topic;
}

Bytes32 word(const Address& address) {
    Bytes32 out;
    std::ranges::copy(address.data, out.data.begin() + 12);
    return out;
}

}  // namespace

OpenedExact::OpenedExact(ExactTerms terms, ExactPayload payload)
    : terms_(std::move(terms)),
      authorization_(payload.authorization),
      signature_(std::move(payload.signature)) {
    if (erc6492::is_wrapped(signature_)) {
        if (auto unwrapped = erc6492::unwrap(signature_)) {
            signature_ = unwrapped->signature;
            // A zero factory wraps nothing to deploy: the inner signature counts alone.
            if (!unwrapped->factory.is_zero()) wrapped_ = std::move(*unwrapped);
        } else {
            wrapper_broken_ = true;
        }
    }
    key_ = {terms_.network, *terms_.domain.verifying_contract, authorization_.from,
            authorization_.nonce};
    digest_ = eip712::digest(terms_.domain, authorization_);
}

Bytes32 OpenedExact::print() const {
    const auto call = transfer();
    const auto amount = terms_.amount.to_bytes();
    return keccak256(
        {ByteView(digest_), ByteView(terms_.pay_to), ByteView(amount), ByteView(call.data)});
}

UnixSeconds OpenedExact::valid_after() const {
    return authorization_.valid_after.to_u64().value_or(~UnixSeconds{0});
}

Bytes32 OpenedExact::domain_separator() const { return eip712::domain_separator(terms_.domain); }

UnixSeconds OpenedExact::valid_before() const {
    return authorization_.valid_before.to_u64().value_or(~UnixSeconds{0});
}

Call OpenedExact::signature_question() const {
    return erc1271::is_valid_signature(authorization_.from, digest_, signature_);
}

Result<> OpenedExact::judge_signature(const Facts& facts, const Policy& policy) const {
    if (wrapper_broken_) return fail(Errc::exact_signature, "the ERC-6492 wrapper cannot be read");
    if (facts.payer_has_code) {
        if (!facts.contract_accepts)
            return fail(Errc::exact_signature, "the contract wallet refuses it");
        return {};
    }
    if (wrapped_) {
        // The simulation of deployment and transfer together is what checks this signature.
        if (!policy.eip6492_factories.contains(wrapped_->factory))
            return fail(Errc::factory_not_allowed);
        return {};
    }
    const auto signature = parse_signature(signature_);
    if (!signature) return fail(Errc::exact_signature, signature.error().detail);
    const auto signer = policy.signers ? policy.signers->signer_of(digest_, *signature)
                                       : Signers(1).signer_of(digest_, *signature);
    if (!signer) return fail(Errc::exact_signature, signer.error().detail);
    if (*signer != authorization_.from) return fail(Errc::exact_signature);
    return {};
}

Result<> OpenedExact::judge_terms() const {
    if (authorization_.to != terms_.pay_to) return fail(Errc::exact_recipient_mismatch);
    if (authorization_.value != terms_.amount) {
        return fail(terms_.x402_version == v2::kVersion ? Errc::exact_value_mismatch
                                                        : Errc::exact_value_v1);
    }
    return {};
}

Result<> OpenedExact::judge(const Facts& facts, const Policy& policy, UnixSeconds now) const {
    FARTHING_CHECK(judge_signature(facts, policy));
    if (authorization_.to != terms_.pay_to) return fail(Errc::exact_recipient_mismatch);
    if (authorization_.valid_before < U256(now + kExpiryMargin)) {
        return fail(
            Errc::exact_valid_before,
            fmt::format("valid until {}, now {}", authorization_.valid_before.to_decimal(), now));
    }
    if (authorization_.valid_after > U256(now)) {
        return fail(
            Errc::exact_valid_after,
            fmt::format("valid from {}, now {}", authorization_.valid_after.to_decimal(), now));
    }
    FARTHING_CHECK(judge_terms());
    if (!facts.asset_has_code) return fail(Errc::asset_not_deployed);
    return {};
}

std::optional<Call> OpenedExact::deployment(const Facts& facts) const {
    if (facts.payer_has_code || !wrapped_) return std::nullopt;
    return Call{wrapped_->factory, wrapped_->factory_calldata};
}

Call OpenedExact::transfer() const {
    return eip3009::transfer(key_.token, authorization_, signature_);
}

std::vector<Call> OpenedExact::diagnosis_calls() const {
    return {eip3009::authorization_state(key_.token, authorization_.from, authorization_.nonce),
            erc20::name(key_.token), erc20::version(key_.token),
            erc20::balance_of(key_.token, authorization_.from)};
}

Error OpenedExact::diagnose(const Diagnosis& diagnosis) const {
    if (!diagnosis.nonce_used) return {Errc::exact_eip3009_not_supported, {}};
    if (*diagnosis.nonce_used) return {Errc::exact_nonce_already_used, {}};
    if (diagnosis.token_name && *diagnosis.token_name != terms_.domain.name) {
        return {Errc::exact_token_name_mismatch,
                fmt::format("the token says \"{}\"", printable(*diagnosis.token_name, kQuoteMax))};
    }
    if (diagnosis.token_version && *diagnosis.token_version != terms_.domain.version) {
        return {
            Errc::exact_token_version_mismatch,
            fmt::format("the token says \"{}\"", printable(*diagnosis.token_version, kQuoteMax))};
    }
    if (diagnosis.balance && *diagnosis.balance < authorization_.value) {
        return {Errc::exact_insufficient_balance, {}};
    }
    return {Errc::exact_simulation_failed, {}};
}

SoughtEvent OpenedExact::trace() const {
    return {key_.token, {authorization_used_topic(), word(key_.payer), key_.nonce}};
}

/// One transaction may carry several payments, also of one payer, to one recipient, of one amount:
/// a Transfer proves only the payment whose AuthorizationUsed it belongs to. Tokens emit the two in
/// one order or in the other, and in the same one each time.
Result<> OpenedExact::proved_by(const std::vector<LogEvent>& events) const {
    const auto to = word(authorization_.to);
    const auto from = word(authorization_.from);
    const auto value = authorization_.value.to_bytes();
    const auto is_ours = [&](const LogEvent& event, const Bytes32& topic) {
        return event.address == key_.token && event.topics.size() == 3 && event.topics[0] == topic;
    };
    const auto is_use = [&](const LogEvent& event) {
        return is_ours(event, authorization_used_topic());
    };
    const auto is_move = [&](const LogEvent& event) {
        return is_ours(event, transfer_topic()) && event.topics[1] == from &&
               event.topics[2] == to && std::ranges::equal(event.data, value.data);
    };
    const auto used = std::ranges::find_if(events, [&](const auto& event) {
        return is_use(event) && event.topics[1] == from && event.topics[2] == key_.nonce;
    });
    const Error no_move{Errc::exact_transfer_event_mismatch, "no Transfer of this payment"};
    if (used == events.end()) {
        if (std::ranges::none_of(events, is_move)) return fail(no_move);
        return fail(Errc::exact_transfer_event_mismatch, "no AuthorizationUsed of this payment");
    }
    auto begin = events.begin();
    auto end = events.end();
    if (std::ranges::count_if(events, is_use) > 1) {
        const auto first = std::ranges::find_if(events, [&](const auto& event) {
            return is_use(event) || is_ours(event, transfer_topic());
        });
        if (is_use(*first)) {
            begin = used;
            end = std::find_if(used + 1, events.end(), is_use);
        } else {
            end = used;
            for (auto each = events.begin(); each != used; ++each) {
                if (is_use(*each)) begin = each;
            }
        }
    }
    if (std::none_of(begin, end, is_move)) return fail(no_move);
    return {};
}

}  // namespace farthing::scheme
