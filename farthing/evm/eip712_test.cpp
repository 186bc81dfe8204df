// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/eip712.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>

#include "farthing/base/hex.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/evm/eip3009.hpp"
#include "farthing/evm/known_structs_test.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

/// What the vectors call a type, as functions on JSON: its type hash, and the digest of a message.
struct Known {
    std::function<Bytes32()> type_hash;
    std::function<Bytes32(const eip712::Domain&, const json::Value&)> digest;
};

template <class T>
Known known() {
    return {[] { return eip712::type_hash<T>(); },
            [](const eip712::Domain& domain, const json::Value& message) {
                const auto typed = json::decode<T>(message);
                REQUIRE_MESSAGE(typed.has_value(), (typed ? "" : typed.error().detail));
                return eip712::digest(domain, *typed);
            }};
}

const std::map<std::string, Known>& types() {
    static const std::map<std::string, Known> all{
        {"TransferWithAuthorization", known<TransferWithAuthorization>()},
        {"ReceiveWithAuthorization", known<known::ReceiveWithAuthorization>()},
        {"Permit", known<known::Permit>()},
        {"TokenPermissions", known<known::TokenPermissions>()},
        {"ExactWitness", known<known::ExactWitness>()},
        {"UptoWitness", known<known::UptoWitness>()},
        {"ExactPermit", known<known::ExactPermit>()},
        {"UptoPermit", known<known::UptoPermit>()},
        {"DepositPermit", known<known::DepositPermit>()},
        {"PermitTransferFrom", known<known::PermitTransferFrom>()},
        {"ChannelConfig", known<known::ChannelConfig>()},
        {"Voucher", known<known::Voucher>()},
        {"BatchRefund", known<known::BatchRefund>()},
        {"ClaimBatch", known<known::ClaimBatch>()},
        {"PaymentInfo", known<known::PaymentInfo>()},
        {"Charge", known<known::Charge>()},
        {"Capture", known<known::Capture>()},
        {"Void", known<known::Void>()},
        {"OperatorRefund", known<known::OperatorRefund>()},
        {"Offer", known<known::Offer>()},
        {"Receipt", known<known::Receipt>()},
    };
    return all;
}

eip712::Domain domain_at(const json::Value& value) {
    eip712::Domain domain{.name = text_at(value, "name"),
                          .version = {},
                          .chain_id = value.at("chainId").to_number<std::uint64_t>(),
                          .verifying_contract = {}};
    if (value.as_object().contains("version")) domain.version = text_at(value, "version");
    if (value.as_object().contains("verifyingContract")) {
        domain.verifying_contract = parse_address(text_at(value, "verifyingContract")).value();
    }
    return domain;
}

std::string signer_of(const Bytes32& digest, const Bytes& wire) {
    return address_of(recover(digest, parse_signature(wire).value()).value()).to_checksum();
}

PrivateKey key_of(const std::string& address) {
    const auto file = load_vectors("keys.json");
    for (const auto& each : array_at(file, "keys")) {
        if (text_at(each, "address") == address) return make_key(bytes32_at(each, "key")).value();
    }
    throw std::runtime_error("no key for " + address);
}

bool has_key(const std::string& address) {
    const auto file = load_vectors("keys.json");
    return std::ranges::any_of(array_at(file, "keys"), [&](const json::Value& each) {
        return text_at(each, "address") == address;
    });
}

}  // namespace

TEST_CASE("eip712: every type hash of protocol.md 15.1") {
    const auto file = load_vectors("eip712_types.json");
    const json::Value root(file);
    std::size_t count = 0;
    for (const auto& [name, hash] : file.at("types").as_object()) {
        CAPTURE(std::string(name));
        const auto type = types().find(std::string(name));
        REQUIRE(type != types().end());
        CHECK(type->second.type_hash() == bytes32_at(root.at("types"), name));
        ++count;
    }
    CHECK(count == types().size());
    for (const auto& [text, hash] : file.at("domain_types").as_object()) {
        CHECK(keccak256(std::string_view(text)) == bytes32_at(root.at("domain_types"), text));
    }
    CHECK(keccak256(text_at(root.at("salt_binding"), "type")) ==
          bytes32_at(root.at("salt_binding"), "hash"));
}

TEST_CASE("eip712: referenced structs follow the type in the order of their names, once each") {
    CHECK(eip712::encode_type<known::ExactPermit>() ==
          "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,"
          "uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)"
          "Witness(address to,uint256 validAfter)");
    CHECK(eip712::encode_type<known::DepositPermit>() ==
          "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,"
          "uint256 deadline,DepositWitness witness)DepositWitness(bytes32 channelId)"
          "TokenPermissions(address token,uint256 amount)");
    CHECK(eip712::encode_type<known::ClaimBatch>() ==
          "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 "
          "maxClaimableAmount,uint128 totalClaimed)");
}

