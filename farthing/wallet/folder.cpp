// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/folder.hpp"

#include <fmt/format.h>

#include "farthing/io/config.hpp"
#include "farthing/wallet/keystore.hpp"
#include "farthing/wallet/settings.hpp"

namespace farthing::wallet {
namespace {

constexpr std::size_t kPactBytesMax = 1 << 20;
constexpr std::size_t kSealBytesMax = 4 << 10;

std::unexpected<Error> in_file(const std::string& file, const Error& error) {
    return fail(error.code, fmt::format("{}: {}", file, error.detail));
}

/// What a file of the wallet says; that it is not there is said with what to do.
Result<std::string> read(const std::string& file, std::size_t bytes_max, std::string_view remedy) {
    std::error_code code;
    if (!std::filesystem::exists(file, code)) {
        return fail(Errc::invalid_argument, fmt::format("{} is not there: {}", file, remedy));
    }
    return read_file(file, bytes_max);
}

}  // namespace

Result<Address> Folder::load_operator() const {
    constexpr std::size_t bytes_max = 256;
    FARTHING_TRY(auto text,
                 read(operator_file(), bytes_max, "make the wallet with `farthing wallet init`"));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const auto op = parse_address(text);
    if (!op) return in_file(operator_file(), op.error());
    return *op;
}

Result<> Folder::save_operator(const Address& op) const {
    return save_keystore(operator_file(), op.to_checksum() + "\n");
}

Result<Address> Folder::load_agent() const {
    std::error_code code;
    if (!std::filesystem::exists(key_file(), code) && !code) {
        FARTHING_TRY(const auto settings, load_settings(*this));
        if (settings.signer) return settings.signer->address;
    }
    FARTHING_TRY(const auto text, read(key_file(), kKeystoreBytesMax,
                                       "make the wallet with `farthing wallet init`"));
    const auto claimed = claimed_address(text);
    if (!claimed) return in_file(key_file(), claimed.error());
    if (!*claimed) return fail(Errc::invalid_field, key_file() + ": it does not say its address");
    return **claimed;
}

Result<PactText> Folder::read_pact() const {
    PactText out;
    FARTHING_TRY(out.pact, read(pact_file(), kPactBytesMax, "begin with `farthing pact new`"));
    std::error_code code;
    if (std::filesystem::exists(seal_file(), code)) {
        FARTHING_TRY(out.seal, read_file(seal_file(), kSealBytesMax));
    }
    return out;
}

Result<policy::Document> Folder::parse_pact(const PactText& text) const {
    const auto file = pact_file();
    FARTHING_TRY(const auto value, parse_toml(text.pact, file));
    auto document = policy::parse_document(value);
    if (!document) return fail(at_its_place(text.pact, file, document.error()));
    if (document->seal || !text.seal) return document;
    const auto json = json::parse(*text.seal);
    if (!json) return in_file(seal_file(), json.error());
    auto seal = json::decode<policy::Seal>(*json, json::Path(json::Unknown::refuse));
    if (!seal) return in_file(seal_file(), seal.error());
    document->seal = std::move(*seal);
    return document;
}

Result<policy::Document> Folder::load_document() const {
    FARTHING_TRY(const auto text, read_pact());
    return parse_pact(text);
}

Result<policy::Rules> Folder::load_rules(const Address& op, const Address& agent) const {
    FARTHING_TRY(const auto text, read_pact());
    return rules_of(text, op, agent);
}

Result<policy::Rules> Folder::rules_of(const PactText& text, const Address& op,
                                       const Address& agent) const {
    FARTHING_TRY(auto document, parse_pact(text));
    if (!document.seal) {
        return fail(Errc::invalid_signature,
                    fmt::format("{} is not signed: {} has to sign it, with `farthing pact sign`",
                                pact_file(), op.to_checksum()));
    }
    FARTHING_CHECK(policy::check(document.pact, *document.seal, op));
    if (document.pact.agent != agent) {
        return fail(Errc::not_allowed,
                    fmt::format("the pact is for {}, and this wallet is {}",
                                document.pact.agent.to_checksum(), agent.to_checksum()));
    }
    return policy::Rules::make(std::move(document.pact));
}

}  // namespace farthing::wallet
