// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/payer.hpp"

#include <fmt/format.h>

#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/scheme/scheme.hpp"
#include "farthing/wallet/paid_request.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::wallet {
namespace {

constexpr int kPaymentRequired = 402;

Observer& nobody() {
    static Observer observer;
    return observer;
}

/// Keeps a body in memory.
class Memory final : public Sink {
  public:
    explicit Memory(std::size_t bytes_max) : bytes_max_(bytes_max) {}
    Result<> begin(const net::Response&, std::optional<std::uint64_t>) override { return {}; }
    Result<> write(std::string_view piece) override {
        if (piece.size() > bytes_max_ - body.size()) {
            return fail(Errc::too_large, fmt::format("a body of more than {} bytes", bytes_max_));
        }
        body += piece;
        return {};
    }

    bool restart() override {
        body.clear();
        return true;
    }

    std::string body;

  private:
    std::size_t bytes_max_;
};

bool is_transient(int status) {
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/// Whether it was the connection that failed, and not the sink.
bool is_broken_off(const Error& error) {
    return error.code == Errc::closed || error.code == Errc::timed_out ||
           error.code == Errc::protocol_violation;
}

/// What the offer says that it is for.
std::string claimed_url(const dialect::Offered& offered, const v2::PaymentRequirements& wanted) {
    const auto* value = offered.resource ? offered.resource->if_contains("url") : nullptr;
    if (offered.x402_version == v1::kVersion) value = wanted.other.if_contains("resource");
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

/// A Host of the caller's own asks another site than the URL says: the one that is decided about.
Result<> check_host(const net::Url& url, const net::Request& request) {
    for (const auto host : request.headers.all("Host")) {
        if (net::equal_no_case(host, url.authority())) continue;
        return fail(Errc::invalid_argument,
                    "the Host header names another host than the URL: what is paid within a pact "
                    "goes where the URL says");
    }
    return {};
}

/// The rest of the answer into the sink.
Task<Result<>> deliver(Exchange& exchange, Sink& sink) {
    const auto length = exchange.stream ? exchange.stream->content_length() : std::nullopt;
    FARTHING_CO_CHECK(sink.begin(exchange.head, length));
    if (!exchange.head.body.empty()) FARTHING_CO_CHECK(sink.write(exchange.head.body));
    exchange.head.body.clear();
    auto flushed = co_await sink.flushed();
    while (flushed && exchange.stream) {
        auto piece = co_await exchange.stream->read();
        if (!piece) co_return fail(at(exchange.url, std::move(piece).error()));
        if (piece->empty()) break;
        FARTHING_CO_CHECK(sink.write(*piece));
        flushed = co_await sink.flushed();
    }
    co_return flushed;
}

}  // namespace

std::string how_to_find_out(const Payment& payment) {
    const auto& wanted = payment.requirements;
    return fmt::format(
        "{} to {}: to find out whether it was paid, ask the token {} on {} for "
        "authorizationState({}, {}), true once it is used; the signature can be used until unix "
        "time {}; running this again would sign a new payment",
        scheme::describe(wanted.amount, payment.asset), wanted.pay_to,
        payment.asset.address.to_checksum(), wanted.network.id, payment.payer.to_checksum(),
        to_hex(payment.nonce), payment.valid_before.time_since_epoch().count());
}

Payer::Payer(Env env, net::Client& client, Signer& signer, const AssetTable& assets,
             PayerConfig config, Observer* observer, Treasury* treasury)
    : env_(env),
      client_(client),
      signer_(signer),
      assets_(assets),
      config_(std::move(config)),
      observer_(observer == nullptr ? nobody() : *observer),
      treasury_(treasury) {}

Task<Result<PaidResponse>> Payer::get(std::string url) {
    auto parsed = net::parse_url(url);
    if (!parsed) co_return fail(std::move(parsed).error());
    net::Request plain;
    co_return co_await request(std::move(*parsed), std::move(plain));
}

Task<Result<PaidResponse>> Payer::request(net::Url url, net::Request request) {
    Memory memory(config_.body_bytes_max);
    auto paid = co_await download(std::move(url), std::move(request), memory);
    if (paid) paid->response.body = std::move(memory.body);
    co_return paid;
}

Task<Result<PaidResponse>> Payer::download(net::Url url, net::Request request, Sink& sink) {
    if (treasury_ != nullptr) FARTHING_CO_CHECK(check_host(url, request));
    Flight flight;
    auto task = run(std::move(url), std::move(request), sink, flight);
    std::optional<Result<PaidResponse>> ended;
    if (config_.max_time.count() == 0) {
        ended = co_await std::move(task);
    } else {
        ended = co_await finish_within(std::move(task), config_.max_time);
    }
    if (!ended) {
        const auto late = fmt::format("no end after {} ms", config_.max_time.count());
        ended = fail(flight.sent ? unknown_outcome(late, flight.transaction)
                                 : Error{Errc::timed_out, late});
    }
    if (!*ended && kind_of(ended->error().code) == Kind::unknown && flight.payment) {
        ended->error().detail += "; " + how_to_find_out(*flight.payment);
    }
    if (flight.grant) co_await account_for(flight, *ended);
    co_return *std::move(ended);
}

Task<Result<PaidResponse>> Payer::run(net::Url url, net::Request request, Sink& sink,
                                      Flight& flight) {
    auto explored = co_await explore(std::move(url), std::move(request));
    if (!explored) co_return fail(std::move(explored).error());
    auto exchange = std::move(*explored);
    if (exchange.head.status == kPaymentRequired) {
        auto offered = co_await read_offer(exchange);
        if (!offered) co_return fail(std::move(offered).error());
        co_return co_await pay(std::move(exchange), std::move(*offered), sink, flight);
    }
    auto delivered = co_await deliver(exchange, sink);
    if (!delivered) co_return fail(std::move(delivered).error());
    PaidResponse free{std::move(exchange.url), std::move(exchange.head), std::nullopt};
    co_return free;
}

/// The unpaid request, with redirects followed.
Task<Result<Exchange>> Payer::explore(net::Url url, net::Request request) {
    for (unsigned hops = 0;; ++hops) {
        auto exchange = co_await open_unpaid(url, request);
        if (!exchange) co_return fail(std::move(exchange).error());
        auto step = next_step(exchange->url, exchange->request, exchange->head, config_.redirects);
        if (!step) co_return std::move(*exchange);
        if (hops == config_.redirects_max) {
            co_return fail(Errc::protocol_violation,
                           fmt::format("{}: more than {} redirects", exchange->url.origin(),
                                       config_.redirects_max));
        }
        url = std::move(step->url);
        request = std::move(step->request);
    }
}

Task<Result<Exchange>> Payer::open_unpaid(net::Url url, net::Request request) {
    Line line(env_, client_, config_, observer_);
    for (unsigned failures = 1;; ++failures) {
        auto exchange = co_await line.open(url, request);
        if (failures > config_.retries) {
            if (!exchange) co_return fail(std::move(exchange.error().error));
            co_return std::move(*exchange);
        }
        if (exchange && !is_transient(exchange->head.status)) co_return std::move(*exchange);
        Error why{Errc::origin_failed, {}};
        std::optional<std::chrono::seconds> asked;
        if (exchange) {
            why.detail = fmt::format("the server answered {}", exchange->head.status);
            asked = retry_after(exchange->head.headers);
        } else {
            why = std::move(exchange.error().error);
        }
        co_await line.wait(why, line.delay(failures, asked));
    }
}

/// What the 402 asks for. Whatever is wrong with it is the server's: nothing was signed.
Task<Result<dialect::Offered>> Payer::read_offer(Exchange& exchange) {
    const auto header = exchange.head.headers.all(header::kPaymentRequired);
    if (header.size() > 1) {
        co_return fail(Errc::payment_required, "the 402 has several PAYMENT-REQUIRED headers");
    }
    // A version 1 offer is the body. Beside a header the body says nothing, and a short one is read
    // only so that the connection can be used again.
    const auto length = exchange.stream->content_length();
    if (header.empty() || (length && *length <= dialect::kHeaderBytesMax)) {
        auto body = co_await read_body(exchange, dialect::kHeaderBytesMax);
        if (!body && header.empty()) co_return fail(std::move(body).error());
    }
    const auto& head = exchange.head;
    auto offered =
        dialect::read_payment_required(head.headers.get(header::kPaymentRequired), head.body);
    if (!offered) {
        co_return fail(Errc::payment_required,
                       fmt::format("{} answered 402, and how to pay cannot be read: {}",
                                   exchange.url.origin(), to_string(offered.error())));
    }
    const auto& sent = exchange.request.headers;
    if (sent.has(header::kPaymentSignature) || sent.has(header::kPaymentV1)) {
        constexpr std::size_t reason_max = 500;  // protocol.md 8.3
        const auto reason = legible(offered->error.value_or("no reason given"), reason_max);
        co_return fail(Errc::payment_rejected, "the request carried a payment already: " + reason);
    }
    co_return offered;
}

Task<Result<Quote>> Payer::quote(net::Url url, net::Request request) {
    auto exchange = co_await explore(std::move(url), std::move(request));
    if (!exchange) co_return fail(std::move(exchange).error());
    Quote quote;
    if (exchange->head.status == kPaymentRequired) {
        auto offered = co_await read_offer(*exchange);
        if (!offered) co_return fail(std::move(offered).error());
        quote.choice = choose(*offered, config_.rules, assets_);
        observer_.offered(*offered, quote.choice);
        if (quote.choice.chosen) {
            FARTHING_CO_TRY(quote.purchase, purchase_of(*exchange, *offered, quote.choice));
        }
        quote.offered = std::move(*offered);
    }
    quote.url = std::move(exchange->url);
    quote.response = std::move(exchange->head);
    co_return quote;
}

struct Payer::Draft {
    Payment payment;
    scheme::Authorization message;
    Purchase purchase;  ///< for the treasury
};

Result<Purchase> Payer::purchase_of(const Exchange& unpaid, const dialect::Offered& offered,
                                    const Choice& choice) const {
    const auto& verdict = choice.verdicts[*choice.chosen];
    const auto& wanted = *verdict.requirements;
    FARTHING_TRY(const auto pay_to, parse_address(wanted.pay_to));
    Purchase out;
    out.url = unpaid.url;
    out.claimed = claimed_url(offered, wanted);
    out.method = unpaid.request.method;
    out.network = wanted.network;
    out.asset = verdict.asset->address;
    out.pay_to = pay_to;
    out.amount = wanted.amount;
    out.lifetime = std::min(wanted.max_timeout_seconds, config_.rules.lifetime_seconds_max);
    return out;
}

Result<Payer::Draft> Payer::draft(const Exchange& unpaid, const dialect::Offered& offered,
                                  const Choice& choice) {
    const auto& verdict = choice.verdicts[*choice.chosen];
    const auto& wanted = *verdict.requirements;
    const auto now = env_.clock.now();
    const scheme::Signing signing{
        .payer = signer_.address(),
        .now = static_cast<scheme::UnixSeconds>(now.time_since_epoch().count()),
        .nonce = env_.random.bytes32(),
        .x402_version = offered.x402_version,
        .lifetime_max = config_.rules.lifetime_seconds_max};
    FARTHING_TRY(auto message, scheme::find_scheme(wanted.scheme)->authorize(wanted, signing));
    FARTHING_TRY(auto purchase, purchase_of(unpaid, offered, choice));
    Draft out{{}, std::move(message), std::move(purchase)};
    out.payment.requirements = wanted;
    out.payment.asset = *verdict.asset;
    out.payment.payer = signing.payer;
    out.payment.nonce = signing.nonce;
    out.payment.valid_before = now + std::chrono::seconds(out.purchase.lifetime);
    return out;
}

/// The one signature of a call.
Task<Result<Bytes>> Payer::sign_granted(Draft draft, Flight& flight) {
    const auto& payment = draft.payment;
    const auto at_hand = signer_.at_hand();
    const auto signature = std::make_shared<Bytes>();
    const auto issued = [nonce = payment.nonce, until = payment.valid_before](const Bytes& made) {
        return Issued{keccak256(made), nonce, until};
    };
    if (treasury_ != nullptr) {
        Seal seal;
        if (at_hand) {
            seal = [at_hand, signature, issued, digest = draft.message.digest] {
                *signature = at_hand(digest);
                return issued(*signature);
            };
        }
        auto granted =
            co_await treasury_->before_signing(std::move(draft.purchase), std::move(seal));
        if (!granted) co_return fail(std::move(granted).error());
        flight.grant = *granted;
        // A ledger that was busy for as long as that: nobody could settle it.
        if (env_.clock.now() >= payment.valid_before) {
            co_return fail(Errc::timed_out, "the ledger took longer than the payment could last");
        }
    }
    observer_.signing(payment, draft.message.digest);
    if (treasury_ != nullptr && at_hand) co_return std::move(*signature);
    eip712::Signable what = std::move(draft.message);
    auto made = co_await signer_.sign(std::move(what));
    if (made && treasury_ != nullptr) {
        auto noted = co_await treasury_->before_sending(*flight.grant, issued(*made));
        if (!noted) co_return fail(std::move(noted).error());
    }
    co_return made;
}

Task<Result<Authorised>> Payer::authorise(const Exchange& unpaid, const dialect::Offered& offered,
                                          const Choice& choice, Flight& flight) {
    FARTHING_CO_TRY(auto drafted, draft(unpaid, offered, choice));
    Authorised out;
    out.payment = drafted.payment;
    v2::PaymentPayload payload;
    payload.payload = drafted.message.payload;
    auto signature = co_await sign_granted(std::move(drafted), flight);
    if (!signature) co_return fail(std::move(signature).error());
    payload.payload.emplace("signature", to_hex(*signature));
    payload.extensions = offered.extensions;
    payload.resource = offered.resource;
    payload.accepted = offered.accepts[*choice.chosen].raw;
    const bool is_v1 = offered.x402_version == v1::kVersion;
    if (is_v1) {
        const auto& wanted = out.payment.requirements;
        payload.accepted = json::Object{{"scheme", wanted.scheme}, {"network", wanted.network.id}};
    }
    const auto content = dialect::payment_to_json(offered.x402_version, payload);
    if (!content) co_return fail(content.error());
    out.header_name = is_v1 ? header::kPaymentV1 : header::kPaymentSignature;
    out.header_value = dialect::to_header(*content);
    if (out.header_value.size() > dialect::kHeaderBytesMax) {
        co_return fail(Errc::no_acceptable_offer,
                       "the 402 is so long that no server would take its answer");
    }
    co_return out;
}

Task<> Payer::account_for(const Flight& flight, const Result<PaidResponse>& ended) {
    constexpr int first_error = 400;
    Result<> noted;
    if (!flight.payment) {
        noted = co_await treasury_->never_sent(*flight.grant);
    } else if (flight.settled && flight.transaction) {
        const int status = ended ? ended->response.status : 0;
        const Receipted receipt{*flight.transaction, ended && status < first_error, status};
        noted = co_await treasury_->settled(*flight.grant, receipt);
    }
    // It stays reserved, which is too much rather than too little.
    if (!noted) env_.log.warn("payment_not_accounted", {{"error", to_string(noted.error())}});
}

Task<Result<PaidResponse>> Payer::pay(Exchange unpaid, dialect::Offered offered, Sink& sink,
                                      Flight& flight) {
    const auto choice = choose(offered, config_.rules, assets_);
    observer_.offered(offered, choice);
    if (!choice.chosen) co_return fail(choice.refusal());
    auto authorised = co_await authorise(unpaid, offered, choice, flight);
    if (!authorised) co_return fail(std::move(authorised).error());
    flight.payment = authorised->payment;
    unpaid.stream.reset();
    Line line(env_, client_, config_, observer_);
    PaidRequest paid(env_, line, config_, std::move(unpaid), *authorised, flight);
    const auto& payment = authorised->payment;
    for (;;) {
        auto exchange = co_await paid.run();
        if (!exchange) co_return fail(std::move(exchange).error());
        bool repeatable = false;
        if (payment.receipt == Payment::Receipt::verified) {
            flight.transaction = payment.transaction;
            flight.settled = true;
            const auto asked = exchange->url;
            auto followed = co_await follow_settled(std::move(*exchange), payment);
            if (!followed) co_return fail(std::move(followed).error());
            exchange = std::move(followed);
            repeatable = exchange->url == asked;
        }
        auto delivered = co_await deliver(*exchange, sink);
        if (delivered) {
            PaidResponse out{std::move(exchange->url), std::move(exchange->head), payment};
            co_return out;
        }
        if (repeatable && is_broken_off(delivered.error()) && sink.restart() &&
            paid.ask_again_for_body()) {
            continue;
        }
        // The signature is out, whatever the server meant to say.
        const bool unsaid = payment.receipt == Payment::Receipt::none;
        const auto why =
            fmt::format("{} {}, and then the answer was lost: {}",
                        scheme::describe(payment.requirements.amount, payment.asset),
                        unsaid ? "may have been paid" : "was paid", to_string(delivered.error()));
        co_return fail(unknown_outcome(why, payment.transaction));
    }
}

/// A redirect that was paid for: what it leads to is ours, and is never paid for again.
Task<Result<Exchange>> Payer::follow_settled(Exchange exchange, const Payment& payment) {
    auto step = next_step(exchange.url, exchange.request, exchange.head, config_.redirects);
    if (!step) co_return exchange;
    step->request.headers.remove(header::kPaymentSignature);
    step->request.headers.remove(header::kPaymentV1);
    exchange.stream.reset();
    auto next = co_await explore(std::move(step->url), std::move(step->request));
    if (!next) co_return fail(unknown_outcome(to_string(next.error()), payment.transaction));
    if (next->head.status == kPaymentRequired) {
        co_return fail(unknown_outcome("the redirect that was paid for leads to another 402",
                                       payment.transaction));
    }
    co_return std::move(*next);
}

Result<PaidResponse> pay_blocking(Env env, Signer& signer, const AssetTable& assets,
                                  PayerConfig config, net::ClientConfig client, std::string url,
                                  net::Request request) {
    FARTHING_TRY(auto parsed, net::parse_url(url));
    Loop loop;
    const auto http = net::Client::make(env, loop, std::move(client));
    Payer payer(env, *http, signer, assets, std::move(config));
    return run_blocking(loop, payer.request(std::move(parsed), std::move(request)));
}

}  // namespace farthing::wallet