TEST_CASE("eip712: the domain separators of protocol.md 15.1") {
    for (const auto& each : array_at(load_vectors("eip712_types.json"), "separators")) {
        CHECK(eip712::domain_separator(domain_at(each.at("domain"))) ==
              bytes32_at(each, "separator"));
    }
}

TEST_CASE("eip712: the digests of protocol.md 15.2 to 15.6, and their signatures") {
    std::size_t signed_here = 0;
    for (const auto& each : array_at(load_vectors("eip712_messages.json"), "messages")) {
        CAPTURE(text_at(each, "name"));
        const auto& type = types().at(text_at(each, "type"));
        const auto digest = type.digest(domain_at(each.at("domain")), each.at("message"));
        CHECK(to_hex(digest) == text_at(each, "digest"));
        if (!each.as_object().contains("signature")) continue;
        const auto wire = bytes_at(each, "signature");
        const auto signer = text_at(each, "signer");
        CHECK(signer_of(digest, wire) == signer);
        if (!has_key(signer)) continue;
        CHECK(sign(digest, key_of(signer)).to_bytes() == wire);
        ++signed_here;
    }
    CHECK(signed_here == 9);
}

TEST_CASE("eip712: a signature for another domain name is a stranger's") {
    const auto file = load_vectors("eip712_messages.json");
    const auto& wrong = file.at("wrong_domain");
    const auto digest = types()
                            .at("TransferWithAuthorization")
                            .digest(domain_at(wrong.at("domain")), wrong.at("message"));
    CHECK(signer_of(digest, bytes_at(wrong, "signature")) == text_at(wrong, "recovers"));
}

TEST_CASE("eip712: the payment identities of protocol.md 15.5") {
    const json::Value file(load_vectors("auth_capture.json"));
    auto info = json::decode<known::PaymentInfo>(file.at("paymentInfo")).value();
    const U256 chain_id(file.at("chainId").to_number<std::uint64_t>());
    const auto identity = [&](std::string_view escrow) {
        const auto address = parse_address(text_at(file, escrow)).value();
        return to_hex(
            keccak256(ByteView(abi::encode({chain_id, address, eip712::hash_struct(info)}))));
    };
    CHECK(identity("escrow_v1_1") == text_at(file, "paymentInfoHash_v1_1"));
    info.payer = Address{};  // the signed nonce leaves the payer out
    CHECK(identity("escrow_v1_1") == text_at(file, "nonce_v1_1"));
    CHECK(identity("escrow_v1_0") == text_at(file, "nonce_v1_0"));

    const auto& bound = file.at("bound_salt");
    const json::Value types_file(load_vectors("eip712_types.json"));
    const auto type_hash = bytes32_at(types_file.at("salt_binding"), "hash");
    const auto authorizer = parse_address(text_at(bound, "receiverAuthorizer")).value();
    const auto policy = parse_address(text_at(bound, "policy")).value();
    const auto nonce = u256_from_decimal(text_at(bound, "saltNonce")).value();
    CHECK(to_hex(keccak256(ByteView(abi::encode({type_hash, authorizer, policy, nonce})))) ==
          text_at(bound, "salt"));
}

TEST_CASE("eip712: the deposit nonce of protocol.md 15.4") {
    const json::Value file(load_vectors("batch_settlement.json"));
    const auto& each = file.at("deposit_nonce");
    const auto salt = u256_from_decimal(text_at(each, "salt")).value();
    CHECK(to_hex(keccak256(ByteView(abi::encode({bytes32_at(each, "channelId"), salt})))) ==
          text_at(each, "nonce"));
}

TEST_CASE("eip191: the sign-in text of protocol.md 15.6 hashes and signs as the reference's") {
    const json::Value file(load_vectors("siwe.json"));
    std::string text;
    for (const auto& line : file.at("lines").as_array()) {
        if (!text.empty()) text += '\n';
        text += std::string_view(line.as_string());
    }
    const auto digest = keccak256(
        "\x19"
        "Ethereum Signed Message:\n" +
        std::to_string(text.size()) + text);
    CHECK(to_hex(digest) == text_at(file, "eip191_hash"));
    const auto key = make_key(bytes32_at(file, "key")).value();
    CHECK(to_hex(sign(digest, key).to_bytes()) == text_at(file, "signature"));
}
