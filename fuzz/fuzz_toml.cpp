// SPDX-License-Identifier: Apache-2.0
// parse_toml: a table or an error that says where.
#include "farthing/io/config.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = parse_toml(fuzz::text_of(data, size), "fuzz.toml");
    fuzz::explained(value);
    invariant(!value || value->is_object(), "a file is a table");
    invariant(value || value.error().detail.starts_with("fuzz.toml"), "an error names the file");
    return 0;
}
