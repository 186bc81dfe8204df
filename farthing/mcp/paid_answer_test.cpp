// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/paid_answer.hpp"

#include <doctest/doctest.h>

#include "farthing/mcp/sse.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::mcp {
namespace {

net::Response http_of(std::string_view text) {
    return as_http(read_tool_answer(json::parse(text).value().as_object()).value());
}

TEST_CASE("paid tool: what asks for payment is a 402, and only an error does") {
    struct Case {
        const char* name;
        const char* text;
        int status;
        bool header;
    };
    const Case cases[] = {
        {"structured",
         R"({"result":{"isError":true,"structuredContent":{"x402Version":2,"accepts":[]}}})", 402,
         true},
        {"in the text",
         R"({"result":{"isError":true,"content":[{"type":"text","text":"{\"x402Version\":2,\"accepts\":[]}"}]}})",
         402, true},
        {"version 1",
         R"({"result":{"isError":true,"structuredContent":{"x402Version":1,"accepts":[]}}})", 402,
         false},
        {"an older server",
         R"({"error":{"code":402,"message":"pay","data":{"x402Version":2,"accepts":[]}}})", 402,
         true},
        {"no error", R"({"result":{"structuredContent":{"x402Version":2,"accepts":[]}}})", 200,
         false},
        {"another error",
         R"({"error":{"code":-32603,"message":"no","data":{"x402Version":2,"accepts":[]}}})", 500,
         false},
        {"a tool that failed",
         R"({"result":{"isError":true,"content":[{"type":"text","text":"no"}]}})", 500, false},
        {"no offers", R"({"result":{"isError":true,"structuredContent":{"x402Version":2}}})", 500,
         false},
        {"goods", R"({"result":{"content":[]}})", 200, false},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto response = http_of(each.text);
        CHECK(response.status == each.status);
        CHECK(response.headers.has(header::kPaymentRequired) == each.header);
    }
}

TEST_CASE("paid tool: the receipt is a header, and one of a failure is never a success") {
    const auto paid =
        http_of(R"({"result":{"content":[],"_meta":{"x402/payment-response":{"success":true}}}})");
    CHECK(paid.status == 200);
    CHECK(paid.headers.has(header::kPaymentResponse));
    const auto failed =
        http_of(R"({"result":{"content":[],"_meta":{"x402/payment-response":{"success":false}}}})");
    CHECK(failed.status == 402);
    CHECK(!http_of(R"({"result":{"content":[],"_meta":{"x402/payment-response":7}}})")
               .headers.has(header::kPaymentResponse));
}

TEST_CASE("paid tool: an answer is a result or an error") {
    const json::Object empty;
    CHECK(!read_tool_answer(empty));
    CHECK(!read_tool_answer(json::parse(R"({"result":{},"error":{}})").value().as_object()));
    CHECK(!read_tool_answer(json::parse(R"({"result":7})").value().as_object()));
}

TEST_CASE("events: the data of each, however the stream is cut") {
    const std::string stream =
        ": comment\r\nevent: message\r\ndata: a\r\ndata:b\r\n\r\ndata\n\nid: 1\n\ndata: c\rother: "
        "x\r\rdata: cut";
    for (std::size_t size = 1; size <= stream.size(); ++size) {
        CAPTURE(size);
        EventReader reader(100);
        std::vector<std::string> all;
        for (std::size_t at = 0; at < stream.size(); at += size) {
            for (auto& each : reader.feed(std::string_view(stream).substr(at, size)).value()) {
                all.push_back(std::move(each));
            }
        }
        CHECK(all == std::vector<std::string>{"a\nb", "", "c"});
    }
    EventReader reader(100);
    CHECK(!reader.feed("data: " + std::string(100, 'x')));
}

}  // namespace
}  // namespace farthing::mcp
