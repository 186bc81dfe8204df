// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of a test's own: in a temporary folder, on a socket in it, stopped by its
// process id and with the process that started it.
#pragma once

#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "farthing/base/result.hpp"

namespace farthing::store {

class PostgresServer {
  public:
    PostgresServer() {
        auto name = (std::filesystem::temp_directory_path() / "farthing-postgres-XXXXXX").string();
        invariant(::mkdtemp(name.data()) != nullptr, "a temporary folder");
        folder_ = name;
        if (::geteuid() == 0) give_away();
        const int made =
            end_of(spawn({program("initdb"), "-D", data(), "-A", "trust", "-U", "farthing", "-E",
                          "UTF8", "--locale=C", "--no-sync", "--no-instructions"}));
        invariant(made == 0, "initdb is there: apt-get install postgresql");
        start();
    }
    ~PostgresServer() {
        stop();
        std::filesystem::remove_all(folder_);
    }
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    void start() {
        process_ = spawn({program("postgres"), "-D", data(), "-k", folder_, "-c",
                          "listen_addresses=", "-c", "fsync=off", "-c", "log_min_messages=panic",
                          "-c", "deadlock_timeout=50ms", "-c", "autovacuum=off"});
        for (int i = 0; PQping(address("postgres").c_str()) != PQPING_OK; ++i) {
            invariant(i < 1'000, "postgres takes connections");
            invariant(::waitpid(process_, nullptr, WNOHANG) == 0, "postgres runs");
            ::poll(nullptr, 0, 20);
        }
    }
    /// SIGQUIT is as if the machine had lost its power, SIGINT an orderly end.
    void stop(int how = SIGINT) {
        if (process_ == 0) return;
        ::kill(process_, how);
        end_of(std::exchange(process_, 0));
    }
    [[nodiscard]] pid_t process() const { return process_; }

    [[nodiscard]] std::string address(const std::string& database) const {
        return "postgresql:///" + database + "?user=farthing&host=" + folder_;
    }
    /// An empty database.
    std::string create() {
        const auto name = "test" + std::to_string(++databases_);
        const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
            PQconnectdb(address("postgres").c_str()), PQfinish);
        const std::unique_ptr<PGresult, decltype(&PQclear)> done(
            PQexec(connection.get(), ("CREATE DATABASE " + name).c_str()), PQclear);
        invariant(PQresultStatus(done.get()) == PGRES_COMMAND_OK, "a database is made");
        return address(name);
    }

    /// One for all tests of the process.
    static PostgresServer& shared() {
        static PostgresServer server;
        return server;
    }

  private:
    /// It refuses to run as root.
    void give_away() {
        const auto* user = ::getpwnam("nobody");
        invariant(user != nullptr, "there is a user nobody");
        invariant(::chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0,
                  "root gives a folder away");
    }
    [[nodiscard]] std::string data() const { return folder_ + "/data"; }
    /// Debian keeps them out of the PATH.
    static std::string program(const std::string& name) {
        std::string found = name;
        const std::filesystem::path installed = "/usr/lib/postgresql";
        std::error_code none;
        for (const auto& each : std::filesystem::directory_iterator(installed, none)) {
            const auto file = each.path() / "bin" / name;
            if (std::filesystem::exists(file)) found = file;
        }
        return found;
    }
    static pid_t spawn(std::vector<std::string> command) {
        std::vector<std::string> words{"setpriv", "--pdeathsig", "KILL"};
        if (::geteuid() == 0) {
            words.insert(words.end(),
                         {"--reuid", "nobody", "--regid", "nogroup", "--clear-groups"});
        }
        words.insert(words.end(), command.begin(), command.end());
        std::vector<char*> arguments;
        for (auto& each : words) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
        pid_t process = 0;
        const int failed =
            ::posix_spawnp(&process, "setpriv", &actions, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        invariant(failed == 0, "setpriv is there");
        return process;
    }
    static int end_of(pid_t process) {
        int status = 0;
        invariant(::waitpid(process, &status, 0) == process, "a child ends");
        return status;
    }

    std::string folder_;
    pid_t process_ = 0;
    int databases_ = 0;
};

}  // namespace farthing::store
