// SPDX-License-Identifier: Apache-2.0
// Scheme exact: offering, authorising and opening. Known answers: protocol.md 15.2.
#include "farthing/scheme/exact/exact.hpp"

#include <doctest/doctest.h>

#include "farthing/testing/payments.hpp"

namespace farthing::scheme {
namespace {

using testing::Crafted;
using testing::development_key;
using testing::known_payee;
using testing::usdc_requirements;

constexpr UnixSeconds kNow = 1'800'000'000;

const Address kA0 = address_of(development_key(0));

Bytes32 nonce(std::uint8_t last) {
    Bytes32 out;
    out.data[31] = last;
    return out;
}

Crafted good() {
    auto crafted = Crafted::from(kA0, kNow, nonce(1));
    crafted.sign_with(development_key(0));
    return crafted;
}

template <class T>
std::string code_of(const Result<T>& result) {
    return result ? "no error" : std::string(wire_code(result.error().code));
}

std::string opened(const v2::Payment& payment) { return code_of(exact().open(payment)); }

OfferTerms terms(const AssetTable& assets) {
    OfferTerms out;
    out.network = evm_network(84532);
    out.asset = assets.find_default(out.network);
    out.amount = U256(1000);
    out.pay_to = "0x209693bc6afc0c5328ba36faf03c514ef312287c";
    return out;
}

}  // namespace

TEST_CASE("exact: it is registered under its name") {
    CHECK(find_scheme("exact") == &exact());
    CHECK(find_scheme("Exact") == nullptr);
    CHECK(find_scheme("upto") == nullptr);
}

TEST_CASE("exact: an offer says everything a client must sign") {
    const auto assets = AssetTable::built_in();
    auto wanted = terms(assets);
    wanted.extra = json::Object{{"name", "a configured name does not win"}, {"mine", 1}};
    const auto offer = exact().offer(wanted);
    REQUIRE(offer);
    CHECK(json::equal(
        json::encode(*offer),
        json::parse(
            R"({"scheme":"exact","network":"eip155:84532","amount":"1000",)"
            R"("asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",)"
            R"("payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":300,)"
            R"("extra":{"name":"USDC","mine":1,"version":"2"}})")
            .value()));
}

TEST_CASE("exact: what cannot be offered") {
    const auto assets = AssetTable::built_in();
    auto permit2 = terms(assets);
    permit2.asset = assets.find_default(evm_network(4326));
    CHECK(code_of(exact().offer(permit2)) == "invalid_config");
    for (const auto* const pay_to :
         {"", "0x", "alice.eth", "0x0000000000000000000000000000000000000000",
          "0x209693BC6afc0C5328bA36FaF03C514EF312287C",  // the checksum is wrong
          "0x209693bc6afc0c5328ba36faf03c514ef312287"}) {
        CAPTURE(pay_to);
        auto bad = terms(assets);
        bad.pay_to = pay_to;
        CHECK(code_of(exact().offer(bad)) == "invalid_config");
    }
}

TEST_CASE("exact: authorises the known answer, and its signature opens") {
    auto wanted = usdc_requirements(U256(10'000));
    const Signing signing{
        .payer = kA0, .now = 1'900'000'000 - 300, .nonce = nonce(1), .x402_version = v2::kVersion};
    const auto authorization = exact().authorize(wanted, signing);
    REQUIRE(authorization);
    CHECK(to_hex(authorization->digest) ==
          "0x00af7a33c1c153b511b1e1f642c57b9220b4a5f5f7b3ea9179529d6ec3dbd186");
    const auto signature = sign(authorization->digest, development_key(0)).to_bytes();
    CHECK(to_hex(signature) ==
          "0x31b0b2c257841128d341f63620c057d174155c2f51630b95bff21858367386af3296f16340309fc845e3"
          "eefe6790cc75ca9a36f6ce3aa4619913ef7fd67d7c9c1c");
    v2::Payment payment;
    payment.payload.payload = authorization->payload;
    payment.payload.payload.emplace("signature", to_hex(signature));
    payment.payload.accepted = json::encode(wanted);
    payment.requirements = wanted;
    const auto open = exact().open(payment);
    REQUIRE(open);
    CHECK((*open)->judge({.asset_has_code = true}, {}, signing.now));
    CHECK((*open)->key().payer == kA0);
    CHECK((*open)->key().nonce == nonce(1));
    CHECK((*open)->amount() == U256(10'000));
    CHECK((*open)->recipient() == known_payee());
    CHECK((*open)->valid_before() == 1'900'000'000);
}

TEST_CASE("exact: the published example recovers to its payer, and with another name to nobody") {
    Crafted crafted;
    crafted.wanted = usdc_requirements(U256(10'000));
    crafted.authorization = {
        .from = testing::known_address("0x857b06519E91e3A54538791bDbb0E22373e36b66"),
        .to = known_payee(),
        .value = U256(10'000),
        .valid_after = U256(1'740'672'089),
        .valid_before = U256(1'740'672'154),
        .nonce =
            bytes32_from_hex("0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480")
                .value()};
    crafted.signature =
        from_hex(
            "0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce6496642e377d6d"
            "a8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c")
            .value();
    CHECK(to_hex(crafted.digest()) ==
          "0xf256992871671abcb27ff92885a7afa46218724e5fc0bac35d050115aa1d22e6");
    const auto judged = [&] {
        return code_of(crafted.open().value()->judge({.asset_has_code = true}, {}, 1'740'672'100));
    };
    CHECK(judged() == "no error");
    crafted.wanted.extra->insert_or_assign("name", "USD Coin");
    CHECK(judged() == "invalid_exact_evm_signature");
}

TEST_CASE("exact: what is signed follows the version and the payer's own limit") {
    const auto wanted = usdc_requirements();
    const auto signed_times = [&](std::uint64_t version, std::uint64_t timeout,
                                  UnixSeconds lifetime_max) {
        auto asked = wanted;
        asked.max_timeout_seconds = timeout;
        const auto made = exact().authorize(asked, {.payer = kA0,
                                                    .now = kNow,
                                                    .nonce = nonce(2),
                                                    .x402_version = version,
                                                    .lifetime_max = lifetime_max});
        REQUIRE(made);
        const auto message =
            json::decode<TransferWithAuthorization>(*made->payload.if_contains("authorization"));
        REQUIRE(message);
        CHECK(message->from == kA0);
        CHECK(message->to == known_payee());
        CHECK(message->value == wanted.amount);
        CHECK(message->nonce == nonce(2));
        return std::pair{message->valid_after.to_decimal(), message->valid_before.to_decimal()};
    };
    CHECK(signed_times(2, 300, 3600) == std::pair<std::string, std::string>{"0", "1800000300"});
    CHECK(signed_times(1, 300, 3600) ==
          std::pair<std::string, std::string>{"1799999400", "1800000300"});
    CHECK(signed_times(2, (1ULL << 53) - 1, 3600) ==
          std::pair<std::string, std::string>{"0", "1800003600"});
}

TEST_CASE("exact: what cannot be authorised") {
    const Signing signing{.payer = kA0, .now = kNow, .nonce = nonce(1)};
    const auto refused = [&](auto change) {
        auto wanted = usdc_requirements();
        change(wanted);
        return code_of(exact().authorize(wanted, signing));
    };
    CHECK(refused([](auto& w) { w.extra.reset(); }) == "invalid_exact_evm_missing_eip712_domain");
    CHECK(refused([](auto& w) { w.extra->erase("name"); }) ==
          "invalid_exact_evm_missing_eip712_domain");
    CHECK(refused([](auto& w) { w.extra->insert_or_assign("version", 2); }) ==
          "invalid_exact_evm_missing_eip712_domain");
    CHECK(refused([](auto& w) { w.network = Network{"solana:devnet"}; }) ==
          "invalid_exact_evm_network_mismatch");
    CHECK(refused([](auto& w) { w.asset = "USDC"; }) == "invalid_field");
    CHECK(refused([](auto& w) { w.pay_to = "alice.eth"; }) == "invalid_field");
}

TEST_CASE("exact: a payload of another shape is not opened") {
    using Change = void (*)(json::Object&);
    const struct {
        const char* name;
        Change change;
    } cases[] = {
        {"empty", [](auto& p) { p.clear(); }},
        {"no signature", [](auto& p) { p.erase("signature"); }},
        {"no authorization", [](auto& p) { p.erase("authorization"); }},
        {"authorization null", [](auto& p) { p["authorization"] = nullptr; }},
        {"a Permit2 payload",
         [](auto& p) {
             p["permit2Authorization"] = p["authorization"];
             p.erase("authorization");
         }},
        {"signature not hex", [](auto& p) { p["signature"] = "0xzz"; }},
        {"signature of odd length", [](auto& p) { p["signature"] = "0x123"; }},
        {"signature without 0x", [](auto& p) { p["signature"] = "12"; }},
        {"signature a number", [](auto& p) { p["signature"] = 1; }},
        {"signature far too long",
         [](auto& p) { p["signature"] = "0x" + std::string(65'536, '0'); }},
        {"nonce too short", [](auto& p) { p["authorization"].as_object()["nonce"] = "0x01"; }},
        {"value a number", [](auto& p) { p["authorization"].as_object()["value"] = 1000; }},
        {"value negative", [](auto& p) { p["authorization"].as_object()["value"] = "-1"; }},
        {"value in hex", [](auto& p) { p["authorization"].as_object()["value"] = "0x3e8"; }},
        {"value 1e3", [](auto& p) { p["authorization"].as_object()["value"] = "1e3"; }},
        {"value 2^256",
         [](auto& p) {
             p["authorization"].as_object()["value"] =
                 "1157920892373161954235709850086879078532699846656405640394575840079131296399"
                 "36";
         }},
        {"from no address", [](auto& p) { p["authorization"].as_object()["from"] = "0x12"; }},
        {"to missing", [](auto& p) { p["authorization"].as_object().erase("to"); }},
        {"validBefore missing",
         [](auto& p) { p["authorization"].as_object().erase("validBefore"); }},
    };
    REQUIRE(opened(good().payment()) == "no error");
    for (const auto& each : cases) {
        CAPTURE(each.name);
        auto payment = good().payment();
        each.change(payment.payload.payload);
        CHECK(opened(payment) == "unsupported_payload_type");
    }
}

TEST_CASE("exact: scheme, domain and network are checked in this order") {
    const auto refused = [](auto change) {
        auto payment = good().payment();
        change(payment, payment.payload.accepted.as_object());
        return opened(payment);
    };
    CHECK(refused([](auto& p, auto&) { p.requirements.scheme = "upto"; }) ==
          "invalid_exact_evm_scheme");
    CHECK(refused([](auto&, auto& a) { a["scheme"] = "upto"; }) == "invalid_exact_evm_scheme");
    CHECK(refused([](auto&, auto& a) { a.erase("scheme"); }) == "invalid_exact_evm_scheme");
    CHECK(refused([](auto& p, auto&) { p.requirements.extra.reset(); }) ==
          "invalid_exact_evm_missing_eip712_domain");
    CHECK(refused([](auto& p, auto&) { p.requirements.extra->erase("version"); }) ==
          "invalid_exact_evm_missing_eip712_domain");
    CHECK(refused([](auto&, auto& a) { a["network"] = "eip155:8453"; }) ==
          "invalid_exact_evm_network_mismatch");
    CHECK(refused([](auto&, auto& a) { a.erase("network"); }) ==
          "invalid_exact_evm_network_mismatch");
    CHECK(refused([](auto& p, auto& a) {
              p.requirements.network = Network{"solana:devnet"};
              a["network"] = "solana:devnet";
          }) == "invalid_exact_evm_network_mismatch");
    CHECK(refused([](auto& p, auto&) { p.requirements.asset = "USDC"; }) ==
          "invalid_payment_requirements");
    CHECK(refused([](auto& p, auto&) { p.requirements.pay_to = "alice.eth"; }) ==
          "invalid_payment_requirements");
    // The server's entry is what counts: what else the client says it accepted is its own affair.
    CHECK(refused([](auto&, auto& a) { a["amount"] = "1"; }) == "no error");
}

TEST_CASE("exact: who pays, for answers about payloads that do not open") {
    const auto payer = [](std::string_view payload) {
        return exact().payer_of(json::parse(payload).value().as_object());
    };
    CHECK(payer(R"({"authorization":{"from":"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"}})") ==
          "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    CHECK(payer(R"({"authorization":{"from":"<script>"}})") == std::nullopt);
    CHECK(payer(R"({"authorization":{"from":1}})") == std::nullopt);
    CHECK(payer(R"({"authorization":[]})") == std::nullopt);
    CHECK(payer("{}") == std::nullopt);
}

}  // namespace farthing::scheme
