// SPDX-License-Identifier: Apache-2.0
// What `farthing pay` tells: the conversation as it happens, the verdict on each offer, and the
// JSON summary, whose members are a contract with whoever runs us.
#pragma once

#include <string>

#include "farthing/wallet/payer.hpp"

namespace farthing::app {

/// The conversation on stderr, as curl -v tells it. Payments are named, never printed: whoever
/// reads one could hand it in.
class Narrator final : public wallet::Observer {
  public:
    explicit Narrator(bool verbose) : verbose_(verbose) {}
    void sending(const net::Url& url, const net::Request& request) override;
    void received(const net::Response& head) override;
    void offered(const dialect::Offered& offered, const wallet::Choice& choice) override;
    void signing(const wallet::Payment& payment, const Bytes32& digest) override;
    void transaction_named(const Bytes32& hash) override { transaction_ = hash; }
    void waiting(const Error& why, std::chrono::milliseconds delay) override;
    /// Whether a payment has left for the server.
    [[nodiscard]] bool paid_request_sent() const { return paid_request_sent_; }

    /// The payment that was signed, with the transaction the server named, true or not.
    [[nodiscard]] std::optional<wallet::Payment> payment() const;

  private:
    bool verbose_;
    std::optional<wallet::Payment> payment_;
    std::optional<Bytes32> transaction_;
    bool paid_request_sent_ = false;
};

/// `[0] $0.001 USDC on eip155:84532 (base-sepolia) to 0x…: the cheapest` or why not.
[[nodiscard]] std::string describe_entry(const dialect::Offered& offered,
                                         const wallet::Choice& choice, std::size_t index);

/// The --json line of an answer. `body_file` is where the body went, empty when it is in the line.
[[nodiscard]] std::string summary(const wallet::PaidResponse& answer, const std::string& body,
                                  const std::string& body_file, std::uint64_t bytes);
/// Prints an error whose outcome is not known, as `report` does and, for JSON, with the payment's
/// members under `payment`; answers its exit code.
int report_unknown(const Error& error, const wallet::Payment& payment, bool json);
/// The --json line of --dry-run; `has_key` is whether there is one to pay with.
[[nodiscard]] std::string summary(const wallet::Quote& quote, bool has_key);

}  // namespace farthing::app
