// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/screening.hpp"

#include <fmt/format.h>

#include "farthing/crypto/sha256.hpp"
#include "farthing/facilitator/remote.hpp"

namespace farthing::facilitator {
namespace {

constexpr json::Limits kAnswerLimits{.bytes_max = 16 << 10, .depth_max = 8, .values_max = 200};

struct ScreenerAnswer {
    bool allowed = false;
    std::optional<std::string> reason;

    static constexpr auto fields() {
        return std::tuple{field("allowed", &ScreenerAnswer::allowed),
                          field("reason", &ScreenerAnswer::reason)};
    }
};

Counter& outcome_counter(Metrics& metrics, const char* outcome) {
    return metrics.counter("farthing_screening_total", "Screened payments, by outcome",
                           {{"outcome", outcome}});
}

}  // namespace

Result<> read_screener_answer(const net::Response& response) {
    if (response.status != 200)
        return fail(Errc::screening_failed,
                    fmt::format("status {}: {}", response.status, excerpt(response.body)));
    const auto answer = json::from_text<ScreenerAnswer>(response.body, kAnswerLimits);
    if (!answer)
        return fail(Errc::screening_failed,
                    fmt::format("{}: {}", answer.error().detail, excerpt(response.body)));
    if (answer->allowed) return {};
    return fail(Errc::screening_refused, answer->reason ? excerpt(*answer->reason) : "");
}

Screening::Screening(Env env, net::Client& client, ScreeningConfig config)
    : env_(env),
      client_(client),
      config_(std::move(config)),
      allowed_total_(outcome_counter(env.metrics, "allowed")),
      refused_total_(outcome_counter(env.metrics, "refused")),
      failed_total_(outcome_counter(env.metrics, "failed")),
      bad_file_total_(env.metrics.counter("farthing_screening_file_faults_total",
                                          "Times the list could not be taken over")),
      addresses_(env.metrics.gauge("farthing_screening_addresses", "Addresses on the list")) {}

Result<std::unique_ptr<Screening>> Screening::make(Env env, net::Client& client,
                                                   ScreeningConfig config) {
    std::unique_ptr<Screening> made(new Screening(env, client, std::move(config)));
    if (made->config_.url) {
        FARTHING_TRY(made->url_, net::parse_url(*made->config_.url));
    }
    if (made->config_.token) {
        auto token = made->config_.token->load();
        if (!token) return fail(Errc::invalid_config, "screening.token: " + token.error().detail);
        made->authorization_.emplace("Bearer " + token->reveal());
    }
    if (const auto first = made->read(); !first)
        return fail(Errc::invalid_config, "screening.file: " + first.error().detail);
    return made;
}

Result<> Screening::read() {
    if (!config_.file) return {};
    FARTHING_TRY(const auto text, read_file(*config_.file, kAddressListBytesMax));
    const auto hash = sha256(text);
    if (hash == file_hash_) return {};
    auto list = parse_address_list(text);
    if (!list)
        return fail(list.error().code, fmt::format("{}: {}", *config_.file, list.error().detail));
    refused_ = std::move(*list);
    file_hash_ = hash;
    addresses_.set(static_cast<double>(refused_.size()));
    env_.log.info("screening_list", {{"file", *config_.file}, {"addresses", refused_.size()}});
    return {};
}

void Screening::reload() {
    const auto done = read();
    auto fault = done ? std::string() : to_string(done.error());
    // Said once, not at every look.
    if (!fault.empty() && fault != last_fault_) {
        bad_file_total_.add();
        env_.log.error("screening_list_rejected", {{"reason", fault}, {"kept", "the list before"}});
    }
    last_fault_ = std::move(fault);
}

Task<> Screening::run() {
    while (config_.file) {
        co_await env_.clock.sleep(config_.file_check_interval);
        reload();
    }
}

Result<> Screening::listed(const Transfer& transfer) const {
    if (refused_.contains(transfer.payer))
        return fail(Errc::screening_refused, "the payer is on the list of refused addresses");
    if (refused_.contains(transfer.pay_to))
        return fail(Errc::screening_refused, "payTo is on the list of refused addresses");
    return {};
}

Task<Result<>> Screening::screen(Transfer transfer) {
    auto verdict = listed(transfer);
    if (verdict && url_) verdict = co_await ask(std::move(transfer));
    if (verdict) {
        allowed_total_.add();
    } else if (verdict.error().code == Errc::screening_refused) {
        refused_total_.add();
    } else {
        failed_total_.add();
        if (config_.on_error == "allow") co_return Result<>{};
    }
    co_return verdict;
}

Task<Result<>> Screening::ask(Transfer transfer) {
    if (auto known = cached(transfer)) co_return *std::move(known);
    auto verdict = co_await exchange(transfer);
    if (!verdict && verdict.error().code == Errc::screening_failed) {
        env_.log.warn("screener_failed",
                      {{"reason", verdict.error().detail}, {"on_error", config_.on_error}});
        // Whose service it is and what it said is the operator's affair.
        co_return fail(Errc::screening_failed, "the screening service gives no answer");
    }
    keep(transfer, verdict);
    co_return verdict;
}

Task<Result<>> Screening::exchange(Transfer transfer) {
    net::Request request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json");
    if (authorization_) request.headers.add("Authorization", authorization_->reveal());
    request.body = json::encode_text(transfer);
    auto answer = co_await client_.fetch(*url_, std::move(request), config_.timeout);
    if (answer) co_return read_screener_answer(*answer);
    co_return fail(Errc::screening_failed, to_string(answer.error().error));
}

std::optional<Result<>> Screening::cached(const Transfer& transfer) {
    const auto found = answers_.find(transfer);
    if (found == answers_.end()) return std::nullopt;
    if (env_.clock.steady_now() < found->second.until) return found->second.verdict;
    order_.erase(found->second.place);
    answers_.erase(found);
    return std::nullopt;
}

void Screening::keep(const Transfer& transfer, const Result<>& verdict) {
    // Whoever asked at the same time may have been first.
    if (config_.cache_for.count() == 0 || answers_.contains(transfer)) return;
    if (answers_.size() >= config_.cache_max) {
        answers_.erase(order_.front());
        order_.pop_front();
    }
    const auto place = order_.insert(order_.end(), transfer);
    answers_.emplace(transfer, Answer{verdict, env_.clock.steady_now() + config_.cache_for, place});
}

}  // namespace farthing::facilitator
