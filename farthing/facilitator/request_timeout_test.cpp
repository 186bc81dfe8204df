// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/request_timeout.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::facilitator;
using namespace std::chrono_literals;

TEST_CASE("request timeout: whole seconds, and anything else is none") {
    const auto read = [](std::string text) {
        net::Headers headers;
        headers.add("x-request-timeout", std::move(text));
        return request_timeout(headers);
    };
    CHECK(read("1") == 1s);
    CHECK(read("86400") == 86'400s);
    for (const auto* text : {"", "0", "-1", "+1", "1.5", "5s", " 5", "86401", "99999999999999"}) {
        CAPTURE(text);
        CHECK(!read(text));
    }
    CHECK(!request_timeout({}));
}

TEST_CASE("request timeout: who is asked is told less than there is, and at least a second") {
    CHECK(told_timeout(30s) == "29");
    CHECK(told_timeout(2500ms) == "1");
    CHECK(told_timeout(10ms) == "1");
    CHECK(told_timeout(1000h) == "86400");
}
