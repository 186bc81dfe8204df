// SPDX-License-Identifier: Apache-2.0
// `wallet.toml` in a wallet's folder: what the wallet does besides paying. What it may pay is the
// pact's to say, never this file's.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "farthing/io/config.hpp"
#include "farthing/net/http.hpp"
#include "farthing/wallet/folder.hpp"

namespace farthing::wallet {

/// Somebody who is told: one of `webhook`, `command` and `log`.
struct SinkConfig {
    std::string name;               ///< letters, digits, `-` and `_`; what was told is known by it
    std::vector<std::string> take;  ///< names of alerts; default: all
    /// POST there as JSON, `https://` or on this machine
    std::optional<std::string> webhook;
    /// of the webhook's `Farthing-Signature`: 16 bytes or more
    std::optional<SecretSource> secret;
    /// or run this program, JSON on its stdin: its path or name, and its arguments; no shell
    std::vector<std::string> command;
    std::optional<std::string> log;             ///< or a line of JSON into this file; `-` is stderr
    std::chrono::milliseconds timeout{10'000};  ///< of one attempt

    static constexpr std::array<std::string_view, 1> required{"name"};
    static constexpr auto fields() {
        using T = SinkConfig;
        return std::tuple{field("name", &T::name),       field("take", &T::take),
                          field("webhook", &T::webhook), field("secret", &T::secret),
                          field("command", &T::command), field("log", &T::log),
                          field("timeout", &T::timeout)};
    }
    /// Errors: invalid_config.
    [[nodiscard]] Result<> validate() const;
};

/// Who holds the key, when no `key.json` does.
struct SignerConfig {
    std::string url;                ///< `https://`, or on this machine
    std::string kind = "json_rpc";  ///< `eth_signTypedData_v4`; or `web3signer`, with the URL of
                                    ///< the key: `…/api/v1/eth1/sign/0x…`
    Address address;                ///< whose key it is
    std::chrono::milliseconds timeout{10'000};  ///< of one signature

    static constexpr std::array<std::string_view, 2> required{"url", "address"};
    static constexpr auto fields() {
        using T = SignerConfig;
        return std::tuple{field("url", &T::url), field("kind", &T::kind),
                          field("address", &T::address), field("timeout", &T::timeout)};
    }
    /// Errors: invalid_config.
    [[nodiscard]] Result<> validate() const;
};

/// Nothing of it says what may be paid.
struct Settings {
    std::vector<SinkConfig> alert;           ///< who is told
    std::optional<std::string> balance_low;  ///< below this much of an asset (`"$1"`) an alert
    std::optional<SignerConfig> signer;      ///< who signs, when no key file is there

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = Settings;
        return std::tuple{field("alert", &T::alert), field("balance_low", &T::balance_low),
                          field("signer", &T::signer)};
    }
    /// Each by itself, and no name twice. Errors: invalid_config.
    [[nodiscard]] Result<> validate() const;
};

/// What stands in the folder; the defaults when there is no such file. Errors: invalid_config with
/// line and column, io_failed.
[[nodiscard]] Result<Settings> load_settings(const Folder& folder);

/// `https://`, or `http://` on this machine: nobody on the way reads or changes it. Errors:
/// invalid_config.
[[nodiscard]] Result<net::Url> parse_private_url(std::string_view text);

}  // namespace farthing::wallet
