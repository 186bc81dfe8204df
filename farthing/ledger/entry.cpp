// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/entry.hpp"

#include <fmt/format.h>

#include "farthing/base/printable.hpp"
#include "farthing/crypto/sha256.hpp"

namespace farthing::ledger {
namespace {

/// What every entry has, ahead of its event's own fields.
struct Common {
    Seq seq = 0;
    UnixMillis time = 0;
    Bytes32 previous;
    std::string kind;

    static constexpr auto fields() {
        using T = Common;
        return std::tuple{field("seq", &T::seq), field("time", &T::time),
                          field("previous", &T::previous), field("kind", &T::kind)};
    }
};

template <std::size_t... I>
constexpr auto kinds_of(std::index_sequence<I...>) {
    return std::array{std::variant_alternative_t<I, Event>::kind...};
}
constexpr auto kKinds = kinds_of(std::make_index_sequence<std::variant_size_v<Event>>());

/// The event whose kind is `kind`.
template <std::size_t I = 0>
Result<Event> decode_event(std::string_view kind, const json::Object& from) {
    if constexpr (I == std::variant_size_v<Event>) {
        return fail(Errc::invalid_field,
                    fmt::format(".kind: expected one of {}", fmt::join(kKinds, ", ")));
    } else {
        using T = std::variant_alternative_t<I, Event>;
        if (kind != T::kind) return decode_event<I + 1>(kind, from);
        FARTHING_TRY(auto event, json::decode<T>(from));
        return Event(std::move(event));
    }
}

// A body is as large as its texts, each byte of which may take six in JSON.
constexpr json::Limits kLimits{.bytes_max = 24 * 6 * kTextMax, .depth_max = 2, .values_max = 64};

}  // namespace

std::string_view kind_of(const Event& event) { return kKinds[event.index()]; }

std::span<const std::string_view> kinds() { return kKinds; }

std::optional<Seq> decision_of(const Event& event) {
    return std::visit(
        [](const auto& each) -> std::optional<Seq> {
            if constexpr (requires { each.decision; }) return each.decision;
            return std::nullopt;
        },
        event);
}

Result<> check_texts(const Event& event) {
    Result<> status;
    const auto check = [&](std::string_view name, const std::string& text) {
        if (!status) return;
        if (text.size() > kTextMax) {
            status = fail(Errc::too_large, fmt::format(".{}: more than {} bytes", name, kTextMax));
        } else if (!is_utf8(text)) {
            status = fail(Errc::invalid_field, fmt::format(".{}: not UTF-8", name));
        }
    };
    std::visit(
        [&]<class T>(const T& each) {
            for_each_field<T>([&](std::string_view name, auto member) {
                if constexpr (std::same_as<decltype(member), std::string T::*>) {
                    check(name, each.*member);
                }
                if constexpr (std::same_as<decltype(member),
                                           std::optional<std::vector<std::string>> T::*>) {
                    for (const auto& text : (each.*member).value_or(std::vector<std::string>{})) {
                        check(name, text);
                    }
                }
            });
        },
        event);
    return status;
}

json::Object to_object(const Entry& entry) {
    const Common common{entry.seq, entry.time, entry.previous, std::string(kind_of(entry.event))};
    auto out = std::move(json::encode(common).as_object());
    const auto event = std::visit([](const auto& each) { return json::encode(each); }, entry.event);
    for (const auto& [name, value] : event.as_object()) out.emplace(name, value);
    return out;
}

std::string to_body(const Entry& entry) { return json::to_text(to_object(entry)); }

Bytes32 hash_of_body(std::string_view body) { return sha256(body); }

Result<Entry> parse_body(std::string_view body) {
    FARTHING_TRY(const auto value, json::parse(body, kLimits));
    const auto* object = value.if_object();
    if (object == nullptr) return fail(Errc::invalid_field, "expected an object");
    FARTHING_TRY(const auto common, json::decode<Common>(*object));
    if (common.time > kTimeMax) return fail(Errc::invalid_field, ".time: after the year 9999");
    FARTHING_TRY(auto event, decode_event(common.kind, *object));
    Entry out{common.seq, common.time, common.previous, std::move(event), hash_of_body(body)};
    FARTHING_CHECK(check_texts(out.event));
    // Anything that we would not have written: unknown members, another order, white space.
    if (to_body(out) != body) return fail(Errc::invalid_field, "not in canonical form");
    return out;
}

}  // namespace farthing::ledger
