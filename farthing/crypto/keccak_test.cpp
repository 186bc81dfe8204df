// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/keccak.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

std::string input_of(const json::Value& each) {
    if (each.as_object().contains("text")) return text_at(each, "text");
    std::string input;
    for (auto n = each.at("count").to_number<std::size_t>(); n > 0; --n) {
        input += text_at(each, "repeat");
    }
    return input;
}

}  // namespace

TEST_CASE("keccak: known hashes, in every length around the block") {
    for (const auto& each : array_at(load_vectors("keccak256.json"), "cases")) {
        const auto input = input_of(each);
        CAPTURE(input.size());
        CHECK(keccak256(std::string_view(input)) == bytes32_at(each, "hash"));
        CHECK(keccak256(as_bytes(input)) == bytes32_at(each, "hash"));
    }
}

TEST_CASE("keccak: it is Ethereum's padding and not SHA3-256's") {
    Bytes32 sha3_of_nothing;
    sha3_of_nothing.data = {0xa7, 0xff, 0xc6, 0xf8, 0xbf, 0x1e, 0xd7, 0x66, 0x51, 0xc1, 0x47,
                            0x56, 0xa0, 0x61, 0xd6, 0x62, 0xf5, 0x80, 0xff, 0x4d, 0xe4, 0x3b,
                            0x49, 0xfa, 0x82, 0xd8, 0x0a, 0x4b, 0x80, 0xf8, 0x43, 0x4a};
    CHECK(keccak256(std::string_view{}) != sha3_of_nothing);
}

TEST_CASE("keccak: parts hash like the whole, and one hash leaves nothing behind for the next") {
    CHECK(rc::check([](const Bytes& a, const Bytes& b, const Bytes& c) {
        Bytes whole = a;
        append(whole, b);
        append(whole, c);
        RC_ASSERT(keccak256({ByteView(a), ByteView(b), ByteView(c)}) == keccak256(ByteView(whole)));
    }));
}
