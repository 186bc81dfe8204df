// SPDX-License-Identifier: Apache-2.0
// What waits for a payment, as a store keeps it. Pure.
#pragma once

#include "farthing/gateway/payment_book.hpp"
#include "farthing/store/purchases.hpp"

namespace farthing::gateway {

/// Any bytes in its headers and body; the text is ASCII.
[[nodiscard]] std::string to_text(const OriginAnswer& answer);
/// Errors: io_failed with what is damaged.
[[nodiscard]] Result<OriginAnswer> answer_from_text(std::string_view text);

/// With the answer only when `with_answer`; one of more than `bytes_max` is not kept.
[[nodiscard]] store::Purchase to_purchase(const scheme::PaymentKey& key, const Waiting& waiting,
                                          bool with_answer, std::size_t bytes_max);
/// Errors: io_failed with what is damaged.
[[nodiscard]] Result<Waiting> waiting_from(const store::Purchase& purchase);

}  // namespace farthing::gateway
