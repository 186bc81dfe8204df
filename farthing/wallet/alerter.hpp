// SPDX-License-Identifier: Apache-2.0
// Alerter: tells the operator what the ledger has written down. Each sink has a cursor in the
// ledger's file, moved only when an alert was taken: at least once, in order, also after a crash. A
// sink that is dead holds up nobody but itself, and no payment ever waits for one.
#pragma once

#include "farthing/ledger/ledger.hpp"
#include "farthing/store/file_lock.hpp"
#include "farthing/wallet/messenger.hpp"

namespace farthing::wallet {

struct Told {
    std::uint64_t delivered = 0;
    std::uint64_t left = 0;  ///< not told to somebody who takes it
};

/// One loop. Everything handed in outlives it.
class Alerter {
  public:
    struct Parts {
        net::Client& client;
        ledger::Ledger& ledger;
        Folder folder;
        Address agent;
    };
    /// Errors: invalid_config.
    static Result<std::unique_ptr<Alerter>> make(Env env, Loop& loop, Parts parts,
                                                 const std::vector<SinkConfig>& sinks);
    ~Alerter();

    /// Tells until cancelled, each sink by itself, with growing pauses after a failure. Of several
    /// processes on one wallet one tells, and another takes over when it ends.
    Task<> run();
    /// Tells what is there: each sink until it fails. Ends after `limit` the latest; what is left
    /// then stays. Nothing is told while another process does. Errors: the ledger's.
    Task<Result<Told>> tell_now(std::chrono::milliseconds limit);
    [[nodiscard]] bool has_sinks() const { return !sinks_.empty(); }

  private:
    struct Sink;
    Alerter(Env env, Loop& loop, Parts parts);

    Task<> follow(Sink& sink);
    Task<bool> tell_all();
    Task<> tell_rest(Sink& sink);
    /// Whether there was one that was taken. Errors: what kept it from being told.
    Task<Result<bool>> tell_next(Sink& sink);
    Task<Result<std::optional<ledger::Entry>>> next_for(const Sink& sink);
    Task<Result<Message>> message_of(ledger::Entry entry);
    Task<Result<std::uint64_t>> count_left(const Sink& sink);
    Task<Result<>> move_cursor(std::string reader, ledger::Seq seq);

    Env env_;
    Loop& loop_;
    Parts parts_;
    store::FileLock lock_;
    bool locked_ = false;
    std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace farthing::wallet
