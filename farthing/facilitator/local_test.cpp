// SPDX-License-Identifier: Apache-2.0
// The facilitator over a chain in memory, asked as a node is asked.
#include "farthing/facilitator/local.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "farthing/testing/chain/fake_node.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::facilitator {
namespace {

using namespace std::chrono_literals;
using testing::Crafted;
using testing::development_key;
using testing::Fault;
using testing::Op;

constexpr const char* kKeyName = "FARTHING_TEST_GAS_KEY";

struct Facilitated : testing::ChainWorld {
    explicit Facilitated(std::vector<Asset> assets = {},
                         std::optional<ScreeningConfig> screening = {}) {
        setenv(kKeyName, to_hex(development_key(kGasKey).reveal()).c_str(), 1);
        NetworkConfig network;
        network.id = evm_network(84532);
        network.rpc = std::string("http://127.0.0.1:1/secret-path");
        network.key = SecretSource{.env = kKeyName, .file = {}};
        network.eip6492_factories = {chain.evm.factory_address};
        config.network.push_back(network);
        config.asset = std::move(assets);
        config.screening = std::move(screening);
        auto made = LocalFacilitator::make(env, loop, node, config);
        REQUIRE(made);
        local = *std::move(made);
        running.spawn(local->run());
    }
    ~Facilitated() {
        stop();
        unsetenv(kKeyName);
    }

    testing::FakeNode node{chain};
    Config config;
    std::unique_ptr<LocalFacilitator> local;

    Crafted good(std::uint64_t payer = 0) { return craft(payer).sign_with(development_key(payer)); }
    v2::VerifyResponse verify(const v2::Payment& payment) {
        auto response = run(local->verify(payment));
        REQUIRE(response);
        return *response;
    }
    v2::SettleResponse settle(const v2::Payment& payment,
                              std::chrono::milliseconds patience = 60s) {
        auto response = run(local->settle(payment, {patience, {}}));
        REQUIRE(response);
        return *response;
    }
};

v2::Payment version_1(Crafted crafted) {
    crafted.x402_version = 1;
    crafted.accepted = json::Object{{"scheme", "exact"}, {"network", "eip155:84532"}};
    return crafted.payment();
}

Asset usdc_named(std::string name, std::string version) {
    auto asset = *AssetTable::built_in().find_default(evm_network(84532));
    asset.name = std::move(name);
    asset.version = std::move(version);
    return asset;
}

}  // namespace

TEST_CASE("facilitator: a payment is verified, settled, and then its nonce is used") {
    Facilitated world;
    const auto payment = world.good().payment();
    const auto verdict = world.verify(payment);
    CHECK(verdict.is_valid);
    CHECK(verdict.payer == address_of(development_key(0)).to_checksum());
    const auto settled = world.settle(payment);
    CHECK(settled.success);
    CHECK(settled.network == "eip155:84532");
    CHECK(settled.payer == verdict.payer);
    CHECK(settled.transaction.size() == 66);
    CHECK_FALSE(settled.error_reason);
    const auto again = world.verify(payment);
    CHECK_FALSE(again.is_valid);
    CHECK(again.invalid_reason == "invalid_exact_evm_nonce_already_used");
    const auto replayed = world.settle(payment);
    CHECK_FALSE(replayed.success);
    CHECK(replayed.error_reason == "invalid_exact_evm_nonce_already_used");
    CHECK(replayed.transaction.empty());
}

TEST_CASE("facilitator: version 1 is answered in version 1's terms") {
    Facilitated world;
    const auto payment = version_1(world.good());
    CHECK(world.verify(payment).is_valid);
    CHECK(world.settle(payment).network == "base-sepolia");
    auto crafted = world.craft(0);
    crafted.authorization.value = U256(999);
    crafted.sign_with(development_key(0));
    CHECK(world.verify(version_1(crafted)).invalid_reason ==
          "invalid_exact_evm_authorization_value");
    auto elsewhere = version_1(world.good());
    elsewhere.payload.accepted.as_object()["network"] = "base-goerli";
    const auto mismatch = world.verify(elsewhere);
    CHECK(mismatch.invalid_reason == "invalid_exact_evm_network_mismatch");
    CHECK(mismatch.payer);
}

