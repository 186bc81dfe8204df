// SPDX-License-Identifier: Apache-2.0
// Answers of contracts and ERC-6492 wrappers: offsets and lengths are never followed outside.
#include "farthing/evm/abi.hpp"
#include "farthing/evm/eip3009.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

namespace {

/// Reads every shape at every index, a few levels deep.
void read_all(const abi::Reader& reader, int depth) {
    for (std::size_t i = 0; i < 8; ++i) {
        (void)reader.boolean(i);
        (void)reader.address(i);
        (void)reader.text(i);
        if (depth == 0) continue;
        if (const auto inner = reader.tuple(i)) read_all(*inner, depth - 1);
        const auto elements = reader.array(i, 4);
        if (!elements) continue;
        for (const auto& each : *elements) read_all(each, depth - 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    read_all(abi::Reader(bytes), 1);
    (void)erc1271::accepts(bytes);
    if (const auto wrapped = erc6492::unwrap(bytes)) {
        const auto again = erc6492::unwrap(erc6492::wrap(*wrapped));
        invariant(again && again->factory == wrapped->factory &&
                      again->factory_calldata == wrapped->factory_calldata &&
                      again->signature == wrapped->signature,
                  "a wrapper that opens can be made again");
    }
    return 0;
}
