// SPDX-License-Identifier: Apache-2.0
// Rows of a database as intents. What a row says is parsed like anything from outside.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "farthing/store/intents.hpp"

namespace soci {
class session;
}

namespace farthing::store {

inline constexpr const char* kOfKey =
    " WHERE network = :network AND token = :token AND payer = :payer AND nonce = :nonce";

/// In a Step: its first four values.
inline constexpr const char* kOfNumberedKey =
    " WHERE network = :1 AND token = :2 AND payer = :3 AND nonce = :4";

/// The key as its columns hold it. Lives as long as the statement that uses it.
struct KeyText {
    explicit KeyText(const scheme::PaymentKey& key);
    std::string network, token, payer, nonce;
};

/// Parameters of a statement: name, value.
using Bindings = std::vector<std::pair<std::string, std::string>>;

/// The intents of `rest` (a WHERE clause and what follows it), with their broadcasts.
enum class Detail : std::uint8_t { whole, without_broadcasts };
[[nodiscard]] Result<std::vector<Intent>> read_intents(soci::session& session,
                                                       const std::string& rest,
                                                       const Bindings& bindings,
                                                       Detail detail = Detail::whole);
/// `lock` follows the statement.
[[nodiscard]] Result<std::optional<Intent>> read_intent(soci::session& session, const KeyText& key,
                                                        const std::string& lock = {});

}  // namespace farthing::store
