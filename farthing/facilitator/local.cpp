// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/local.hpp"

#include <fmt/format.h>

#include <set>

#include "farthing/base/hex.hpp"
#include "farthing/chain/endpoints_chain.hpp"
#include "farthing/chain/evm_chain.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/batch_contract.hpp"
#include "farthing/evm/multicall3.hpp"
#include "farthing/scheme/price.hpp"
#include "farthing/settlement/settler.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::facilitator {

namespace {

constexpr std::chrono::minutes kLookForBatchContract{10};

/// The URLs may hold keys: an endpoint is known by its place in the list and its host.
std::vector<chain::EndpointConfig> endpoints(net::Client& client, const NetworkConfig& config) {
    std::vector<chain::EndpointConfig> out;
    for (const auto& each : config.rpc.all) {
        auto url = net::parse_url(each);
        invariant(url.has_value(), "a configuration was validated");
        auto name = fmt::format("{}:{}", out.size(), url->host);
        auto node = std::make_unique<chain::EvmChain>(config.id, client, *std::move(url),
                                                      config.rpc_timeout);
        auto retry_after = [&asked = *node] { return asked.take_retry_after(); };
        out.push_back({std::move(name), std::move(node), std::move(retry_after)});
    }
    return out;
}

}  // namespace

namespace {

settlement::LaneConfig lane_config(const NetworkConfig& config) {
    constexpr std::uint64_t kWeiPerGwei = 1'000'000'000;
    settlement::LaneConfig out;
    out.poll_interval = config.poll_interval;
    out.replace_after = config.replace_after;
    out.in_flight_max = config.in_flight_max;
    out.max_fee_per_gas =
        U256(config.max_fee_gwei).checked_mul(U256(kWeiPerGwei)).value_or(U256::max());
    return out;
}

settlement::SettlerConfig settler_config(const NetworkConfig& config, const AssetTable& assets,
                                         const std::string& node) {
    settlement::SettlerConfig out;
    out.node = node;
    out.gas_limit_max = config.gas_limit_max;
    for (const auto& asset : assets.all()) {
        if (asset.network == config.id) out.known_tokens.insert(asset.address);
    }
    out.reorganised_within = config.reorganised_within;
    if (config.confirm.empty()) return out;
    // Of a token that is not in the table nobody knows the worth: the strictest rule.
    out.depth_of = [rules = config.confirm, assets](const scheme::Opened& payment) {
        const auto* asset = assets.find(payment.key().network, payment.key().token);
        settlement::Depth depth;
        for (const auto& rule : rules) {
            const auto from = scheme::parse_money(rule.above);
            const auto least =
                asset && from ? scheme::to_atomic(*from, asset->decimals) : Result<U256>(U256{});
            if (!least || payment.amount() < *least) continue;
            depth = parse_depth(rule.wait).value_or(depth);
        }
        return depth;
    };
    return out;
}

}  // namespace

/// Everything of one network.
struct LocalFacilitator::Unit {
    Unit(Env env, Loop& loop, net::Client& client, const store::Stores& stores,
         const NetworkConfig& config, const AssetTable& assets, std::vector<PrivateKey> keys)
        : chain(env, loop, config.id, endpoints(client, config), {.timeout = config.rpc_timeout}),
          lanes(env, loop, chain, *stores.intents, std::move(keys), lane_config(config),
                {.batch_max = config.batch_max,
                 .batch_wait = config.batch_wait,
                 .batch_gas_max = config.batch_gas_max}),
          examiner(env, loop, chain, lanes.address(),
                   {.eip6492_factories = {config.eip6492_factories.begin(),
                                          config.eip6492_factories.end()}},
                   {.staleness_max = config.staleness_max,
                    .recheck_after = config.recheck_after,
                    .reserve_for = config.reserve_for},
                   stores.reservations.get()),
          settler(env, loop, chain, examiner, lanes, *stores.intents,
                  settler_config(config, assets, stores.node)),
          ours_allowed(config.batch_contract == "auto") {}

