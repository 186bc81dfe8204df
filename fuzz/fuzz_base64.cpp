// SPDX-License-Identifier: Apache-2.0
// from_base64: accepts what protocol.md 4 says, and nothing it accepts is lost.
#include "farthing/base/base64.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    invariant(from_base64(to_base64(text)).value() == text, "any bytes survive");
    const auto bytes = from_base64(text);
    fuzz::explained(bytes);
    if (!bytes) return 0;
    invariant(bytes->size() <= text.size() / 4 * 3 + 2, "decoding never grows");
    invariant(from_base64(to_base64(*bytes)).value() == *bytes, "the bytes encode and decode");
    return 0;
}
