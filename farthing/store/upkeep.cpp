// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/upkeep.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

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
    std::uint64_t count = 0;
    FARTHING_CHECK(database.run_now([before, &count](soci::session& session) -> Result<> {
        const auto ended = fmt::format(
            "(i.state = 'failed' OR (i.state = 'settled' AND i.told = 1)) AND i.ended_at < {}",
            before);
        session << "DELETE FROM carried WHERE EXISTS (SELECT 1 FROM intents i WHERE i.network = "
                   "carried.network AND i.token = carried.token AND i.payer = carried.payer AND "
                   "i.nonce = carried.nonce AND " +
                       ended + ")";
        soci::statement remove = (session.prepare << "DELETE FROM intents AS i WHERE " + ended);
        remove.execute(true);
        count = static_cast<std::uint64_t>(remove.get_affected_rows());
        session << "DELETE FROM broadcasts WHERE NOT EXISTS (SELECT 1 FROM carried c WHERE c.hash "
                   "= broadcasts.hash)";
        return {};
    }));
    return count;
}

}  // namespace farthing::store