TEST_CASE("facilitator: a refusal is an answer, with the payer and the reason") {
    Facilitated world;
    auto poor = world.craft(0, U256(testing::ChainWorld::kDollars + 1));
    poor.sign_with(development_key(0));
    const auto verdict = world.verify(poor.payment());
    CHECK_FALSE(verdict.is_valid);
    CHECK(verdict.invalid_reason == "invalid_exact_evm_insufficient_balance");
    CHECK(verdict.invalid_message == "ERC20: transfer amount exceeds balance");
    CHECK(verdict.payer);
    const auto settled = world.settle(poor.payment());
    CHECK_FALSE(settled.success);
    CHECK(settled.error_reason == "invalid_exact_evm_insufficient_balance");
    CHECK(settled.transaction.empty());
    CHECK(settled.network == "eip155:84532");
    v2::Payment shapeless = world.good().payment();
    shapeless.payload.payload = json::Object{{"hello", 1}};
    CHECK(world.verify(shapeless).invalid_reason == "unsupported_payload_type");
    CHECK_FALSE(world.verify(shapeless).payer);
    CHECK(world.settle(shapeless).error_reason == "unsupported_payload_type");
}

TEST_CASE("facilitator: a mechanism that is not there is an error, for verify and for settle") {
    Facilitated world;
    auto elsewhere = world.good();
    elsewhere.wanted.network = evm_network(8453);
    auto other = world.good();
    other.wanted.scheme = "upto";
    for (const auto& payment : {elsewhere.payment(), other.payment()}) {
        const auto verdict = world.run(world.local->verify(payment));
        REQUIRE_FALSE(verdict);
        CHECK(verdict.error().code == Errc::no_such_mechanism);
        const auto settled = world.run(world.local->settle(payment, {60s, {}}));
        REQUIRE_FALSE(settled);
        CHECK(settled.error().code == Errc::no_such_mechanism);
    }
    const auto words = world.run(world.local->verify(elsewhere.payment())).error().detail;
    CHECK(words == "No facilitator registered for scheme: exact and network: eip155:8453");
}

TEST_CASE("facilitator: a payment seen a moment ago is verified without asking the chain") {
    Facilitated world;
    const auto crafted = world.good();
    CHECK(world.verify(crafted.payment()).is_valid);
    const auto asked = world.chain.asked(Op::read);
    CHECK(world.verify(crafted.payment()).is_valid);
    CHECK(world.chain.asked(Op::read) == asked);
    // The same nonce with other terms is another question, and judged as one.
    auto other = crafted;
    other.wanted.amount = U256(1);
    CHECK(world.verify(other.payment()).invalid_reason ==
          "invalid_exact_evm_payload_authorization_value_mismatch");
    auto forged = crafted;
    forged.signature[10] ^= 1;
    CHECK(world.verify(forged.payment()).invalid_reason == "invalid_exact_evm_signature");
    world.advance(3s);
    const auto before = world.chain.asked(Op::read);
    CHECK(world.verify(crafted.payment()).is_valid);
    CHECK(world.chain.asked(Op::read) > before);
    // What is remembered does not outlive the authorisation.
    world.advance(293s);
    CHECK(world.verify(crafted.payment()).invalid_reason ==
          "invalid_exact_evm_payload_authorization_valid_before");
}

