// SPDX-License-Identifier: Apache-2.0
// What a program shows to the wallet's daemon, and the file that a token is known by.
#include "farthing/wallet/tokens.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    fuzz::explained(wallet::parse_token_record(text));
    const auto inner = wallet::token_in_credentials(text);
    const auto name = wallet::read_token(inner ? std::string_view(*inner) : text);
    // A file is named so.
    if (name) invariant(wallet::is_token_name(name->name), "a token has a name");
    return 0;
}
