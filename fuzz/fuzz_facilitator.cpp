// SPDX-License-Identifier: Apache-2.0
// Bodies of /verify and /settle: what is read can be sent on, and is read there as the same.
#include "farthing/wire/dialect.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = json::parse(fuzz::text_of(data, size), dialect::kMessageLimits);
    if (!body) return 0;
    const auto payment = dialect::facilitator_request(*body);
    fuzz::explained(payment);
    if (!payment) return 0;
    const auto forwarded = dialect::facilitator_request_body(*payment);
    fuzz::explained(forwarded);
    if (!forwarded) return 0;
    const auto again = dialect::facilitator_request(*forwarded);
    invariant(again.has_value(), "what we forward is readable");
    invariant(again->requirements.amount == payment->requirements.amount &&
                  again->requirements.pay_to == payment->requirements.pay_to &&
                  json::equal(json::encode(again->payload), json::encode(payment->payload)),
              "and says the same");
    return 0;
}
