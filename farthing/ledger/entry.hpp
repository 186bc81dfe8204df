// SPDX-License-Identifier: Apache-2.0
// Entry: one event that touches money. Its canonical form is the JSON of its fields in the order in
// which they are declared here, without white space; its hash is that text's SHA-256. Each entry
// holds the hash of the one before. Fields that a later version adds are optional, so that what was
// written before keeps its form.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "farthing/evm/address.hpp"
#include "farthing/evm/u256.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::ledger {

using UnixMillis = std::uint64_t;
/// Of an entry: its place, from 1 without gaps.
using Seq = std::uint64_t;

/// Texts come from sellers and models: stored as given, shown only through `legible`.
inline constexpr std::size_t kTextMax = 4'096;
/// The last millisecond of the year 9999: what comes later has no date.
inline constexpr UnixMillis kTimeMax = 253'402'300'799'999;

enum class Verdict : std::uint8_t { allow, ask, refuse };
enum class Approved : std::uint8_t { approved, denied, expired };
enum class Change : std::uint8_t { made, revoked };

template <class E>
struct Names;
template <>
struct Names<Verdict> {
    static constexpr std::array<std::string_view, 3> all{"allow", "ask", "refuse"};
};
template <>
struct Names<Approved> {
    static constexpr std::array<std::string_view, 3> all{"approved", "denied", "expired"};
};
template <>
struct Names<Change> {
    static constexpr std::array<std::string_view, 2> all{"made", "revoked"};
};
template <class E>
concept Named = requires { Names<E>::all; };

template <Named E>
[[nodiscard]] constexpr std::string_view to_text(E value) {
    return Names<E>::all[static_cast<std::size_t>(value)];
}

/// What was asked for, and whether it may be paid. One that allows is the reservation of `amount`.
struct Decision {
    static constexpr std::string_view kind = "decision";
    Verdict verdict = Verdict::refuse;
    std::string condition;  ///< the one that decided
    std::string why;        ///< in words, and what would change it
    std::string method;
    std::string url;
    std::string tool;  ///< of MCP; empty for plain HTTP
    std::string vendor;
    std::string host;
    std::string category;
    std::string network;
    std::string asset;
    std::string payer;
    std::string pay_to;
    U256 amount;   ///< atomic units of the asset
    U256 value;    ///< in 10^-18 dollars; zero when the pact does not value the asset
    Bytes32 pact;  ///< hash of the pact that it was decided by
    std::string task;
    std::string reason;  ///< why the business wants it
    std::string card;
    std::string agent;
    std::optional<Seq> approval;                    ///< entry that approved it
    std::optional<std::vector<std::string>> asked;  ///< every condition that asked

    static constexpr auto fields() {
        using T = Decision;
        return std::tuple{field("verdict", &T::verdict),   field("condition", &T::condition),
                          field("why", &T::why),           field("method", &T::method),
                          field("url", &T::url),           field("tool", &T::tool),
                          field("vendor", &T::vendor),     field("host", &T::host),
                          field("category", &T::category), field("network", &T::network),
                          field("asset", &T::asset),       field("payer", &T::payer),
                          field("payTo", &T::pay_to),      field("amount", &T::amount),
                          field("value", &T::value),       field("pact", &T::pact),
                          field("task", &T::task),         field("reason", &T::reason),
                          field("card", &T::card),         field("agent", &T::agent),
                          field("approval", &T::approval), field("asked", &T::asked)};
    }
    friend bool operator==(const Decision&, const Decision&) = default;
};

/// The authorisation that an allowed decision led to. Written before it leaves the process.
struct Signed {
    static constexpr std::string_view kind = "signed";
    Seq decision = 0;
    Bytes32 signature;  ///< hash of the signature's bytes
    Bytes32 nonce;
    std::uint64_t valid_before = 0;  ///< Unix seconds
    /// A hash that stands for the request and who made it: the same one is not paid for again
    /// before it is known what became of this signature.
    std::optional<Bytes32> request;

    static constexpr auto fields() {
        using T = Signed;
        return std::tuple{field("decision", &T::decision), field("signature", &T::signature),
                          field("nonce", &T::nonce), field("validBefore", &T::valid_before),
                          field("request", &T::request)};
    }
    friend bool operator==(const Signed&, const Signed&) = default;
};

/// It was paid: the reservation stays spent for ever.
struct Settled {
    static constexpr std::string_view kind = "settled";
    Seq decision = 0;
    std::optional<Bytes32> transaction;
    bool delivered = false;    ///< what was paid for came
    std::uint32_t status = 0;  ///< of the response; 0 for none
    std::string note;

    static constexpr auto fields() {
        using T = Settled;
        return std::tuple{field("decision", &T::decision), field("transaction", &T::transaction),
                          field("delivered", &T::delivered), field("status", &T::status),
                          field("note", &T::note)};
    }
    friend bool operator==(const Settled&, const Settled&) = default;
};

/// It was not paid, and never will be: the reservation is taken out.
struct Released {
    static constexpr std::string_view kind = "released";
    Seq decision = 0;
    std::string why;           ///< the proof: `never_signed`, `expired_unused`, …
    std::uint32_t status = 0;  ///< of the response; 0 for none

    static constexpr auto fields() {
        using T = Released;
        return std::tuple{field("decision", &T::decision), field("why", &T::why),
                          field("status", &T::status)};
    }
    friend bool operator==(const Released&, const Released&) = default;
};

