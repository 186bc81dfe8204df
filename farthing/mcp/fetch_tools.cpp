// SPDX-License-Identifier: Apache-2.0
// fetch_paid_url, quote, read_more.
#include <fmt/format.h>

#include <algorithm>

#include "farthing/mcp/outcome.hpp"
#include "farthing/mcp/wallet_tools.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::mcp {
namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET",   "HEAD",   "POST",   "PUT",
                                                   "PATCH", "DELETE", "OPTIONS"};
constexpr std::size_t kHeadersMax = 32;
constexpr std::size_t kErrandBytesMax = 1'000;
constexpr int kFirstError = 400;

/// Ours to set, and nobody else's: who may write them could pay, or cut one request into two.
constexpr std::array<std::string_view, 14> kOurHeaders{"Host",
                                                       "Content-Length",
                                                       "Transfer-Encoding",
                                                       "Connection",
                                                       "Upgrade",
                                                       "Trailer",
                                                       "TE",
                                                       "Keep-Alive",
                                                       "Expect",
                                                       "PAYMENT-SIGNATURE",
                                                       "X-PAYMENT",
                                                       "PAYMENT-REQUIRED",
                                                       "Proxy-Authorization",
                                                       "PAYMENT-RESPONSE"};

/// What both fetching and asking for a price take.
struct RequestArgs {
    std::string url;
    std::string method = "GET";
    std::vector<std::string> headers;
    std::optional<std::string> body;
    std::optional<std::string> max_amount;
    std::string task;
    std::string reason;
    static constexpr std::array<std::string_view, 1> required{"url"};
    static constexpr auto fields() {
        using T = RequestArgs;
        return std::tuple_cat(
            std::tuple{
                field("url", &T::url, "absolute, http or https"),
                field("method", &T::method, "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"),
                field("headers", &T::headers, "each as \"Name: value\""),
                field("body", &T::body, "of the request; name its Content-Type in headers")},
            purpose_fields<T>());
    }
};

struct MoreArgs {
    std::string body_id;
    std::uint64_t offset = 0;
    static constexpr auto fields() {
        return std::tuple{field("body_id", &MoreArgs::body_id, "as the cut-off answer names it"),
                          field("offset", &MoreArgs::offset, "its next_offset")};
    }
};

struct OfferNote {
    std::string price, network, asset, pay_to, verdict;
    static constexpr auto fields() {
        using T = OfferNote;
        return std::tuple{field("price", &T::price), field("network", &T::network),
                          field("asset", &T::asset), field("pay_to", &T::pay_to),
                          field("verdict", &T::verdict, "would be paid, or why not")};
    }
};

struct QuoteNote {
    bool asks_payment = false;
    std::uint32_t status = 0;
    std::vector<OfferNote> offers;
    std::optional<std::string> pact;
    std::string next;
    static constexpr auto fields() {
        using T = QuoteNote;
        return std::tuple{field("asks_payment", &T::asks_payment), field("status", &T::status),
                          field("offers", &T::offers),
                          field("pact", &T::pact,
                                "what it says to the first that can be paid: "
                                "allow, ask or refuse"),
                          field("next", &T::next)};
    }
};

/// The body as it comes: as much as is kept, and how much more there was.
class Basket final : public wallet::Sink {
  public:
    Result<> begin(const net::Response&, std::optional<std::uint64_t>) override { return {}; }
    Result<> write(std::string_view piece) override {
        const auto room = Shelf::kBodyBytesMax - body.size();
        body += piece.substr(0, room);
        dropped += piece.size() - std::min(room, piece.size());
        return {};
    }
    bool restart() override {
        body.clear();
        dropped = 0;
        return true;
    }
    std::string body;
    std::uint64_t dropped = 0;
};

bool is_token(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return c > 0x20 && c < 0x7f && !std::string_view("\"(),/:;<=>?@[\\]{}").contains(c);
    });
}

/// Stands outside of the marks, so that it may be nothing but a media type.
std::optional<std::string> media_type(const net::Headers& headers) {
    constexpr std::size_t bytes_max = 64;
    auto type = headers.get("Content-Type").value_or("");
    type = type.substr(0, type.find(';'));
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("+-./").contains(c);
    };
    const bool good = type.size() <= bytes_max && std::ranges::count(type, '/') == 1 &&
                      std::ranges::all_of(type, is_plain);
    return good ? std::optional(std::string(type)) : std::nullopt;
}

