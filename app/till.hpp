// SPDX-License-Identifier: Apache-2.0
// `farthing pay` from a wallet: within its pact, accounted for in its ledger.
#pragma once

#include "app/wallet_folder.hpp"
#include "farthing/wallet/alerter.hpp"
#include "farthing/wallet/payer.hpp"
#include "farthing/wallet/purse.hpp"

namespace farthing::app {

/// What a pact allows, as far as it chooses between offers: it decides over the chosen one.
/// `limited`: the caller has set a maximum already. Errors: those of a wallet that may not pay by
/// its pact.
[[nodiscard]] Result<> follow_pact(const wallet::Folder& folder, bool limited,
                                   wallet::PayerConfig& config);

class Till {
  public:
    /// Releases what was never signed and is long gone, too.
    Result<> open(const wallet::Folder& folder, wallet::Errand errand, const Address& signer,
                  World& world);
    /// Gives the alerts that wait a short time to be told. What is left stays for the next.
    void tell(World& world);
    /// Null before it is open.
    [[nodiscard]] wallet::Treasury* treasury() { return purse_ ? &*purse_ : nullptr; }
    /// The decision that kept a payment from being made, if that is what did.
    [[nodiscard]] const wallet::Decided* refusal(const Error& error) const;

  private:
    std::optional<OpenWallet> wallet_;
    std::optional<wallet::Purse> purse_;
    std::unique_ptr<net::Client> client_;  ///< for alerts
    std::unique_ptr<wallet::Alerter> alerter_;
};

/// Says why the pact did not allow it and what would change that; answers the exit code.
int report_refusal(const std::string& wallet, const Error& error, const wallet::Decided& decided);

}  // namespace farthing::app
