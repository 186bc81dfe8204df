// SPDX-License-Identifier: Apache-2.0
// Entries of a ledger: what is taken is exactly what we would have written.
#include "farthing/ledger/payments.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    fuzz::explained(ledger::parse_day(text));
    const auto entry = ledger::parse_body(text);
    fuzz::explained(entry);
    if (!entry) return 0;
    invariant(ledger::to_body(*entry) == text, "a body has one form");
    invariant(ledger::check_texts(entry->event).has_value(), "its texts are within limits");
    if (const auto* decision = std::get_if<ledger::Decision>(&entry->event)) {
        const auto row = ledger::to_csv({.entry = *entry});
        invariant(row.ends_with("\r\n"), "a row ends");
        invariant(!decision->reason.starts_with('=') || row.contains("'="), "no formula gets out");
    }
    return 0;
}
