// SPDX-License-Identifier: Apache-2.0
#include "farthing/testing/chain/fake_evm.hpp"

#include <algorithm>

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/evm/batch_contract.hpp"
#include "farthing/evm/multicall3.hpp"

namespace farthing::testing {
namespace {

constexpr std::string_view kTransferSplit =
    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,"
    "bytes32)";
constexpr std::string_view kTransferBytes =
    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)";

std::unexpected<chain::Revert> revert(const std::string& reason) {
    auto data = abi::call("Error(string)", {Bytes(reason.begin(), reason.end())});
    return std::unexpected(chain::Revert{std::move(data), reason});
}

bool calls(const Bytes& data, std::string_view function) {
    const auto wanted = abi::selector(function);
    return data.size() >= 4 && std::equal(wanted.begin(), wanted.end(), data.begin());
}

Bytes32 word(const Address& address) {
    Bytes32 out;
    std::ranges::copy(address.data, out.data.begin() + 12);
    return out;
}

Bytes text(const std::string& value) { return abi::encode({Bytes(value.begin(), value.end())}); }

Bytes bytes_of(ByteView view) { return {view.begin(), view.end()}; }

/// The signature of an account without code, as FiatToken v2.2 checks it: v is 27 or 28.
bool recovers_to(const Address& account, const Bytes32& digest, ByteView signature) {
    if (signature.size() != 65 || signature[64] < 27) return false;
    const auto parsed = parse_signature(signature);
    if (!parsed) return false;
    const auto signer = recover(digest, *parsed);
    return signer && address_of(*signer) == account;
}

}  // namespace

FakeEvm::FakeEvm(std::uint64_t chain_id) : chain_id_(chain_id) {
    token_address = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value_or(Address{});
    factory_address = Address{{0xfa, 0xc7}};
}

bool FakeEvm::has_code(const Address& account) const {
    return (account == token_address && token_deployed) || account == factory_address ||
           account == multicall3::kAddress || account == batch_contract::kAddress ||
           wallets.contains(account);
}

U256 FakeEvm::balance(const Address& account) const {
    const auto found = token.balances.find(account);
    return found == token.balances.end() ? U256{} : found->second;
}

eip712::Domain FakeEvm::domain() const {
    return {token.name, token.version, U256(chain_id_), token_address};
}

Address FakeEvm::wallet_address(const Address& owner, const Bytes32& salt) const {
    const auto hash = keccak256({ByteView(factory_address), ByteView(salt), ByteView(owner)});
    Address out;
    std::copy(hash.data.begin() + 12, hash.data.end(), out.data.begin());
    return out;
}

Call FakeEvm::deploy_call(const Address& owner, const Bytes32& salt) const {
    return {factory_address, abi::call("deploy(address,bytes32)", {owner, salt})};
}

FakeEvm::Result FakeEvm::execute(const Call& call, std::uint64_t timestamp) {
    const auto saved_token = token;
    const auto saved_wallets = wallets;
    auto done = run(call, timestamp);
    if (!done) {
        token = saved_token;
        wallets = saved_wallets;
    }
    return done;
}

FakeEvm::Result FakeEvm::run(const Call& call, std::uint64_t timestamp) {
    if (call.to == token_address && token_deployed) return run_token(call.data, timestamp);
    if (call.to == factory_address) return run_factory(call.data);
    if (call.to == multicall3::kAddress) return run_multicall(call.data, timestamp);
    if (call.to == batch_contract::kAddress) return run_batch(call.data, timestamp);
    if (wallets.contains(call.to)) return run_wallet(call.to, call.data);
    return Executed{};  // an account without code takes every call
}

