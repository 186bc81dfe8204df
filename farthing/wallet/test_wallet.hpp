// SPDX-License-Identifier: Apache-2.0
// For tests: a wallet's folder with a pact that was signed, and an account on it that buys from
// test sellers.
#pragma once

#include <doctest/doctest.h>

#include <fstream>

#include "farthing/testing/temporary_folder.hpp"
#include "farthing/wallet/account.hpp"
#include "farthing/wallet/test_seller.hpp"

namespace farthing::wallet::test {

inline PrivateKey test_key(std::uint8_t last) {
    Bytes32 bytes;
    bytes.data[31] = last;
    return make_key(bytes).value();
}

/// Five cents a day to anybody; what is over three tenths of a cent is asked about.
inline constexpr std::string_view kPact = R"(version = 1
agent = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
expires = "2037-01-01"
networks = ["eip155:84532"]
per_request = "$0.01"
other_vendors = "allow"
[[limit]]
amount = "$0.05"
per = "day"
)";

/// One open wallet of the CountingSigner's account; key(9) is its operator.
struct OpenTestWallet {
    explicit OpenTestWallet(std::string_view pact = kPact) {
        sign_pact(pact);
        auto opened = ledger::Ledger::open(bench.env, bench.loop, folder.path);
        REQUIRE_MESSAGE(opened.has_value(), to_string(opened.error()));
        ledger = *std::move(opened);
        reopen();
    }
    /// As a program that is started again, on the same ledger.
    void reopen() {
        account.reset();
        mandate.emplace(*ledger, Folder{folder.path}, signer.address(), address_of(test_key(9)));
        account.emplace(bench.env, Account::Parts{*client, signer, *ledger, *mandate, assets, [] {
                                                      PayerConfig quick;
                                                      quick.backoff = std::chrono::milliseconds(1);
                                                      quick.resends_max = 0;
                                                      return quick;
                                                  }()});
    }

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(folder.path / name, std::ios::binary | std::ios::trunc) << text;
    }
    void write_pact(std::string_view text) const { write("pact.toml", text); }
    void sign_pact(std::string_view text, std::uint8_t by = 9) const {
        write_pact(text);
        const auto document = Folder{folder.path}.parse_pact({std::string(text), {}});
        REQUIRE_MESSAGE(document.has_value(), to_string(document.error()));
        write("pact.sig", json::encode_text(policy::sign(document->pact, test_key(by))));
    }
    std::vector<ledger::Entry> entries(ledger::Filter filter = {}) {
        return ledger
            ->transact_now([&](ledger::Transaction& t) { return t.newest(filter, 10'000); })
            .value();
    }
    /// Asks the seller, and stops it.
    Fetched fetch(Seller& seller, Errand errand = {}, Sink* sink = nullptr) {
        Order order{seller.url(), {}, std::move(errand), {}};
        return bench.run(Buyer::ended(account->fetch(std::move(order), sink), {&seller}));
    }

    testing::TemporaryFolder folder;
    net::test::Bench bench;
    CountingSigner signer;
    AssetTable assets = AssetTable::built_in();
    std::unique_ptr<net::Client> client = net::Client::make(bench.env, bench.loop, {});
    std::unique_ptr<ledger::Ledger> ledger;
    std::optional<Mandate> mandate;
    std::optional<Account> account;
};

}  // namespace farthing::wallet::test
