// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/receipt.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/base64.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/wire/dialect.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::wallet {
namespace {

std::unexpected<Error> invalid(std::string_view what) {
    return fail(Errc::receipt_invalid, fmt::format("payment receipt {}", what));
}

}  // namespace

Result<std::optional<v2::SettleResponse>> read_receipt(const net::Headers& headers) {
    auto values = headers.all(header::kPaymentResponse);
    if (values.empty()) values = headers.all(header::kPaymentResponseV1);
    if (values.empty()) return std::optional<v2::SettleResponse>{};
    for (const auto& each : values) {
        if (each != values.front()) return invalid("is there twice, with different content");
    }
    if (values.front().size() > dialect::kHeaderBytesMax) return invalid("is too large");
    const auto text = from_base64(values.front());
    if (!text) return invalid("is not base64");
    auto receipt = json::from_text<v2::SettleResponse>(*text, dialect::kMessageLimits);
    if (!receipt) return invalid(receipt.error().detail);
    return std::optional(std::move(*receipt));
}

std::optional<Bytes32> transaction_of(const v2::SettleResponse& receipt) {
    const auto hash = bytes32_from_hex(receipt.transaction);
    if (!hash || *hash == Bytes32{}) return std::nullopt;
    return *hash;
}

Result<Bytes32> check_receipt(const v2::SettleResponse& receipt, const Signed& ours) {
    if (!receipt.success) return invalid(".success: the answer came, yet it says false");
    const auto network = network_from_any(receipt.network);
    if (!network || *network != ours.network) {
        return invalid(fmt::format(".network: is not {}", ours.network.id));
    }
    if (receipt.payer && !receipt.payer->empty()) {
        const auto payer = parse_address(*receipt.payer);
        if (!payer || *payer != ours.payer) {
            return invalid(fmt::format(".payer: is not {}", ours.payer.to_checksum()));
        }
    }
    const auto hash = transaction_of(receipt);
    if (!hash) return invalid(".transaction: expected 0x and 64 hex digits, not all zero");
    if (receipt.amount && !receipt.amount->empty()) {
        const auto amount = u256_from_decimal(*receipt.amount);
        if (!amount) return invalid(".amount: expected a decimal number");
        if (*amount > ours.amount) {
            return invalid(
                fmt::format(".amount: is more than the {} signed for", ours.amount.to_decimal()));
        }
    }
    return *hash;
}

}  // namespace farthing::wallet