    chain::EndpointsChain chain;
    settlement::Lanes lanes;
    settlement::Examiner examiner;
    settlement::Settler settler;
    bool ours_allowed;  ///< our batch contract, where it is
    bool batching_known = false;
};

struct LocalFacilitator::Accepted {
    std::shared_ptr<const scheme::Opened> payment;
    Unit* unit;
};

namespace {

Result<PrivateKey> load_key(const SecretSource& source) {
    FARTHING_TRY(const auto text, source.load());
    auto bytes = bytes32_from_hex(text.reveal());
    if (!bytes) return fail(Errc::invalid_config, "expected 0x and 64 hex digits");
    auto key = make_key(*bytes);
    wipe(bytes->data.data(), bytes->data.size());
    if (!key) return fail(Errc::invalid_config, key.error().detail);
    return key;
}

Result<std::vector<PrivateKey>> load_keys(const NetworkConfig& config) {
    std::vector<PrivateKey> keys;
    std::set<Address> seen;
    for (const auto& each : config.key.all) {
        auto key = load_key(each);
        if (!key) {
            return fail(Errc::invalid_config,
                        fmt::format("key of {}: {}", config.id.id, key.error().detail));
        }
        if (!seen.insert(address_of(*key)).second) {
            return fail(Errc::invalid_config,
                        fmt::format("key of {}: one is there twice", config.id.id));
        }
        keys.push_back(std::move(*key));
    }
    return keys;
}

std::optional<std::string> payer_in(const v2::Payment& payment) {
    for (const auto* scheme : scheme::all_schemes()) {
        if (auto payer = scheme->payer_of(payment.payload.payload)) return payer;
    }
    return std::nullopt;
}

Transfer transfer_of(const v2::Payment& payment, const scheme::Opened& opened) {
    const auto& key = opened.key();
    return {key.network, key.payer, opened.recipient(), key.token, payment.requirements.amount};
}

/// Whether the error is about the payment, so that the answer is a refusal.
bool is_refusal(const Error& error) {
    const auto kind = kind_of(error.code);
    return kind == Kind::refused || kind == Kind::invalid;
}

}  // namespace

LocalFacilitator::LocalFacilitator(Env env, AssetTable assets)
    : env_(env), assets_(std::move(assets)) {}

LocalFacilitator::~LocalFacilitator() = default;

Result<std::unique_ptr<LocalFacilitator>> LocalFacilitator::make(Env env, Loop& loop,
                                                                 net::Client& client,
                                                                 const Config& config) {
    FARTHING_TRY(auto assets, asset_table(config.asset));
    FARTHING_CHECK(check_networks(config.network));
    std::unique_ptr<LocalFacilitator> made(new LocalFacilitator(env, std::move(assets)));
    if (config.screening) {
        FARTHING_TRY(made->screening_, Screening::make(env, client, *config.screening));
    }
    FARTHING_TRY(made->stores_, store::open_stores(env, loop, config.store));
    for (const auto& each : config.network) {
        FARTHING_TRY(auto keys, load_keys(each));
        made->units_.emplace(each.id, std::make_unique<Unit>(env, loop, client, made->stores_, each,
                                                             made->assets_, std::move(keys)));
    }
    if (made->stores_.shared) {
        made->tenure_ =
            std::make_unique<settlement::Tenure>(env, *made->stores_.leases, made->stores_.node);
        for (auto& [network, unit] : made->units_) made->tenure_->add(unit->lanes, unit->settler);
    }
    return made;
}

Task<Result<>> LocalFacilitator::check_chains() { return check_chains(assets_); }

Task<Result<>> LocalFacilitator::check_chains(AssetTable assets) {
    for (auto& [network, unit] : units_) {
        auto checked = co_await check_unit(*unit, assets);
        if (!checked) co_return checked;
    }
    co_return Result<>{};
}

