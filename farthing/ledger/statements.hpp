// SPDX-License-Identifier: Apache-2.0
// Statements: what a ledger asks its file again and again, prepared once. On the ledger's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace soci {
class session;
}

namespace farthing::ledger {

class Statements {
  public:
    Statements();
    ~Statements();
    Statements(const Statements&) = delete;
    Statements& operator=(const Statements&) = delete;

    using Row = std::vector<std::string>;
    /// By the names that stand in the SQL. Bound as text: a number that is compared to what is no
    /// column of a type is cast there.
    using Values = std::vector<std::pair<std::string, std::string>>;

    /// All rows of a SELECT, none of whose columns is NULL. Always the same session. Throws what
    /// the library throws.
    std::vector<Row> rows(soci::session& session, const std::string& sql, std::size_t columns,
                          const Values& values);
    /// Of anything else.
    void run(soci::session& session, const std::string& sql, const Values& values) {
        rows(session, sql, 0, values);
    }

  private:
    struct Prepared;
    std::map<std::string, std::unique_ptr<Prepared>, std::less<>> prepared_;
};

}  // namespace farthing::ledger
