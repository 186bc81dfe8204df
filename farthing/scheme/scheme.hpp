// SPDX-License-Identifier: Apache-2.0
// What a scheme is: how a payment is offered, authorised, checked and turned into chain calls.
// Pure: what only the chain knows is asked for as facts and handed in. A new scheme is one folder
// that implements these two classes and one line in registry.cpp.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "farthing/evm/assets.hpp"
#include "farthing/evm/eip3009.hpp"
#include "farthing/evm/typed_data.hpp"
#include "farthing/scheme/signers.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::scheme {

using UnixSeconds = std::uint64_t;

/// Expiry checks leave this much time to settle. Source: protocol.md 8.3.
inline constexpr UnixSeconds kExpiryMargin = 6;

/// One payment wherever its message came from: chain, token, payer, nonce. Any re-encoding of one
/// payment has the same key.
struct PaymentKey {
    Network network;
    Address token;
    Address payer;
    Bytes32 nonce;

    friend auto operator<=>(const PaymentKey&, const PaymentKey&) = default;
    friend bool operator==(const PaymentKey&, const PaymentKey&) = default;
};

/// What must be known from the chain before a payment can be judged.
struct Facts {
    bool payer_has_code = false;
    bool asset_has_code = false;
    /// The contract wallet's answer to isValidSignature; asked only when the payer has code.
    bool contract_accepts = false;
};

/// The facilitator's own rules.
struct Policy {
    std::set<Address> eip6492_factories;  ///< which factories may deploy a payer's wallet at our
                                          ///< cost; none by default
    std::shared_ptr<Signers> signers = nullptr;  ///< remembers signatures, where one is given
};

/// An event of a mined transaction.
struct LogEvent {
    Address address;
    std::vector<Bytes32> topics;
    Bytes data;
};

/// An event to look for in the chain: this contract's, with these topics first.
struct SoughtEvent {
    Address address;
    std::vector<Bytes32> topics;
};

/// What a failed simulation is diagnosed from; members are empty when the read failed.
struct Diagnosis {
    std::optional<bool> nonce_used;
    std::optional<std::string> token_name;
    std::optional<std::string> token_version;
    std::optional<U256> balance;
};

/// A payment whose shape is good, waiting for facts. Immutable.
class Opened {
  public:
    virtual ~Opened() = default;

    [[nodiscard]] virtual const PaymentKey& key() const = 0;
    /// Of what was signed, the signature, and what it is held against. Payments with the same key
    /// and another print are rivals: at most one of them can ever happen.
    [[nodiscard]] virtual Bytes32 print() const = 0;
    [[nodiscard]] virtual const U256& amount() const = 0;
    [[nodiscard]] virtual Address recipient() const = 0;
    /// No block of this second or of an earlier one can have executed the authorisation.
    [[nodiscard]] virtual UnixSeconds valid_after() const = 0;
    /// The last second at which the authorisation can be executed, exclusive.
    [[nodiscard]] virtual UnixSeconds valid_before() const = 0;
    /// The EIP-712 domain that it was signed for.
    [[nodiscard]] virtual Bytes32 domain_separator() const = 0;
    /// The call that asks the payer's contract about the signature, for Facts::contract_accepts.
    [[nodiscard]] virtual Call signature_question() const = 0;
    /// Whether what is authorised is what the server asks: recipient and amount. Part of `judge`,
    /// and needed alone where an outcome that is known already is told: neither time nor chain
    /// matters to it.
    [[nodiscard]] virtual Result<> judge_terms() const = 0;
    /// Steps 4 to 10 of protocol.md 9.1: everything but the simulation. `now` is the facilitator's
    /// wall clock.
    [[nodiscard]] virtual Result<> judge(const Facts& facts, const Policy& policy,
                                         UnixSeconds now) const = 0;
    /// The wallet deployment that must come first, when the payer has no code and its signature is
    /// wrapped (ERC-6492).
    [[nodiscard]] virtual std::optional<Call> deployment(const Facts& facts) const = 0;
    /// The call that moves the tokens: simulated, then sent.
    [[nodiscard]] virtual Call transfer() const = 0;
    /// Calls that fill Diagnosis, in its order.
    [[nodiscard]] virtual std::vector<Call> diagnosis_calls() const = 0;
    [[nodiscard]] virtual Error diagnose(const Diagnosis& diagnosis) const = 0;
    /// What its execution leaves in the chain, whoever sends it.
    [[nodiscard]] virtual SoughtEvent trace() const = 0;
    /// Whether the events of a mined transaction, in their order, prove that exactly this payment
    /// moved, whatever else the transaction did. Errors: exact_transfer_event_mismatch.
    [[nodiscard]] virtual Result<> proved_by(const std::vector<LogEvent>& events) const = 0;
};

/// What the client signs, and the payload that its signature completes.
struct Authorization : eip712::Signable {
    json::Object payload;  ///< the scheme's payload without `signature`
};

struct OfferTerms {
    Network network;
    const Asset* asset = nullptr;
    U256 amount;
    std::string pay_to;
    std::uint64_t max_timeout_seconds = 300;
    json::Object extra;  ///< configured members, kept; the scheme adds its own
};

struct Signing {
    Address payer;
    UnixSeconds now = 0;
    Bytes32 nonce;  ///< fresh and random
    std::uint64_t x402_version = v2::kVersion;
    UnixSeconds lifetime_max = 3600;  ///< never sign for longer, whatever the server asks
};

class Scheme {
  public:
    virtual ~Scheme() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Price to requirements. Errors: invalid_config (asset cannot be paid this way, bad payTo).
    [[nodiscard]] virtual Result<v2::PaymentRequirements> offer(const OfferTerms& terms) const = 0;
    /// Requirements to the message to sign. Errors: the scheme's codes for what cannot be signed.
    [[nodiscard]] virtual Result<Authorization> authorize(
        const v2::PaymentRequirements& requirements, const Signing& signing) const = 0;
    /// The payment with its shape checked (protocol.md 9.1 steps 1 to 3). Errors: the scheme's
    /// codes.
    [[nodiscard]] virtual Result<std::unique_ptr<const Opened>> open(
        const v2::Payment& payment) const = 0;
    /// The payer a payload names, for answers about payloads that do not open.
    [[nodiscard]] virtual std::optional<std::string> payer_of(
        const json::Object& payload) const = 0;
};

/// Every scheme we speak.
[[nodiscard]] const std::vector<const Scheme*>& all_schemes();
[[nodiscard]] const Scheme* find_scheme(std::string_view name);

}  // namespace farthing::scheme
