// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/upkeep.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

#include <set>

#include "farthing/store/sql_rows.hpp"

namespace farthing::store {
namespace {

constexpr std::size_t kPage = 1'000;

/// After `last`; the first when there is none.
Result<std::vector<Intent>> read_page(soci::session& session, const std::optional<KeyText>& last) {
    Bindings bindings;
    std::string where;
    if (last) {
        where = " WHERE (network, token, payer, nonce) > (:network, :token, :payer, :nonce)";
        bindings = {{"network", last->network},
                    {"token", last->token},
                    {"payer", last->payer},
                    {"nonce", last->nonce}};
    }
    return read_intents(
        session, where + fmt::format(" ORDER BY network, token, payer, nonce LIMIT {}", kPage),
        bindings);
}

/// Removes page by page, each in a transaction of its own: who serves meanwhile waits for one page
/// at most.
class Sweep {
  public:
    Sweep(std::string lock, scheme::UnixSeconds before)
        : lock_(std::move(lock)),
          ended_(fmt::format("(i.state = 'failed' OR (i.state = 'settled' AND i.told = 1)) AND "
                             "i.ended_at < {}",
                             before)) {}

    /// False after the last page.
    Result<bool> take_page(soci::session& session);
    [[nodiscard]] std::uint64_t count() const { return count_; }

  private:
    /// The columns of a key, as they are.
    struct Key {
        std::string network, token, payer, nonce;
    };
    /// The last row of the page that begins after `last_`.
    std::optional<Key> find_end(soci::session& session) const;
    /// A statement about the rows of `table` from after `last_` to `end`. Returns the
    /// first column of what comes back.
    std::vector<std::string> in_page(soci::session& session, const std::string& begin,
                                     const std::string& table, const std::string& rest,
                                     const Key& end) const;

    std::string lock_;
    std::string ended_;
    Key last_;  ///< smaller than all at first
    std::uint64_t count_ = 0;
};

std::optional<Sweep::Key> Sweep::find_end(soci::session& session) const {
    Key end;
    session << fmt::format(
        "SELECT network, token, payer, nonce FROM (SELECT network, token, payer, nonce FROM "
        "intents WHERE (network, token, payer, nonce) > (:network, :token, :payer, :nonce) ORDER "
        "BY network, token, payer, nonce LIMIT {}) AS page ORDER BY network DESC, token DESC, "
        "payer DESC, nonce DESC LIMIT 1",
        kPage),
        soci::use(last_.network, "network"), soci::use(last_.token, "token"),
        soci::use(last_.payer, "payer"), soci::use(last_.nonce, "nonce"), soci::into(end.network),
        soci::into(end.token), soci::into(end.payer), soci::into(end.nonce);
    if (!session.got_data()) return std::nullopt;
    return end;
}

std::vector<std::string> Sweep::in_page(soci::session& session, const std::string& begin,
                                        const std::string& table, const std::string& rest,
                                        const Key& end) const {
    std::string column;
    std::vector<std::string> out;
    soci::statement statement =
        (session.prepare << fmt::format(
             "{0} WHERE ({1}.network, {1}.token, {1}.payer, {1}.nonce) > (:network, :token, "
             ":payer, :nonce) AND ({1}.network, {1}.token, {1}.payer, {1}.nonce) <= (:to_network, "
             ":to_token, :to_payer, :to_nonce) AND {2}",
             begin, table, rest),
         soci::use(last_.network, "network"), soci::use(last_.token, "token"),
         soci::use(last_.payer, "payer"), soci::use(last_.nonce, "nonce"),
         soci::use(end.network, "to_network"), soci::use(end.token, "to_token"),
         soci::use(end.payer, "to_payer"), soci::use(end.nonce, "to_nonce"), soci::into(column));
    for (statement.execute(); statement.fetch();) out.push_back(column);
    return out;
}

Result<bool> Sweep::take_page(soci::session& session) {
    const auto end = find_end(session);
    if (!end) return false;
    // What is locked has ended, and stays so until we are through.
    const auto locked =
        in_page(session, "SELECT i.nonce FROM intents i", "i", ended_ + lock_, *end);
    if (!locked.empty()) {
        const auto hashes = in_page(
            session, "DELETE FROM carried", "carried",
            "EXISTS (SELECT 1 FROM intents i WHERE i.network = carried.network AND i.token = "
            "carried.token AND i.payer = carried.payer AND i.nonce = carried.nonce AND " +
                ended_ + ") RETURNING hash",
            *end);
        in_page(session, "DELETE FROM intents AS i", "i", ended_ + " RETURNING nonce", *end);
        // A transaction goes when the last payment that it carried goes.
        for (const auto& hash : std::set<std::string>(hashes.begin(), hashes.end())) {
            session << "DELETE FROM broadcasts WHERE hash = :hash AND NOT EXISTS (SELECT 1 FROM "
                       "carried WHERE hash = :hash)",
                soci::use(hash, "hash");
        }
    }
    count_ += locked.size();
    last_ = *end;
    return true;
}

}  // namespace

Result<> for_each_intent(Database& database, const std::function<void(const Intent&)>& each) {
    return database.run_now([&each](soci::session& session) -> Result<> {
        std::optional<KeyText> last;
        for (;;) {
            FARTHING_TRY(const auto page, read_page(session, last));
            for (const auto& intent : page) each(intent);
            if (page.size() < kPage) return {};
            last.emplace(page.back().key);
        }
    });
}

Result<std::uint64_t> forget_ended(Database& database, scheme::UnixSeconds before) {
    Sweep sweep(database.row_lock(), before);
    for (bool more = true; more;) {
        FARTHING_CHECK(database.run_now([&](soci::session& session) -> Result<> {
            FARTHING_TRY(more, sweep.take_page(session));
            return {};
        }));
    }
    return sweep.count();
}

}  // namespace farthing::store
