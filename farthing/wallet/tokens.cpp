// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/tokens.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/base64.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/crypto/sha256.hpp"
#include "farthing/io/config.hpp"
#include "farthing/net/http.hpp"
#include "farthing/wallet/keystore.hpp"

namespace farthing::wallet {
namespace {

constexpr std::string_view kAgent = "farthing-agent-";
constexpr std::string_view kCard = "farthing-card-";
constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kDigits = 64;
constexpr std::size_t kNameMax = 32;
constexpr std::size_t kFileBytesMax = 4 << 10;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

Result<> check_name(std::string_view name) {
    if (is_token_name(name)) return {};
    return fail(Errc::invalid_argument,
                "the name of a token: 1 to 32 of a-z, 0-9 and -, which is neither first nor last");
}

}  // namespace

bool is_token_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameMax && name.front() != '-' && name.back() != '-' &&
           std::ranges::all_of(name, is_name_char);
}

std::optional<TokenName> read_token(std::string_view token) {
    const bool card = token.starts_with(kCard);
    if (!card && !token.starts_with(kAgent)) return std::nullopt;
    token.remove_prefix(card ? kCard.size() : kAgent.size());
    if (token.size() < kDigits + 2 || token[token.size() - kDigits - 1] != '-') return std::nullopt;
    if (!std::ranges::all_of(token.substr(token.size() - kDigits), is_hex)) return std::nullopt;
    const auto name = token.substr(0, token.size() - kDigits - 1);
    if (!is_token_name(name)) return std::nullopt;
    return TokenName{card ? TokenName::Kind::card : TokenName::Kind::agent, std::string(name)};
}

std::optional<std::string> token_in_credentials(std::string_view credentials) {
    constexpr std::string_view bearer = "bearer ";
    constexpr std::string_view basic = "basic ";
    if (net::equal_no_case(credentials.substr(0, bearer.size()), bearer)) {
        const auto token = credentials.substr(bearer.size());
        if (read_token(token)) return std::string(token);
    }
    if (!net::equal_no_case(credentials.substr(0, basic.size()), basic)) return std::nullopt;
    const auto pair = from_base64(credentials.substr(basic.size()));
    if (!pair) return std::nullopt;
    const auto colon = std::min(pair->find(':'), pair->size());
    for (const auto& each :
         {pair->substr(std::min(colon + 1, pair->size())), pair->substr(0, colon)}) {
        if (read_token(each)) return each;
    }
    return std::nullopt;
}

Secret<std::string> make_token(const TokenName& name, Random& random) {
    auto bytes = random.bytes32();
    auto digits = to_hex_digits(bytes);
    const auto prefix = name.kind == TokenName::Kind::card ? kCard : kAgent;
    std::string token;
    token.reserve(prefix.size() + name.name.size() + 1 + kDigits);  // in one piece: no copy is left
    token.append(prefix).append(name.name).append("-").append(digits);
    wipe(bytes.data.data(), bytes.data.size());
    wipe(digits.data(), digits.size());
    return Secret<std::string>(std::move(token));
}

bool is_token_of(std::string_view token, const Bytes32& hash) {
    const auto given = sha256(token);
    unsigned difference = 0;
    for (std::size_t i = 0; i < given.data.size(); ++i) {
        difference |= static_cast<unsigned>(given.data[i] ^ hash.data[i]);
    }
    return difference == 0;
}

Result<TokenRecord> parse_token_record(std::string_view text) {
    FARTHING_TRY(const auto value, json::parse(text, {.bytes_max = kFileBytesMax}));
    FARTHING_TRY(auto record, json::decode<TokenRecord>(value, json::Path(json::Unknown::refuse)));
    if (record.version != 1) return fail(Errc::invalid_field, ".version: expected 1");
    return record;
}

std::filesystem::path Tokens::file_of(std::string_view name) const {
    return folder_ / (std::string(name) + std::string(kSuffix));
}

Result<Secret<std::string>> Tokens::add(std::string_view name, UnixTime now, Random& random) const {
    FARTHING_CHECK(check_name(name));
    std::error_code code;
    if (std::filesystem::create_directory(folder_, code)) {
        std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, code);
    }
    if (code) return fail(Errc::io_failed, fmt::format("{}: {}", folder_.string(), code.message()));
    auto token = make_token({TokenName::Kind::agent, std::string(name)}, random);
    TokenRecord record;
    record.hash = sha256(token.reveal());
    record.made = static_cast<std::uint64_t>(now.time_since_epoch().count());
    if (std::filesystem::exists(file_of(name), code)) {
        return fail(Errc::invalid_argument,
                    fmt::format("there is a token \"{}\" already: revoke it first", name));
    }
    FARTHING_CHECK(save_keystore(file_of(name), json::encode_text(record) + "\n"));
    return token;
}

Result<> Tokens::revoke(std::string_view name) const {
    FARTHING_CHECK(check_name(name));
    std::error_code code;
    if (std::filesystem::remove(file_of(name), code)) return {};
    if (code) return fail(Errc::io_failed, fmt::format("{}: {}", folder_.string(), code.message()));
    return fail(Errc::invalid_argument, fmt::format("there is no token \"{}\"", name));
}

Result<std::vector<Tokens::Listed>> Tokens::list() const {
    std::vector<Listed> out;
    std::error_code code;
    for (std::filesystem::directory_iterator each(folder_, code), end; !code && each != end;
         each.increment(code)) {
        const auto file = each->path().filename().string();
        if (!file.ends_with(kSuffix)) continue;
        const auto name = file.substr(0, file.size() - kSuffix.size());
        if (!is_token_name(name)) continue;
        FARTHING_TRY(const auto text, read_file(each->path(), kFileBytesMax));
        const auto record = parse_token_record(text);
        if (!record) return fail(record.error().code, file + ": " + record.error().detail);
        out.push_back({name, record->made});
    }
    if (code && code != std::errc::no_such_file_or_directory) {
        return fail(Errc::io_failed, fmt::format("{}: {}", folder_.string(), code.message()));
    }
    std::ranges::sort(out, {}, &Listed::name);
    return out;
}

std::optional<std::string> Tokens::agent_of(std::string_view token) const {
    const auto name = read_token(token);
    if (!name || name->kind != TokenName::Kind::agent) return std::nullopt;
    const auto record = record_of(name->name);
    if (!record || !is_token_of(token, record->hash)) return std::nullopt;
    return name->name;
}

bool Tokens::has(std::string_view name) const { return record_of(name).has_value(); }

Result<TokenRecord> Tokens::record_of(std::string_view name) const {
    FARTHING_TRY(const auto text, read_file(file_of(name), kFileBytesMax));
    return parse_token_record(text);
}

}  // namespace farthing::wallet
