// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/sql_rows.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

#include "farthing/base/hex.hpp"

namespace farthing::store {
namespace {

using soci::into;
using soci::use;

constexpr const char* kColumns =
    "SELECT network, token, payer, nonce, print, payment, state, owner, told, told_to, txn, "
    "reason, detail, "
    "begun_at, ended_at FROM intents";

/// An intent as its columns hold it.
struct Row {
    std::string network, token, payer, nonce, print, payment, state, owner, told_to, txn, reason,
        detail;
    int told = 0;
    long long begun_at = 0;
    long long ended_at = 0;
};

Error damaged(const char* column) {
    return {Errc::io_failed, fmt::format("store: a row of intents has a bad {}", column)};
}

std::optional<Intent::State> state_from(std::string_view text) {
    for (const auto each : {Intent::State::open, Intent::State::settled, Intent::State::failed}) {
        if (to_text(each) == text) return each;
    }
    return std::nullopt;
}

Result<Intent> intent_from(const Row& row) {
    Intent out;
    const auto network = parse_network(row.network);
    const auto token = parse_address(row.token);
    const auto payer = parse_address(row.payer);
    const auto nonce = bytes32_from_hex(row.nonce);
    const auto print = bytes32_from_hex(row.print);
    const auto state = state_from(row.state);
    if (!network) return fail(damaged("network"));
    if (!token) return fail(damaged("token"));
    if (!payer) return fail(damaged("payer"));
    if (!nonce) return fail(damaged("nonce"));
    if (!print) return fail(damaged("print"));
    if (!state) return fail(damaged("state"));
    if (!row.txn.empty()) {
        const auto txn = bytes32_from_hex(row.txn);
        if (!txn) return fail(damaged("txn"));
        out.transaction = *txn;
    }
    out.key = {*network, *token, *payer, *nonce};
    out.print = *print;
    out.payment = row.payment;
    out.state = *state;
    out.owner = row.owner;
    out.told = row.told != 0;
    out.told_to = row.told_to;
    out.reason = row.reason;
    out.detail = row.detail;
    out.begun_at = static_cast<scheme::UnixSeconds>(row.begun_at);
    out.ended_at = static_cast<scheme::UnixSeconds>(row.ended_at);
    return out;
}

/// A transaction that a payment was carried by and that is not there is no "never sent".
Result<std::vector<Broadcast>> read_broadcasts(soci::session& session, const KeyText& key) {
    std::string signer, hash, raw;
    int position = 0;
    long long account_nonce = 0;
    long long gas_limit = 0;
    soci::statement read =
        (session.prepare << std::string(
                                "SELECT c.hash, c.position, COALESCE(b.signer, ''), "
                                "COALESCE(b.account_nonce, 0), COALESCE(b.gas_limit, 0), "
                                "COALESCE(b.raw, '') FROM carried c LEFT JOIN broadcasts b ON "
                                "b.hash = c.hash") +
                                kOfKey + " ORDER BY c.place",
         use(key.network, "network"), use(key.token, "token"), use(key.payer, "payer"),
         use(key.nonce, "nonce"), into(hash), into(position), into(signer), into(account_nonce),
         into(gas_limit), into(raw));
    std::vector<Broadcast> out;
    for (read.execute(); read.fetch();) {
        const auto from = parse_address(signer);
        const auto is = bytes32_from_hex(hash);
        auto bytes = from_hex(raw);
        if (!from || !is || !bytes) return fail(damaged("broadcast"));
        out.push_back({*from, static_cast<std::uint64_t>(account_nonce),
                       static_cast<std::uint64_t>(gas_limit), *is, *std::move(bytes),
                       static_cast<std::uint32_t>(position)});
    }
    return out;
}

}  // namespace

KeyText::KeyText(const scheme::PaymentKey& key)
    : network(key.network.id),
      token(to_hex(key.token)),
      payer(to_hex(key.payer)),
      nonce(to_hex(key.nonce)) {}

/// Rows first, their broadcasts after: one statement at a time.
Result<std::vector<Intent>> read_intents(soci::session& session, const std::string& rest,
                                         const Bindings& bindings, Detail detail) {
    Row row;
    std::vector<Row> rows;
    {
        auto prepared = session.prepare << kColumns + rest;
        for (const auto& [name, value] : bindings) prepared, use(value, name);
        soci::statement read =
            (prepared, into(row.network), into(row.token), into(row.payer), into(row.nonce),
             into(row.print), into(row.payment), into(row.state), into(row.owner), into(row.told),
             into(row.told_to), into(row.txn), into(row.reason), into(row.detail),
             into(row.begun_at), into(row.ended_at));
        for (read.execute(); read.fetch();) rows.push_back(row);
    }
    std::vector<Intent> out;
    out.reserve(rows.size());
    for (const auto& each : rows) {
        FARTHING_TRY(auto intent, intent_from(each));
        if (detail == Detail::whole) {
            FARTHING_TRY(intent.broadcasts, read_broadcasts(session, KeyText(intent.key)));
        }
        out.push_back(std::move(intent));
    }
    return out;
}

Result<std::optional<Intent>> read_intent(soci::session& session, const KeyText& key,
                                          const std::string& lock) {
    FARTHING_TRY(auto found, read_intents(session, kOfKey + lock,
                                          {{"network", key.network},
                                           {"token", key.token},
                                           {"payer", key.payer},
                                           {"nonce", key.nonce}}));
    if (found.empty()) return std::optional<Intent>{};
    return std::optional(std::move(found.front()));
}

}  // namespace farthing::store
