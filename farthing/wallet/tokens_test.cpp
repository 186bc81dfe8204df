// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/tokens.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "farthing/io/config.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/testing/temporary_folder.hpp"

using namespace farthing;
using namespace farthing::wallet;

namespace {

struct Wallet {
    testing::TemporaryFolder folder;
    testing::SeededRandom random{1};
    Tokens tokens{folder.path};
    std::string add(std::string_view name) {
        auto token = tokens.add(name, UnixTime{std::chrono::seconds(1'800'000'000)}, random);
        REQUIRE_MESSAGE(token.has_value(), to_string(token.error()));
        return token->reveal();
    }
    [[nodiscard]] std::filesystem::path file(const std::string& name) const {
        return folder.path / "tokens" / (name + ".json");
    }
};

}  // namespace

TEST_CASE("tokens: one that was made is known, until it is revoked") {
    Wallet wallet;
    const auto token = wallet.add("writer");
    const auto other = wallet.add("reader-2");
    CHECK(token.starts_with("farthing-agent-writer-"));
    CHECK(token.size() == std::string("farthing-agent-writer-").size() + 64);
    CHECK(wallet.tokens.agent_of(token) == "writer");
    CHECK(wallet.tokens.agent_of(other) == "reader-2");
    CHECK(wallet.tokens.list()->size() == 2);
    REQUIRE(wallet.tokens.revoke("writer"));
    CHECK(!wallet.tokens.agent_of(token));
    CHECK(wallet.tokens.agent_of(other) == "reader-2");
    CHECK(!wallet.tokens.revoke("writer"));
    CHECK(wallet.add("writer") != token);
    CHECK(!wallet.tokens.agent_of(token));
}

TEST_CASE("tokens: the file has the hash, for its owner only, and never the token") {
    Wallet wallet;
    const auto token = wallet.add("writer");
    const auto text = read_file(wallet.file("writer"), 1 << 12).value();
    CHECK(!text.contains(token.substr(token.size() - 64)));
    const auto mode = std::filesystem::status(wallet.file("writer")).permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    CHECK(std::filesystem::status(wallet.folder.path / "tokens").permissions() ==
          std::filesystem::perms::owner_all);
    CHECK(!wallet.tokens.add("writer", {}, wallet.random));
    CHECK(wallet.tokens.agent_of(token) == "writer");
}

TEST_CASE("tokens: what is none") {
    Wallet wallet;
    const auto token = wallet.add("writer");
    auto last = token;
    last.back() = last.back() == '0' ? '1' : '0';
    auto first = token;
    first[std::string("farthing-agent-writer-").size()] ^= 1;
    const std::string digits = token.substr(token.size() - 64);
    for (const auto& each : std::vector<std::string>{
             last, first, "", "farthing-agent-", token + "0", token.substr(1), digits,
             "farthing-agent-" + digits, "farthing-agent--" + digits,
             "farthing-agent-../tokens/writer-" + digits, "farthing-agent-other-" + digits,
             "farthing-card-writer-" + digits, "farthing-agent-WRITER-" + digits}) {
        CAPTURE(each);
        CHECK(!wallet.tokens.agent_of(each));
    }
    for (const auto* each : {"", "-a", "a-", "A", "a/b", "..", "a.b", "a b"}) {
        CAPTURE(each);
        CHECK(!is_token_name(each));
        CHECK(!wallet.tokens.add(each, {}, wallet.random));
        CHECK(!wallet.tokens.revoke(each));
    }
    CHECK(!is_token_name(std::string(33, 'a')));
    CHECK(is_token_name(std::string(32, 'a')));
}

TEST_CASE("tokens: a file that was spoiled opens nothing") {
    Wallet wallet;
    const auto token = wallet.add("writer");
    const auto good = read_file(wallet.file("writer"), 1 << 12).value();
    for (const auto& text :
         {std::string(), std::string("{}"), good + good, std::string(5000, ' ') + good,
          R"({"version":2,)" + good.substr(good.find("\"hash\""))}) {
        CAPTURE(text);
        std::ofstream(wallet.file("writer"), std::ios::trunc) << text;
        CHECK(!wallet.tokens.agent_of(token));
        CHECK(!wallet.tokens.list());
    }
    std::ofstream(wallet.file("writer"), std::ios::trunc) << good;
    CHECK(wallet.tokens.agent_of(token) == "writer");
}
