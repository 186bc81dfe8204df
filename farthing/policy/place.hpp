// SPDX-License-Identifier: Apache-2.0
// Where a request goes, in one spelling, and the patterns a pact names places with. No pattern is a
// regular expression, and what can be read in two ways matches no path pattern at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "farthing/evm/eip712.hpp"
#include "farthing/json/codec.hpp"
#include "farthing/policy/terms.hpp"

namespace farthing::policy {

/// An absolute http or https URL, normalised: scheme and host in lower case, the port only when it
/// is not the scheme's own, dot segments (plain or %2e) resolved, `//` one `/`, %XX of an
/// unreserved character decoded and any other in upper case, no query, no fragment.
struct Place {
    std::string scheme;
    std::string host;                   ///< ASCII; an internationalised one as xn--
    std::string vendor;                 ///< host, or host:port
    std::vector<std::string> segments;  ///< of the path
    /// The path may mean another one to who serves it: %2F, %5C, %25, `;`, %3F, %23, a control
    /// character, or a segment that ends in a dot or a space.
    bool ambiguous = false;

    /// `https://api.example.com/v1/search`.
    [[nodiscard]] std::string to_text() const;
    /// Whether some label of the host is internationalised.
    [[nodiscard]] bool has_idn() const;
    /// 127.x.x.x, [::1], localhost or a name below it (RFC 6761: our client asks nobody for it).
    [[nodiscard]] bool is_loopback() const;
    /// A name of more than one label: no address, and no name inside one network.
    [[nodiscard]] bool has_domain() const;
};

/// Errors: invalid_argument: not http or https, user name, non-ASCII host, backslash, white space,
/// broken %, a path that leads above the root, over 8 KiB.
[[nodiscard]] Result<Place> read_place(std::string_view url);

/// Where an offer, made at `asked`, says that its goods are, when that is another host: the offer
/// may be that one's, passed on by somebody who wants the goods. Names inside a network say
/// nothing: sellers behind a proxy know themselves by them.
[[nodiscard]] std::optional<Place> claimed_elsewhere(std::string_view url, const Place& asked);

/// What is bought, as price histories and approvals name it: method or tool, and the URL without
/// its query.
[[nodiscard]] std::string resource_of(std::string_view method, std::string_view tool,
                                      const Place& place);

/// `api.example.com`, or `*.example.com` for every host below it but not itself; on the default
/// port, on `:8443`, or on any port with `:*`.
struct HostPattern {
    std::string text;  ///< lower case
    friend bool operator==(const HostPattern&, const HostPattern&) = default;
    /// `vendor` is `host` or `host:port`, as Place::vendor.
    [[nodiscard]] bool matches(std::string_view vendor) const;
    /// The same, but a pattern without a port takes every port: for what holds back.
    [[nodiscard]] bool covers(std::string_view vendor) const;
};

[[nodiscard]] Result<HostPattern> parse_host_pattern(std::string_view text);
[[nodiscard]] inline std::string to_text(const HostPattern& pattern) { return pattern.text; }

/// `https://api.example.com/v1/**`, without a scheme for https. In the path `*` is within one
/// segment, and a segment `**` is any number of them. Without a path, or with `/**`, the whole
/// host.
struct UrlPattern {
    std::string text;
    std::string scheme;
    HostPattern host;
    std::vector<std::string> segments;
    friend bool operator==(const UrlPattern&, const UrlPattern&) = default;
    [[nodiscard]] bool matches(const Place& place) const;
};

[[nodiscard]] Result<UrlPattern> parse_url_pattern(std::string_view text);
[[nodiscard]] inline std::string to_text(const UrlPattern& pattern) { return pattern.text; }

/// `*` stands for anything, also for nothing.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace farthing::policy

namespace farthing::json {

template <>
struct Codec<policy::HostPattern> : TextCodec<policy::HostPattern, policy::parse_host_pattern> {};
template <>
struct Codec<policy::UrlPattern> : TextCodec<policy::UrlPattern, policy::parse_url_pattern> {};

}  // namespace farthing::json

namespace farthing::eip712 {

template <>
struct SignedAs<policy::HostPattern> {
    static std::string convert(const policy::HostPattern& pattern) { return pattern.text; }
};
template <>
struct SignedAs<policy::UrlPattern> {
    static std::string convert(const policy::UrlPattern& pattern) { return pattern.text; }
};

}  // namespace farthing::eip712
