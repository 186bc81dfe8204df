// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/nearest.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

using farthing::nearest;

TEST_CASE("nearest: the word meant, when it is near enough to be meant") {
    constexpr std::array<std::string_view, 6> known{"origin", "pay_to", "id",
                                                    "GET",    "PUT",    "listen"};
    struct Case {
        std::string_view text;
        std::string_view meant;  ///< empty: nothing
    };
    constexpr auto cases = std::to_array<Case>({
        {"orgin", "origin"},     // one too few
        {"origiin", "origin"},   // one too many
        {"oregin", "origin"},    // another one
        {"roigin", "origin"},    // changed places
        {"roigni", "origin"},    // twice
        {"origami", ""},         // three
        {"payTo", "pay_to"},     // case does not count
        {"ORIGIN", "origin"},    //
        {"GTE", "GET"},          //
        {"PT", "PUT"},           //
        {"GATT", ""},            // two, of a short word
        {"ie", "id"},            //
        {"x", ""},               //
        {"", ""},                //
        {"lissten", "listen"},   //
        {"something else", ""},  //
    });
    for (const auto& [text, meant] : cases)
        CHECK_MESSAGE(nearest(text, known).value_or("") == meant, text);
    CHECK(!nearest(std::string(1'000'000, 'o'), known));
    CHECK(!nearest("origin", {}));
}

TEST_CASE("nearest: of several the nearest, of equals the first") {
    constexpr std::array<std::string_view, 3> known{"prices", "price", "priced"};
    CHECK(nearest("prise", known) == "price");
    CHECK(nearest("pricex", known) == "prices");
}
