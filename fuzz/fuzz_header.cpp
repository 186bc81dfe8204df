// SPDX-License-Identifier: Apache-2.0
// Payment headers, from a client (payments) and from a server (offers, first line, with a body
// behind it).
#include "farthing/wire/dialect.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [first, second] = fuzz::first_line(fuzz::text_of(data, size));
    const auto received = dialect::decode_payment_header(first);
    fuzz::explained(received);
    if (received) {
        const auto shape = dialect::payment_to_json(received->x402_version, received->payload);
        fuzz::explained(shape);
        if (shape) {
            const auto again = dialect::payment_from_json(*shape);
            invariant(
                again && again->x402_version == received->x402_version &&
                    json::equal(json::encode(again->payload), json::encode(received->payload)),
                "a payment survives its dialect");
        }
    }
    fuzz::explained(dialect::read_payment_required(first, second));
    fuzz::explained(dialect::read_payment_required(std::nullopt, second));
    return 0;
}
