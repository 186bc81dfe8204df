// SPDX-License-Identifier: Apache-2.0
// Engine: what differs between the databases. One connection; everything but `now` and `row_lock`
// is called by one thread at a time.
#pragma once

#include <soci/soci.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "farthing/io/env.hpp"
#include "farthing/store/access.hpp"
#include "farthing/store/schema.hpp"
#include "farthing/store/step.hpp"

namespace farthing::store {

/// What an exception of the library means for the transaction that it ended.
struct Fault {
    enum class Kind : std::uint8_t {
        failed,  ///< it would fail again
        again,   ///< it came into the way of another one: repeat it
        lost,    ///< the connection is gone, and whether it was committed is not known
    };
    Kind kind = Kind::failed;
    Error error;
};

class Engine {
  public:
    virtual ~Engine() = default;

    /// The first connection: migrated, or of our version when it is only read. Errors: io_failed,
    /// invalid_config (made by a newer program).
    virtual Result<> open(Access access) = 0;
    /// Another one in place of a lost one. Errors: the same.
    virtual Result<> reopen() = 0;
    /// A transaction, ended by the session's commit or rollback.
    virtual void begin() { session.begin(); }
    [[nodiscard]] virtual Fault fault_of(const std::exception& error) = 0;
    /// Within a transaction: all of them in their order, and whether each gave a row. Throws as the
    /// session does; then the transaction is spoilt.
    virtual std::vector<bool> run(std::span<const Step* const> steps) = 0;
    /// Whether it is whole. Errors: io_failed with what is not.
    virtual Result<> check() = 0;
    /// From now on a statement may take as long as it takes: for command lines.
    virtual void take_time() = 0;
    /// Gives the space of what was removed back.
    virtual void shrink() = 0;
    /// SQL for the present in milliseconds, by the clock that all who share the store have.
    [[nodiscard]] virtual std::string now() const = 0;
    /// What follows a SELECT whose rows will be written.
    [[nodiscard]] virtual std::string row_lock() const = 0;

    /// While it lives, the server must answer within a time, or the connection is given up.
    class Guard {
      public:
        explicit Guard(Engine& engine) : engine_(engine) { engine_.expect_answer(true); }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { engine_.expect_answer(false); }

      private:
        Engine& engine_;
    };

    soci::session session;

  protected:
    virtual void expect_answer(bool /*expected*/) {}
};

/// An SQLite file, and what is in it.
struct SqliteFile {
    std::string path;
    const Migrations& migrations;
    std::string_view name;  ///< of its kind, for errors
    /// Several processes serve from it: each transaction has the file to itself from its beginning.
    /// Only its owner may read it.
    bool shared = false;
    std::string_view at_start = {};  ///< a statement, run when it is opened to be served from
};
[[nodiscard]] std::unique_ptr<Engine> sqlite_engine(Env env, SqliteFile file);
/// `address` is a libpq URI without a password. A server that does not answer within `patience` is
/// given up: longer than its own limit on a statement. Errors: invalid_config.
[[nodiscard]] Result<std::unique_ptr<Engine>> postgres_engine(
    std::string_view address, std::chrono::milliseconds patience = std::chrono::seconds(30));
[[nodiscard]] bool is_postgres(std::string_view where);

/// The message of an exception, without the statement and its values.
[[nodiscard]] Error io_error(const std::exception& error, std::string_view what = "store");

}  // namespace farthing::store
