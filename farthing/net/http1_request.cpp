// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http1_request.hpp"

#include "farthing/net/http1_syntax.hpp"

namespace farthing::net {
namespace {

/// One pass over the headers for everything that is looked at.
struct Seen {
    std::size_t hosts = 0;
    std::string_view host;
    std::size_t codings = 0;
    std::string_view coding;
    std::string_view expect;
};

Seen look(const Headers& headers) {
    Seen seen;
    for (const auto& [name, value] : headers) {
        if (name.size() == 4 && equal_no_case(name, "host")) {
            ++seen.hosts;
            seen.host = value;
        } else if (name.size() == 17 && equal_no_case(name, "transfer-encoding")) {
            ++seen.codings;
            seen.coding = value;
        } else if (name.size() == 6 && equal_no_case(name, "expect")) {
            seen.expect = value;
        }
    }
    return seen;
}

std::optional<ParseFault> check_target(MessageHead& head) {
    if (head.target.starts_with('/')) {
        // A fragment never goes on the wire; what stands after '#' would be hidden from a route.
        if (head.target.find('#') == std::string::npos) return std::nullopt;
        return ParseFault{400, "a fragment in the request target"};
    }
    if (head.target == "*") {
        if (head.method == "OPTIONS") return std::nullopt;
        return ParseFault{400, "the target * is for OPTIONS only"};
    }
    auto url = parse_url(head.target);
    if (!url) return ParseFault{400, "the request target is neither a path nor an http URL"};
    if (head.target.find('#') != std::string::npos) {
        return ParseFault{400, "a fragment in the request target"};
    }
    // RFC 9112 section 3.2.2: the target's authority counts, not the Host header.
    head.headers.set("Host", url->authority());
    head.target = url->target;
    head.absolute = std::move(*url);
    return std::nullopt;
}

}  // namespace

std::optional<ParseFault> check_request(MessageHead& head) {
    if (head.version_major != 1) return ParseFault{505, "expected HTTP/1.1"};
    const bool old = head.version_minor == 0;
    const auto seen = look(head.headers);
    if (seen.hosts > 1) return ParseFault{400, "several Host headers"};
    if (seen.hosts == 0 && !old) return ParseFault{400, "no Host header"};
    if (seen.hosts == 1 && !is_authority(seen.host)) return ParseFault{400, "a bad Host header"};
    if (seen.codings > 0) {
        if (old) return ParseFault{400, "a transfer coding in HTTP/1.0"};
        if (seen.codings > 1) return ParseFault{400, "several Transfer-Encoding headers"};
        if (!equal_no_case(seen.coding, "chunked")) {
            return ParseFault{501, "the only transfer coding understood is chunked"};
        }
    }
    if (!seen.expect.empty() && !old && !equal_no_case(seen.expect, "100-continue")) {
        return ParseFault{417, "the only expectation understood is 100-continue"};
    }
    return check_target(head);
}

bool expects_continue(const MessageHead& head) {
    if (!head.has_body || head.version_minor == 0) return false;
    const auto expect = head.headers.get("Expect");
    return expect && equal_no_case(*expect, "100-continue");
}

}  // namespace farthing::net
