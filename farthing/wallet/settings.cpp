// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "farthing/policy/place.hpp"
#include "farthing/scheme/price.hpp"
#include "farthing/wallet/alerts.hpp"

namespace farthing::wallet {
namespace {

constexpr std::size_t kSinksMax = 16;
constexpr std::size_t kNameMax = 32;
constexpr std::size_t kArgumentsMax = 32;
constexpr std::chrono::milliseconds kTimeoutMax{60'000};

std::unexpected<Error> wrong(std::string what) {
    return fail(Errc::invalid_config, std::move(what));
}

bool is_name(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, fits);
}

Result<> check_webhook(const SinkConfig& sink) {
    if (const auto url = parse_private_url(*sink.webhook); !url)
        return wrong("webhook: " + url.error().detail);
    if (!sink.secret) return wrong("secret: a webhook needs one, to know us by");
    if (const auto valid = sink.secret->validate(); !valid)
        return wrong("secret: " + valid.error().detail);
    return {};
}

Result<> check_command(const std::vector<std::string>& command) {
    if (command.size() > kArgumentsMax)
        return wrong(fmt::format("command: more than {} words", kArgumentsMax));
    if (command.front().empty()) return wrong("command: expected a program");
    for (const auto& each : command) {
        if (each.contains('\0')) return wrong("command: a zero byte ends a word");
    }
    return {};
}

}  // namespace

Result<> SinkConfig::validate() const {
    if (!is_name(name))
        return wrong(fmt::format("name: expected 1 to {} letters, digits, - and _", kNameMax));
    for (std::size_t i = 0; i < take.size(); ++i) {
        if (std::ranges::count(alert::kNames, std::string_view(take[i])) == 0) {
            return wrong(
                fmt::format("take[{}]: expected one of {}", i, fmt::join(alert::kNames, ", ")));
        }
    }
    const int ways = (webhook ? 1 : 0) + (command.empty() ? 0 : 1) + (log ? 1 : 0);
    if (ways != 1) return wrong("name: expected one of webhook, command and log beside it");
    if (webhook) FARTHING_CHECK(check_webhook(*this));
    if (!webhook && secret) return wrong("secret: only a webhook has one");
    if (!command.empty()) FARTHING_CHECK(check_command(command));
    if (log && log->empty()) return wrong("log: expected a file, or - for stderr");
    if (timeout.count() <= 0 || timeout > kTimeoutMax)
        return wrong("timeout: expected more than 0 and at most 60s");
    return {};
}

Result<> SignerConfig::validate() const {
    if (const auto valid = parse_private_url(url); !valid)
        return wrong("url: " + valid.error().detail);
    if (kind != "json_rpc" && kind != "web3signer")
        return wrong("kind: expected \"json_rpc\" or \"web3signer\"");
    if (address.is_zero()) return wrong("address: expected whose key it is");
    if (timeout.count() <= 0 || timeout > kTimeoutMax)
        return wrong("timeout: expected more than 0 and at most 60s");
    return {};
}

Result<> Settings::validate() const {
    if (alert.size() > kSinksMax) return wrong(fmt::format("alert: more than {}", kSinksMax));
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < alert.size(); ++i) {
        if (const auto valid = alert[i].validate(); !valid)
            return wrong(fmt::format("alert[{}].{}", i, valid.error().detail));
        if (!names.insert(alert[i].name).second)
            return wrong(fmt::format("alert[{}].name: {} is there twice", i, alert[i].name));
    }
    if (signer) {
        if (const auto valid = signer->validate(); !valid)
            return wrong("signer." + valid.error().detail);
    }
    if (balance_low) {
        if (const auto money = scheme::parse_money(*balance_low); !money)
            return wrong("balance_low: " + money.error().detail);
    }
    return {};
}

Result<Settings> load_settings(const Folder& folder) {
    const auto file = folder.path / "wallet.toml";
    std::error_code code;
    if (!std::filesystem::exists(file, code) && !code) return Settings{};
    return load_config<Settings>(file);
}

Result<net::Url> parse_private_url(std::string_view text) {
    auto url = net::parse_url(text);
    if (!url) return wrong(url.error().detail);
    const auto place = policy::read_place(text);
    if (url->scheme == "https" || (place && place->is_loopback())) return url;
    return wrong("expected https://, or http:// on this machine");
}

}  // namespace farthing::wallet
