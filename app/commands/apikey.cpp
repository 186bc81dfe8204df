// SPDX-License-Identifier: Apache-2.0
// `farthing apikey`: keys for who may use a facilitator.
#include <unistd.h>

#include <cstdio>

#include "app/commands/commands.hpp"
#include "app/key.hpp"
#include "app/world.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/facilitator/api_key.hpp"

namespace farthing::app {
namespace {

constexpr std::size_t kInputBytesMax = 256;

int run_new() {
    World world(Level::error);
    const auto key = facilitator::make_api_key(world.random);
    const auto hash = to_hex(*facilitator::hash_api_key(key.reveal()));
    if (isatty(STDOUT_FILENO) == 1) {
        std::printf(
            "%s\n\nThis is the key; it is shown once. The facilitator's file gets its hash:\n\n"
            "[[api_key]]\nname = \"…\"\nhash = \"%s\"\n",
            key.reveal().c_str(), hash.c_str());
    } else {
        std::printf("%s\n",
                    json::to_text(json::Object{{"key", key.reveal()}, {"hash", hash}}).c_str());
    }
    return 0;
}

int run_hash() {
    auto given = read_stdin(kInputBytesMax);
    if (!given) return report(given.error());
    const Secret<std::string> text(std::move(*given));
    const std::string_view line = text.reveal();
    const auto hash = facilitator::hash_api_key(line.substr(0, line.find_last_not_of("\r\n") + 1));
    if (!hash) {
        return report(
            {Errc::invalid_argument, "stdin: expected a key as `farthing apikey new` makes it"});
    }
    std::printf("%s\n", to_hex(*hash).c_str());
    return 0;
}

}  // namespace

void add_apikey(CLI::App& app, Run& run) {
    auto* apikey = app.add_subcommand("apikey", "keys for who may use a facilitator");
    apikey->require_subcommand(1);
    apikey->add_subcommand("new", "make a key, and its hash for the facilitator's file")
        ->callback([&run] { run = run_new; });
    apikey->add_subcommand("hash", "the hash of the key on stdin")->callback([&run] {
        run = run_hash;
    });
}

}  // namespace farthing::app
