// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 messages: in one piece or byte by byte, the outcome is the same.
#include "farthing/net/http1_parser.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;
using net::Http1Parser;

namespace {

struct Outcome {
    int fault = 0;
    bool head_done = false, message_done = false, ended = false;
    std::string method, target, body;
    std::size_t headers = 0;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome run(std::string_view bytes, Http1Parser::Mode mode, std::size_t piece) {
    Http1Parser parser({.head_bytes_max = 4096, .headers_max = 32, .target_bytes_max = 1024});
    parser.start(mode);
    Outcome out;
    while (!bytes.empty() && !parser.failed() && !parser.message_done()) {
        const auto given = bytes.substr(0, piece);
        const bool head_was_done = parser.head_done();
        const auto taken = parser.feed(given);
        invariant(taken <= given.size(), "it takes no more than there is");
        out.body += parser.take_body();
        bytes.remove_prefix(taken);
        const bool moved = taken > 0 || parser.head_done() != head_was_done;
        invariant(moved || parser.failed() || parser.message_done(), "it gets on");
    }
    out.fault = parser.fault().status;
    if (out.fault == 0) out.ended = parser.message_done() || parser.end();
    out.head_done = parser.head_done();
    out.message_done = parser.message_done();
    out.method = parser.head().method;
    out.target = parser.head().target;
    out.headers = parser.head().headers.size();
    // Which of several faults is met first depends on the pieces; that there is one must not.
    if (out.fault != 0) out = Outcome{.fault = 1};
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    for (const auto mode : {Http1Parser::Mode::request, Http1Parser::Mode::response}) {
        const auto whole = run(text, mode, text.size());
        invariant(run(text, mode, 1) == whole, "pieces do not matter");
        invariant(run(text, mode, 7) == whole, "pieces do not matter");
    }
    return 0;
}
