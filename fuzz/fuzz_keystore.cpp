// SPDX-License-Identifier: Apache-2.0
// Key files, the part that is read before a password is asked for.
#include "farthing/wallet/keystore.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::explained(wallet::claimed_address(fuzz::text_of(data, size)));
    return 0;
}