FakeEvm::Result FakeEvm::run_token(const Bytes& data, std::uint64_t timestamp) {
    const abi::Reader arguments(ByteView(data).subspan(std::min<std::size_t>(4, data.size())));
    if (calls(data, kTransferSplit)) return run_transfer(data, timestamp, true);
    if (calls(data, kTransferBytes)) return run_transfer(data, timestamp, false);
    if (calls(data, "name()")) return Executed{text(token.name), {}};
    if (calls(data, "version()")) return Executed{text(token.version), {}};
    if (calls(data, "DOMAIN_SEPARATOR()")) {
        return Executed{bytes_of(eip712::domain_separator(domain())), {}};
    }
    if (calls(data, "balanceOf(address)")) {
        const auto owner = arguments.address(0);
        if (!owner) return revert("bad calldata");
        return Executed{bytes_of(balance(*owner).to_bytes()), {}};
    }
    if (calls(data, "authorizationState(address,bytes32)")) {
        const auto payer = arguments.address(0);
        const auto nonce = arguments.word(1);
        if (!payer || !nonce) return revert("bad calldata");
        const bool used = token.used.contains({*payer, *nonce});
        return Executed{abi::encode({used}), {}};
    }
    return revert("");
}

bool FakeEvm::signed_by(const Address& account, const Bytes32& digest,
                        const Bytes& signature) const {
    const auto wallet = wallets.find(account);
    if (wallet == wallets.end()) return recovers_to(account, digest, signature);
    if (refusing.contains(account) || reverting.contains(account) || signature.size() < 65) {
        return false;
    }
    return recovers_to(wallet->second, digest, ByteView(signature).first(65));
}

FakeEvm::Result FakeEvm::run_transfer(const Bytes& data, std::uint64_t timestamp, bool split) {
    const abi::Reader arguments(ByteView(data).subspan(4));
    const auto from = arguments.address(0);
    const auto to = arguments.address(1);
    const auto value = arguments.number(2);
    const auto valid_after = arguments.number(3);
    const auto valid_before = arguments.number(4);
    const auto nonce = arguments.word(5);
    if (!from || !to || !value || !valid_after || !valid_before || !nonce) return revert("");
    Bytes signature;
    if (split) {
        const auto v = arguments.number(6);
        const auto r = arguments.word(7);
        const auto s = arguments.word(8);
        if (!v || !r || !s || *v > U256(255)) return revert("");
        append(signature, *r);
        append(signature, *s);
        signature.push_back(static_cast<std::uint8_t>(v->to_u64().value_or(0)));
    } else {
        const auto given = arguments.bytes(6);
        if (!given) return revert("");
        signature = bytes_of(*given);
    }
    if (U256(timestamp) <= *valid_after) {
        return revert("FiatTokenV2: authorization is not yet valid");
    }
    if (U256(timestamp) >= *valid_before) return revert("FiatTokenV2: authorization is expired");
    if (token.used.contains({*from, *nonce})) {
        return revert("FiatTokenV2: authorization is used or canceled");
    }
    const TransferWithAuthorization message{*from,        *to,           *value,
                                            *valid_after, *valid_before, *nonce};
    if (!signed_by(*from, eip712::digest(domain(), message), signature)) {
        return revert("FiatTokenV2: invalid signature");
    }
    const auto left = balance(*from).checked_sub(*value);
    if (!left) return revert("ERC20: transfer amount exceeds balance");
    token.used.insert({*from, *nonce});
    token.balances[*from] = *left;
    token.balances[*to] = balance(*to).checked_add(*value).value_or(U256::max());
    Executed done;
    done.events.push_back(
        {token_address,
         {keccak256(std::string_view("AuthorizationUsed(address,bytes32)")), word(*from), *nonce},
         {}});
    done.events.push_back(
        {token_address,
         {keccak256(std::string_view("Transfer(address,address,uint256)")), word(*from), word(*to)},
         bytes_of(value->to_bytes())});
    return done;
}

FakeEvm::Result FakeEvm::run_wallet(const Address& wallet, const Bytes& data) {
    if (!calls(data, "isValidSignature(bytes32,bytes)")) return Executed{};
    if (reverting.contains(wallet)) return revert("told to fail");
    const abi::Reader arguments(ByteView(data).subspan(4));
    const auto digest = arguments.word(0);
    const auto signature = arguments.bytes(1);
    const bool good = digest && signature && signed_by(wallet, *digest, bytes_of(*signature));
    Bytes32 answer;
    if (good) {
        std::ranges::copy(erc1271::kMagic, answer.data.begin());
    } else {
        answer.data[0] = 0xff;
    }
    return Executed{bytes_of(answer), {}};
}

