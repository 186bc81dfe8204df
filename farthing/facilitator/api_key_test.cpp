// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/api_key.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/sha256.hpp"
#include "farthing/testing/seeded_random.hpp"

using namespace farthing;
using namespace farthing::facilitator;

TEST_CASE("api key: a made one is a key, and no two are the same") {
    testing::SeededRandom random(1);
    const auto first = make_api_key(random);
    const auto second = make_api_key(random);
    CHECK(first.reveal().size() == 9 + 64);
    CHECK(first.reveal().starts_with("farthing_"));
    CHECK(first.reveal() != second.reveal());
    CHECK(hash_api_key(first.reveal()) == sha256(first.reveal()));
    CHECK(hash_api_key(first.reveal()) != hash_api_key(second.reveal()));
}

TEST_CASE("api key: what is not of the shape has no hash, so that nobody sets a password") {
    const std::string digits(64, 'a');
    CHECK(hash_api_key("farthing_" + digits));
    for (const auto& text :
         {std::string(), std::string("password"), digits, "farthing_" + digits.substr(1),
          "farthing_" + digits + "a", "Farthing_" + digits, "farthing_" + std::string(64, 'A'),
          "farthing_" + std::string(64, 'g'), " farthing_" + digits, "farthing_" + digits + "\n"}) {
        CAPTURE(text);
        CHECK(!hash_api_key(text));
    }
}
