// SPDX-License-Identifier: Apache-2.0
// Every way Farthing can fail: one row per code. Wire strings are protocol.md section 16's,
// exactly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace farthing {

/// What the caller must do about an error.
enum class Kind : std::uint8_t {
    invalid,      ///< malformed message, config or argument: mend it
    refused,      ///< well-formed but not good: needs a new payment or a new rule
    unavailable,  ///< a dependency failed and nothing happened: retry with backoff
    unknown,      ///< sent, no answer: it may have happened; ask again, never pay again
    internal,     ///< our own bug, caught
};

enum class Errc : std::uint8_t {
    // Malformed input.
    invalid_argument,
    invalid_json,
    invalid_encoding,
    invalid_field,
    invalid_config,
    invalid_header,
    invalid_payload,
    invalid_payment_requirements,
    invalid_x402_version,
    too_large,
    overflow,
    missing_parameters,
    // Scheme exact on EVM, protocol.md 16.2.
    exact_scheme,
    exact_network_mismatch,
    exact_missing_eip712_domain,
    exact_recipient_mismatch,
    exact_signature,
    exact_valid_before,
    exact_valid_after,
    exact_value_mismatch,
    exact_value_v1,
    exact_token_name_mismatch,
    exact_token_version_mismatch,
    exact_eip3009_not_supported,
    exact_nonce_already_used,
    exact_insufficient_balance,
    exact_simulation_failed,
    exact_transaction_failed,
    exact_transfer_event_mismatch,
    asset_not_deployed,
    factory_not_allowed,
    wallet_deployment_failed,
    unsupported_payload_type,
    // Resource server, protocol.md 16.1.
    payment_required,
    no_matching_requirements,
    extension_echo_mismatch,
    several_payments,
    no_such_mechanism,
    settlement_pending,
    // Who may use a facilitator. Ours.
    api_key_invalid,
    not_allowed,
    rate_limited,
    screening_refused,
    screening_failed,
    // The buyer.
    over_limit,
    no_acceptable_offer,
    payment_rejected,
    receipt_invalid,
    outcome_unknown,
    wrong_password,
    invalid_signature,
    ledger_altered,
    // Dependencies.
    rpc_failed,
    rpc_error,
    call_reverted,
    connection_failed,
    timed_out,
    protocol_violation,
    closed,
    facilitator_failed,
    facilitator_invalid_data,
    facilitator_denied,
    origin_failed,
    overloaded,
    shutting_down,
    intent_not_ours,
    unexpected_verify_error,
    unexpected_settle_error,
    io_failed,
    write_unknown,  ///< io_failed in the middle of a commit: it may be written all the same
    internal,
    count_,
};

/// A code, where it happened and what was expected. `detail` never holds a secret.
struct Error {
    Errc code = Errc::internal;
    std::string detail;

    friend bool operator==(const Error&, const Error&) = default;
};

/// The wire string of a code, as `protocol.md` section 16 gives it; a code of ours has its own
/// name.
[[nodiscard]] std::string_view wire_code(Errc code) noexcept;
[[nodiscard]] Kind kind_of(Errc code) noexcept;
/// `code: detail`, or the code alone.
[[nodiscard]] std::string to_string(const Error& error);
/// Process exit code: invalid 2, refused 3, unavailable 4, unknown 5, internal 70.
[[nodiscard]] int exit_code(const Error& error) noexcept;

}  // namespace farthing