TEST_CASE("facilitator: a balance is promised once, from verification to settlement") {
    Facilitated world;
    REQUIRE(world.run(world.local->check_chains()));
    const auto payer = address_of(development_key(0));
    world.chain.evm.token.balances[payer] = U256(2'500);
    const auto payment_of = [&](std::uint64_t amount) {
        auto crafted = Crafted::from(payer, world.clock.unix_seconds(), world.random.bytes32(),
                                     testing::usdc_requirements(U256(amount)));
        return crafted.sign_with(development_key(0)).payment();
    };
    std::vector<v2::Payment> payments;
    std::vector<testing::Started<Result<v2::VerifyResponse>>> verdicts;
    for (int i = 0; i < 10; ++i) payments.push_back(payment_of(1'000));
    for (const auto& each : payments) verdicts.push_back(world.start(world.local->verify(each)));
    world.run_until([&] {
        return std::ranges::all_of(verdicts, [](const auto& v) { return v->has_value(); });
    });
    std::vector<v2::Payment> good;
    std::vector<v2::Payment> refused;
    for (std::size_t i = 0; i < payments.size(); ++i) {
        const auto& verdict = **verdicts[i];
        REQUIRE(verdict);
        (verdict->is_valid ? good : refused).push_back(payments[i]);
        if (verdict->is_valid) continue;
        CHECK(verdict->invalid_reason == "invalid_exact_evm_insufficient_balance");
        CHECK(verdict->invalid_message.value_or("").find("reserved") != std::string::npos);
    }
    REQUIRE(good.size() == 2);
    CHECK(world.settle(good[0]).success);
    CHECK_FALSE(world.verify(refused[0]).is_valid);
    CHECK(world.settle(good[1]).success);
    CHECK_FALSE(world.verify(refused[0]).is_valid);
    CHECK(world.verify(payment_of(500)).is_valid);
}

TEST_CASE("facilitator: while somebody verifies, a known payment is verified without the chain") {
    Facilitated world;
    REQUIRE(world.run(world.local->check_chains()));
    const auto payment = world.good().payment();
    for (int i = 0; i < 2; ++i) {
        CHECK(world.verify(payment).is_valid);
        world.advance(10s);
    }
    const auto asked = world.chain.asked(Op::read);
    CHECK(world.verify(payment).is_valid);
    CHECK(world.chain.asked(Op::read) == asked);
}

TEST_CASE(
    "facilitator: while a payment is on its way it is pending, good to verify, and then told") {
    Facilitated world;
    world.chain.auto_mine = false;
    const auto crafted = world.good();
    const auto pending = world.settle(crafted.payment(), 2s);
    CHECK_FALSE(pending.success);
    CHECK(pending.error_reason == "settlement_pending");
    CHECK(pending.transaction.size() == 66);
    CHECK(world.verify(crafted.payment()).is_valid);
    auto rival = crafted;
    rival.wanted.amount = U256(1);
    rival.authorization.value = U256(1);
    rival.sign_with(development_key(0));
    CHECK(world.verify(rival.payment()).invalid_reason == "invalid_exact_evm_nonce_already_used");
    CHECK(world.settle(rival.payment()).error_reason == "invalid_exact_evm_nonce_already_used");
    world.chain.mine();
    world.advance(2s);
    CHECK(world.verify(crafted.payment()).is_valid);
    const auto told = world.settle(crafted.payment());
    CHECK(told.success);
    CHECK(told.transaction == pending.transaction);
    CHECK_FALSE(world.verify(crafted.payment()).is_valid);
}

TEST_CASE("facilitator: a chain that does not answer is unavailable, not a refusal") {
    Facilitated world;
    world.chain.faults = [](Op) { return Fault::no_answer(); };
    const auto payment = world.good().payment();
    const auto verdict = world.run(world.local->verify(payment));
    REQUIRE_FALSE(verdict);
    CHECK(kind_of(verdict.error().code) == Kind::unavailable);
    CHECK(verdict.error().detail.find("secret-path") == std::string::npos);
    const auto settled = world.run(world.local->settle(payment, {60s, {}}));
    REQUIRE_FALSE(settled);
    CHECK(kind_of(settled.error().code) == Kind::unavailable);
    CHECK(world.chain.asked(Op::send) == 0);
    world.chain.faults = nullptr;
    CHECK(world.settle(payment).success);
}

TEST_CASE("facilitator: the factories of its configuration may deploy") {
    Facilitated world;
    const auto owner = address_of(development_key(5));
    const auto wallet = world.chain.evm.wallet_address(owner, {});
    world.chain.evm.token.balances[wallet] = U256(5000);
    auto crafted = Crafted::from(wallet, world.clock.unix_seconds(), world.random.bytes32());
    crafted.sign_with(development_key(5));
    const auto deploy = world.chain.evm.deploy_call(owner, {});
    crafted.signature = erc6492::wrap({deploy.to, deploy.data, crafted.signature});
    CHECK(world.verify(crafted.payment()).is_valid);
    CHECK(world.settle(crafted.payment()).success);
    auto strange = crafted;
    strange.authorization.from = Address{{0x77}};
    strange.sign_with(development_key(5));
    strange.signature = erc6492::wrap({Address{{1}}, {}, strange.signature});
    CHECK(world.verify(strange.payment()).invalid_reason == "eip6492_factory_not_allowed");
}

TEST_CASE("facilitator: it says what it speaks, with which key") {
    Facilitated world;
    const auto supported = world.run(world.local->supported());
    REQUIRE(supported);
    const auto address = address_of(development_key(testing::ChainWorld::kGasKey)).to_checksum();
    CHECK(json::equal(
        json::encode(*supported),
        json::Object{
            {"kinds",
             json::Array{
                 json::Object{{"x402Version", 2}, {"scheme", "exact"}, {"network", "eip155:84532"}},
                 json::Object{
                     {"x402Version", 1}, {"scheme", "exact"}, {"network", "base-sepolia"}}}},
            {"extensions", json::Array{}},
            {"signers", json::Object{{"eip155:*", json::Array{address}}}}}));
}

TEST_CASE("facilitator: ready while the chain answers and the key can pay") {
    Facilitated world;
    CHECK(world.run(world.local->not_ready()).empty());
    world.chain.set_wei(address_of(development_key(testing::ChainWorld::kGasKey)), U256(0));
    auto reasons = world.run(world.local->not_ready());
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0].find("has nothing to pay gas with") != std::string::npos);
    // Once is tried again.
    world.chain.fail_next(Op::balance, Fault::no_answer());
    world.chain.fail_next(Op::balance, Fault::no_answer());
    reasons = world.run(world.local->not_ready());
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0].find("does not answer") != std::string::npos);
}