Result<net::Headers::Entry> read_header(std::string_view line) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name) ||
        line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
        return fail(Errc::invalid_field, ".headers: expected \"Name: value\"");
    }
    const auto is_this = [&](std::string_view each) { return net::equal_no_case(each, name); };
    if (std::ranges::any_of(kOurHeaders, is_this)) {
        return fail(Errc::invalid_field,
                    fmt::format(".headers: {} is set by the wallet", phrase(name)));
    }
    auto value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    return net::Headers::Entry{std::string(name), std::string(value)};
}

Result<wallet::Order> read_order(const Desk& desk, RequestArgs args, const Call& call) {
    wallet::Order order;
    order.max_time = Desk::kCallTimeout;
    FARTHING_TRY(order.url, read_url("url", args.url));
    if (std::ranges::find(kMethods, args.method) == kMethods.end()) {
        return fail(Errc::invalid_field,
                    ".method: expected GET, HEAD, POST, PUT, PATCH, DELETE "
                    "or OPTIONS");
    }
    if (args.headers.size() > kHeadersMax) {
        return fail(Errc::invalid_field, ".headers: more than 32");
    }
    order.request.method = args.method;
    for (const auto& each : args.headers) {
        FARTHING_TRY(auto header, read_header(each));
        order.request.headers.add(std::move(header.first), std::move(header.second));
    }
    if (!order.request.headers.has("User-Agent")) {
        order.request.headers.add("User-Agent", "farthing/" + desk.version);
    }
    if (!order.request.headers.has("Accept")) order.request.headers.add("Accept", "*/*");
    if (args.body) order.request.body = *std::move(args.body);
    FARTHING_TRY(auto purpose, read_purpose(args.max_amount, std::move(args.task),
                                            std::move(args.reason), call.agent()));
    order.max_amount = std::move(purpose.max_amount);
    order.errand = std::move(purpose.errand);
    order.may_pay = desk.leave_of(call.agent());
    return order;
}

Task<ToolResult> fetch(Desk& desk, RequestArgs args, Call& call) {
    auto order = read_order(desk, std::move(args), call);
    if (!order) co_return refuse_call(order.error());
    Basket basket;
    const auto from = order->url.authority();
    const auto fetched = co_await desk.account.fetch(*std::move(order), &basket);
    auto outcome = outcome_of(fetched, desk.wallet);
    if (!fetched.answer) co_return to_result(outcome, from, desk.env.random, true);
    const auto& response = fetched.answer->response;
    outcome.status = static_cast<std::uint32_t>(response.status);
    outcome.content_type = media_type(response.headers);
    outcome.content = desk.shelf.show(call.agent(), std::move(basket.body), basket.dropped);
    const auto sender = fetched.answer->url.authority();
    co_return to_result(outcome, sender, desk.env.random, response.status >= kFirstError);
}

std::string next_after(const wallet::Quoted& quoted) {
    if (!quoted.quote.offered) {
        return "It asks for no payment: fetch_paid_url gets it free of charge.";
    }
    if (!quoted.forecast) return "This wallet would not pay it.";
    if (quoted.forecast->verdict == policy::Verdict::allow) {
        return "fetch_paid_url would pay it.";
    }
    return phrase(quoted.forecast->text, 2 * kPhraseBytesMax);
}

OfferNote note_of(const wallet::Choice& choice, std::size_t i) {
    const auto& verdict = choice.verdicts[i];
    OfferNote out;
    if (verdict.requirements) {
        const auto& wanted = *verdict.requirements;
        out.price = verdict.asset != nullptr ? scheme::describe(wanted.amount, *verdict.asset)
                                             : wanted.amount.to_decimal() + " atomic units";
        out.network = phrase(wanted.network.id, 100);
        out.asset = phrase(wanted.asset, 100);
        out.pay_to = phrase(wanted.pay_to, 100);
    }
    const bool chosen = choice.chosen == i;
    out.verdict = chosen ? "is the one that would be paid"
                         : (verdict.refusal ? phrase(to_string(*verdict.refusal))
                                            : "could be paid, and costs more");
    return out;
}

