// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/local_proxy.hpp"

#include "farthing/net/hop_by_hop.hpp"
#include "farthing/wallet/daemon_api.hpp"

namespace farthing::wallet {
namespace {

std::string text_of(const net::Headers& headers, std::string_view name) {
    return std::string(headers.get(name).value_or(""));
}

/// A reference of the seller's as one that leads to it through us.
std::optional<std::string> through_us(const net::Url& asked, std::string_view reference) {
    const auto url = net::resolve_url(asked, reference);
    if (!url) return std::nullopt;
    return "/" + url->to_string();
}

net::Headers below_us(const net::Headers& given, const net::Url& asked) {
    net::Headers out;
    for (const auto& [name, value] : given) {
        const auto plain = net::folded(name);
        if (plain == "set-cookie" || plain == "refresh") continue;
        if (plain != "location" && plain != "content-location") {
            out.add(name, value);
        } else if (auto ours = through_us(asked, value)) {
            out.add(name, *std::move(ours));
        }
    }
    return out;
}

}  // namespace

Result<std::optional<net::Url>> proxied_url(const net::ServerRequest& request) {
    if (request.absolute) return request.absolute;
    const std::string_view target = request.target;
    if (!target.starts_with("/http://") && !target.starts_with("/https://")) return std::nullopt;
    FARTHING_TRY(auto url, net::parse_url(target.substr(1)));
    return url;
}

Result<Order> proxied_order(net::Url url, const net::ServerRequest& request) {
    Order out;
    out.url = std::move(url);
    out.request.method = request.method;
    // A program that wants to follow a redirect does so itself.
    out.redirects = Redirects::never;
    out.request.headers = for_the_seller(request.headers);
    // In the path form a cookie may be any seller's.
    if (!request.absolute) out.request.headers.remove("Cookie");
    const auto& given = request.headers;
    out.errand.task = text_of(given, "Farthing-Task");
    out.errand.reason = text_of(given, "Farthing-Reason");
    FARTHING_CHECK(check_errand(out.errand));
    if (const auto limit = given.get("Farthing-Max-Amount")) {
        auto parsed = parse_max_amount(*limit);
        if (!parsed) {
            return fail(Errc::invalid_field, "Farthing-Max-Amount: " + parsed.error().detail);
        }
        out.max_amount = *std::move(parsed);
    }
    out.again = net::equal_no_case(text_of(given, "Farthing-Again"), "yes");
    if (const auto wait = given.get("Farthing-Wait")) {
        FARTHING_TRY(out.wait, parse_wait(*wait));
    }
    return out;
}

Result<> Relay::begin(const net::Response& head, std::optional<std::uint64_t> length) {
    head_.emplace();
    head_->status = head.status;
    head_->headers = net::without_hop_by_hop(head.headers);
    if (asked_) head_->headers = below_us(head_->headers, *asked_);
    length_ = length;
    return {};
}

Result<> Relay::write(std::string_view piece) {
    if (!is_head_) waiting_ += piece;
    return {};
}

Task<Result<>> Relay::flushed() {
    if (head_) {
        auto head = *std::exchange(head_, {});
        auto sent = co_await to_.send_head(std::move(head), length_);
        if (!sent) co_return sent;
    }
    if (waiting_.empty()) co_return Result<>{};
    auto piece = std::exchange(waiting_, {});
    auto sent = co_await to_.send_piece(std::move(piece));
    co_return sent;
}

bool Relay::restart() {
    if (to_.started()) return false;
    waiting_.clear();
    return true;
}

Task<Result<>> Relay::finish() {
    auto sent = co_await flushed();
    if (!sent) co_return sent;
    sent = co_await to_.finish();
    co_return sent;
}

}  // namespace farthing::wallet
