// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/json_rpc.hpp"

#include <doctest/doctest.h>

namespace json = farthing::json;
using namespace farthing::net;
using farthing::Errc;

namespace {

farthing::Result<std::vector<RpcAnswer>> answers_of(std::string_view text,
                                                    const std::vector<std::uint64_t>& ids,
                                                    bool batch) {
    const auto value = json::parse(text);
    REQUIRE(value);
    return parse_rpc_answers(*value, ids, batch);
}

struct Bad {
    const char* name;
    const char* text;
    const char* detail;
};

}  // namespace

TEST_CASE("json_rpc: a result and an error are both answers") {
    const auto result = answers_of(R"({"jsonrpc":"2.0","id":7,"result":"0x1"})", {7}, false);
    REQUIRE(result);
    CHECK(*result->at(0) == "0x1");
    const auto null = answers_of(R"({"jsonrpc":"2.0","id":7,"result":null})", {7}, false);
    REQUIRE(null);
    CHECK(null->at(0)->is_null());
    const auto error = answers_of(
        R"({"jsonrpc":"2.0","id":7,"error":{"code":3,"message":"reverted","data":"0x08"}})", {7},
        false);
    REQUIRE(error);
    REQUIRE(!error->at(0));
    CHECK(error->at(0).error().code == 3);
    CHECK(error->at(0).error().message == "reverted");
    CHECK(error->at(0).error().data == "0x08");
}

TEST_CASE("json_rpc: what is no answer to a call") {
    const Bad cases[] = {
        {"not an object", R"([])", "answer: expected an object"},
        {"text", R"("ok")", "answer: expected an object"},
        {"no version", R"({"id":7,"result":1})", "answer: .jsonrpc: expected \"2.0\""},
        {"old version", R"({"jsonrpc":"1.0","id":7,"result":1})",
         "answer: .jsonrpc: expected \"2.0\""},
        {"wrong id", R"({"jsonrpc":"2.0","id":8,"result":1})",
         "answer: .id: not one that was sent"},
        {"text id", R"({"jsonrpc":"2.0","id":"7","result":1})",
         "answer: .id: not one that was sent"},
        {"fraction id", R"({"jsonrpc":"2.0","id":7.5,"result":1})",
         "answer: .id: not one that was sent"},
        {"negative id", R"({"jsonrpc":"2.0","id":-7,"result":1})",
         "answer: .id: not one that was sent"},
        {"missing id", R"({"jsonrpc":"2.0","result":1})", "answer: .id: missing or null"},
        {"null id", R"({"jsonrpc":"2.0","id":null,"result":1})", "answer: .id: missing or null"},
        {"refused whole",
         R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse\nerror"}})",
         "the node refused the request: Parse error (-32700)"},
        {"both", R"({"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":"x"}})",
         "answer: expected either .result or .error"},
        {"both, null error", R"({"jsonrpc":"2.0","id":7,"result":1,"error":null})",
         "answer: expected either .result or .error"},
        {"neither", R"({"jsonrpc":"2.0","id":7})", "answer: expected either .result or .error"},
        {"error is text", R"({"jsonrpc":"2.0","id":7,"error":"x"})",
         "answer: .error: expected an object"},
        {"error without code", R"({"jsonrpc":"2.0","id":7,"error":{"message":"x"}})",
         "answer: .error.code: expected a whole number"},
        {"error code as text", R"({"jsonrpc":"2.0","id":7,"error":{"code":"1","message":"x"}})",
         "answer: .error.code: expected a whole number"},
        {"error without message", R"({"jsonrpc":"2.0","id":7,"error":{"code":1}})",
         "answer: .error.message: expected a string"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto answers = answers_of(each.text, {7}, false);
        REQUIRE(!answers);
        CHECK(answers.error().code == Errc::rpc_failed);
        CHECK(answers.error().detail == each.detail);
    }
}

TEST_CASE("json_rpc: a batch in any order comes back in the order of the calls") {
    const auto answers = answers_of(
        R"([{"jsonrpc":"2.0","id":3,"result":"c"},
            {"jsonrpc":"2.0","id":1,"result":"a"},
            {"jsonrpc":"2.0","id":2,"error":{"code":-1,"message":"b"}}])",
        {1, 2, 3}, true);
    REQUIRE(answers);
    REQUIRE(answers->size() == 3);
    CHECK(*answers->at(0) == "a");
    CHECK(answers->at(1).error().message == "b");
    CHECK(*answers->at(2) == "c");
}

TEST_CASE("json_rpc: what is no answer to a batch") {
    const Bad cases[] = {
        {"one missing", R"([{"jsonrpc":"2.0","id":1,"result":1}])", "answer: 1 answers to 2 calls"},
        {"one too many",
         R"([{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2,"result":1},
             {"jsonrpc":"2.0","id":3,"result":1}])",
         "answer: 3 answers to 2 calls"},
        {"one twice",
         R"([{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":1,"result":2}])",
         "answer: .id: answered twice"},
        {"a stranger",
         R"([{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":9,"result":2}])",
         "answer: .id: not one that was sent"},
        {"a single answer", R"({"jsonrpc":"2.0","id":1,"result":1})", "answer: expected an array"},
        {"refused whole",
         R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large"}})",
         "the node refused the request: batch too large (-32600)"},
        {"not an array", "17", "answer: expected an array"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto answers = answers_of(each.text, {1, 2}, true);
        REQUIRE(!answers);
        CHECK(answers.error().code == Errc::rpc_failed);
        CHECK(answers.error().detail == each.detail);
    }
}