TEST_CASE("facilitator: a chain of another id refuses the start, and says what to change") {
    Facilitated world;
    CHECK(world.run(world.local->check_chains()));
    world.node.lie = [](std::string_view method, const json::Array&) {
        std::optional<json::Object> told;
        if (method == "eth_chainId") told = json::Object{{"result", "0x2105"}};
        return told;
    };
    const auto checked = world.run(world.local->check_chains());
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Errc::invalid_config);
    CHECK(checked.error().detail ==
          "eip155:84532: the node at rpc is on eip155:8453: change id or rpc");
}

TEST_CASE("facilitator: a token with another domain refuses the start, and says what to set") {
    for (const auto& wrong : {usdc_named("USD Coin", "2"), usdc_named("USDC", "1")}) {
        Facilitated world({wrong});
        const auto checked = world.run(world.local->check_chains());
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == Errc::invalid_config);
        const auto& says = checked.error().detail;
        CHECK(says.find(wrong.address.to_checksum()) != std::string::npos);
        CHECK(says.find("DOMAIN_SEPARATOR") != std::string::npos);
        CHECK(says.find("[[asset]]") != std::string::npos);
    }
    Facilitated right({usdc_named("USDC", "2")});
    CHECK(right.run(right.local->check_chains()));
    // Assets that are to replace those it was started with are held against the chain likewise.
    auto wrong = asset_table({usdc_named("USD Coin", "2")}).value();
    const auto checked = right.run(right.local->check_chains(std::move(wrong)));
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Errc::invalid_config);
    CHECK(right.run(right.local->check_chains()));
}

TEST_CASE("facilitator: a token that is not deployed is only a warning") {
    Facilitated world;
    world.chain.evm.token_deployed = false;
    CHECK(world.run(world.local->check_chains()));
    CHECK(world.log.count("asset_not_deployed") == 1);
}

TEST_CASE("facilitator: a node that does not answer at the start is named, without its path") {
    Facilitated world;
    world.chain.faults = [](Op) { return Fault::no_answer(); };
    const auto checked = world.run(world.local->check_chains());
    REQUIRE_FALSE(checked);
    CHECK(kind_of(checked.error().code) == Kind::unavailable);
    CHECK(checked.error().detail.find("eip155:84532") != std::string::npos);
    CHECK(checked.error().detail.find("secret-path") == std::string::npos);
}

TEST_CASE("facilitator: a key that is none is refused, and never repeated") {
    Facilitated world;
    const auto made_with = [&](const char* key) {
        setenv(kKeyName, key, 1);
        const auto made = LocalFacilitator::make(world.env, world.loop, world.node, world.config);
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Errc::invalid_config);
        CHECK(made.error().detail.find("eip155:84532") != std::string::npos);
        return made.error().detail;
    };
    CHECK(made_with("swordfish").find("swordfish") == std::string::npos);
    made_with(("0x" + std::string(64, '0')).c_str());
    made_with(("0x" + std::string(64, 'f')).c_str());
    made_with("");
    unsetenv(kKeyName);
    const auto made = LocalFacilitator::make(world.env, world.loop, world.node, world.config);
    REQUIRE_FALSE(made);
    CHECK(made.error().detail.find(kKeyName) != std::string::npos);
}

