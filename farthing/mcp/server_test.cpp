// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/server.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "farthing/net/test_peer.hpp"

namespace farthing::mcp {
namespace {

struct Words {
    std::string text;
    std::uint64_t times = 1;
    static constexpr std::array<std::string_view, 1> required{"text"};
    static constexpr auto fields() {
        return std::tuple{field("text", &Words::text, "what to say"),
                          field("times", &Words::times, "how often")};
    }
};

struct Nothing {
    static constexpr auto fields() { return std::tuple{}; }
};

std::vector<Tool> tools() {
    Tool echo;
    echo.name = "echo";
    echo.description = "Says it again.";
    serve_with<Words>(echo, [](Words words, Call&) -> Task<ToolResult> {
        ToolResult out;
        for (std::uint64_t i = 0; i < words.times; ++i) out.text += words.text;
        out.structured = json::Object{{"said", words.times}};
        co_return out;
    });
    Tool wait;
    wait.name = "wait";
    serve_with<Nothing>(wait, [](Nothing, Call& call) -> Task<ToolResult> {
        const bool whole = co_await call.pause(std::chrono::hours(1));
        ToolResult out;
        out.text = whole ? "waited" : "gave up";
        co_return out;
    });
    Tool broken;
    broken.name = "broken";
    serve_with<Nothing>(broken, [](Nothing, Call&) -> Task<ToolResult> {
        throw std::logic_error("a bug");
        co_return ToolResult{};
    });
    return {std::move(echo), std::move(wait), std::move(broken)};
}

struct Host {
    net::test::Bench bench;
    Server server{bench.env, bench.loop, {"till", "Till", "1.0", "Be careful."}, tools()};
    std::shared_ptr<Session> session = std::make_shared<Session>("");

    /// The answer as text, empty when there is none.
    std::string ask(std::string_view text) {
        auto value = parse_text(text);
        if (!value) return json::to_text(to_json(value.error()));
        auto answer = bench.run(server.handle(std::move(*value), session));
        return answer ? json::to_text(*answer) : "";
    }
    std::string start(std::string_view version = "2025-11-25") {
        return ask(
            R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")" +
            std::string(version) + R"(","capabilities":{},"clientInfo":{"name":"t"}}})");
    }
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("mcp: the client's revision is spoken when it is known, else the newest") {
    for (const auto each : kProtocolVersions) {
        Host host;
        CHECK(has(host.start(each), R"("protocolVersion":")" + std::string(each) + '"'));
    }
    for (const auto* const each : {"2024-10-07", "2099-01-01", ""}) {
        Host host;
        CHECK(has(host.start(each), R"("protocolVersion":"2025-11-25")"));
    }
    Host host;
    CHECK(
        host.start() ==
        R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},)"
        R"("serverInfo":{"name":"till","title":"Till","version":"1.0"},"instructions":"Be careful."}})");
    CHECK(has(host.start(), "-32600"));
}

TEST_CASE("mcp: nothing but ping and initialize before initialize") {
    Host host;
    CHECK(host.ask(R"({"jsonrpc":"2.0","id":"a","method":"ping"})") ==
          R"({"jsonrpc":"2.0","id":"a","result":{}})");
    const auto early = R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})";
    CHECK(has(host.ask(early), "initialize comes first"));
    CHECK(
        has(host.ask(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}})"),
            "initialize comes first"));
    host.start();
    CHECK(host.ask(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").empty());
    CHECK(has(host.ask(early), R"("name":"echo")"));
}

TEST_CASE("mcp: what is no message is answered as the specification says") {
    struct Case {
        const char* name;
        const char* text;
        const char* expected;
    };
    const Case cases[] = {
        {"no JSON", "{", R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700)"},
        {"a number", "7", R"("id":null,"error":{"code":-32600,"message":"expected an object")"},
        {"no version", R"({"id":1,"method":"ping"})",
         R"("id":1,"error":{"code":-32600,"message":".jsonrpc)"},
        {"an older one", R"({"jsonrpc":"1.0","id":1,"method":"ping"})", R"(.jsonrpc: expected)"},
        {"an id that is null", R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
         R"("message":".id: )"},
        {"a broken id", R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})", R"("message":".id: )"},
        {"no method", R"({"jsonrpc":"2.0","id":1})", R"(.method: missing)"},
        {"a method that is no text", R"({"jsonrpc":"2.0","id":1,"method":7})",
         R"(.method: expected)"},
        {"params in a list", R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})",
         R"("code":-32602)"},
        {"an unknown method", R"({"jsonrpc":"2.0","id":1,"method":"\u001b[2J"})",
         R"(no such method: ?[2J)"},
        {"a page", R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}})",
         "-32602"},
        {"an unknown tool",
         R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}})",
         R"("code":-32602,"message":"Unknown tool: x")"},
        {"a nameless one", R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})", ".name: expected"},
        {"arguments in a list",
         R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":[]}})",
         ".arguments: expected"},
        {"a batch", R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", "expected an object"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        Host host;
        host.start();
        const auto answer = host.ask(each.text);
        CHECK_MESSAGE(has(answer, each.expected), answer);
    }
    Host host;
    CHECK(host.ask(R"({"jsonrpc":"2.0","id":1,"result":{}})").empty());
    const std::string deep(64, '[');
    CHECK(has(host.ask(deep + std::string(64, ']')), "-32700"));
    CHECK(has(host.ask('"' + std::string(kMessageLimits.bytes_max, 'x') + '"'), "-32700"));
}

