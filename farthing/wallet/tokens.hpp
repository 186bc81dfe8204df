// SPDX-License-Identifier: Apache-2.0
// Tokens: what an agent shows to the daemon. Of each the wallet keeps a file of its own,
// `tokens/NAME.json` in its folder, with the SHA-256 of the token and nothing else that is secret;
// it is read at each request, so that a token works once it is made and no longer once it is
// revoked. 32 random bytes cannot be guessed, and that is why a fast hash is enough.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "farthing/base/secret.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/io/random.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::wallet {

/// `farthing-agent-NAME-` or `farthing-card-ID-`, and 64 hex digits.
struct TokenName {
    enum class Kind : std::uint8_t { agent, card };
    Kind kind = Kind::agent;
    std::string name;
    friend bool operator==(const TokenName&, const TokenName&) = default;
};

/// 1 to 32 of a-z, 0-9 and `-`, which is neither first nor last: a file is named so.
[[nodiscard]] bool is_token_name(std::string_view name);
/// Whose token it says it is; nothing for a text that is none.
[[nodiscard]] std::optional<TokenName> read_token(std::string_view token);
/// The token in `Bearer TOKEN` or in Basic credentials, as user or as password; nothing when there
/// is none of its form.
[[nodiscard]] std::optional<std::string> token_in_credentials(std::string_view credentials);
[[nodiscard]] Secret<std::string> make_token(const TokenName& name, Random& random);
/// In a time that does not depend on where they differ.
[[nodiscard]] bool is_token_of(std::string_view token, const Bytes32& hash);

/// The content of a token's file.
struct TokenRecord {
    std::uint32_t version = 1;
    Bytes32 hash;
    std::uint64_t made = 0;  ///< Unix seconds
    static constexpr std::array<std::string_view, 3> required{"version", "hash", "made"};
    static constexpr auto fields() {
        using T = TokenRecord;
        return std::tuple{field("version", &T::version), field("hash", &T::hash),
                          field("made", &T::made)};
    }
};
/// Errors: invalid_json, invalid_field.
[[nodiscard]] Result<TokenRecord> parse_token_record(std::string_view text);

class Tokens {
  public:
    /// Of this wallet's folder.
    explicit Tokens(const std::filesystem::path& wallet) : folder_(wallet / "tokens") {}

    /// The token, which is kept nowhere. Errors: invalid_argument (the name; there is one already),
    /// io_failed.
    [[nodiscard]] Result<Secret<std::string>> add(std::string_view name, UnixTime now,
                                                  Random& random) const;
    /// Errors: invalid_argument (there is none), io_failed.
    [[nodiscard]] Result<> revoke(std::string_view name) const;
    struct Listed {
        std::string name;
        std::uint64_t made = 0;
    };
    /// By name. Errors: io_failed, and those of parse_token_record.
    [[nodiscard]] Result<std::vector<Listed>> list() const;
    /// The name of the agent whose token this is. A file that cannot be read is as good as none.
    [[nodiscard]] std::optional<std::string> agent_of(std::string_view token) const;
    /// Whether an agent of this name has one.
    [[nodiscard]] bool has(std::string_view name) const;

  private:
    [[nodiscard]] std::filesystem::path file_of(std::string_view name) const;
    [[nodiscard]] Result<TokenRecord> record_of(std::string_view name) const;

    std::filesystem::path folder_;
};

}  // namespace farthing::wallet
