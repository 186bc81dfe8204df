// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/address_list.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>

using namespace farthing;
using namespace farthing::facilitator;

namespace {

constexpr std::string_view kOne = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
constexpr std::string_view kTwo = "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65";

std::string error_of(std::string_view text) {
    const auto list = parse_address_list(text);
    return list ? "none" : to_string(list.error());
}

}  // namespace

TEST_CASE("address list: addresses, comments, blank lines, any line end") {
    const auto list = parse_address_list(
        fmt::format("# who we refuse\n\n  {}  # a reason\r\n\t\n{}\n{}\n#{}", kOne, kTwo, kOne,
                    "0x0000000000000000000000000000000000000001"));
    REQUIRE(list);
    CHECK(list->size() == 2);
    CHECK(list->contains(*parse_address(kOne)));
    CHECK(list->contains(*parse_address(kTwo)));
    CHECK(parse_address_list("")->empty());
}

TEST_CASE("address list: one bad line spoils it, and is named") {
    struct Case {
        std::string_view line;
        std::string_view code;
    };
    constexpr auto cases = std::to_array<Case>({
        {"0x15d34aaf54267db7d7c367839aaf71a00a2c6a6", "invalid_field: line 2: "},  // cut off
        {"15d34aaf54267db7d7c367839aaf71a00a2c6a65", "invalid_field: line 2: "},
        {"0x209693bc6afc0C5328bA36FaF03C514EF312287C", "invalid_field: line 2: "},  // checksum
        {"0x15d34aaf54267db7d7c367839aaf71a00a2c6a65, 0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
         "invalid_field: line 2: "},
        {"// nobody", "invalid_field: line 2: "},
        {"vitalik.eth", "invalid_field: line 2: "},
    });
    for (const auto& [line, code] : cases) {
        CAPTURE(line);
        const auto error = error_of(fmt::format("{}\n{}\n{}\n", kOne, line, kTwo));
        CHECK(error.starts_with(code));
        CHECK(error.size() > code.size());
    }
}

TEST_CASE("address list: it is bounded") {
    std::string text;
    for (std::size_t i = 0; i < kAddressesMax; ++i) text += fmt::format("0x{:040x}\n", i);
    CHECK(parse_address_list(text)->size() == kAddressesMax);
    text += "0xffffffffffffffffffffffffffffffffffffffff\n";
    CHECK(error_of(text) == "too_large: line 100001: expected at most 100000 addresses");
    CHECK(error_of(std::string(kAddressListBytesMax + 1, '\n')).starts_with("too_large"));
}

TEST_CASE("address list: a file that is not there is an error with its name") {
    const auto list = load_address_list("/nonexistent/list");
    REQUIRE(!list);
    CHECK(list.error().detail.find("/nonexistent/list") != std::string::npos);
}
