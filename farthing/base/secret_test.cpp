// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/secret.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <new>
#include <type_traits>

#include "farthing/base/bytes.hpp"

using namespace farthing;

TEST_CASE("secret: it cannot be copied by accident") {
    CHECK(!std::is_copy_constructible_v<Secret<Bytes32>>);
    CHECK(!std::is_copy_assignable_v<Secret<std::string>>);
    CHECK(!std::is_convertible_v<Secret<std::string>, std::string>);
}

TEST_CASE("secret: a key is wiped where it stood when it ends or moves away") {
    Bytes32 key;
    key.data.fill(0xaa);
    alignas(Secret<Bytes32>) std::array<std::uint8_t, sizeof(Secret<Bytes32>)> place{};
    const auto is_wiped = [&place] {
        return std::ranges::all_of(place, [](auto byte) { return byte == 0; });
    };
    auto* secret = new (place.data()) Secret<Bytes32>(key);
    CHECK(secret->reveal() == key);
    CHECK(!is_wiped());
    const Secret<Bytes32> moved(std::move(*secret));
    CHECK(is_wiped());
    CHECK(moved.reveal() == key);
    *secret = moved.clone();
    CHECK(!is_wiped());
    secret->~Secret<Bytes32>();
    CHECK(is_wiped());
}

TEST_CASE("secret: a password that moves away leaves an empty one") {
    Secret<std::string> password(std::string("correct horse battery staple"));
    Secret<std::string> other;
    other = std::move(password);
    CHECK(other.reveal() == "correct horse battery staple");
    CHECK(password.reveal().empty());  // NOLINT: what is left behind is what this checks
    CHECK(other.clone().reveal() == other.reveal());
}

TEST_CASE("secret: bytes that are not there are wiped all the same") {
    Secret<Bytes> none;
    Secret<Bytes> other(Bytes{});
    other = std::move(none);
    CHECK(other.reveal().empty());
}
