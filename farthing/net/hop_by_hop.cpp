// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/hop_by_hop.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace farthing::net {
namespace {

constexpr std::array<std::string_view, 13> kHopByHop{"connection",
                                                     "keep-alive",
                                                     "proxy-connection",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "te",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade",
                                                     "http2-settings",
                                                     "content-length",
                                                     "host",
                                                     "expect"};

/// The names in Connection, lower case.
std::vector<std::string> named_by_connection(const Headers& headers) {
    std::vector<std::string> out;
    for (auto rest : headers.all("Connection")) {
        while (!rest.empty()) {
            const auto end = std::min(rest.find(','), rest.size());
            auto name = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            while (!name.empty() && (name.front() == ' ' || name.front() == '\t'))
                name.remove_prefix(1);
            while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
                name.remove_suffix(1);
            if (!name.empty()) out.push_back(folded(name));
        }
    }
    return out;
}

}  // namespace

std::string folded(std::string_view name) {
    std::string out(name);
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
        if (c == '_') c = '-';
    }
    return out;
}

Headers without_hop_by_hop(const Headers& from) {
    const auto named = named_by_connection(from);
    Headers out;
    for (const auto& [name, value] : from) {
        const auto plain = folded(name);
        if (std::ranges::find(kHopByHop, plain) != kHopByHop.end() ||
            std::ranges::find(named, plain) != named.end())
            continue;
        out.add(name, value);
    }
    return out;
}

}  // namespace farthing::net
