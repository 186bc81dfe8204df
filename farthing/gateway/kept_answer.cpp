// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/kept_answer.hpp"

#include "farthing/base/base64.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::gateway {
namespace {

/// Of what a gateway wrote itself, and of an origin's headers, which have limits of their own.
/// In place of an answer that there was, and that is not kept.
constexpr const char* kNotKept = "-";

constexpr json::Limits kHeadLimits{.bytes_max = 4 << 20, .depth_max = 8, .values_max = 20'000};

/// What stands before the body. Names and values in base64: they may be any bytes.
struct Head {
    std::uint64_t status = 0;
    std::vector<std::string> headers;  ///< name, value, name, value …
    std::optional<std::uint64_t> length;

    static constexpr auto fields() {
        return std::tuple{field("status", &Head::status), field("headers", &Head::headers),
                          field("length", &Head::length)};
    }
};

std::unexpected<Error> damaged(std::string_view what) {
    return fail(Errc::io_failed, "store: a kept " + std::string(what) + " is damaged");
}

}  // namespace

std::string to_text(const OriginAnswer& answer) {
    Head head;
    head.status = static_cast<std::uint64_t>(answer.response.status);
    for (const auto& [name, value] : answer.response.headers) {
        head.headers.push_back(to_base64(name));
        head.headers.push_back(to_base64(value));
    }
    head.length = answer.length;
    auto out = json::encode_text(head);
    out.push_back('\n');
    out.append(to_base64(answer.response.body));
    return out;
}

Result<OriginAnswer> answer_from_text(std::string_view text) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return damaged("answer");
    const auto value = json::parse(text.substr(0, end), kHeadLimits);
    if (!value) return damaged("answer");
    const auto head = json::decode<Head>(*value);
    if (!head || head->status < 100 || head->status > 599 || head->headers.size() % 2 != 0)
        return damaged("answer");
    OriginAnswer out;
    out.response.status = static_cast<int>(head->status);
    out.length = head->length;
    for (std::size_t i = 0; i < head->headers.size(); i += 2) {
        auto name = from_base64(head->headers[i]);
        auto text_of = from_base64(head->headers[i + 1]);
        if (!name || !text_of) return damaged("header");
        out.response.headers.add(*std::move(name), *std::move(text_of));
    }
    auto body = from_base64(text.substr(end + 1));
    if (!body) return damaged("body");
    out.response.body = *std::move(body);
    return out;
}

store::Purchase to_purchase(const scheme::PaymentKey& key, const Waiting& waiting, bool with_answer,
                            std::size_t bytes_max) {
    store::Purchase out;
    out.key = key;
    out.request = waiting.request;
    if (with_answer) {
        const bool fits = waiting.answer && bytes_of(waiting) <= bytes_max;
        out.answer = fits ? to_text(*waiting.answer) : waiting.has_run ? kNotKept : "";
    }
    if (waiting.receipt) out.receipt = json::encode_text(*waiting.receipt);
    out.transaction = waiting.transaction;
    out.idempotency_key = waiting.idempotency_key;
    out.may_have_been_sent = waiting.may_have_been_sent;
    out.payment = waiting.payment;
    out.due = waiting.due;
    return out;
}

Result<Waiting> waiting_from(const store::Purchase& purchase) {
    Waiting out;
    out.request = purchase.request;
    const auto text = purchase.answer.value_or("");
    out.has_run = !text.empty();
    if (out.has_run && text != kNotKept) {
        FARTHING_TRY(auto answer, answer_from_text(text));
        out.answer = std::make_shared<const OriginAnswer>(std::move(answer));
    }
    if (!purchase.receipt.empty()) {
        const auto value = json::parse(purchase.receipt, kHeadLimits);
        if (!value) return damaged("receipt");
        auto receipt = json::decode<v2::SettleResponse>(*value);
        if (!receipt) return damaged("receipt");
        out.receipt = *std::move(receipt);
    }
    out.transaction = purchase.transaction;
    out.idempotency_key = purchase.idempotency_key;
    out.may_have_been_sent = purchase.may_have_been_sent;
    out.payment = purchase.payment;
    out.due = purchase.due;
    return out;
}

}  // namespace farthing::gateway