Task<Result<>> LocalFacilitator::check_unit(Unit& unit, const AssetTable& assets) {
    const auto& network = unit.chain.network();
    auto id = co_await unit.chain.chain_id();
    if (!id) {
        co_return fail(id.error().code, fmt::format("{}: the node does not answer: {}", network.id,
                                                    id.error().detail));
    }
    if (*id != network.chain_id()) {
        co_return fail(
            Errc::invalid_config,
            fmt::format("{}: the node at rpc is on eip155:{}: change id or rpc", network.id, *id));
    }
    auto batching = co_await choose_batching(unit);
    if (!batching) co_return fail(std::move(batching).error());
    std::vector<const Asset*> asked;
    std::vector<chain::Read> reads;
    for (const auto& asset : assets.all()) {
        if (asset.network != network || asset.transfer_method != "eip3009") continue;
        asked.push_back(&asset);
        reads.push_back(chain::Read::code_of(asset.address));
        reads.push_back(chain::Read::of(erc20::domain_separator(asset.address)));
    }
    if (asked.empty()) co_return Result<>{};
    auto answers = co_await unit.chain.read(std::move(reads));
    if (!answers) co_return fail(std::move(answers).error());
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const auto& asset = *asked[i];
        const auto& code = (*answers)[2 * i];
        const auto& separator = (*answers)[2 * i + 1];
        const auto where =
            fmt::format("asset {} {} on {}", asset.symbol, asset.address.to_checksum(), network.id);
        if (!code || code->empty()) {
            env_.log.warn("asset_not_deployed",
                          {{"asset", asset.address.to_checksum()}, {"network", network.id}});
            continue;
        }
        const auto expected = eip712::domain_separator(asset.domain());
        if (!separator || separator->size() != 32) {
            co_return fail(
                Errc::invalid_config,
                where + ": the contract has no DOMAIN_SEPARATOR: it cannot take EIP-3009 payments");
        }
        if (!std::equal(separator->begin(), separator->end(), expected.data.begin())) {
            co_return fail(
                Errc::invalid_config,
                fmt::format("{}: its DOMAIN_SEPARATOR is {}, name \"{}\" and version \"{}\" give "
                            "{}: set the "
                            "name and version that the contract was made with under [[asset]]",
                            where, to_hex(*separator), asset.name, asset.version,
                            to_hex(expected)));
        }
        unit.examiner.trust(asset.address, expected);
    }
    co_return Result<>{};
}

Task<Result<>> LocalFacilitator::choose_batching(Unit& unit) {
    using settlement::Batching;
    const auto& network = unit.chain.network();
    std::vector<chain::Read> reads;
    reads.push_back(chain::Read::code_of(batch_contract::kAddress));
    reads.push_back(chain::Read::code_of(multicall3::kAddress));
    auto found = co_await unit.chain.read(std::move(reads));
    if (!found) co_return fail(std::move(found).error());
    const auto& ours = found->front();
    const auto& theirs = found->back();
    auto batching = theirs && !theirs->empty() ? Batching::multicall3 : Batching::none;
    const bool is_ours = ours && keccak256(*ours) == batch_contract::kCodeHash;
    if (is_ours && unit.ours_allowed) batching = Batching::batch_contract;
    const bool is_new = !unit.batching_known || unit.lanes.queue().batching() != batching;
    unit.batching_known = true;
    unit.lanes.queue().set_batching(batching);
    if (!is_new) co_return Result<>{};
    if (batching == Batching::none) {
        env_.log.warn("multicall3_not_deployed", {{"network", network.id}});
    } else {
        const bool by_ours = batching == Batching::batch_contract;
        env_.log.info("batches_go_through",
                      {{"network", network.id}, {"contract", by_ours ? "ours" : "multicall3"}});
    }
    co_return Result<>{};
}

/// Somebody may deploy ours while we run, and a reorganisation may take it away.
Task<> LocalFacilitator::watch_batching(Unit& unit) {
    for (;;) {
        co_await env_.clock.sleep(kLookForBatchContract);
        auto chosen = co_await choose_batching(unit);
        if (!chosen) {
            env_.log.debug("batch_contract_not_asked", {{"reason", to_string(chosen.error())}});
        }
    }
}

