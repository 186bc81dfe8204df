// SPDX-License-Identifier: Apache-2.0
// HTTP messages as values. Source: RFC 9110, RFC 9112.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "farthing/base/result.hpp"

namespace farthing::net {

/// Header fields in order, names compared without case. Values hold no CR, LF or NUL.
class Headers {
  public:
    using Entry = std::pair<std::string, std::string>;

    void add(std::string name, std::string value) {
        entries_.emplace_back(std::move(name), std::move(value));
    }
    /// Replaces every entry of that name by one.
    void set(std::string_view name, std::string value);
    void remove(std::string_view name);
    /// The first value.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return get(name).has_value(); }
    /// All values joined with ", ".
    [[nodiscard]] std::string joined(std::string_view name) const;

    [[nodiscard]] auto begin() const { return entries_.begin(); }
    [[nodiscard]] auto end() const { return entries_.end(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    std::vector<Entry> entries_;
};

[[nodiscard]] bool equal_no_case(std::string_view a, std::string_view b);

struct Request {
    std::string method = "GET";
    std::string target = "/";  ///< origin-form for a server; the client fills it from the URL
    Headers headers;
    std::string body;
    /// False: the client never sends it a second time by itself, whatever its method, so that its
    /// caller hears of every attempt whose answer was lost.
    bool repeatable = true;
};

struct Response {
    int status = 200;
    Headers headers;
    std::string body;
};

[[nodiscard]] std::string_view reason_phrase(int status);

/// An absolute http or https URL taken apart. IPv6 hosts keep their brackets.
struct Url {
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< lower case
    std::uint16_t port = 80;
    std::string target = "/";  ///< path and query, never empty, no fragment

    [[nodiscard]] std::string origin()
        const;  ///< scheme://host[:port], the port only when not the default
    [[nodiscard]] std::string authority() const;
    [[nodiscard]] std::string to_string() const { return origin() + target; }
    friend bool operator==(const Url&, const Url&) = default;
};

/// Errors: invalid_argument (scheme, user info, empty host, bad port, control characters, over 8
/// KiB).
[[nodiscard]] Result<Url> parse_url(std::string_view text);
/// RFC 3986 section 5.2 for a Location header: absolute, scheme-relative, absolute-path,
/// relative-path.
[[nodiscard]] Result<Url> resolve_url(const Url& base, std::string_view reference);

}  // namespace farthing::net
