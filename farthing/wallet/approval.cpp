// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/approval.hpp"

#include <fmt/format.h>

#include <limits>

namespace farthing::wallet {
namespace {

struct SignedApproval {
    static constexpr std::string_view eip712_name = "Approval";
    Address agent;
    Bytes32 decision;           ///< hash of its entry
    std::uint64_t expires = 0;  ///< Unix milliseconds
    static constexpr auto fields() {
        using T = SignedApproval;
        return std::tuple{field("agent", &T::agent), field("decision", &T::decision),
                          field("expires", &T::expires)};
    }
};

bool is_signed_by(const Bytes32& digest, const Bytes& bytes, const Address& op) {
    const auto signature = parse_signature(bytes);
    if (!signature) return false;
    const auto key = recover(digest, *signature);
    return key && address_of(*key) == op;
}

}  // namespace

Bytes32 approval_digest(const ledger::Entry& asked, const Address& agent,
                        ledger::UnixMillis expires) {
    static const Bytes32 domain = eip712::domain_separator(
        {.name = "Farthing Approval", .version = "1", .chain_id = std::nullopt});
    return eip712::digest(domain, SignedApproval{agent, asked.hash, expires});
}

Result<ledger::Approval> approve(const ledger::Entry& asked, const Address& agent,
                                 ledger::UnixMillis expires, const PrivateKey& key) {
    const auto* decision = std::get_if<ledger::Decision>(&asked.event);
    if (decision == nullptr || decision->verdict != ledger::Verdict::ask || !decision->asked) {
        return fail(
            Errc::invalid_argument,
            fmt::format("entry {} is no decision that an approval could change", asked.seq));
    }
    const auto digest = approval_digest(asked, agent, expires);
    return ledger::Approval{.decision = asked.seq,
                            .answer = ledger::Approved::approved,
                            .by = address_of(key).to_checksum(),
                            .note = {},
                            .expires = expires,
                            .signature = sign(digest, key).to_bytes()};
}

std::optional<policy::Approval> granted_by(const ledger::Entry& approval,
                                           const ledger::Entry& asked, const Address& agent,
                                           const Address& op) {
    constexpr ledger::UnixMillis kSecond = 1'000;
    const auto* answer = std::get_if<ledger::Approval>(&approval.event);
    const auto* decision = std::get_if<ledger::Decision>(&asked.event);
    if (answer == nullptr || decision == nullptr || !decision->asked || !answer->signature ||
        answer->answer != ledger::Approved::approved) {
        return std::nullopt;
    }
    const auto digest = approval_digest(asked, agent, answer->expires);
    if (!is_signed_by(digest, *answer->signature, op)) return std::nullopt;
    const auto place = policy::read_place(decision->url);
    const auto asset = parse_address(decision->asset);
    const auto pay_to = parse_address(decision->pay_to);
    if (!place || !asset || !pay_to) return std::nullopt;
    const auto until = answer->expires == 0 ? std::numeric_limits<std::uint64_t>::max()
                                            : answer->expires / kSecond;
    return policy::Approval{
        .id = std::to_string(approval.seq),
        .conditions = *decision->asked,
        .vendor = decision->vendor,
        .resource = policy::resource_of(decision->method, decision->tool, *place),
        .network = {decision->network},
        .asset = *asset,
        .pay_to = *pay_to,
        .amount_max = decision->amount,
        .expires = {until}};
}

}  // namespace farthing::wallet