Task<Result<>> LocalFacilitator::recover() {
    settlement::Settler::Reopen reopen =
        [this](const std::string& record) -> Result<std::shared_ptr<const scheme::Opened>> {
        FARTHING_TRY(const auto body, json::parse(record));
        FARTHING_TRY(const auto payment, dialect::facilitator_request(body));
        FARTHING_TRY(auto accepted, accept(payment));
        return std::move(accepted.payment);
    };
    for (auto& [network, unit] : units_) {
        auto recovered = co_await unit->settler.recover(reopen);
        if (!recovered) co_return recovered;
    }
    if (!tenure_) co_return Result<>{};
    auto begun = co_await tenure_->begin();
    co_return begun;
}

Task<> LocalFacilitator::run() {
    auto executor = co_await asio::this_coro::executor;
    TaskGroup lanes(executor.context());
    for (auto& [network, unit] : units_) {
        lanes.spawn(unit->chain.run());
        lanes.spawn(unit->lanes.run());
        lanes.spawn(unit->examiner.run());
        lanes.spawn(unit->settler.run());
        lanes.spawn(watch_batching(*unit));
    }
    if (screening_) lanes.spawn(screening_->run());
    if (tenure_) lanes.spawn(tenure_->run());
    co_await lanes.join();
}

Task<> LocalFacilitator::drain() {
    for (auto& [network, unit] : units_) co_await unit->settler.drain();
    if (tenure_) co_await tenure_->end();
}

LocalFacilitator::Unit* LocalFacilitator::unit_of(const Network& network) const {
    const auto found = units_.find(network);
    return found == units_.end() ? nullptr : found->second.get();
}

Result<LocalFacilitator::Accepted> LocalFacilitator::accept(const v2::Payment& payment) const {
    const auto& wanted = payment.requirements;
    const auto* scheme = scheme::find_scheme(wanted.scheme);
    auto* unit = unit_of(wanted.network);
    if (scheme == nullptr || unit == nullptr) {
        return fail(Errc::no_such_mechanism,
                    fmt::format("No facilitator registered for scheme: {} and network: {}",
                                wanted.scheme.substr(0, 64), wanted.network.id));
    }
    FARTHING_TRY(auto opened, scheme->open(payment));
    return Accepted{std::move(opened), unit};
}

/// The chain says of a payment that is on its way that it is good or that its nonce is used, as it
/// happens; to the server that asks again for it, it is good, and /settle says what became of it.
Task<Result<>> LocalFacilitator::examine(Accepted accepted) {
    switch (accepted.unit->settler.standing(*accepted.payment)) {
        case settlement::Standing::sent:
            co_return Result<>{};
        case settlement::Standing::rival:
            co_return fail(Errc::exact_nonce_already_used,
                           "another payment with this nonce is in hand");
        case settlement::Standing::fresh:
            break;
    }
    auto verdict = co_await accepted.unit->examiner.examine(accepted.payment);
    if (verdict || verdict.error().code != Errc::exact_nonce_already_used) co_return verdict;
    // By this very payment, perhaps, on another node of the store.
    if (!stores_.shared) co_return verdict;
    const auto open = co_await accepted.unit->settler.is_open_elsewhere(accepted.payment);
    if (!open) co_return fail(open.error());
    if (*open) co_return Result<>{};
    co_return verdict;
}

Task<Result<>> LocalFacilitator::screen(Accepted accepted, Transfer transfer, std::string asker) {
    const auto& settler = accepted.unit->settler;
    if (!screening_ || settler.holds(*accepted.payment, asker)) co_return Result<>{};
    auto verdict = co_await screening_->screen(std::move(transfer));
    // Another who asked for it may have been let through meanwhile: then it is on its way.
    if (!verdict && settler.holds(*accepted.payment, asker)) co_return Result<>{};
    co_return verdict;
}

void LocalFacilitator::reload_screening() {
    if (screening_) screening_->reload();
}

