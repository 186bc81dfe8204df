// SPDX-License-Identifier: Apache-2.0
#include "app/world.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "farthing/base/printable.hpp"
#include "farthing/json/value.hpp"
#include "farthing/wallet/advice.hpp"

namespace farthing::app {
namespace {

/// For the process itself and the admin server.
constexpr std::size_t kOwnDescriptors = 64;
constexpr std::size_t kDescriptorsPerConnection = 3;

}  // namespace

std::string default_store(const std::string& config_file) {
    return std::filesystem::path(config_file).replace_extension(".db").string();
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    // Where it is refused, fewer connections fit.
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

std::size_t connections_that_fit(Log& log, std::size_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    const std::size_t descriptors = limit.rlim_cur;
    const auto left = descriptors - std::min(descriptors, kOwnDescriptors);
    const auto fitting = std::max<std::size_t>(left / kDescriptorsPerConnection, 1);
    if (wanted <= fitting) return wanted;
    log.warn("connections_max_lowered", {{"wanted", wanted},
                                         {"now", fitting},
                                         {"file_descriptors", descriptors},
                                         {"raise", "the hard limit of open files (ulimit -Hn)"}});
    return fitting;
}

int report(const Error& error) {
    if (isatty(STDERR_FILENO) == 1) {
        std::fprintf(stderr, "farthing: %s\n", legible(to_string(error)).c_str());
    } else {
        const json::Object body{{"code", wire_code(error.code)},
                                {"detail", error.detail},
                                {"kind", wallet::kind_name(kind_of(error.code))}};
        std::fprintf(stderr, "%s\n", json::to_text(json::Object{{"error", body}}).c_str());
    }
    return exit_code(error);
}

void announce(std::string_view role, const std::string& url) {
    const json::Object line{{"event", "listening"}, {"role", role}, {"url", url}};
    std::printf("%s\n", json::to_text(line).c_str());
    std::fflush(stdout);
}

Signals::Signals(Loop& loop, Hangup hangup) : signals_(loop.get_executor(), SIGINT, SIGTERM) {
    if (hangup == Hangup::reloads) signals_.add(SIGHUP);
}

Task<> Signals::until_told_to_stop(Log& log, std::function<void()> on_hangup) {
    for (;;) {
        const int number = co_await signals_.async_wait(use_task);
        if (number != SIGHUP) {
            log.info("stopping", {{"signal", number}});
            co_return;
        }
        if (on_hangup) on_hangup();
    }
}

}  // namespace farthing::app
