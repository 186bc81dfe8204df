// SPDX-License-Identifier: Apache-2.0
// URLs, absolute and from a Location header (second line): what comes out is a URL again, of an
// origin that the text names.
#include "farthing/net/http.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

namespace {

void check(const Result<net::Url>& url) {
    fuzz::explained(url);
    if (!url) return;
    invariant(url->target.starts_with('/'), "a target begins with a slash");
    const auto again = net::parse_url(url->to_string());
    invariant(again && *again == *url, "a URL's text is that URL");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [first, second] = fuzz::first_line(fuzz::text_of(data, size));
    const auto base = net::parse_url(first);
    check(base);
    if (base && base->target.size() < 4096 && second.size() < 4096) {
        check(net::resolve_url(*base, second));
    }
    return 0;
}
