// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/json_rpc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace farthing::net {
namespace {

constexpr json::Limits kAnswerLimits{
    .bytes_max = 4 << 20, .depth_max = 64, .values_max = 1'000'000};
/// A node's own words are repeated in our errors only this far.
constexpr std::size_t kQuoteBytesMax = 200;

std::unexpected<Error> bad(std::string what) {
    return fail(Errc::rpc_failed, "answer: " + std::move(what));
}

std::string quote(std::string_view text) {
    std::string out(text.substr(0, kQuoteBytesMax));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return out;
}

std::optional<std::uint64_t> whole(const json::Value& value) {
    if (const auto* small = value.if_int64(); small != nullptr && *small >= 0) {
        return static_cast<std::uint64_t>(*small);
    }
    if (const auto* large = value.if_uint64(); large != nullptr) return *large;
    return std::nullopt;
}

Result<RpcError> parse_error_member(const json::Value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) return bad(".error: expected an object");
    RpcError error;
    const auto* code = object->if_contains("code");
    if (code == nullptr || !code->is_int64()) return bad(".error.code: expected a whole number");
    error.code = code->as_int64();
    const auto* message = object->if_contains("message");
    if (message == nullptr || !message->is_string()) {
        return bad(".error.message: expected a string");
    }
    error.message = std::string_view(message->as_string());
    if (const auto* data = object->if_contains("data")) error.data = *data;
    return error;
}

/// The error of an answer that names no call: the node could not read the request, or refused it.
std::unexpected<Error> refused_whole(const json::Object& object) {
    if (const auto* error = object.if_contains("error")) {
        const auto parsed = parse_error_member(*error);
        if (parsed) {
            return fail(Errc::rpc_failed, fmt::format("the node refused the request: {} ({})",
                                                      quote(parsed->message), parsed->code));
        }
    }
    return bad(".id: missing or null");
}

/// Retry-After in seconds, at most an hour; zero for a date and for anything else.
std::chrono::milliseconds seconds_in(std::string_view text) {
    constexpr std::uint32_t kMost = 3'600;
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return std::chrono::seconds(std::min(seconds, kMost));
}

struct Identified {
    std::uint64_t id = 0;
    RpcAnswer answer;
};

Result<Identified> parse_one(const json::Value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) return bad("expected an object");
    const auto* version = object->if_contains("jsonrpc");
    if (version == nullptr || *version != "2.0") return bad(".jsonrpc: expected \"2.0\"");
    const auto* id = object->if_contains("id");
    if (id == nullptr || id->is_null()) return refused_whole(*object);
    const auto number = whole(*id);
    if (!number) return bad(".id: not one that was sent");
    const auto* result = object->if_contains("result");
    const auto* error = object->if_contains("error");
    if ((result == nullptr) == (error == nullptr)) {
        return bad("expected either .result or .error");
    }
    Identified one{*number, {}};
    if (result != nullptr) {
        one.answer = *result;
        return one;
    }
    FARTHING_TRY(auto parsed, parse_error_member(*error));
    one.answer = std::unexpected(std::move(parsed));
    return one;
}

json::Value make_call(RpcCall call, std::uint64_t id) {
    json::Object object;
    object.reserve(4);
    object.emplace("jsonrpc", "2.0");
    object.emplace("id", id);
    object.emplace("method", std::move(call.method));
    object.emplace("params", std::move(call.params));
    return json::Value(std::move(object));
}

}  // namespace

