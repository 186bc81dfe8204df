// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/stdio.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace farthing::mcp {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
/// A host that sends and does not read waits until this much of the answers is gone.
constexpr std::size_t kQueueBytesMax = 8 << 20;

}  // namespace

Stdio::Stdio(Env env, Loop& loop, Server& server, int in, int out)
    : env_(env),
      server_(server),
      in_(loop.get_executor(), in),
      out_(loop.get_executor(), out),
      writer_(loop),
      loop_(loop),
      changed_(loop) {}

Task<> Stdio::run() {
    TaskGroup calls(loop_);
    writer_.spawn(write());
    co_await read(calls);
    Server::hurry(*session_);
    co_await calls.join();
    ending_ = true;
    changed_.cancel();
    co_await writer_.join();
}

void Stdio::stop() {
    boost::system::error_code ignored;
    in_.close(ignored);
}

Task<> Stdio::read(TaskGroup& calls) {
    std::string piece(kPieceBytes, '\0');
    while (!broken_) {
        if (queued_bytes_ > kQueueBytesMax) {
            changed_.expires_at(SteadyTime::max());
            co_await wait_on(changed_);
            continue;
        }
        boost::system::error_code code;
        const auto size =
            co_await in_.async_read_some(asio::buffer(piece), asio::redirect_error(use_task, code));
        if (code) break;
        take(std::string_view(piece).substr(0, size), calls);
    }
    // A last line without its end is a message all the same.
    if (!line_.empty()) take_line(std::move(line_), calls);
}

void Stdio::take(std::string_view piece, TaskGroup& calls) {
    while (!piece.empty()) {
        const auto end = piece.find('\n');
        if (!skipping_) line_ += piece.substr(0, end);
        if (line_.size() > kMessageLimits.bytes_max) {
            Fault fault;
            fault.message = "a message of more than 1048576 bytes";
            put(to_json(fault));
            line_.clear();
            skipping_ = true;
        }
        if (end == std::string_view::npos) return;
        piece.remove_prefix(end + 1);
        if (!std::exchange(skipping_, false)) take_line(std::exchange(line_, {}), calls);
    }
}

void Stdio::take_line(std::string line, TaskGroup& calls) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) return;
    auto message = parse_text(line);
    if (!message) return put(to_json(message.error()));
    calls.spawn(serve(std::move(*message)));
}

Task<> Stdio::serve(json::Value message) {
    const auto answer = co_await server_.handle(std::move(message), session_);
    if (answer) put(*answer);
}

void Stdio::put(const json::Value& message) {
    if (broken_) return;
    queue_.push_back(json::to_text(message) + '\n');
    queued_bytes_ += queue_.back().size();
    changed_.cancel();
}

Task<> Stdio::write() {
    while (!broken_) {
        if (queue_.empty()) {
            if (ending_) co_return;
            changed_.expires_at(SteadyTime::max());
            co_await wait_on(changed_);
            continue;
        }
        const auto line = std::move(queue_.front());
        queue_.pop_front();
        boost::system::error_code code;
        co_await asio::async_write(out_, asio::buffer(line), asio::redirect_error(use_task, code));
        queued_bytes_ -= line.size();
        changed_.cancel();
        if (code) {
            env_.log.warn("mcp_output_closed", {{"error", code.message()}});
            broken_ = true;
            stop();
        }
    }
}

}  // namespace farthing::mcp
