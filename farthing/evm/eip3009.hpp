// SPDX-License-Identifier: Apache-2.0
// EIP-3009: the authorisation a payer signs to move tokens once. Source: EIP-3009, protocol.md 8.4
// and 9.1.
#pragma once

#include "farthing/evm/eip712.hpp"

namespace farthing {

/// What the payer signs to move tokens once. EIP-3009.
struct TransferWithAuthorization {
    static constexpr std::string_view eip712_name = "TransferWithAuthorization";
    Address from;
    Address to;
    U256 value;         ///< in the token's atomic units
    U256 valid_after;   ///< unix seconds, exclusive
    U256 valid_before;  ///< unix seconds, exclusive
    Bytes32 nonce;      ///< random, spent once per payer and token

    static constexpr auto fields() {
        using T = TransferWithAuthorization;
        return std::tuple{field("from", &T::from),
                          field("to", &T::to),
                          field("value", &T::value),
                          field("validAfter", &T::valid_after),
                          field("validBefore", &T::valid_before),
                          field("nonce", &T::nonce)};
    }
    friend bool operator==(const TransferWithAuthorization&,
                           const TransferWithAuthorization&) = default;
};

/// A contract call: what is simulated and then sent.
struct Call {
    Address to;
    Bytes data;
    friend bool operator==(const Call&, const Call&) = default;
};

namespace eip3009 {

/// `transferWithAuthorization`: the v,r,s overload for 65-byte signatures (v normalised to 27 or
/// 28), else the bytes one.
[[nodiscard]] Call transfer(const Address& token, const TransferWithAuthorization& authorization,
                            const Bytes& signature);
[[nodiscard]] Call authorization_state(const Address& token, const Address& payer,
                                       const Bytes32& nonce);

}  // namespace eip3009

namespace erc20 {
[[nodiscard]] Call balance_of(const Address& token, const Address& owner);
[[nodiscard]] Call name(const Address& token);
[[nodiscard]] Call version(const Address& token);
[[nodiscard]] Call domain_separator(const Address& token);
}  // namespace erc20

namespace erc1271 {
inline constexpr std::array<std::uint8_t, 4> kMagic{0x16, 0x26, 0xba, 0x7e};
[[nodiscard]] Call is_valid_signature(const Address& wallet, const Bytes32& digest,
                                      const Bytes& signature);
/// Whether a contract wallet's answer means yes: 32 bytes that begin with the magic value.
[[nodiscard]] bool accepts(ByteView answer);
}  // namespace erc1271

namespace erc6492 {
/// A signature of a wallet that is not deployed yet, with the call that deploys it.
struct Wrapped {
    Address factory;
    Bytes factory_calldata;
    Bytes signature;  ///< the inner one
};
/// Whether the bytes end with the 32-byte marker.
[[nodiscard]] bool is_wrapped(ByteView signature);
/// Errors: invalid_encoding.
[[nodiscard]] Result<Wrapped> unwrap(ByteView signature);
[[nodiscard]] Bytes wrap(const Wrapped& wrapped);
}  // namespace erc6492

}  // namespace farthing
