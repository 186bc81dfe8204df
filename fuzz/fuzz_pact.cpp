// SPDX-License-Identifier: Apache-2.0
// Pacts, as TOML and as JSON: what is read comes back from its own JSON with the same hash, and
// every request has a decision.
#include "farthing/io/config.hpp"
#include "farthing/policy/decide.hpp"
#include "farthing/policy/signature.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

namespace {

void read(const json::Value& value, std::string_view text) {
    const auto document = policy::parse_document(value);
    fuzz::explained(document);
    if (!document) return;
    const auto& pact = document->pact;
    const auto again = policy::parse_pact(json::encode(pact));
    invariant(again && *again == pact, "a pact comes back from its own JSON");
    invariant(policy::pact_hash(*again) == policy::pact_hash(pact), "with the same hash");
    const auto rules = policy::Rules::make(pact);
    invariant(rules.has_value(), "what was read has rules");
    const policy::Budget budget(rules->meters());
    policy::Request request{.url = std::string(text.substr(0, text.find('\n'))),
                            .amount = U256(text.size())};
    if (!pact.networks.empty()) request.network = pact.networks.front();
    if (!pact.token.empty()) request.asset = pact.token.front().address;
    const auto decision = policy::decide(*rules, budget, request, {.agent = pact.agent});
    invariant((decision.verdict == policy::Verdict::allow) == decision.findings.empty(),
              "what is not allowed has a reason");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    (void)policy::read_place(text.substr(0, text.find('\n')));
    if (const auto value = parse_toml(text, "fuzz.toml")) read(*value, text);
    if (const auto value = json::parse(text)) read(*value, text);
    return 0;
}