Task<ToolResult> quote(Desk& desk, RequestArgs args, Call& call) {
    auto order = read_order(desk, std::move(args), call);
    if (!order) co_return refuse_call(order.error());
    const auto from = order->url.authority();
    const auto quoted = co_await desk.account.quote(*std::move(order));
    if (!quoted) co_return failed_call(quoted.error());
    const auto& quote = quoted->quote;
    QuoteNote note;
    note.status = static_cast<std::uint32_t>(quote.response.status);
    note.asks_payment = quote.offered.has_value();
    for (std::size_t i = 0; i < quote.choice.verdicts.size(); ++i) {
        note.offers.push_back(note_of(quote.choice, i));
    }
    if (quoted->forecast) note.pact = policy::to_text(quoted->forecast->verdict);
    note.next = next_after(*quoted);
    ToolResult out;
    out.structured = json::encode(note);
    out.text = fmt::format("Nothing was paid. HTTP {}. {}", note.status, note.next);
    std::string offers;
    for (const auto& each : note.offers) {
        offers += fmt::format("{}{} on {} to {}: {}", offers.empty() ? "" : "\n", each.price,
                              each.network, each.pay_to, each.verdict);
    }
    if (!offers.empty()) out.text += "\n" + fenced(desk.env.random, from, offers);
    co_return out;
}

Task<ToolResult> read_more(Desk& desk, MoreArgs args, Call& call) {
    const auto piece = desk.shelf.more(call.agent(), args.body_id, args.offset);
    if (!piece) {
        const Error gone{Errc::invalid_field,
                         ".body_id: no such body is kept (any more); asking the seller again may "
                         "cost again"};
        co_return refuse_call(gone);
    }
    ToolResult out;
    out.structured = json::encode(*piece);
    out.text = fmt::format("From byte {} of {}", piece->offset, piece->bytes_total);
    out.text += piece->next_offset ? fmt::format("; goes on at offset {}", *piece->next_offset)
                                   : std::string("; this is the end");
    out.text += "\n" + fenced(desk.env.random, "the seller", piece->text);
    co_return out;
}

}  // namespace

Result<Purpose> read_purpose(const std::optional<std::string>& max_amount, std::string task,
                             std::string reason, const std::string& agent) {
    Purpose out;
    if (max_amount) {
        auto money = scheme::parse_money(*max_amount);
        if (!money) return fail(Errc::invalid_field, ".max_amount: " + money.error().detail);
        out.max_amount = *std::move(money);
    }
    if (task.size() > kErrandBytesMax) return fail(Errc::invalid_field, ".task: over 1000 bytes");
    if (reason.size() > kErrandBytesMax) {
        return fail(Errc::invalid_field, ".reason: over 1000 bytes");
    }
    out.errand.task = std::move(task);
    out.errand.reason = std::move(reason);
    out.errand.agent = agent;
    return out;
}

Result<net::Url> read_url(std::string_view member, const std::string& text) {
    auto url = net::parse_url(text);
    if (!url) return fail(Errc::invalid_field, fmt::format(".{}: {}", member, url.error().detail));
    return url;
}

std::vector<Tool> make_fetch_tools(Desk& desk) {
    auto fetching = make_tool<Outcome>(
        desk, "fetch_paid_url", "Fetch a URL, paying if it asks",
        "Sends an HTTP request and, when the server answers 402 Payment Required (x402), pays what "
        "it asks, if the operator's pact allows it, and returns the answer. The result says first "
        "whether money was paid. If it says that this is unknown, do not repeat the call. If it "
        "names an approval, use request_approval.",
        fetch);
    fetching.hints.destructive = true;
    auto quoting = make_tool<QuoteNote>(
        desk, "quote", "Ask for a price",
        "Sends the same request without paying, and says what it would cost, which offers there "
        "are, and which of them this wallet would take. Nothing is signed or reserved.",
        quote);
    auto more = make_tool<Piece>(
        desk, "read_more", "Read on in a long answer",
        "The next piece of an answer that was cut off, from this wallet's memory: free of charge.",
        read_more);
    more.hints.read_only = true;
    more.hints.idempotent = true;
    more.hints.open_world = false;
    return {std::move(fetching), std::move(quoting), std::move(more)};
}

}  // namespace farthing::mcp
