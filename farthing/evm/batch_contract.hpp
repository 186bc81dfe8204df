// SPDX-License-Identifier: Apache-2.0
// Our own contract for batches of EIP-3009 payments (contracts/src/Batch.sol): at one address on
// every chain where somebody has deployed it, with a limit of gas for each payment.
#pragma once

#include <optional>
#include <vector>

#include "farthing/evm/eip3009.hpp"

namespace farthing::batch_contract {

/// Where the CREATE2 deployer puts it with salt 0, and the keccak-256 of what is there then.
inline constexpr Address kAddress{{0x01, 0xda, 0x38, 0x74, 0xae, 0xc4, 0xfa, 0xff, 0xfb, 0xa2,
                                   0x1d, 0x4c, 0xc2, 0xe9, 0xdb, 0xc0, 0x1e, 0x10, 0x3b, 0x68}};
inline constexpr Bytes32 kCodeHash{{0x7c, 0x88, 0xa4, 0x71, 0xec, 0x03, 0x19, 0x78,
                                    0x22, 0x3d, 0x88, 0xcf, 0xfb, 0x95, 0xa9, 0x27,
                                    0x3a, 0x17, 0xc9, 0xd2, 0xef, 0xf6, 0x11, 0x58,
                                    0xf2, 0x25, 0x58, 0xb4, 0xfe, 0x1b, 0x3b, 0xda}};
/// The deterministic deployer, at this address on nearly every chain: salt, then the code.
inline constexpr Address kDeployer{{0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88,
                                    0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c}};

/// No more payments fit into one call.
inline constexpr std::size_t kPaymentsMax = 255;

/// A payment as the contract takes it; it makes the call anew from it.
struct Payment {
    Address token;
    Address payee;
    std::uint8_t v = 0;
    std::array<std::uint8_t, 22> amount_and_times{};  ///< value 12, validAfter 5, validBefore 5
    Address from;
    std::array<Bytes32, 3> nonce_r_s;
    std::uint32_t gas = 0;  ///< the most its call may use; 24 bits
};

/// Nothing when the contract could not make exactly this call: it is another one, or a number is
/// too large.
[[nodiscard]] std::optional<Payment> read(const Call& call);
/// The most gas for the call within a batch, when alone in a transaction it needs this limit. What
/// is taken off pays for the batch around it, so that the limits of all, added, suffice for the
/// whole.
[[nodiscard]] std::uint32_t gas_within(std::uint64_t gas_limit);
/// `transferAll`: at most kPaymentsMax of them.
[[nodiscard]] Call transfer_all(const std::vector<Payment>& payments);

/// The transaction that puts it there.
[[nodiscard]] Call deployment(const Bytes& init_code);
/// Where the deployer puts this code.
[[nodiscard]] Address address_of(const Bytes& init_code);

}  // namespace farthing::batch_contract
