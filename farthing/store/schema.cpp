// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/schema.hpp"

#include <fmt/format.h>
#include <soci/soci.h>

#include "farthing/store/migrations.hpp"

namespace farthing::store {
namespace {

/// Statements of a migration; lines that begin with -- are comments.
std::vector<std::string> statements_of(std::string_view sql) {
    std::vector<std::string> out;
    std::string current;
    while (!sql.empty()) {
        const auto end = sql.find('\n');
        const auto line = sql.substr(0, end);
        sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
        if (line.starts_with("--")) continue;
        current.append(line).push_back('\n');
        if (line.ends_with(';')) out.push_back(std::exchange(current, {}));
    }
    return out;
}

}  // namespace

int schema_version() { return static_cast<int>(migrations().size()); }

Result<> migrate(soci::session& session, const Migrations& steps, std::string_view what) {
    session << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";
    int found = 0;
    session << "SELECT version FROM schema_version", soci::into(found);
    if (!session.got_data()) session << "INSERT INTO schema_version (version) VALUES (0)";
    const int known = static_cast<int>(steps.size());
    if (found > known) {
        return fail(Errc::invalid_config,
                    fmt::format("the {} has version {}, this program knows {}: use the program "
                                "that made it, or a newer one",
                                what, found, known));
    }
    for (int version = found; version < known; ++version) {
        for (const auto& statement : statements_of(steps[static_cast<std::size_t>(version)]))
            session << statement;
    }
    if (found < known) session << "UPDATE schema_version SET version = :v", soci::use(known);
    return {};
}

Result<> check_version(soci::session& session, const Migrations& steps, std::string_view what) {
    int found = 0;
    session << "SELECT version FROM schema_version", soci::into(found);
    if (found == static_cast<int>(steps.size())) return {};
    return fail(Errc::invalid_config, fmt::format("the {} has version {}, this program reads {}",
                                                  what, found, steps.size()));
}

}  // namespace farthing::store
