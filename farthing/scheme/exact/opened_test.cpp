// SPDX-License-Identifier: Apache-2.0
// The verification of an exact payment, step by step. Source: protocol.md sections 8.2, 9.1, 9.2.
#include "farthing/scheme/exact/opened.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/testing/payments.hpp"

namespace farthing::scheme {
namespace {

using testing::Crafted;
using testing::development_key;
using testing::known_address;
using testing::known_payee;

constexpr UnixSeconds kNow = 1'800'000'000;
constexpr Facts kPlain{.payer_has_code = false, .asset_has_code = true, .contract_accepts = false};
constexpr Facts kWallet{.payer_has_code = true, .asset_has_code = true, .contract_accepts = true};

const Address kFactory{{0xfa, 0xc7}};

Crafted unsigned_payment() {
    Bytes32 nonce;
    nonce.data[31] = 1;
    return Crafted::from(address_of(development_key(0)), kNow, nonce);
}

Crafted good() {
    auto crafted = unsigned_payment();
    crafted.sign_with(development_key(0));
    return crafted;
}

std::string judged(const Crafted& crafted, const Facts& facts = kPlain, const Policy& policy = {}) {
    const auto opened = crafted.open();
    if (!opened) return std::string(wire_code(opened.error().code));
    const auto verdict = (*opened)->judge(facts, policy, kNow);
    return verdict ? "good" : std::string(wire_code(verdict.error().code));
}

/// Changed first, signed then: only the change is wrong.
std::string judged_with(const std::function<void(Crafted&)>& change) {
    auto crafted = unsigned_payment();
    change(crafted);
    crafted.sign_with(development_key(0));
    return judged(crafted);
}

Bytes wrapped(const Address& factory, const Bytes& signature) {
    return erc6492::wrap({factory, Bytes{0xde, 0xad}, signature});
}

}  // namespace

TEST_CASE("exact: a good payment is good") { CHECK(judged(good()) == "good"); }

TEST_CASE("exact: refuses an authorisation that expires before it can settle") {
    const auto before = [](U256 valid_before) {
        return judged_with([&](Crafted& c) { c.authorization.valid_before = valid_before; });
    };
    CHECK(before(U256(kNow + 5)) == "invalid_exact_evm_payload_authorization_valid_before");
    CHECK(before(U256(kNow + 6)) == "good");
    CHECK(before(U256(kNow + 7)) == "good");
    CHECK(before(U256(kNow)) == "invalid_exact_evm_payload_authorization_valid_before");
    CHECK(before(U256(0)) == "invalid_exact_evm_payload_authorization_valid_before");
    CHECK(before(U256::max()) == "good");
}

TEST_CASE("exact: refuses an authorisation that is not valid yet") {
    const auto after = [](U256 valid_after) {
        return judged_with([&](Crafted& c) { c.authorization.valid_after = valid_after; });
    };
    CHECK(after(U256(kNow - 1)) == "good");
    CHECK(after(U256(kNow)) == "good");
    CHECK(after(U256(kNow + 1)) == "invalid_exact_evm_payload_authorization_valid_after");
    CHECK(after(U256::max()) == "invalid_exact_evm_payload_authorization_valid_after");
}

TEST_CASE("exact: the value equals the amount, no more and no less") {
    const auto value = [](std::uint64_t atomic, std::uint64_t version) {
        return judged_with([&](Crafted& c) {
            c.authorization.value = U256(atomic);
            c.x402_version = version;
        });
    };
    CHECK(value(1000, 2) == "good");
    CHECK(value(999, 2) == "invalid_exact_evm_payload_authorization_value_mismatch");
    CHECK(value(1001, 2) == "invalid_exact_evm_payload_authorization_value_mismatch");
    CHECK(value(1000, 1) == "good");
    CHECK(value(999, 1) == "invalid_exact_evm_authorization_value");
    CHECK(value(1001, 1) == "invalid_exact_evm_authorization_value");
}

TEST_CASE("exact: the recipient is the payee") {
    CHECK(judged_with([](Crafted& c) { c.authorization.to = Address{{1}}; }) ==
          "invalid_exact_evm_recipient_mismatch");
    CHECK(judged_with([](Crafted& c) { c.wanted.pay_to = known_payee().to_lower(); }) == "good");
}

TEST_CASE("exact: the token must be a contract") {
    Facts facts = kPlain;
    facts.asset_has_code = false;
    CHECK(judged(good(), facts) == "asset_not_deployed_contract");
}

TEST_CASE("exact: the recovery byte is 0, 1, 27 or 28, and means the same payment") {
    const auto crafted = good();
    const auto transfer = crafted.open().value()->transfer();
    const auto v = crafted.signature[64];
    auto other = crafted;
    other.signature[64] = static_cast<std::uint8_t>(v - 27);
    CHECK(judged(other) == "good");
    CHECK(other.open().value()->transfer() == transfer);
    CHECK(other.open().value()->key() == crafted.open().value()->key());
    other.signature[64] = static_cast<std::uint8_t>(v == 27 ? 28 : 27);
    CHECK(judged(other) == "invalid_exact_evm_signature");
    for (const int bad : {2, 3, 26, 29, 30, 35, 36, 255}) {
        CAPTURE(bad);
        other.signature[64] = static_cast<std::uint8_t>(bad);
        CHECK(judged(other) == "invalid_exact_evm_signature");
    }
}

TEST_CASE("exact: remembered signatures change no verdict") {
    const Policy remembers{.eip6492_factories = {}, .signers = std::make_shared<Signers>()};
    const auto crafted = good();
    CHECK(judged(crafted, kPlain, remembers) == "good");
    CHECK(judged(crafted, kPlain, remembers) == "good");
    CHECK(remembers.signers->recoveries() == 1);
    auto flipped = crafted;
    flipped.signature[64] = static_cast<std::uint8_t>(crafted.signature[64] == 27 ? 28 : 27);
    CHECK(judged(flipped, kPlain, remembers) == "invalid_exact_evm_signature");
    CHECK(judged(flipped, kPlain, remembers) == "invalid_exact_evm_signature");
    auto other = crafted;
    other.authorization.nonce.data[0] = 1;
    CHECK(judged(other, kPlain, remembers) == "invalid_exact_evm_signature");
    auto late = crafted;
    late.authorization.valid_before = U256(kNow);
    late.sign_with(development_key(0));
    CHECK(judged(late, kPlain, remembers) ==
          "invalid_exact_evm_payload_authorization_valid_before");
    CHECK(judged(crafted, kPlain, remembers) == "good");
}

TEST_CASE("exact: a high s is a second encoding of the same signature, and refused") {
    const auto order = U256::from_bytes(
        bytes32_from_hex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
            .value());
    auto crafted = good();
    Bytes32 s;
    std::copy_n(crafted.signature.begin() + 32, 32, s.data.begin());
    const auto high = order.checked_sub(U256::from_bytes(s)).value().to_bytes();
    std::ranges::copy(high.data, crafted.signature.begin() + 32);
    crafted.signature[64] = static_cast<std::uint8_t>(crafted.signature[64] == 27 ? 28 : 27);
    CHECK(judged(crafted) == "invalid_exact_evm_signature");
}

TEST_CASE("exact: what is no signature of the payer") {
    auto crafted = good();
    const auto genuine = crafted.signature;
    const struct {
        const char* name;
        Bytes signature;
    } cases[] = {
        {"none", {}},
        {"64 bytes", Bytes(genuine.begin(), genuine.end() - 1)},
        {"66 bytes",
         [&] {
             auto longer = genuine;
             longer.push_back(0);
             return longer;
         }()},
        {"zeros", Bytes(65, 0)},
        {"ones", Bytes(65, 0xff)},
        {"r zero",
         [&] {
             auto zero = genuine;
             std::fill_n(zero.begin(), 32, std::uint8_t{0});
             return zero;
         }()},
        {"somebody else's", sign(crafted.digest(), development_key(1)).to_bytes()},
        {"of another message",
         sign(keccak256(std::string_view("x")), development_key(0)).to_bytes()},
        {"only the ERC-6492 marker",
         [] {
             const auto whole = wrapped({}, {});
             return Bytes(whole.end() - 32, whole.end());
         }()},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        crafted.signature = each.signature;
        CHECK(judged(crafted) == "invalid_exact_evm_signature");
    }
}

TEST_CASE("exact: a signature is good for one domain only") {
    const auto changed = [](auto change) {
        auto crafted = good();
        change(crafted.wanted);
        return judged(crafted);
    };
    CHECK(changed([](auto& w) { w.extra->insert_or_assign("name", "USD Coin"); }) ==
          "invalid_exact_evm_signature");
    CHECK(changed([](auto& w) { w.extra->insert_or_assign("version", "1"); }) ==
          "invalid_exact_evm_signature");
    CHECK(changed([](auto& w) { w.network = evm_network(8453); }) == "invalid_exact_evm_signature");
    CHECK(changed([](auto& w) { w.asset = "0x9876543210987654321098765432109876543210"; }) ==
          "invalid_exact_evm_signature");
}

TEST_CASE("exact: a payer with code is asked, and its word counts alone") {
    auto crafted = good();
    CHECK(judged(crafted, kWallet) == "good");
    Facts refuses = kWallet;
    refuses.contract_accepts = false;
    // The owner's own signature of a delegated account does not count either.
    CHECK(judged(crafted, refuses) == "invalid_exact_evm_signature");
    crafted.signature = Bytes(200, 7);
    CHECK(judged(crafted, kWallet) == "good");
    const auto opened = crafted.open().value();
    CHECK(opened->signature_question() == erc1271::is_valid_signature(crafted.authorization.from,
                                                                      crafted.digest(),
                                                                      crafted.signature));
    CHECK(opened->deployment(kWallet) == std::nullopt);
}

TEST_CASE("exact: a wallet that is not deployed yet needs an allowed factory") {
    auto crafted = good();
    const auto inner = crafted.signature;
    crafted.signature = wrapped(kFactory, inner);
    CHECK(judged(crafted) == "eip6492_factory_not_allowed");
    const Policy allowed{.eip6492_factories = {kFactory}};
    CHECK(judged(crafted, kPlain, allowed) == "good");
    CHECK(judged(crafted, kPlain, Policy{.eip6492_factories = {Address{{1}}}}) ==
          "eip6492_factory_not_allowed");
    const auto opened = crafted.open().value();
    CHECK(opened->deployment(kPlain) == Call{kFactory, Bytes{0xde, 0xad}});
    // What is sent carries the inner signature.
    auto plain = crafted;
    plain.signature = inner;
    CHECK(opened->transfer() == plain.open().value()->transfer());
    // Deployed meanwhile: the wallet itself is asked, about the inner signature, and nothing is
    // deployed.
    CHECK(judged(crafted, kWallet) == "good");
    CHECK(opened->deployment(kWallet) == std::nullopt);
    CHECK(opened->signature_question() ==
          erc1271::is_valid_signature(crafted.authorization.from, crafted.digest(), inner));
}

TEST_CASE("exact: a wrapper with a zero factory wraps nothing") {
    auto crafted = good();
    const auto inner = crafted.signature;
    crafted.signature = wrapped({}, inner);
    CHECK(judged(crafted) == "good");
    CHECK(crafted.open().value()->deployment(kPlain) == std::nullopt);
    crafted.signature = wrapped({}, Bytes(65, 1));
    CHECK(judged(crafted) == "invalid_exact_evm_signature");
    crafted.signature = wrapped({}, wrapped({}, inner));
    CHECK(judged(crafted) == "invalid_exact_evm_signature");
}

TEST_CASE("exact: a wrapper that cannot be read is no signature, whoever the payer is") {
    const Policy allowed{.eip6492_factories = {kFactory}};
    auto whole = wrapped(kFactory, good().signature);
    const Bytes marker(whole.end() - 32, whole.end());
    for (const std::size_t cut :
         {std::size_t{33}, std::size_t{64}, std::size_t{97}, whole.size() - 33}) {
        CAPTURE(cut);
        auto crafted = good();
        crafted.signature =
            Bytes(whole.begin(), whole.end() - 32 - static_cast<std::ptrdiff_t>(cut));
        crafted.signature.insert(crafted.signature.end(), marker.begin(), marker.end());
        CHECK(judged(crafted, kPlain, allowed) == "invalid_exact_evm_signature");
        CHECK(judged(crafted, kWallet, allowed) == "invalid_exact_evm_signature");
    }
}

TEST_CASE("exact: of two faults the first one in the order of the protocol is said") {
    struct Step {
        std::string_view code;
        std::function<void(Crafted&)> before_signing;
        std::function<void(v2::Payment&)> after;
        bool asset_has_code = true;
    };
    const auto nothing = [](auto&) {};
    const std::vector<Step> steps{
        {"unsupported_payload_type", nothing,
         [](auto& p) { p.payload.payload["signature"] = nullptr; }},
        {"invalid_exact_evm_scheme", nothing,
         [](auto& p) { p.payload.accepted.as_object()["scheme"] = "upto"; }},
        {"invalid_exact_evm_missing_eip712_domain", nothing,
         [](auto& p) { p.requirements.extra->erase("name"); }},
        {"invalid_exact_evm_network_mismatch", nothing,
         [](auto& p) { p.payload.accepted.as_object()["network"] = "eip155:1"; }},
        {"invalid_exact_evm_signature", nothing,
         [](auto& p) {
             if (p.payload.payload["signature"].is_string())
                 p.payload.payload["signature"] = to_hex(Bytes(65, 1));
         }},
        {"invalid_exact_evm_recipient_mismatch", [](auto& c) { c.authorization.to = Address{{1}}; },
         nothing},
        {"invalid_exact_evm_payload_authorization_valid_before",
         [](auto& c) { c.authorization.valid_before = U256(kNow + 5); }, nothing},
        {"invalid_exact_evm_payload_authorization_valid_after",
         [](auto& c) { c.authorization.valid_after = U256(kNow + 1); }, nothing},
        {"invalid_exact_evm_payload_authorization_value_mismatch",
         [](auto& c) { c.authorization.value = U256(1); }, nothing},
        {"asset_not_deployed_contract", nothing, nothing, false},
    };
    for (std::size_t first = 0; first < steps.size(); ++first) {
        for (std::size_t second = first; second < steps.size(); ++second) {
            auto crafted = unsigned_payment();
            steps[first].before_signing(crafted);
            steps[second].before_signing(crafted);
            crafted.sign_with(development_key(0));
            auto payment = crafted.payment();
            steps[first].after(payment);
            steps[second].after(payment);
            Facts facts = kPlain;
            facts.asset_has_code = steps[first].asset_has_code && steps[second].asset_has_code;
            CAPTURE(steps[first].code);
            CAPTURE(steps[second].code);
            const auto opened = exact().open(payment);
            Result<> verdict;
            if (opened) {
                verdict = (*opened)->judge(facts, {}, kNow);
            } else {
                verdict = fail(opened.error());
            }
            REQUIRE_FALSE(verdict);
            CHECK(wire_code(verdict.error().code) == steps[first].code);
        }
    }
}

TEST_CASE("exact: a factory that is not allowed comes before what follows the signature") {
    auto crafted = unsigned_payment();
    crafted.authorization.to = Address{{1}};
    crafted.sign_with(development_key(0));
    crafted.signature = wrapped(kFactory, crafted.signature);
    CHECK(judged(crafted) == "eip6492_factory_not_allowed");
}

TEST_CASE("exact: why a simulation failed, first hit first") {
    const auto opened = good().open().value();
    const Diagnosis fine{
        .nonce_used = false, .token_name = "USDC", .token_version = "2", .balance = U256(1000)};
    using Change = void (*)(Diagnosis&);
    const struct {
        std::string_view code;
        Change change;
    } steps[] = {
        {"invalid_exact_evm_eip3009_not_supported", [](auto& d) { d.nonce_used.reset(); }},
        {"invalid_exact_evm_nonce_already_used", [](auto& d) { d.nonce_used = true; }},
        {"invalid_exact_evm_token_name_mismatch", [](auto& d) { d.token_name = "USD Coin"; }},
        {"invalid_exact_evm_token_version_mismatch", [](auto& d) { d.token_version = "1"; }},
        {"invalid_exact_evm_insufficient_balance", [](auto& d) { d.balance = U256(999); }},
        {"invalid_exact_evm_transaction_simulation_failed", [](auto&) {}},
    };
    for (std::size_t first = 0; first < std::size(steps); ++first) {
        for (std::size_t second = first; second < std::size(steps); ++second) {
            auto diagnosis = fine;
            steps[second].change(diagnosis);
            steps[first].change(diagnosis);
            CAPTURE(steps[second].code);
            CHECK(wire_code(opened->diagnose(diagnosis).code) == steps[first].code);
        }
    }
    // What could not be read says nothing.
    Diagnosis unread;
    unread.nonce_used = false;
    CHECK(wire_code(opened->diagnose(unread).code) ==
          "invalid_exact_evm_transaction_simulation_failed");
}

TEST_CASE("exact: what a token says of itself is quoted with care") {
    const auto opened = good().open().value();
    Diagnosis hostile;
    hostile.nonce_used = false;
    hostile.token_name = std::string(1 << 20, 'A') + "\xff\xfe\n";
    const auto error = opened->diagnose(hostile);
    CHECK(error.detail.size() < 300);
    hostile.token_name = "USD\xff\n\"";
    const auto binary = opened->diagnose(hostile);
    CHECK(json::parse(json::to_text(json::Value(binary.detail))));
}

TEST_CASE("exact: only the events of exactly this payment prove it") {
    const auto crafted = good();
    const auto opened = crafted.open().value();
    const auto word = [](const Address& address) {
        Bytes32 out;
        std::ranges::copy(address.data, out.data.begin() + 12);
        return out;
    };
    const auto& a = crafted.authorization;
    const auto token = known_address(crafted.wanted.asset);
    const auto value = a.value.to_bytes();
    const LogEvent transfer{token,
                            {keccak256(std::string_view("Transfer(address,address,uint256)")),
                             word(a.from), word(a.to)},
                            Bytes(value.data.begin(), value.data.end())};
    const LogEvent used{
        token,
        {keccak256(std::string_view("AuthorizationUsed(address,bytes32)")), word(a.from), a.nonce},
        {}};
    const auto proved = [&](std::vector<LogEvent> events) {
        const auto verdict = opened->proved_by(events);
        if (!verdict)
            CHECK(wire_code(verdict.error().code) == "invalid_exact_evm_transfer_event_mismatch");
        return verdict.has_value();
    };
    CHECK(proved({used, transfer}));
    CHECK(proved({transfer, used}));
    CHECK(proved({LogEvent{}, used, {token, {}, {}}, transfer, LogEvent{}}));
    CHECK_FALSE(proved({}));
    CHECK_FALSE(proved({used}));
    CHECK_FALSE(proved({transfer}));
    using Change = void (*)(LogEvent&);
    const Change changes[] = {
        [](auto& e) { e.address = Address{{9}}; }, [](auto& e) { e.topics[0] = Bytes32{}; },
        [](auto& e) { e.topics[1] = Bytes32{}; },  [](auto& e) { e.topics[2] = Bytes32{}; },
        [](auto& e) { e.topics[1].data[0] = 1; },  // not an address any more
        [](auto& e) { e.topics.pop_back(); },      [](auto& e) { e.topics.push_back(Bytes32{}); },
    };
    for (const auto change : changes) {
        auto other_transfer = transfer;
        change(other_transfer);
        CHECK_FALSE(proved({used, other_transfer}));
        auto other_used = used;
        change(other_used);
        CHECK_FALSE(proved({other_used, transfer}));
    }
    auto less = transfer;
    less.data[31] = static_cast<std::uint8_t>(less.data[31] - 1);
    CHECK_FALSE(proved({used, less}));  // a token that keeps a fee
    less.data = {};
    CHECK_FALSE(proved({used, less}));
    auto longer = transfer;
    longer.data.push_back(0);
    CHECK_FALSE(proved({used, longer}));
}

TEST_CASE("exact: the same payment has the same print however it is written, another has another") {
    const auto print = [](const Crafted& crafted) { return crafted.open().value()->print(); };
    const auto first = good();
    auto other = first;
    other.signature[64] = static_cast<std::uint8_t>(other.signature[64] - 27);
    CHECK(print(other) == print(first));
    other = first;
    other.signature = wrapped({}, first.signature);
    CHECK(print(other) == print(first));
    other = first;
    other.wanted.asset = known_address(other.wanted.asset).to_lower();
    other.wanted.pay_to = known_payee().to_lower();
    CHECK(print(other) == print(first));
    const std::function<void(Crafted&)> changes[] = {
        [](auto& c) { c.authorization.value = U256(1); },
        [](auto& c) { c.authorization.to = Address{{1}}; },
        [](auto& c) { c.authorization.valid_before = U256(kNow + 301); },
        [](auto& c) { c.signature[0] ^= 1; },
        [](auto& c) { c.wanted.amount = U256(1'000'000); },
        [](auto& c) { c.wanted.pay_to = "0x9876543210987654321098765432109876543210"; },
        [](auto& c) { c.wanted.extra->insert_or_assign("name", "USD Coin"); },
    };
    for (const auto& change : changes) {
        other = first;
        change(other);
        CHECK(print(other) != print(first));
        CHECK(other.open().value()->key() == first.open().value()->key());
    }
}

}  // namespace farthing::scheme
