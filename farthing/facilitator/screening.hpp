// SPDX-License-Identifier: Apache-2.0
// Screening: whose money is not moved. A list of addresses, an HTTP service, or both.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>

#include "farthing/evm/u256.hpp"
#include "farthing/facilitator/access_config.hpp"
#include "farthing/facilitator/address_list.hpp"
#include "farthing/io/env.hpp"
#include "farthing/net/client.hpp"

namespace farthing::facilitator {

/// What is screened.
struct Transfer {
    Network network;
    Address payer;
    Address pay_to;
    Address asset;
    U256 amount;

    friend auto operator<=>(const Transfer&, const Transfer&) = default;
    friend bool operator==(const Transfer&, const Transfer&) = default;

    static constexpr auto fields() {
        using T = Transfer;
        return std::tuple{field("network", &T::network), field("payer", &T::payer),
                          field("payTo", &T::pay_to), field("asset", &T::asset),
                          field("amount", &T::amount)};
    }
};

/// One executor.
class Screening {
  public:
    /// Reads the list and the token. Errors: invalid_config.
    static Result<std::unique_ptr<Screening>> make(Env env, net::Client& client,
                                                   ScreeningConfig config);

    /// The list first: who is on it is told to nobody else. Errors: screening_refused;
    /// screening_failed when the service gives no answer and that does not allow.
    Task<Result<>> screen(Transfer transfer);
    /// Takes the file over if it has changed. One with a fault is not: what was refused stays so.
    void reload();
    /// Looks at the file until cancelled.
    Task<> run();

  private:
    Screening(Env env, net::Client& client, ScreeningConfig config);
    Result<> read();
    [[nodiscard]] Result<> listed(const Transfer& transfer) const;
    Task<Result<>> ask(Transfer transfer);
    Task<Result<>> exchange(Transfer transfer);

    /// Answers of the service, the oldest first.
    struct Answer {
        Result<> verdict;
        SteadyTime until;
        std::list<Transfer>::iterator place;
    };
    [[nodiscard]] std::optional<Result<>> cached(const Transfer& transfer);
    void keep(const Transfer& transfer, const Result<>& verdict);

    Env env_;
    net::Client& client_;
    ScreeningConfig config_;
    std::optional<net::Url> url_;
    std::optional<Secret<std::string>> authorization_;
    AddressSet refused_;
    Bytes32 file_hash_;
    std::string last_fault_;
    std::map<Transfer, Answer> answers_;
    std::list<Transfer> order_;
    Counter& allowed_total_;
    Counter& refused_total_;
    Counter& failed_total_;
    Counter& bad_file_total_;
    Gauge& addresses_;
};

/// What the service's answer means: the pure part. Errors: screening_refused with its reason,
/// screening_failed for what is no answer.
[[nodiscard]] Result<> read_screener_answer(const net::Response& response);

}  // namespace farthing::facilitator
