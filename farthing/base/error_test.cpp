// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/error.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "farthing/base/result.hpp"

using namespace farthing;

namespace {

constexpr auto kCount = static_cast<std::size_t>(Errc::count_);

Result<int> half(int number) {
    if (number % 2 != 0) return fail(Errc::invalid_argument, "odd");
    return number / 2;
}

Result<int> quarter(int number) {
    FARTHING_TRY(const auto once, half(number));
    FARTHING_TRY(const auto twice, half(once));
    return twice;
}

Result<> is_even(int number) {
    FARTHING_CHECK(half(number));
    return {};
}

}  // namespace

TEST_CASE("error: every code has a wire string of its own") {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < kCount; ++i) {
        const auto wire = wire_code(static_cast<Errc>(i));
        CHECK(!wire.empty());
        CHECK_MESSAGE(seen.insert(wire).second, wire);
    }
}

TEST_CASE("error: wire strings are those of protocol.md 16") {
    struct Row {
        Errc code;
        std::string_view wire;
    };
    constexpr std::array rows{
        Row{Errc::exact_scheme, "invalid_exact_evm_scheme"},
        Row{Errc::exact_network_mismatch, "invalid_exact_evm_network_mismatch"},
        Row{Errc::exact_missing_eip712_domain, "invalid_exact_evm_missing_eip712_domain"},
        Row{Errc::exact_recipient_mismatch, "invalid_exact_evm_recipient_mismatch"},
        Row{Errc::exact_signature, "invalid_exact_evm_signature"},
        Row{Errc::exact_valid_before, "invalid_exact_evm_payload_authorization_valid_before"},
        Row{Errc::exact_valid_after, "invalid_exact_evm_payload_authorization_valid_after"},
        Row{Errc::exact_value_mismatch, "invalid_exact_evm_payload_authorization_value_mismatch"},
        Row{Errc::exact_value_v1, "invalid_exact_evm_authorization_value"},
        Row{Errc::exact_token_name_mismatch, "invalid_exact_evm_token_name_mismatch"},
        Row{Errc::exact_token_version_mismatch, "invalid_exact_evm_token_version_mismatch"},
        Row{Errc::exact_eip3009_not_supported, "invalid_exact_evm_eip3009_not_supported"},
        Row{Errc::exact_nonce_already_used, "invalid_exact_evm_nonce_already_used"},
        Row{Errc::exact_insufficient_balance, "invalid_exact_evm_insufficient_balance"},
        Row{Errc::exact_simulation_failed, "invalid_exact_evm_transaction_simulation_failed"},
        Row{Errc::exact_transaction_failed, "invalid_exact_evm_transaction_failed"},
        Row{Errc::exact_transfer_event_mismatch, "invalid_exact_evm_transfer_event_mismatch"},
        Row{Errc::asset_not_deployed, "asset_not_deployed_contract"},
        Row{Errc::factory_not_allowed, "eip6492_factory_not_allowed"},
        Row{Errc::wallet_deployment_failed, "smart_wallet_deployment_failed"},
        Row{Errc::unsupported_payload_type, "unsupported_payload_type"},
        Row{Errc::invalid_payload, "invalid_payload"},
        Row{Errc::invalid_x402_version, "invalid_x402_version"},
        Row{Errc::settlement_pending, "settlement_pending"},
        Row{Errc::unexpected_verify_error, "unexpected_verify_error"},
        Row{Errc::unexpected_settle_error, "unexpected_settle_error"},
    };
    for (const auto& row : rows) CHECK(wire_code(row.code) == row.wire);
}

TEST_CASE("error: the kind decides the exit code") {
    struct Row {
        Errc code;
        Kind kind;
        int exit_code;
    };
    constexpr std::array rows{
        Row{Errc::invalid_config, Kind::invalid, 2},
        Row{Errc::over_limit, Kind::refused, 3},
        Row{Errc::connection_failed, Kind::unavailable, 4},
        Row{Errc::settlement_pending, Kind::unknown, 5},
        Row{Errc::internal, Kind::internal, 70},
    };
    for (const auto& row : rows) {
        CHECK(kind_of(row.code) == row.kind);
        CHECK(exit_code(Error{row.code, {}}) == row.exit_code);
    }
}

TEST_CASE("error: a code out of range counts as our own bug") {
    CHECK(kind_of(Errc::count_) == Kind::internal);
    CHECK(kind_of(static_cast<Errc>(255)) == Kind::internal);
}

TEST_CASE("error: text is the code, and the detail when there is one") {
    CHECK(to_string(Error{Errc::too_large, {}}) == "too_large");
    CHECK(to_string(Error{Errc::too_large, ".body: 2 MiB"}) == "too_large: .body: 2 MiB");
}

TEST_CASE("result: TRY hands the value on or returns the error") {
    CHECK(quarter(8).value() == 2);
    CHECK(quarter(6).error() == Error{Errc::invalid_argument, "odd"});
    CHECK(quarter(3).error() == Error{Errc::invalid_argument, "odd"});
    CHECK(is_even(2));
    CHECK(!is_even(3));
}
