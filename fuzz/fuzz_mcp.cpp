// SPDX-License-Identifier: Apache-2.0
// What strangers say over MCP: messages to our server, answers of paid tools, events of a stream,
// pages of discovery lists. The first line names which.
#include "farthing/base/printable.hpp"
#include "farthing/mcp/message.hpp"
#include "farthing/mcp/paid_answer.hpp"
#include "farthing/mcp/sse.hpp"
#include "farthing/mcp/untrusted.hpp"
#include "farthing/wallet/discovery.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

namespace {

void check_message(std::string_view text) {
    const auto value = mcp::parse_text(text);
    if (!value) {
        invariant(!value.error().message.empty(), "a fault says what is wrong");
        return;
    }
    const auto message = mcp::read_message(*value);
    const auto answer = message ? mcp::answer_to(message->id, {}) : mcp::to_json(message.error());
    invariant(json::parse(json::to_text(answer)).has_value(), "what we answer is JSON");
    if (!message) return;
    const bool wants_answer = message->kind == mcp::Message::Kind::request;
    invariant(!wants_answer || !message->id.is_null(), "a request has an id");
    invariant(wants_answer || message->kind == mcp::Message::Kind::answer || message->id.is_null(),
              "a notification has none");
}

void check_answer(std::string_view text) {
    const auto value = json::parse(text);
    if (!value || !value->is_object()) return;
    const auto answer = mcp::read_tool_answer(value->get_object());
    fuzz::explained(answer);
    if (!answer) return;
    const auto response = mcp::as_http(*answer);
    const auto status = response.status;
    invariant(status == 200 || status == 402 || status == 500, "one of three");
    invariant(status != 200 || !answer->is_error(), "an error is no success");
}

void check_events(std::string_view text) {
    constexpr std::size_t bytes_max = 256;
    mcp::EventReader whole(bytes_max);
    mcp::EventReader cut(bytes_max);
    const auto all = whole.feed(text);
    std::vector<std::string> pieces;
    for (const char c : text) {
        const auto more = cut.feed(std::string_view(&c, 1));
        if (!more) {
            invariant(!all, "however it is cut");
            return;
        }
        pieces.insert(pieces.end(), more->begin(), more->end());
    }
    invariant(all && *all == pieces, "however it is cut, the same events");
}

void check_page(std::string_view text) {
    static const auto assets = AssetTable::built_in();
    const auto page = wallet::read_page(text, {}, assets);
    fuzz::explained(page);
    if (!page) return;
    invariant(page->services.size() <= page->entries, "no service comes from nowhere");
    for (const auto& each : page->services) {
        const auto line = json::encode_text(each);
        invariant(is_utf8(line) && legible(line) == line, "only what can be seen");
    }
}

void check_text(std::string_view text) {
    const auto once = mcp::clean(text);
    invariant(is_utf8(once), "what is shown is UTF-8");
    invariant(mcp::clean(once) == once, "cleaned once is clean");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [what, text] = fuzz::first_line(fuzz::text_of(data, size));
    if (what == "message") check_message(text);
    if (what == "answer") check_answer(text);
    if (what == "events") check_events(text);
    if (what == "page") check_page(text);
    if (what == "text") check_text(text);
    return 0;
}