TEST_CASE("facilitator: drain waits for the settlements in hand") {
    Facilitated world;
    world.chain.auto_mine = false;
    const auto settling = world.start(world.local->settle(world.good().payment(), {10min, {}}));
    world.advance(1s);
    const auto drained = world.start(Facilitated::to_end(world.local->drain()));
    world.advance(5s);
    CHECK_FALSE(drained->has_value());
    world.chain.mine();
    REQUIRE(world.run_until([&] { return drained->has_value(); }));
    CHECK((**settling)->success);
}

namespace {

/// A list of who is refused, in a file of its own.
class List {
  public:
    List() { write(""); }
    ~List() { std::filesystem::remove(path_); }
    List(const List&) = delete;
    List& operator=(const List&) = delete;

    void write(std::string_view text) const { std::ofstream(path_) << text; }
    [[nodiscard]] ScreeningConfig config() const { return {.file = path_}; }

  private:
    std::string path_ = (std::filesystem::temp_directory_path() /
                         ("farthing-local-screening-" + std::to_string(getpid())))
                            .string();
};

std::string address_text(std::uint64_t index) {
    return address_of(development_key(index)).to_checksum();
}

}  // namespace

TEST_CASE("facilitator: who is on the list neither pays nor is paid, and nothing is asked for it") {
    const List list;
    Facilitated world({}, list.config());
    const auto payment = world.good().payment();
    CHECK(world.verify(payment).is_valid);
    for (const auto& refused : {address_text(0), testing::known_payee().to_lower()}) {
        list.write(refused);
        world.local->reload_screening();
        world.node.instead = net::Response{.status = 500};
        const auto verdict = world.verify(payment);
        CHECK_FALSE(verdict.is_valid);
        CHECK(verdict.invalid_reason == "screening_refused");
        CHECK(verdict.payer == address_text(0));
        const auto settled = world.settle(payment);
        CHECK_FALSE(settled.success);
        CHECK(settled.error_reason == "screening_refused");
        CHECK(settled.transaction.empty());
        world.node.instead.reset();
    }
    CHECK(world.chain.mined().empty());
    list.write(address_text(1));
    world.local->reload_screening();
    CHECK(world.settle(payment).success);
}

TEST_CASE("facilitator: a payment that was sent is told of, whoever is on the list by then") {
    const List list;
    Facilitated world({}, list.config());
    world.chain.auto_mine = false;
    const auto payment = world.good().payment();
    const auto pending = world.settle(payment, 2s);
    CHECK(pending.error_reason == "settlement_pending");
    list.write(address_text(0));
    world.local->reload_screening();
    CHECK(world.verify(payment).is_valid);
    CHECK(world.settle(payment, 2s).error_reason == "settlement_pending");
    world.chain.mine();
    world.advance(2s);
    CHECK(world.verify(payment).is_valid);
    const auto ask_as = [&](std::string asker) {
        auto response = world.run(world.local->settle(payment, {60s, std::move(asker)}));
        REQUIRE(response);
        return *response;
    };
    const auto told = ask_as("the seller");
    CHECK(told.success);
    CHECK(told.transaction == pending.transaction);
    CHECK(ask_as("the seller").transaction == pending.transaction);
    CHECK(ask_as("another").error_reason == "screening_refused");
    CHECK(world.chain.mined().size() == 1);
}

TEST_CASE("facilitator: without an answer of the screening service nothing is sent") {
    ScreeningConfig screening;
    screening.url = "http://127.0.0.1:1/screen";
    Facilitated world({}, screening);
    const auto payment = world.good().payment();
    world.node.instead = net::Response{.status = 503};
    const auto verdict = world.run(world.local->verify(payment));
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().code == Errc::screening_failed);
    const auto settled = world.run(world.local->settle(payment, {60s, {}}));
    REQUIRE_FALSE(settled);
    CHECK(settled.error().code == Errc::screening_failed);
    CHECK(world.chain.mined().empty());
}

}  // namespace farthing::facilitator
