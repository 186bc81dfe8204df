// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/trusted_proxies.hpp"

#include <algorithm>
#include <charconv>

namespace farthing::net {
namespace {

namespace ip = boost::asio::ip;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::optional<TrustedProxies::Bits> TrustedProxies::parse(std::string_view text, bool& is_v4) {
    boost::system::error_code error;
    const auto address = ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    is_v4 = address.is_v4();
    if (is_v4) return ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
    return address.to_v6().to_bytes();
}

Result<> TrustedProxies::add(std::string_view cidr) {
    const auto slash = std::min(cidr.find('/'), cidr.size());
    bool is_v4 = false;
    const auto bits = parse(cidr.substr(0, slash), is_v4);
    if (!bits) {
        return fail(Errc::invalid_argument,
                    "expected an address or a network such as 10.0.0.0/8, got \"" +
                        std::string(cidr.substr(0, 64)) + "\"");
    }
    const unsigned longest = is_v4 ? 32 : 128;
    unsigned length = longest;
    if (slash < cidr.size()) {
        const auto text = cidr.substr(slash + 1);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        if (error != std::errc{} || end != text.data() + text.size() || length > longest) {
            return fail(Errc::invalid_argument,
                        "expected a prefix length from 0 to " + std::to_string(longest));
        }
    }
    ranges_.push_back({*bits, length + (is_v4 ? 96U : 0U)});
    return {};
}

bool TrustedProxies::contains(std::string_view text) const {
    if (ranges_.empty()) return false;
    bool is_v4 = false;
    const auto bits = parse(text, is_v4);
    if (!bits) return false;
    const auto is_in = [&](const Range& range) {
        for (unsigned bit = 0; bit < range.length; ++bit) {
            const auto mask = 0x80U >> (bit % 8);
            if (((range.bits[bit / 8] ^ (*bits)[bit / 8]) & mask) != 0) return false;
        }
        return true;
    };
    return std::ranges::any_of(ranges_, is_in);
}

std::string client_ip(const Headers& headers, std::string_view peer_ip,
                      const TrustedProxies& trusted) {
    std::string client(peer_ip);
    if (!trusted.contains(client)) return client;
    const auto said = headers.joined("X-Forwarded-For");
    std::string_view rest = said;
    while (!rest.empty()) {
        const auto comma = rest.rfind(',');
        const auto last = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
        boost::system::error_code error;
        const auto address = ip::make_address(std::string(last), error);
        // What is no address cannot be told from another: whoever said it answers for it.
        if (error) return client;
        client = address.to_string();
        if (comma == std::string_view::npos || !trusted.contains(client)) return client;
        rest = rest.substr(0, comma);
    }
    return client;
}

}  // namespace farthing::net
