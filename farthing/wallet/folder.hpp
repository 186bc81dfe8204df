// SPDX-License-Identifier: Apache-2.0
// The files of a wallet, in one folder: `key.json` (the agent's key), `operator` (whose pacts and
// approvals count, fixed when the wallet is made), `pact.toml` with `pact.sig`, `ledger.db`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "farthing/policy/rules.hpp"
#include "farthing/policy/signature.hpp"

namespace farthing::wallet {

/// A pact as its files hold it, byte for byte.
struct PactText {
    std::string pact;
    std::optional<std::string> seal;  ///< what stands beside it
    friend bool operator==(const PactText&, const PactText&) = default;
};

struct Folder {
    std::filesystem::path path;

    [[nodiscard]] std::string key_file() const { return (path / "key.json").string(); }
    [[nodiscard]] std::string operator_file() const { return (path / "operator").string(); }
    [[nodiscard]] std::string pact_file() const { return (path / "pact.toml").string(); }
    [[nodiscard]] std::string seal_file() const { return (path / "pact.sig").string(); }

    /// Errors: io_failed, invalid_field, invalid_argument (no wallet here).
    [[nodiscard]] Result<Address> load_operator() const;
    /// Written once, mode 0600.
    [[nodiscard]] Result<> save_operator(const Address& op) const;
    /// Whose key the key file says it is; without one, `[signer]` of wallet.toml.
    [[nodiscard]] Result<Address> load_agent() const;
    /// The pact as it stands there, with the signature in it or beside it, if there is one. Errors:
    /// invalid_config with line and column, invalid_field.
    [[nodiscard]] Result<policy::Document> load_document() const;
    /// What its files hold now. Errors: io_failed, too_large, invalid_argument (no pact).
    [[nodiscard]] Result<PactText> read_pact() const;
    [[nodiscard]] Result<policy::Document> parse_pact(const PactText& text) const;
    /// The pact to pay by. Errors: invalid_signature when it is not signed by `op` as it stands,
    /// not_allowed when it is for another agent.
    [[nodiscard]] Result<policy::Rules> load_rules(const Address& op, const Address& agent) const;
    [[nodiscard]] Result<policy::Rules> rules_of(const PactText& text, const Address& op,
                                                 const Address& agent) const;
};

}  // namespace farthing::wallet
