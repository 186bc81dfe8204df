// SPDX-License-Identifier: Apache-2.0
// Hex, amounts, quantities, addresses and networks: one text, every leaf parser.
#include "farthing/base/hex.hpp"
#include "farthing/evm/address.hpp"
#include "farthing/evm/network.hpp"
#include "farthing/evm/u256.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    if (const auto bytes = from_hex(text)) {
        invariant(from_hex(to_hex(*bytes)).value() == *bytes, "bytes survive");
    }
    if (const auto amount = u256_from_decimal(text)) {
        invariant(amount->to_decimal() == text, "an amount has one spelling");
        invariant(u256_from_quantity(amount->to_quantity()).value() == *amount, "and a quantity");
        invariant(!to_units(*amount, 6).empty(), "and units");
    }
    if (const auto quantity = u256_from_quantity(text)) {
        invariant(u256_from_decimal(quantity->to_decimal()).value() == *quantity, "a quantity too");
    }
    if (const auto address = parse_address(text)) {
        invariant(parse_address(address->to_checksum()).value() == *address, "addresses survive");
    }
    if (const auto network = network_from_any(text)) {
        invariant(network_from_any(network->id).value() == *network, "networks survive");
    }
    fuzz::explained(u256_from_decimal(text));
    return 0;
}
