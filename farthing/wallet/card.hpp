// SPDX-License-Identifier: Apache-2.0
// Cards: what an untrusted program may spend and no more. A card is made, used and taken back by
// entries of the ledger alone; a use is counted inside the transaction that decides, and comes back
// only when the chain proves that nothing was paid.
#pragma once

#include <map>

#include "farthing/ledger/ledger.hpp"
#include "farthing/policy/decide.hpp"

namespace farthing::wallet {

struct Card {
    std::string id;
    Bytes32 token;       ///< SHA-256 of its token
    U256 value;          ///< that all its uses together may come to, in 10^-18 dollars
    std::string vendor;  ///< a host pattern
    std::string task;    ///< for which it is spent, whatever its holder says; may be empty
    std::uint64_t uses = 0;
    ledger::UnixMillis expires = 0;
    bool revoked = false;
    U256 spent;
    std::uint64_t used = 0;
    static constexpr auto fields() {
        using T = Card;
        return std::tuple{field("id", &T::id),           field("token", &T::token),
                          field("value", &T::value),     field("vendor", &T::vendor),
                          field("task", &T::task),       field("uses", &T::uses),
                          field("expires", &T::expires), field("revoked", &T::revoked),
                          field("spent", &T::spent),     field("used", &T::used)};
    }
    /// Whether requests to `vendor` (as policy::Place names it) are what it is for.
    [[nodiscard]] bool is_for(std::string_view vendor) const;
};

/// Every card of a ledger, and what is left of it.
class CardBook {
  public:
    /// The next entry, of any kind. Errors: those of the transaction, overflow.
    Result<> apply(ledger::Transaction& transaction, const ledger::Entry& entry);
    [[nodiscard]] const Card* find(const std::string& id) const;
    [[nodiscard]] const std::map<std::string, Card>& all() const { return cards_; }
    /// Why this card does not pay for it; nothing when it does. `value` is in 10^-18 dollars.
    [[nodiscard]] std::optional<policy::Finding> refusal(const std::string& id,
                                                         std::string_view vendor,
                                                         const std::optional<U256>& value,
                                                         ledger::UnixMillis now) const;
    /// Without those that have expired by `now` and have no open use.
    [[nodiscard]] json::Value checkpoint(ledger::UnixMillis now) const;
    [[nodiscard]] static Result<CardBook> restore(const json::Value& checkpoint);

  private:
    /// A decision that is neither settled nor released.
    struct Use {
        ledger::Seq decision = 0;
        std::string card;
        U256 value;
        static constexpr auto fields() {
            return std::tuple{field("decision", &Use::decision), field("card", &Use::card),
                              field("value", &Use::value)};
        }
    };
    struct Checkpoint {
        std::vector<Card> cards;
        std::vector<Use> open;
        static constexpr auto fields() {
            return std::tuple{field("cards", &Checkpoint::cards), field("open", &Checkpoint::open)};
        }
    };
    Result<> use(ledger::Seq decision, const ledger::Decision& what);
    void give_back(ledger::Seq decision);

    std::map<std::string, Card> cards_;
    std::map<ledger::Seq, Use> open_;
};

/// As the ledger says now.
[[nodiscard]] Result<CardBook> read_cards(ledger::Transaction& transaction);

}  // namespace farthing::wallet
