// SPDX-License-Identifier: Apache-2.0
// FactsCache: what the chain has said of payers and tokens, kept true by the tokens' own events.
// Pure: a follower hands it heads and logs. Whatever is not certain is forgotten, never guessed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "farthing/chain/chain.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/settlement/reservations.hpp"

namespace farthing::settlement {

/// One chain. One executor.
class FactsCache {
  public:
    /// At most this many entries, nonces and recipients together: beyond, everything is forgotten
    /// and learnt anew.
    static constexpr std::size_t kItemsMax = 200'000;
    /// So many blocks are looked at again each time: a log that a node had not shown yet is seen
    /// then, and one that is not there any more betrays a reorganisation.
    static constexpr std::uint64_t kOverlap = 8;
    /// A gap of more blocks than this is not read: everything is learnt anew.
    static constexpr std::uint64_t kGapMax = 500;
    /// Up to so many payers the node is asked for their logs alone.
    static constexpr std::size_t kFilteredPayersMax = 256;

    struct Account {
        Address token;
        Address payer;
        friend bool operator==(const Account&, const Account&) = default;
    };
    /// A payer that has no code, as an account of one token.
    struct Payer {
        std::uint64_t born = 0;
        std::uint64_t id = 0;  ///< another one once an answer on its way is doubtful
        std::optional<Reservations::Known> balance;
        SteadyTime asked_at;  ///< for balance and code
        /// Every use of a nonce after this second is in `used`.
        scheme::UnixSeconds followed_from = 0;
        std::unordered_set<Bytes32> used;
        std::unordered_set<Bytes32> unused;            ///< when asked, and not used since
        std::unordered_map<Address, SteadyTime> paid;  ///< recipients whose simulation succeeded
    };

    /// A token whose domain is known to be this; logs of others are not followed.
    void trust(const Address& token, const Bytes32& domain_separator) {
        tokens_.insert_or_assign(token, domain_separator);
    }
    [[nodiscard]] bool is_trusted(const Address& token, const Bytes32& domain_separator) const {
        const auto found = tokens_.find(token);
        return found != tokens_.end() && found->second == domain_separator;
    }
    [[nodiscard]] bool has_tokens() const { return !tokens_.empty(); }

    [[nodiscard]] Payer* find(const Account& account);
    /// The entry to learn into, from before a question is asked; the answer belongs to it while its
    /// id is the same. Nothing while no head is known.
    std::optional<std::uint64_t> follow(const Account& account);
    /// An item was added to an entry.
    void count(std::size_t items);
    /// Nothing was learnt of it.
    void drop_if_empty(const Account& account);

    // What the follower says.
    [[nodiscard]] const std::optional<chain::Head>& head() const { return head_; }
    /// The logs to ask for before `advance` to `head`; none when there is nothing new, or when
    /// everything has to be forgotten.
    [[nodiscard]] std::vector<chain::LogFilter> questions(const chain::Head& head);
    /// `logs` answer the questions for this head.
    void advance(const chain::Head& head, const std::vector<chain::Log>& logs);
    void forget_all();
    /// The balance is asked again.
    void forget_balance(const Account& account);
    /// Whether the nonce is used is asked again.
    void forget_nonce(const Account& account, const Bytes32& nonce);
    [[nodiscard]] std::size_t items() const { return items_; }

  private:
    struct AccountHash {
        std::size_t operator()(const Account& account) const noexcept {
            return std::hash<Address>{}(account.payer) ^ std::hash<Address>{}(account.token);
        }
    };
    using Place = std::pair<std::uint64_t, std::uint64_t>;  ///< block, index within it
    struct Seen {
        Bytes32 block;
        Bytes32 transaction;
        friend bool operator==(const Seen&, const Seen&) = default;
    };
    [[nodiscard]] bool is_broken(const chain::Head& head, const std::map<Place, Seen>& there) const;
    void take(const chain::Event& event);

    std::map<Address, Bytes32> tokens_;
    std::unordered_map<Account, Payer, AccountHash> payers_;
    std::optional<chain::Head> head_;
    std::map<Place, Seen> seen_;  ///< logs of the last blocks
    std::uint64_t next_id_ = 1;
    std::uint64_t asked_id_ = 0;  ///< entries from here on are not in the questions
    std::size_t items_ = 0;
};

}  // namespace farthing::settlement