FakeEvm::Result FakeEvm::run_factory(const Bytes& data) {
    if (!calls(data, "deploy(address,bytes32)")) return revert("");
    const abi::Reader arguments(ByteView(data).subspan(4));
    const auto owner = arguments.address(0);
    const auto salt = arguments.word(1);
    if (!owner || !salt) return revert("");
    const auto wallet = wallet_address(*owner, *salt);
    if (wallets.contains(wallet)) return revert("already deployed");
    wallets.emplace(wallet, *owner);
    return Executed{abi::encode({wallet}), {}};
}

/// transferAll(bytes), taken apart by what contracts/src/Batch.sol says. Gas is not counted here.
FakeEvm::Result FakeEvm::run_batch(const Bytes& data, std::uint64_t timestamp) {
    constexpr std::size_t kRecord = 144;
    if (!calls(data, "transferAll(bytes)")) return revert("");
    const auto packed = abi::Reader(ByteView(data).subspan(4)).bytes(0);
    if (!packed) return revert("");
    auto rest = *packed;
    const auto table = [&rest]() -> std::optional<std::vector<Address>> {
        if (rest.empty() || rest.size() < 1 + 20U * rest[0]) return std::nullopt;
        std::vector<Address> out(rest[0]);
        for (std::size_t i = 0; i < out.size(); ++i) {
            std::ranges::copy(rest.subspan(1 + 20 * i, 20), out[i].data.begin());
        }
        rest = rest.subspan(1 + 20 * out.size());
        return out;
    };
    const auto tokens = table();
    const auto payees = tokens ? table() : std::nullopt;
    if (!payees || rest.size() % kRecord != 0) return revert("Batch: not packed as it should be");
    Executed all;
    for (; !rest.empty(); rest = rest.subspan(kRecord)) {
        const auto number = [&](std::size_t at, std::size_t size) {
            Bytes32 out;
            std::ranges::copy(rest.subspan(at, size), out.data.end() - static_cast<long>(size));
            return out;
        };
        if (rest[0] >= tokens->size() || rest[1] >= payees->size()) return revert("no such entry");
        const auto input =
            abi::call(kTransferSplit, {number(28, 20), word((*payees)[rest[1]]), number(6, 12),
                                       number(18, 5), number(23, 5), number(48, 32), number(2, 1),
                                       number(80, 32), number(112, 32)});
        const auto done = execute({(*tokens)[rest[0]], input}, timestamp);
        if (done) all.events.insert(all.events.end(), done->events.begin(), done->events.end());
    }
    return all;
}

/// tryAggregate(bool requireSuccess, (address,bytes)[] calls) -> (bool,bytes)[]
FakeEvm::Result FakeEvm::run_multicall(const Bytes& data, std::uint64_t timestamp) {
    if (!calls(data, "tryAggregate(bool,(address,bytes)[])")) return revert("");
    const abi::Reader arguments(ByteView(data).subspan(4));
    const auto required = arguments.boolean(0);
    const auto list = arguments.array(1, 256);
    if (!required || !list) return revert("");
    std::vector<abi::Item> results;
    Executed all;
    for (const auto& each : *list) {
        const auto to = each.address(0);
        const auto inner = each.bytes(1);
        if (!to || !inner) return revert("");
        auto done = execute({*to, bytes_of(*inner)}, timestamp);
        if (!done && *required) return revert("Multicall3: call failed");
        const auto output = done ? done->output : done.error().data;
        results.push_back(abi::Item::tuple({done.has_value(), output}));
        if (done) all.events.insert(all.events.end(), done->events.begin(), done->events.end());
    }
    all.output = abi::encode({abi::Item::array(std::move(results))});
    return all;
}

}  // namespace farthing::testing
