// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/statements.hpp"

#include <soci/soci.h>

namespace farthing::ledger {

struct Statements::Prepared {
    Prepared(soci::session& session, const std::string& sql, std::size_t count,
             const Values& values)
        : statement(session), columns(count), bound(values.size()) {
        for (auto& each : columns) statement.exchange(soci::into(each));
        for (std::size_t i = 0; i < values.size(); ++i) {
            statement.exchange(soci::use(bound[i], values[i].first));
        }
        statement.alloc();
        statement.prepare(sql);
        statement.define_and_bind();
    }
    soci::statement statement;
    Row columns;
    Row bound;
};

Statements::Statements() = default;
Statements::~Statements() = default;

std::vector<Statements::Row> Statements::rows(soci::session& session, const std::string& sql,
                                              std::size_t columns, const Values& values) {
    auto& kept = prepared_[sql];
    try {
        if (!kept) kept = std::make_unique<Prepared>(session, sql, columns, values);
        for (std::size_t i = 0; i < values.size(); ++i) kept->bound[i] = values[i].second;
        std::vector<Row> out;
        if (columns == 0) {
            kept->statement.execute(true);
            return out;
        }
        // To the end: one that is left open keeps the file's log from being cut.
        for (kept->statement.execute(); kept->statement.fetch();) out.push_back(kept->columns);
        return out;
    } catch (...) {
        prepared_.erase(sql);
        throw;
    }
}

}  // namespace farthing::ledger