/// What the chain says that the wallet has.
struct Balance {
    static constexpr std::string_view kind = "balance";
    std::string network;
    std::string asset;
    std::string payer;
    U256 amount;
    std::optional<U256> expected;  ///< by this ledger
    std::uint64_t block = 0;

    static constexpr auto fields() {
        using T = Balance;
        return std::tuple{field("network", &T::network),   field("asset", &T::asset),
                          field("payer", &T::payer),       field("amount", &T::amount),
                          field("expected", &T::expected), field("block", &T::block)};
    }
    friend bool operator==(const Balance&, const Balance&) = default;
};

/// The operator was told.
struct Alert {
    static constexpr std::string_view kind = "alert";
    std::string name;
    std::string text;
    std::string vendor;
    std::optional<Seq> decision;

    static constexpr auto fields() {
        using T = Alert;
        return std::tuple{field("name", &T::name), field("text", &T::text),
                          field("vendor", &T::vendor), field("decision", &T::decision)};
    }
    friend bool operator==(const Alert&, const Alert&) = default;
};

/// What the operator said to a decision that asked.
struct Approval {
    static constexpr std::string_view kind = "approval";
    Seq decision = 0;
    Approved answer = Approved::denied;
    std::string by;
    std::string note;
    UnixMillis expires = 0;                         ///< 0 for never
    std::optional<Bytes> signature = std::nullopt;  ///< the operator's, of what is approved

    static constexpr auto fields() {
        using T = Approval;
        return std::tuple{field("decision", &T::decision),
                          field("answer", &T::answer),
                          field("by", &T::by),
                          field("note", &T::note),
                          field("expires", &T::expires),
                          field("signature", &T::signature)};
    }
    friend bool operator==(const Approval&, const Approval&) = default;
};

/// A pact came into force, or was taken back.
struct PactChange {
    static constexpr std::string_view kind = "pact";
    Change change = Change::made;
    Bytes32 pact;
    std::string by;  ///< who signed it
    std::string note;

    static constexpr auto fields() {
        using T = PactChange;
        return std::tuple{field("change", &T::change), field("pact", &T::pact), field("by", &T::by),
                          field("note", &T::note)};
    }
    friend bool operator==(const PactChange&, const PactChange&) = default;
};

/// A card was handed out, or taken back.
struct CardChange {
    static constexpr std::string_view kind = "card";
    Change change = Change::made;
    std::string card;
    Bytes32 token;  ///< hash of its token
    U256 value;     ///< at most, in 10^-18 dollars
    std::string vendor;
    std::string task;
    std::uint64_t uses = 0;
    UnixMillis expires = 0;

    static constexpr auto fields() {
        using T = CardChange;
        return std::tuple{field("change", &T::change), field("card", &T::card),
                          field("token", &T::token),   field("value", &T::value),
                          field("vendor", &T::vendor), field("task", &T::task),
                          field("uses", &T::uses),     field("expires", &T::expires)};
    }
    friend bool operator==(const CardChange&, const CardChange&) = default;
};

/// To whom a vendor is paid from now on.
struct Pin {
    static constexpr std::string_view kind = "pin";
    std::string vendor;
    std::string host;
    std::string network;
    std::string asset;
    std::string pay_to;
    std::string before;  ///< whom until now; empty for the first

    static constexpr auto fields() {
        using T = Pin;
        return std::tuple{field("vendor", &T::vendor),   field("host", &T::host),
                          field("network", &T::network), field("asset", &T::asset),
                          field("payTo", &T::pay_to),    field("before", &T::before)};
    }
    friend bool operator==(const Pin&, const Pin&) = default;
};

using Event = std::variant<Decision, Signed, Settled, Released, Balance, Alert, Approval,
                           PactChange, CardChange, Pin>;

struct Entry {
    Seq seq = 0;
    UnixMillis time = 0;  ///< never before the one of the entry before
    Bytes32 previous;     ///< hash of the entry before; zero for the first
    Event event;
    Bytes32 hash;  ///< of all this

    friend bool operator==(const Entry&, const Entry&) = default;
};

[[nodiscard]] std::string_view kind_of(const Event& event);
/// Every kind, in the order of Event.
[[nodiscard]] std::span<const std::string_view> kinds();
/// The decision an event is about, itself not included.
[[nodiscard]] std::optional<Seq> decision_of(const Event& event);

/// A text of an event is too long for the ledger, or no UTF-8. Errors: invalid_field, too_large.
[[nodiscard]] Result<> check_texts(const Event& event);
/// Everything but the hash.
[[nodiscard]] json::Object to_object(const Entry& entry);
/// The canonical form.
[[nodiscard]] std::string to_body(const Entry& entry);
[[nodiscard]] Bytes32 hash_of_body(std::string_view body);
/// An entry from its canonical form; any other text is refused. Its hash is computed. Errors:
/// invalid_json, invalid_field, too_large, with what is wrong.
[[nodiscard]] Result<Entry> parse_body(std::string_view body);

}  // namespace farthing::ledger

template <farthing::ledger::Named E>
struct farthing::json::Codec<E> {
    static Result<E> decode(const Value& value, const Path& path) {
        const auto* text = value.if_string();
        for (std::size_t i = 0; text != nullptr && i < ledger::Names<E>::all.size(); ++i) {
            if (*text == ledger::Names<E>::all[i]) return static_cast<E>(i);
        }
        return path.error(
            fmt::format("expected one of {}", fmt::join(ledger::Names<E>::all, ", ")));
    }
    static Value encode(const E& value) { return Value(ledger::to_text(value)); }
};