Task<Result<v2::VerifyResponse>> LocalFacilitator::verify(v2::Payment payment) {
    v2::VerifyResponse response;
    response.payer = payer_in(payment);
    auto accepted = accept(payment);
    Result<> verdict;
    if (accepted) {
        auto transfer = transfer_of(payment, *accepted->payment);
        verdict = co_await screen(*accepted, std::move(transfer), std::string());
        if (verdict) verdict = co_await examine(*accepted);
    } else {
        verdict = fail(accepted.error());
    }
    if (verdict) {
        response.is_valid = true;
        co_return response;
    }
    const auto& error = verdict.error();
    if (error.code == Errc::no_such_mechanism || !is_refusal(error)) co_return fail(error);
    response.invalid_reason = wire_code(error.code);
    if (!error.detail.empty()) response.invalid_message = error.detail;
    co_return response;
}

void LocalFacilitator::unheard(const v2::Payment& payment) {
    if (const auto accepted = accept(payment)) accepted->unit->settler.unheard(*accepted->payment);
}

Task<Result<v2::SettleResponse>> LocalFacilitator::settle(v2::Payment payment, Asking asking) {
    v2::SettleResponse response;
    response.payer = payer_in(payment);
    response.network = dialect::network_in(payment.x402_version, payment.requirements.network);
    auto accepted = accept(payment);
    settlement::Outcome outcome;
    Result<> screened;
    if (accepted) {
        auto transfer = transfer_of(payment, *accepted->payment);
        screened = co_await screen(*accepted, std::move(transfer), asking.idempotency_key);
    }
    if (!screened) {
        outcome = {settlement::Outcome::State::failed, std::nullopt, screened.error()};
    } else if (accepted) {
        const auto body = dialect::facilitator_request_body(payment);
        outcome = co_await accepted->unit->settler.settle(accepted->payment, asking.patience,
                                                          asking.idempotency_key,
                                                          body ? json::to_text(*body) : "");
    } else {
        outcome = {settlement::Outcome::State::failed, std::nullopt, accepted.error()};
    }
    if (outcome.transaction) response.transaction = to_hex(*outcome.transaction);
    if (outcome.state == settlement::Outcome::State::settled) {
        response.success = true;
        co_return response;
    }
    const auto& error = outcome.error;
    const bool pending = outcome.state == settlement::Outcome::State::unknown;
    if (error.code == Errc::no_such_mechanism || (!pending && !is_refusal(error)))
        co_return fail(error);
    response.error_reason = wire_code(pending ? Errc::settlement_pending : error.code);
    if (!error.detail.empty()) response.error_message = error.detail;
    co_return response;
}

Task<Result<v2::SupportedResponse>> LocalFacilitator::supported() {
    v2::SupportedResponse response;
    response.extensions.emplace();
    json::Array signers;
    for (const auto& [network, unit] : units_) {
        for (const auto* scheme : scheme::all_schemes()) {
            response.kinds.push_back(
                {v2::kVersion, std::string(scheme->name()), network.id, {}, {}});
            if (const auto name = network.v1_name()) {
                response.kinds.push_back(
                    {1, std::string(scheme->name()), std::string(*name), {}, {}});
            }
        }
        for (const auto& lane : unit->lanes.all()) {
            const auto address = lane->address().to_checksum();
            if (std::ranges::find(signers, json::Value(address)) == signers.end())
                signers.emplace_back(address);
        }
    }
    response.signers = json::Object{{"eip155:*", std::move(signers)}};
    co_return response;
}

Task<std::vector<std::string>> LocalFacilitator::not_ready() {
    std::vector<std::string> reasons;
    for (auto& [network, unit] : units_) {
        std::vector<std::string> poor;
        for (const auto& lane : unit->lanes.all()) {
            const auto address = lane->address();
            auto balance = co_await unit->chain.balance(address);
            if (!balance) {
                reasons.push_back(fmt::format("{}: the node does not answer: {}", network.id,
                                              balance.error().detail));
                poor.clear();
                break;
            }
            if (balance->is_zero() || lane->purse() == settlement::Purse::empty) {
                poor.push_back(fmt::format("{}: {} has nothing to pay gas with", network.id,
                                           address.to_checksum()));
            }
        }
        // One key that can pay is enough.
        if (poor.size() == unit->lanes.all().size()) {
            reasons.insert(reasons.end(), poor.begin(), poor.end());
        }
    }
    co_return reasons;
}

}  // namespace farthing::facilitator
