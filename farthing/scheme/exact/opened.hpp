// SPDX-License-Identifier: Apache-2.0
// An `exact` payment whose shape is good: the rest of the verification. Source: protocol.md
// section 9.1.
#pragma once

#include "farthing/scheme/exact/exact.hpp"

namespace farthing::scheme {

/// What the server asks, parsed.
struct ExactTerms {
    Network network;
    eip712::Domain domain;
    Address pay_to;
    U256 amount;
    std::uint64_t x402_version = v2::kVersion;
};

class OpenedExact final : public Opened {
  public:
    OpenedExact(ExactTerms terms, ExactPayload payload);

    [[nodiscard]] const PaymentKey& key() const override { return key_; }
    [[nodiscard]] Bytes32 print() const override;
    [[nodiscard]] const U256& amount() const override { return authorization_.value; }
    [[nodiscard]] Address recipient() const override { return authorization_.to; }
    [[nodiscard]] UnixSeconds valid_after() const override;
    [[nodiscard]] UnixSeconds valid_before() const override;
    [[nodiscard]] Bytes32 domain_separator() const override;
    [[nodiscard]] Call signature_question() const override;
    [[nodiscard]] Result<> judge_terms() const override;
    [[nodiscard]] Result<> judge(const Facts& facts, const Policy& policy,
                                 UnixSeconds now) const override;
    [[nodiscard]] std::optional<Call> deployment(const Facts& facts) const override;
    [[nodiscard]] Call transfer() const override;
    [[nodiscard]] std::vector<Call> diagnosis_calls() const override;
    [[nodiscard]] Error diagnose(const Diagnosis& diagnosis) const override;
    [[nodiscard]] SoughtEvent trace() const override;
    [[nodiscard]] Result<> proved_by(const std::vector<LogEvent>& events) const override;

  private:
    [[nodiscard]] Result<> judge_signature(const Facts& facts, const Policy& policy) const;

    ExactTerms terms_;
    TransferWithAuthorization authorization_;
    Bytes signature_;  ///< without an ERC-6492 wrapper
    std::optional<erc6492::Wrapped> wrapped_;
    bool wrapper_broken_ = false;  ///< the marker is there, what it wraps cannot be read
    PaymentKey key_;
    Bytes32 digest_;
};

}  // namespace farthing::scheme
