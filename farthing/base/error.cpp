// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/error.hpp"

#include <array>

namespace farthing {
namespace {

struct Row {
    Errc code;
    Kind kind;
    std::string_view wire;
};

constexpr std::array kRows{
    Row{Errc::invalid_argument, Kind::invalid, "invalid_argument"},
    Row{Errc::invalid_json, Kind::invalid, "invalid_json"},
    Row{Errc::invalid_encoding, Kind::invalid, "invalid_encoding"},
    Row{Errc::invalid_field, Kind::invalid, "invalid_field"},
    Row{Errc::invalid_config, Kind::invalid, "invalid_config"},
    Row{Errc::invalid_header, Kind::invalid, "invalid_header"},
    Row{Errc::invalid_payload, Kind::invalid, "invalid_payload"},
    Row{Errc::invalid_payment_requirements, Kind::invalid, "invalid_payment_requirements"},
    Row{Errc::invalid_x402_version, Kind::invalid, "invalid_x402_version"},
    Row{Errc::too_large, Kind::invalid, "too_large"},
    Row{Errc::overflow, Kind::invalid, "overflow"},
    Row{Errc::missing_parameters, Kind::invalid, "missing_parameters"},
    Row{Errc::exact_scheme, Kind::refused, "invalid_exact_evm_scheme"},
    Row{Errc::exact_network_mismatch, Kind::refused, "invalid_exact_evm_network_mismatch"},
    Row{Errc::exact_missing_eip712_domain, Kind::refused,
        "invalid_exact_evm_missing_eip712_domain"},
    Row{Errc::exact_recipient_mismatch, Kind::refused, "invalid_exact_evm_recipient_mismatch"},
    Row{Errc::exact_signature, Kind::refused, "invalid_exact_evm_signature"},
    Row{Errc::exact_valid_before, Kind::refused,
        "invalid_exact_evm_payload_authorization_valid_before"},
    Row{Errc::exact_valid_after, Kind::refused,
        "invalid_exact_evm_payload_authorization_valid_after"},
    Row{Errc::exact_value_mismatch, Kind::refused,
        "invalid_exact_evm_payload_authorization_value_mismatch"},
    Row{Errc::exact_value_v1, Kind::refused, "invalid_exact_evm_authorization_value"},
    Row{Errc::exact_token_name_mismatch, Kind::refused, "invalid_exact_evm_token_name_mismatch"},
    Row{Errc::exact_token_version_mismatch, Kind::refused,
        "invalid_exact_evm_token_version_mismatch"},
    Row{Errc::exact_eip3009_not_supported, Kind::refused,
        "invalid_exact_evm_eip3009_not_supported"},
    Row{Errc::exact_nonce_already_used, Kind::refused, "invalid_exact_evm_nonce_already_used"},
    Row{Errc::exact_insufficient_balance, Kind::refused, "invalid_exact_evm_insufficient_balance"},
    Row{Errc::exact_simulation_failed, Kind::refused,
        "invalid_exact_evm_transaction_simulation_failed"},
    Row{Errc::exact_transaction_failed, Kind::refused, "invalid_exact_evm_transaction_failed"},
    Row{Errc::exact_transfer_event_mismatch, Kind::refused,
        "invalid_exact_evm_transfer_event_mismatch"},
    Row{Errc::asset_not_deployed, Kind::refused, "asset_not_deployed_contract"},
    Row{Errc::factory_not_allowed, Kind::refused, "eip6492_factory_not_allowed"},
    Row{Errc::wallet_deployment_failed, Kind::refused, "smart_wallet_deployment_failed"},
    Row{Errc::unsupported_payload_type, Kind::refused, "unsupported_payload_type"},
    Row{Errc::payment_required, Kind::refused, "Payment required"},
    Row{Errc::no_matching_requirements, Kind::refused, "No matching payment requirements"},
    Row{Errc::extension_echo_mismatch, Kind::refused, "extension_echo_mismatch"},
    Row{Errc::several_payments, Kind::invalid, "several_payments"},
    Row{Errc::no_such_mechanism, Kind::refused, "no_such_mechanism"},
    Row{Errc::settlement_pending, Kind::unknown, "settlement_pending"},
    Row{Errc::api_key_invalid, Kind::refused, "api_key_invalid"},
    Row{Errc::not_allowed, Kind::refused, "not_allowed"},
    Row{Errc::rate_limited, Kind::unavailable, "rate_limited"},
    Row{Errc::screening_refused, Kind::refused, "screening_refused"},
    Row{Errc::screening_failed, Kind::unavailable, "screening_failed"},
    Row{Errc::over_limit, Kind::refused, "over_limit"},
    Row{Errc::no_acceptable_offer, Kind::refused, "no_acceptable_offer"},
    Row{Errc::payment_rejected, Kind::refused, "payment_rejected"},
    Row{Errc::receipt_invalid, Kind::unknown, "receipt_invalid"},
    Row{Errc::outcome_unknown, Kind::unknown, "outcome_unknown"},
    Row{Errc::wrong_password, Kind::refused, "wrong_password"},
    Row{Errc::invalid_signature, Kind::refused, "invalid_signature"},
    Row{Errc::ledger_altered, Kind::refused, "ledger_altered"},
    Row{Errc::rpc_failed, Kind::unavailable, "rpc_failed"},
    Row{Errc::rpc_error, Kind::unavailable, "rpc_error"},
    Row{Errc::call_reverted, Kind::refused, "call_reverted"},
    Row{Errc::connection_failed, Kind::unavailable, "connection_failed"},
    Row{Errc::timed_out, Kind::unavailable, "timed_out"},
    Row{Errc::protocol_violation, Kind::unavailable, "protocol_violation"},
    Row{Errc::closed, Kind::unavailable, "closed"},
    Row{Errc::facilitator_failed, Kind::unavailable, "facilitator_failed"},
    Row{Errc::facilitator_invalid_data, Kind::unavailable, "facilitator_invalid_data"},
    Row{Errc::facilitator_denied, Kind::unavailable, "facilitator_denied"},
    Row{Errc::origin_failed, Kind::unavailable, "origin_failed"},
    Row{Errc::overloaded, Kind::unavailable, "overloaded"},
    Row{Errc::shutting_down, Kind::unavailable, "shutting_down"},
    Row{Errc::intent_not_ours, Kind::unavailable, "intent_not_ours"},
    Row{Errc::unexpected_verify_error, Kind::unavailable, "unexpected_verify_error"},
    Row{Errc::unexpected_settle_error, Kind::unavailable, "unexpected_settle_error"},
    Row{Errc::io_failed, Kind::unavailable, "io_failed"},
    Row{Errc::write_unknown, Kind::unavailable, "write_unknown"},
    Row{Errc::internal, Kind::internal, "internal"},
};

static_assert(kRows.size() == static_cast<std::size_t>(Errc::count_));
static_assert(
    [] {
        for (std::size_t i = 0; i < kRows.size(); ++i) {
            if (static_cast<std::size_t>(kRows[i].code) != i) return false;
        }
        return true;
    }(),
    "rows stand in the order of Errc");

const Row& row(Errc code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return kRows[index < kRows.size() ? index : kRows.size() - 1];
}

}  // namespace

std::string_view wire_code(Errc code) noexcept { return row(code).wire; }

Kind kind_of(Errc code) noexcept { return row(code).kind; }

std::string to_string(const Error& error) {
    std::string text{wire_code(error.code)};
    if (!error.detail.empty()) text.append(": ").append(error.detail);
    return text;
}

int exit_code(const Error& error) noexcept {
    switch (kind_of(error.code)) {
        case Kind::invalid:
            return 2;
        case Kind::refused:
            return 3;
        case Kind::unavailable:
            return 4;
        case Kind::unknown:
            return 5;
        case Kind::internal:
            break;
    }
    return 70;
}

}  // namespace farthing
