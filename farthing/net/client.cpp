// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/client.hpp"

#include <fmt/format.h>

#include "farthing/io/task_group.hpp"
#include "farthing/net/exchange.hpp"

namespace farthing::net {
namespace {

using Fetched = std::expected<Response, RequestError>;
using Opened = std::expected<std::unique_ptr<ResponseStream>, RequestError>;

std::unexpected<RequestError> failed(Error error, Sent sent) {
    return std::unexpected(RequestError{std::move(error), sent});
}

Error at(const std::string& origin, Error error) {
    error.detail = error.detail.empty() ? origin : fmt::format("{}: {}", origin, error.detail);
    return error;
}

/// `sent` outlives the call and tells what had left when the task is cancelled.
Task<Opened> open_now(std::shared_ptr<ClientCore> core, Url url, Request request, BodySource body,
                      std::optional<std::uint64_t> length, Sent& sent) {
    auto out = make_outgoing(url, std::move(request), std::move(body), length);
    if (!out) co_return failed(std::move(out).error(), Sent::no);
    bool may_repeat = true;
    while (true) {
        auto stream = may_repeat ? core->pool->take(out->origin) : nullptr;
        const bool kept = stream != nullptr;
        if (!kept) {
            auto made = co_await connect(core->connector, url);
            if (!made) co_return failed(std::move(made).error(), sent);
            stream = *std::move(made);
        }
        auto exchange = std::make_unique<Exchange>(core, std::move(stream));
        const auto before = sent;
        // Until the start has ended, a cancellation has to assume the worst.
        sent = Sent::maybe;
        auto started = co_await exchange->start(*out);
        if (started) co_return std::move(exchange);
        if (!exchange->written()) sent = before;
        const bool replayable =
            !exchange->source_used() && (out->idempotent || !exchange->written());
        const bool stale =
            kept && !exchange->answer_begun() && replayable && started.error().code == Errc::closed;
        if (!stale) co_return failed(at(out->origin, std::move(started).error()), sent);
        // Once, and on a fresh connection.
        may_repeat = false;
    }
}

Task<Fetched> fetch_now(std::shared_ptr<ClientCore> core, Url url, Request request, Sent& sent) {
    const auto origin = url.origin();
    const auto bytes_max = core->config.body_bytes_max;
    BodySource none;
    auto opened = co_await open_now(core, std::move(url), std::move(request), std::move(none),
                                    std::nullopt, sent);
    if (!opened) co_return std::unexpected(std::move(opened).error());
    auto& stream = **opened;
    Response response = stream.head();
    while (true) {
        auto piece = co_await stream.read();
        if (!piece) co_return failed(at(origin, std::move(piece).error()), Sent::maybe);
        if (piece->empty()) co_return response;
        if (piece->size() > bytes_max - response.body.size()) {
            Error large{Errc::too_large,
                        fmt::format("{}: a response body over {} bytes", origin, bytes_max)};
            co_return failed(std::move(large), Sent::maybe);
        }
        response.body.append(*piece);
    }
}

class Http1Client final : public Client {
  public:
    Http1Client(Loop& loop, ClientConfig config, MayBeLocal may_be_local = {})
        : core_(std::make_shared<ClientCore>(loop, std::move(config))) {
        core_->connector.may_be_local = std::move(may_be_local);
    }

    Task<Fetched> fetch(Url url, Request request) override {
        auto sent = Sent::no;
        co_return co_await fetch_now(core_, std::move(url), std::move(request), sent);
    }

    Task<Fetched> fetch(Url url, Request request, std::chrono::milliseconds deadline) override {
        const auto origin = url.origin();
        auto sent = Sent::no;
        auto task = fetch_now(core_, std::move(url), std::move(request), sent);
        auto fetched = co_await finish_within(std::move(task), deadline);
        if (fetched) co_return *std::move(fetched);
        Error late{Errc::timed_out,
                   fmt::format("{}: no answer in {} ms", origin, deadline.count())};
        co_return failed(std::move(late), sent);
    }

    Task<Opened> open(Url url, Request request, BodySource body,
                      std::optional<std::uint64_t> length) override {
        auto sent = Sent::no;
        co_return co_await open_now(core_, std::move(url), std::move(request), std::move(body),
                                    length, sent);
    }

  private:
    std::shared_ptr<ClientCore> core_;
};

}  // namespace

std::unique_ptr<Client> Client::make(Env, Loop& loop, ClientConfig config) {
    return std::make_unique<Http1Client>(loop, std::move(config));
}

std::unique_ptr<Client> make_fenced_client(Env, Loop& loop, ClientConfig config,
                                           MayBeLocal may_be_local) {
    return std::make_unique<Http1Client>(loop, std::move(config), std::move(may_be_local));
}

}  // namespace farthing::net