TEST_CASE("mcp: a tool is called with what its type takes, and says what does not fit") {
    Host host;
    host.start();
    const auto call = [&](const std::string& arguments) {
        return host.ask(
            R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":)" +
            arguments + "}}");
    };
    CHECK(
        call(R"({"text":"ha","times":2})") ==
        R"({"jsonrpc":"2.0","id":5,"result":{"content":[{"type":"text","text":"haha"}],"structuredContent":{"said":2}}})");
    CHECK(has(call("{}"), ".text: missing"));
    CHECK(has(call(R"({"text":7})"), ".text: expected"));
    CHECK(has(call(R"({"text":"a","tims":7})"), R"(did you mean \"times\"?)"));
    CHECK(has(call("{}"), R"("isError":true)"));
    CHECK(has(call("{}"), "nothing was done"));
}

TEST_CASE("mcp: a bug in a tool is an answer, and not the last one") {
    Host host;
    host.start();
    const auto call =
        R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"broken"}})";
    CHECK(has(host.ask(call), R"("id":5,"error":{"code":-32603)"));
    CHECK(has(host.ask(call), R"("id":5,"error":{"code":-32603)"));
}

TEST_CASE("mcp: batches are answered where the revision has them") {
    const auto batch =
        R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},7])";
    Host host;
    host.start("2025-03-26");
    const auto answer = host.ask(batch);
    CHECK(answer.starts_with(R"([{"jsonrpc":"2.0","id":1,"result":{}},)"));
    CHECK(has(answer, "-32600"));
    CHECK(has(host.ask("[]"), "1 to 32"));
    CHECK(host.ask(R"([{"jsonrpc":"2.0","method":"x"}])").empty());
}

TEST_CASE("mcp: a call that was cancelled stops waiting, and is not answered") {
    Host host;
    host.start();
    auto both = [&]() -> Task<std::string> {
        TaskGroup group(host.bench.loop);
        std::optional<json::Value> answer = json::Value("untouched");
        auto waiting = [&]() -> Task<> {
            auto message = parse_text(
                R"({"jsonrpc":"2.0","id":"w","method":"tools/call","params":{"name":"wait"}})");
            answer = co_await host.server.handle(std::move(*message), host.session);
        };
        group.spawn(waiting());
        co_await asio::post(host.bench.loop, use_task);
        auto again = parse_text(
            R"({"jsonrpc":"2.0","id":"w","method":"tools/call","params":{"name":"wait"}})");
        auto refused = co_await host.server.handle(std::move(*again), host.session);
        auto other = parse_text(
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}})");
        auto none = co_await host.server.handle(std::move(*other), host.session);
        auto cancel = parse_text(
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"w"}})");
        none = co_await host.server.handle(std::move(*cancel), host.session);
        co_await group.join();
        if (answer || none) co_return std::string("answered");
        co_return json::to_text(*refused);
    };
    CHECK(has(host.bench.run(both()), "a call with this id is under way"));
}

}  // namespace
}  // namespace farthing::mcp
