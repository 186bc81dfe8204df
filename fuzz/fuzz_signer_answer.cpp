// SPDX-License-Identifier: Apache-2.0
// What a signer elsewhere answers: the one signature of what was asked for, in one form on the
// wire, or an error.
#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/wallet/remote_signer.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

namespace {

/// A key everybody knows: the first account of development chains. corpus/signer_answer/good is its
/// signature of this digest.
struct Asked {
    Asked() {
        const auto key = make_key(bytes32_from_hex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed"
                                                   "5efcae784d7bf4f2ff80")
                                      .value())
                             .value();
        address = address_of(key);
        signature = sign(digest, key).to_bytes();
    }
    Bytes32 digest = keccak256("what is paid");
    Address address;
    Bytes signature;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Asked asked;
    const auto text = fuzz::text_of(data, size);
    const auto taken = wallet::check_signature(text, asked.digest, asked.address);
    fuzz::explained(taken);
    // Nobody without the key makes another.
    invariant(!taken || *taken == asked.signature, "one signature, in one form");
    const auto other = wallet::check_signature(text, keccak256("more"), asked.address);
    invariant(!taken || !other, "one signature, of one thing");
    return 0;
}
