// SPDX-License-Identifier: Apache-2.0
// json::parse: what is accepted prints as text that parses to an equal value.
#include "farthing/json/value.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = json::parse(fuzz::text_of(data, size));
    fuzz::explained(value);
    if (!value) return 0;
    const auto text = json::to_text(*value);
    // Escapes and numbers may print longer than they came.
    const auto again = json::parse(text, {.bytes_max = text.size()});
    invariant(again.has_value(), "printed JSON parses");
    invariant(json::equal(*again, *value) && json::contains(*again, *value), "to an equal value");
    invariant(json::to_text(*again) == text, "and prints the same");
    return 0;
}
