// SPDX-License-Identifier: Apache-2.0
// EndpointsChain: one chain over several nodes, of which any may be slow, behind, lying about what
// it does not have yet, or gone.
#pragma once

#include "farthing/chain/endpoint.hpp"

namespace farthing::chain {

/// One loop. Nodes are asked in the order given, the next one when one fails or takes longer than
/// it usually does; the first good answer counts. A revert is an answer. With one endpoint nothing
/// is asked twice but what failed at once.
class EndpointsChain final : public Chain {
  public:
    EndpointsChain(Env env, Loop& loop, Network network, std::vector<EndpointConfig> endpoints,
                   EndpointsConfig config = {});
    ~EndpointsChain() override;

    /// Looks at everybody's head until cancelled: who is behind, who is back.
    Task<> run();

    [[nodiscard]] const Network& network() const override { return network_; }
    /// Of all: another one than the network's when any endpoint says so.
    Task<Result<std::uint64_t>> chain_id() override;
    using Chain::head;
    Task<Result<Head>> head(HeadAt at) override;
    Task<Result<std::vector<std::optional<Head>>>> blocks(
        std::vector<std::uint64_t> numbers) override;
    Task<Result<Fees>> fees() override;
    Task<Result<U256>> balance(Address account) override;
    /// The highest that anybody says who is not behind.
    Task<Result<std::uint64_t>> pending_nonce(Address account) override;
    Task<Result<std::uint64_t>> mined_nonce(Address account) override;
    Task<Result<std::vector<CallResult>>> read(std::vector<Read> reads) override;
    Task<Result<std::expected<std::uint64_t, Revert>>> estimate_gas(Call call,
                                                                    Address from) override;
    /// To the next one when nothing certain is said. A refusal is told only when no endpoint may
    /// have the transaction.
    Task<Result<SendResult>> send(Bytes raw) override;
    /// One that anybody has is there; that there is none is believed of who has the newest block.
    Task<Result<std::vector<std::optional<Receipt>>>> receipts(
        std::vector<Bytes32> hashes) override;
    Task<Result<std::vector<Log>>> logs(LogFilter filter) override;

  private:
    using EndpointPtr = std::shared_ptr<Endpoint>;
    using Order = std::vector<EndpointPtr>;
    template <class T>
    using Ask = std::function<Task<Result<T>>(Chain&)>;
    template <class T>
    struct Race;
    template <class T>
    struct Answered;
    enum class Whoever : std::uint8_t {
        has_newest,   ///< not behind, and those with the newest block first
        not_behind,   ///< in the order given
        is_reachable  ///< those that are behind as well, last
    };

    [[nodiscard]] bool several() const { return endpoints_.size() > 1; }
    [[nodiscard]] std::uint64_t best_head() const;
    [[nodiscard]] bool is_behind(const Endpoint& at) const;
    [[nodiscard]] bool has_newest(const Endpoint& at) const;
    [[nodiscard]] Order order(Whoever who) const;

    Task<Result<>> identify(EndpointPtr at);
    template <class T>
    Task<Result<T>> attempt(EndpointPtr at, Ask<T> ask);
    template <class T>
    Task<> enter(std::shared_ptr<Race<T>> race, std::size_t place);
    template <class T>
    Task<> race_on(std::shared_ptr<Race<T>> race);
    template <class T>
    Task<> gather_on(std::shared_ptr<Race<T>> race, std::chrono::milliseconds patience);
    template <class T>
    Task<Answered<T>> first_good(Whoever who, Ask<T> ask);
    template <class T>
    Task<Result<T>> ask_one(Whoever who, Ask<T> ask);
    template <class T>
    Task<std::vector<std::optional<Result<T>>>> ask_all(Order order, Ask<T> ask,
                                                        std::chrono::milliseconds patience);
    Task<Result<std::uint64_t>> highest(Ask<std::uint64_t> ask);
    Task<> look_around();

    Env env_;
    Loop& loop_;
    Network network_;
    EndpointsConfig config_;
    Order endpoints_;
};

}  // namespace farthing::chain
