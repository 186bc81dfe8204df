// SPDX-License-Identifier: Apache-2.0
// For tests: the signed structs of protocol.md whose schemes are not built here yet, so that the
// hashing is checked against every known answer. Sources: protocol.md 9.3, 9.4,
// 10, 11.1, 12.2, 12.3 and 13.3.
#pragma once

#include <string>
#include <vector>

#include "farthing/evm/eip712.hpp"

template <unsigned Bits>
struct farthing::json::Codec<farthing::eip712::UintN<Bits>> {
    static Result<eip712::UintN<Bits>> decode(const Value& value, const Path& path) {
        FARTHING_TRY(const auto number, json::decode<U256>(value, path));
        return eip712::UintN<Bits>{number};
    }
};

namespace farthing::known {

using eip712::UintN;

struct ReceiveWithAuthorization {
    static constexpr std::string_view eip712_name = "ReceiveWithAuthorization";
    Address from, to;
    U256 value, valid_after, valid_before;
    Bytes32 nonce;
    static constexpr auto fields() {
        using T = ReceiveWithAuthorization;
        return std::tuple{field("from", &T::from),
                          field("to", &T::to),
                          field("value", &T::value),
                          field("validAfter", &T::valid_after),
                          field("validBefore", &T::valid_before),
                          field("nonce", &T::nonce)};
    }
};

struct Permit {
    static constexpr std::string_view eip712_name = "Permit";
    Address owner, spender;
    U256 value, nonce, deadline;
    static constexpr auto fields() {
        using T = Permit;
        return std::tuple{field("owner", &T::owner), field("spender", &T::spender),
                          field("value", &T::value), field("nonce", &T::nonce),
                          field("deadline", &T::deadline)};
    }
};

struct TokenPermissions {
    static constexpr std::string_view eip712_name = "TokenPermissions";
    Address token;
    U256 amount;
    static constexpr auto fields() {
        using T = TokenPermissions;
        return std::tuple{field("token", &T::token), field("amount", &T::amount)};
    }
};

struct ExactWitness {
    static constexpr std::string_view eip712_name = "Witness";
    Address to;
    U256 valid_after;
    static constexpr auto fields() {
        using T = ExactWitness;
        return std::tuple{field("to", &T::to), field("validAfter", &T::valid_after)};
    }
};

struct UptoWitness {
    static constexpr std::string_view eip712_name = "Witness";
    Address to, facilitator;
    U256 valid_after;
    static constexpr auto fields() {
        using T = UptoWitness;
        return std::tuple{field("to", &T::to), field("facilitator", &T::facilitator),
                          field("validAfter", &T::valid_after)};
    }
};

struct DepositWitness {
    static constexpr std::string_view eip712_name = "DepositWitness";
    Bytes32 channel_id;
    static constexpr auto fields() {
        return std::tuple{field("channelId", &DepositWitness::channel_id)};
    }
};

template <class Witness>
struct PermitWitnessTransferFrom {
    static constexpr std::string_view eip712_name = "PermitWitnessTransferFrom";
    TokenPermissions permitted;
    Address spender;
    U256 nonce, deadline;
    Witness witness;
    static constexpr auto fields() {
        using T = PermitWitnessTransferFrom;
        return std::tuple{field("permitted", &T::permitted), field("spender", &T::spender),
                          field("nonce", &T::nonce), field("deadline", &T::deadline),
                          field("witness", &T::witness)};
    }
};
using ExactPermit = PermitWitnessTransferFrom<ExactWitness>;
using UptoPermit = PermitWitnessTransferFrom<UptoWitness>;
using DepositPermit = PermitWitnessTransferFrom<DepositWitness>;

struct PermitTransferFrom {
    static constexpr std::string_view eip712_name = "PermitTransferFrom";
    TokenPermissions permitted;
    Address spender;
    U256 nonce, deadline;
    static constexpr auto fields() {
        using T = PermitTransferFrom;
        return std::tuple{field("permitted", &T::permitted), field("spender", &T::spender),
                          field("nonce", &T::nonce), field("deadline", &T::deadline)};
    }
};

struct ChannelConfig {
    static constexpr std::string_view eip712_name = "ChannelConfig";
    Address payer, payer_authorizer, receiver, receiver_authorizer, token;
    UintN<40> withdraw_delay;
    Bytes32 salt;
    static constexpr auto fields() {
        using T = ChannelConfig;
        return std::tuple{
            field("payer", &T::payer),       field("payerAuthorizer", &T::payer_authorizer),
            field("receiver", &T::receiver), field("receiverAuthorizer", &T::receiver_authorizer),
            field("token", &T::token),       field("withdrawDelay", &T::withdraw_delay),
            field("salt", &T::salt)};
    }
};

struct Voucher {
    static constexpr std::string_view eip712_name = "Voucher";
    Bytes32 channel_id;
    UintN<128> max_claimable_amount;
    static constexpr auto fields() {
        using T = Voucher;
        return std::tuple{field("channelId", &T::channel_id),
                          field("maxClaimableAmount", &T::max_claimable_amount)};
    }
};

struct BatchRefund {
    static constexpr std::string_view eip712_name = "Refund";
    Bytes32 channel_id;
    U256 nonce;
    UintN<128> amount;
    static constexpr auto fields() {
        using T = BatchRefund;
        return std::tuple{field("channelId", &T::channel_id), field("nonce", &T::nonce),
                          field("amount", &T::amount)};
    }
};

struct ClaimEntry {
    static constexpr std::string_view eip712_name = "ClaimEntry";
    Bytes32 channel_id;
    UintN<128> max_claimable_amount, total_claimed;
    static constexpr auto fields() {
        using T = ClaimEntry;
        return std::tuple{field("channelId", &T::channel_id),
                          field("maxClaimableAmount", &T::max_claimable_amount),
                          field("totalClaimed", &T::total_claimed)};
    }
};

struct ClaimBatch {
    static constexpr std::string_view eip712_name = "ClaimBatch";
    std::vector<ClaimEntry> claims;
    static constexpr auto fields() { return std::tuple{field("claims", &ClaimBatch::claims)}; }
};

struct PaymentInfo {
    static constexpr std::string_view eip712_name = "PaymentInfo";
    Address operator_, payer, receiver, token;
    UintN<120> max_amount;
    UintN<48> pre_approval_expiry, authorization_expiry, refund_expiry;
    UintN<16> min_fee_bps, max_fee_bps;
    Address fee_receiver;
    U256 salt;
    static constexpr auto fields() {
        using T = PaymentInfo;
        return std::tuple{field("operator", &T::operator_),
                          field("payer", &T::payer),
                          field("receiver", &T::receiver),
                          field("token", &T::token),
                          field("maxAmount", &T::max_amount),
                          field("preApprovalExpiry", &T::pre_approval_expiry),
                          field("authorizationExpiry", &T::authorization_expiry),
                          field("refundExpiry", &T::refund_expiry),
                          field("minFeeBps", &T::min_fee_bps),
                          field("maxFeeBps", &T::max_fee_bps),
                          field("feeReceiver", &T::fee_receiver),
                          field("salt", &T::salt)};
    }
};

struct Charge {
    static constexpr std::string_view eip712_name = "Charge";
    Bytes32 payment_info_hash;
    U256 amount;
    Address token_collector;
    Bytes32 collector_data_hash;
    U256 fee_amount;
    Address fee_receiver;
    static constexpr auto fields() {
        using T = Charge;
        return std::tuple{field("paymentInfoHash", &T::payment_info_hash),
                          field("amount", &T::amount),
                          field("tokenCollector", &T::token_collector),
                          field("collectorDataHash", &T::collector_data_hash),
                          field("feeAmount", &T::fee_amount),
                          field("feeReceiver", &T::fee_receiver)};
    }
};

struct Capture {
    static constexpr std::string_view eip712_name = "Capture";
    Bytes32 payment_info_hash;
    U256 amount, fee_amount;
    Address fee_receiver;
    U256 expected_capturable_amount, expected_refundable_amount;
    static constexpr auto fields() {
        using T = Capture;
        return std::tuple{field("paymentInfoHash", &T::payment_info_hash),
                          field("amount", &T::amount),
                          field("feeAmount", &T::fee_amount),
                          field("feeReceiver", &T::fee_receiver),
                          field("expectedCapturableAmount", &T::expected_capturable_amount),
                          field("expectedRefundableAmount", &T::expected_refundable_amount)};
    }
};

struct Void {
    static constexpr std::string_view eip712_name = "Void";
    Bytes32 payment_info_hash;
    static constexpr auto fields() {
        return std::tuple{field("paymentInfoHash", &Void::payment_info_hash)};
    }
};

struct OperatorRefund {
    static constexpr std::string_view eip712_name = "Refund";
    Bytes32 payment_info_hash;
    U256 amount;
    Address token_collector;
    U256 expected_capturable_amount, expected_refundable_amount;
    static constexpr auto fields() {
        using T = OperatorRefund;
        return std::tuple{field("paymentInfoHash", &T::payment_info_hash),
                          field("amount", &T::amount), field("tokenCollector", &T::token_collector),
                          field("expectedCapturableAmount", &T::expected_capturable_amount),
                          field("expectedRefundableAmount", &T::expected_refundable_amount)};
    }
};

struct Offer {
    static constexpr std::string_view eip712_name = "Offer";
    U256 version;
    std::string resource_url, scheme, network, asset, pay_to, amount;
    U256 valid_until;
    static constexpr auto fields() {
        using T = Offer;
        return std::tuple{field("version", &T::version), field("resourceUrl", &T::resource_url),
                          field("scheme", &T::scheme),   field("network", &T::network),
                          field("asset", &T::asset),     field("payTo", &T::pay_to),
                          field("amount", &T::amount),   field("validUntil", &T::valid_until)};
    }
};

struct Receipt {
    static constexpr std::string_view eip712_name = "Receipt";
    U256 version;
    std::string network, resource_url, payer;
    U256 issued_at;
    std::string transaction;
    static constexpr auto fields() {
        using T = Receipt;
        return std::tuple{
            field("version", &T::version),          field("network", &T::network),
            field("resourceUrl", &T::resource_url), field("payer", &T::payer),
            field("issuedAt", &T::issued_at),       field("transaction", &T::transaction)};
    }
};

}  // namespace farthing::known
