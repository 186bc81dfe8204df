// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/rlp.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

Bytes encoded(const json::Value& item) {
    if (item.is_string()) return rlp::string(from_hex(std::string_view(item.as_string())).value());
    std::vector<Bytes> items;
    for (const auto& each : item.as_array()) items.push_back(encoded(each));
    return rlp::list(items);
}

}  // namespace

TEST_CASE("rlp: strings and lists of every length class") {
    for (const auto& each : array_at(load_vectors("rlp.json"), "cases")) {
        CAPTURE(text_at(each, "name"));
        CHECK(to_hex(encoded(each.at("item"))) == text_at(each, "rlp"));
    }
}

TEST_CASE("rlp: numbers have no leading zeros, and zero is the empty string") {
    for (const auto& each : array_at(load_vectors("rlp.json"), "numbers")) {
        const auto number = u256_from_decimal(text_at(each, "decimal")).value();
        CHECK(to_hex(rlp::number(number)) == text_at(each, "rlp"));
    }
}

TEST_CASE("rlp: a length beyond two bytes") {
    const auto out = rlp::string(Bytes(65536, 0x61));
    CHECK(out.size() == 65536 + 4);
    CHECK(to_hex(ByteView(out).first(5)) == "0xba01000061");
}
