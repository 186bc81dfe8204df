// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/eip3009.hpp"

#include <algorithm>

#include "farthing/evm/abi.hpp"

namespace farthing {

namespace eip3009 {

Call transfer(const Address& token, const TransferWithAuthorization& a, const Bytes& signature) {
    // Made once: hashing the signature of the function costs more than encoding its arguments.
    static const auto with_bytes = abi::selector(
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)");
    static const auto with_vrs = abi::selector(
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,"
        "bytes32)");
    std::vector<abi::Item> arguments{a.from, a.to, a.value, a.valid_after, a.valid_before, a.nonce};
    if (signature.size() != 65) {
        arguments.emplace_back(signature);
        return {token, abi::call(with_bytes, arguments)};
    }
    Bytes32 r;
    Bytes32 s;
    std::copy_n(signature.begin(), 32, r.data.begin());
    std::copy_n(signature.begin() + 32, 32, s.data.begin());
    const std::uint8_t v =
        signature[64] < 27 ? static_cast<std::uint8_t>(signature[64] + 27) : signature[64];
    arguments.emplace_back(U256(v));
    arguments.emplace_back(r);
    arguments.emplace_back(s);
    return {token, abi::call(with_vrs, arguments)};
}

Call authorization_state(const Address& token, const Address& payer, const Bytes32& nonce) {
    return {token, abi::call("authorizationState(address,bytes32)", {payer, nonce})};
}

}  // namespace eip3009

namespace erc20 {

Call balance_of(const Address& token, const Address& owner) {
    return {token, abi::call("balanceOf(address)", {owner})};
}
Call name(const Address& token) { return {token, abi::call("name()", {})}; }
Call version(const Address& token) { return {token, abi::call("version()", {})}; }
Call domain_separator(const Address& token) { return {token, abi::call("DOMAIN_SEPARATOR()", {})}; }

}  // namespace erc20

namespace erc1271 {

Call is_valid_signature(const Address& wallet, const Bytes32& digest, const Bytes& signature) {
    return {wallet, abi::call("isValidSignature(bytes32,bytes)", {digest, signature})};
}

bool accepts(ByteView answer) {
    return answer.size() >= 32 && std::equal(kMagic.begin(), kMagic.end(), answer.begin());
}

}  // namespace erc1271

namespace erc6492 {
namespace {

constexpr auto kMarker = [] {
    std::array<std::uint8_t, 32> marker{};
    for (std::size_t i = 0; i < marker.size(); i += 2) {
        marker[i] = 0x64;
        marker[i + 1] = 0x92;
    }
    return marker;
}();

}  // namespace

bool is_wrapped(ByteView signature) {
    return signature.size() > kMarker.size() &&
           std::equal(kMarker.begin(), kMarker.end(),
                      signature.end() - static_cast<std::ptrdiff_t>(kMarker.size()));
}

Result<Wrapped> unwrap(ByteView signature) {
    if (!is_wrapped(signature)) return fail(Errc::invalid_encoding, "no ERC-6492 marker");
    const abi::Reader reader(signature.first(signature.size() - kMarker.size()));
    FARTHING_TRY(const auto factory, reader.address(0));
    FARTHING_TRY(const auto calldata, reader.bytes(1));
    FARTHING_TRY(const auto inner, reader.bytes(2));
    return Wrapped{factory, Bytes(calldata.begin(), calldata.end()),
                   Bytes(inner.begin(), inner.end())};
}

Bytes wrap(const Wrapped& wrapped) {
    auto out = abi::encode({wrapped.factory, wrapped.factory_calldata, wrapped.signature});
    append(out, kMarker);
    return out;
}

}  // namespace erc6492
}  // namespace farthing
