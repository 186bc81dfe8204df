// SPDX-License-Identifier: Apache-2.0
// Known answers: FIPS 180-2 appendix B, and the empty message.
#include "farthing/crypto/sha256.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"

TEST_CASE("sha256: known answers") {
    using farthing::sha256;
    using farthing::to_hex;
    CHECK(to_hex(sha256("")) ==
          "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256("abc")) ==
          "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "0x248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