Result<std::vector<RpcAnswer>> parse_rpc_answers(const json::Value& body,
                                                 const std::vector<std::uint64_t>& ids,
                                                 bool batch) {
    if (!batch) {
        FARTHING_TRY(auto one, parse_one(body));
        if (ids.size() != 1 || one.id != ids.front()) return bad(".id: not one that was sent");
        std::vector<RpcAnswer> answers;
        answers.push_back(std::move(one.answer));
        return answers;
    }
    const auto* array = body.if_array();
    if (array == nullptr) {
        const auto* object = body.if_object();
        if (object != nullptr && object->contains("error")) return refused_whole(*object);
        return bad("expected an array");
    }
    if (array->size() != ids.size()) {
        return bad(fmt::format("{} answers to {} calls", array->size(), ids.size()));
    }
    std::vector<std::optional<RpcAnswer>> found(ids.size());
    for (const auto& each : *array) {
        FARTHING_TRY(auto one, parse_one(each));
        const auto at = std::find(ids.begin(), ids.end(), one.id);
        if (at == ids.end()) return bad(".id: not one that was sent");
        auto& slot = found[static_cast<std::size_t>(at - ids.begin())];
        if (slot) return bad(".id: answered twice");
        slot = std::move(one.answer);
    }
    std::vector<RpcAnswer> answers;
    answers.reserve(found.size());
    // As many answers as calls, none twice and none strange: every slot is filled.
    for (auto& slot : found) answers.push_back(*std::move(slot));
    return answers;
}

JsonRpc::JsonRpc(Client& client, Url endpoint, std::chrono::milliseconds timeout)
    : client_(client), endpoint_(std::move(endpoint)), timeout_(timeout) {}

Task<Result<json::Value>> JsonRpc::exchange(std::string body) {
    // The path and query of an endpoint often hold an access key: messages name its origin only.
    const auto where = endpoint_.origin();
    Request request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json");
    request.body = std::move(body);
    auto response = co_await client_.fetch(endpoint_, std::move(request), timeout_);
    if (!response) {
        const auto& error = response.error().error;
        const bool known = error.code == Errc::timed_out || error.code == Errc::connection_failed;
        const auto code = known ? error.code : Errc::rpc_failed;
        const auto detail =
            known ? error.detail : fmt::format("{}: {}", wire_code(error.code), error.detail);
        auto failed = fail(code, fmt::format("{}: {}", where, detail));
        co_return failed;
    }
    if (response->status != 200) {
        if (response->status == 429 || response->status == 503) {
            retry_after_ = seconds_in(response->headers.get("Retry-After").value_or(""));
        }
        auto failed = fail(Errc::rpc_failed, fmt::format("{}: HTTP {} {}", where, response->status,
                                                         reason_phrase(response->status)));
        co_return failed;
    }
    auto value = json::parse(response->body, kAnswerLimits);
    if (!value) {
        auto failed = fail(Errc::rpc_failed,
                           fmt::format("{}: not a JSON answer: {}", where, value.error().detail));
        co_return failed;
    }
    co_return value;
}

Task<Result<RpcAnswer>> JsonRpc::call(RpcCall call) {
    const std::vector<std::uint64_t> ids{next_id_++};
    auto text = json::to_text(make_call(std::move(call), ids.front()));
    FARTHING_CO_TRY(const auto body, co_await exchange(std::move(text)));
    auto answers = parse_rpc_answers(body, ids, false);
    if (!answers) {
        auto failed = fail(Errc::rpc_failed, endpoint_.origin() + ": " + answers.error().detail);
        co_return failed;
    }
    co_return std::move(answers->front());
}

Task<Result<std::vector<RpcAnswer>>> JsonRpc::batch(std::vector<RpcCall> calls) {
    std::vector<RpcAnswer> none;
    if (calls.empty()) co_return none;
    std::vector<std::uint64_t> ids;
    json::Array array;
    ids.reserve(calls.size());
    array.reserve(calls.size());
    for (auto& call : calls) {
        ids.push_back(next_id_++);
        array.push_back(make_call(std::move(call), ids.back()));
    }
    auto text = json::to_text(json::Value(std::move(array)));
    FARTHING_CO_TRY(const auto body, co_await exchange(std::move(text)));
    auto answers = parse_rpc_answers(body, ids, true);
    if (!answers) {
        auto failed = fail(Errc::rpc_failed, endpoint_.origin() + ": " + answers.error().detail);
        co_return failed;
    }
    co_return answers;
}

}  // namespace farthing::net
