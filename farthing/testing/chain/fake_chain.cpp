// SPDX-License-Identifier: Apache-2.0
#include "farthing/testing/chain/fake_chain.hpp"

#include <algorithm>

#include "farthing/crypto/keccak.hpp"

namespace farthing::testing {
namespace {

using chain::SendResult;
using chain::Taken;

constexpr std::string_view kLost = "the connection broke";
constexpr std::size_t kReorganisedMax = 64;

/// At least 10 % more, as nodes want it of each fee of a replacement.
bool is_bumped(const U256& from, const U256& to) {
    const auto wanted = from.checked_mul(U256(110));
    const auto offered = to.checked_mul(U256(100));
    return wanted && offered && to > from && *offered >= *wanted;
}

template <class T>
bool is_any_of(const std::vector<T>& wanted, const T& value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

}  // namespace

FakeChain::FakeChain(Clock& clock, Network network)
    : evm(network.chain_id().value_or(0)), clock_(clock), network_(std::move(network)) {
    begin_block();
    before_.clear();
}

std::uint64_t FakeChain::timestamp() const {
    return static_cast<std::uint64_t>(clock_.now().time_since_epoch().count());
}

std::uint64_t FakeChain::nonce_of(const Address& account) const {
    const auto found = nonces_.find(account);
    return found == nonces_.end() ? 0 : found->second;
}

std::size_t FakeChain::pooled() const {
    std::size_t count = 0;
    for (const auto& [sender, waiting] : pool_) count += waiting.size();
    return count;
}

std::uint64_t FakeChain::next_nonce_of(const Address& account) const {
    auto next = nonce_of(account);
    const auto waiting = pool_.find(account);
    while (waiting != pool_.end() && waiting->second.contains(next)) ++next;
    return next;
}

const chain::Receipt* FakeChain::receipt_of(const Bytes32& hash) const {
    for (const auto& each : mined_) {
        if (each.receipt.hash == hash) return &each.receipt;
    }
    return nullptr;
}

/// What geth says, in its words.
SendResult FakeChain::take(ByteView raw) {
    auto read = read_transaction(raw);
    if (!read) return {Taken::refused, "rlp: " + read.error().detail};
    const auto& fields = read->fields;
    if (fields.chain_id != network_.chain_id()) return {Taken::refused, "invalid sender"};
    auto& waiting = pool_[read->sender];
    const auto same = waiting.find(fields.nonce);
    if (same != waiting.end() && same->second.hash == read->hash) {
        return {Taken::accepted, "already known"};
    }
    if (fields.nonce < nonce_of(read->sender)) return {Taken::nonce_used, "nonce too low"};
    if (fields.max_fee_per_gas < base_fee) {
        return {Taken::underpriced, "max fee per gas less than block base fee"};
    }
    const auto cost = fields.max_fee_per_gas.checked_mul(U256(fields.gas_limit));
    const auto has = wei_.find(read->sender);
    if (!cost || has == wei_.end() || has->second < *cost) {
        return {Taken::no_funds, "insufficient funds for gas * price + value"};
    }
    if (same != waiting.end()) {
        const auto& old = same->second.fields;
        if (!is_bumped(old.max_fee_per_gas, fields.max_fee_per_gas) ||
            !is_bumped(old.max_priority_fee_per_gas, fields.max_priority_fee_per_gas)) {
            return {Taken::underpriced, "replacement transaction underpriced"};
        }
    }
    waiting.insert_or_assign(fields.nonce, *std::move(read));
    if (auto_mine) mine();
    return {};
}

void FakeChain::begin_block() {
    before_.push_back({evm, wei_, nonces_});
    if (before_.size() > kReorganisedMax) before_.pop_front();
    chain::Head block{.number = blocks_.empty() ? 1 : height() + 1,
                      .hash = {},
                      .parent_hash = blocks_.empty() ? Bytes32{} : blocks_.back().hash,
                      .timestamp = timestamp(),
                      .base_fee = base_fee};
    const auto number = U256(block.number).to_bytes();
    const auto fork = U256(forks_).to_bytes();
    block.hash = keccak256({ByteView(block.parent_hash), ByteView(number), ByteView(fork)});
    blocks_.push_back(block);
}

void FakeChain::reorganise(std::size_t depth, Fate fate) {
    invariant(depth <= before_.size(), "a reorganisation goes no deeper than what is kept");
    if (depth == 0) return;
    const auto first = before_.size() - depth;
    evm = std::move(before_[first].evm);
    wei_ = std::move(before_[first].wei);
    nonces_ = std::move(before_[first].nonces);
    before_.erase(before_.begin() + static_cast<std::ptrdiff_t>(first), before_.end());
    blocks_.resize(blocks_.size() - depth);
    ++forks_;
    while (!mined_.empty() && mined_.back().receipt.block_number > height()) {
        auto& again = mined_.back().transaction;
        const auto nonce = again.fields.nonce;
        if (fate == Fate::pooled) pool_[again.sender].try_emplace(nonce, std::move(again));
        mined_.pop_back();
    }
}

std::size_t FakeChain::mine() {
    std::size_t count = 0;
    begin_block();
    for (auto& [sender, waiting] : pool_) {
        for (auto next = waiting.find(nonce_of(sender)); next != waiting.end();
             next = waiting.find(nonce_of(sender))) {
            if (next->second.fields.max_fee_per_gas < base_fee) break;
            const auto transaction = std::move(next->second);
            waiting.erase(next);
            mine_one(transaction);
            ++count;
        }
        // What another transaction of the same nonce has overtaken can never be mined.
        std::erase_if(waiting, [&](const auto& each) { return each.first < nonce_of(sender); });
    }
    return count;
}

void FakeChain::mine_one(const PooledTransaction& transaction) {
    nonces_[transaction.sender] = transaction.fields.nonce + 1;
    chain::Receipt receipt;
    receipt.hash = transaction.hash;
    receipt.block_number = height();
    receipt.block_hash = blocks_.back().hash;
    receipt.gas_used = transfer_gas;
    const bool forced = reverts_at_mining > 0;
    if (forced) --reverts_at_mining;
    if (!forced && transaction.fields.gas_limit >= transfer_gas) {
        auto done = evm.execute({transaction.fields.to, transaction.fields.data}, timestamp());
        receipt.success = done.has_value();
        if (done) receipt.events = std::move(done->events);
    }
    const auto& fields = transaction.fields;
    const auto tipped = base_fee.checked_add(fields.max_priority_fee_per_gas);
    const auto price = std::min(tipped.value_or(U256::max()), fields.max_fee_per_gas);
    auto& wei = wei_[transaction.sender];
    wei = wei.saturating_sub(price.checked_mul(U256(transfer_gas)).value_or(U256::max()));
    mined_.push_back({transaction, std::move(receipt), clock_.steady_now()});
}

Task<Fault> FakeChain::arrive(Op op) {
    ++asked_[index(op)];
    Fault fault;
    auto& queued = queued_[index(op)];
    if (!queued.empty()) {
        fault = std::move(queued.front());
        queued.pop_front();
    } else if (faults) {
        fault = faults(op);
    }
    const auto delay = latency + fault.delay;
    if (delay.count() > 0) co_await clock_.sleep(delay);
    co_return fault;
}

namespace {

bool is_lost(const Fault& fault) {
    return fault.kind == Fault::Kind::no_answer || fault.kind == Fault::Kind::no_answer_after;
}

std::unexpected<Error> lost() { return fail(Errc::rpc_failed, std::string(kLost)); }

}  // namespace

Task<Result<std::uint64_t>> FakeChain::chain_id() {
    const auto fault = co_await arrive(Op::chain_id);
    if (is_lost(fault)) co_return lost();
    co_return network_.chain_id().value_or(0);
}

Task<Result<chain::Head>> FakeChain::head(chain::HeadAt at) {
    const auto fault = co_await arrive(Op::head);
    if (is_lost(fault)) co_return lost();
    if (at == chain::HeadAt::latest) {
        auto latest = blocks_.back();
        latest.timestamp = timestamp();
        latest.base_fee = base_fee;
        co_return latest;
    }
    const auto depth = at == chain::HeadAt::safe ? safe_depth : finalized_depth;
    if (!depth) co_return fail(Errc::rpc_error, "this node does not know the tag");
    co_return blocks_[blocks_.size() - 1 - std::min<std::size_t>(*depth, blocks_.size() - 1)];
}

Task<Result<std::vector<std::optional<chain::Head>>>> FakeChain::blocks(
    std::vector<std::uint64_t> numbers) {
    const auto fault = co_await arrive(Op::blocks);
    if (is_lost(fault)) co_return lost();
    // As on every chain that is older than EIP-1559.
    if (std::ranges::find(numbers, 0U) != numbers.end()) {
        co_return fail(Errc::rpc_failed, "the first block has no base fee");
    }
    std::vector<std::optional<chain::Head>> out(numbers.size());
    for (std::size_t i = 0; i < numbers.size() && fault.kind != Fault::Kind::hidden; ++i) {
        if (numbers[i] >= 1 && numbers[i] <= height()) out[i] = blocks_[numbers[i] - 1];
    }
    co_return out;
}

Task<Result<chain::Fees>> FakeChain::fees() {
    const auto fault = co_await arrive(Op::fees);
    if (is_lost(fault)) co_return lost();
    const U256 tip(1'000'000);
    const auto doubled = base_fee.checked_mul(U256(2)).value_or(U256::max());
    const chain::Fees now{.max_fee = doubled.checked_add(tip).value_or(U256::max()),
                          .priority_fee = tip,
                          .base_fee = base_fee};
    co_return now;
}

Task<Result<U256>> FakeChain::balance(Address account) {
    const auto fault = co_await arrive(Op::balance);
    if (is_lost(fault)) co_return lost();
    co_return wei_[account];
}

Task<Result<std::uint64_t>> FakeChain::pending_nonce(Address account) {
    const auto fault = co_await arrive(Op::pending_nonce);
    if (is_lost(fault)) co_return lost();
    co_return next_nonce_of(account);
}

Task<Result<std::uint64_t>> FakeChain::mined_nonce(Address account) {
    const auto fault = co_await arrive(Op::mined_nonce);
    if (is_lost(fault)) co_return lost();
    co_return nonce_of(account);
}

chain::CallResult FakeChain::answer(const chain::Read& read) {
    if (read.what == chain::Read::What::code) {
        return evm.has_code(read.call.to) ? Bytes{0xfe} : Bytes{};
    }
    auto scratch = evm;
    auto done = scratch.execute(read.call, timestamp());
    if (!done) return std::unexpected(std::move(done).error());
    return std::move(done->output);
}

Task<Result<std::vector<chain::CallResult>>> FakeChain::read(std::vector<chain::Read> reads) {
    const auto fault = co_await arrive(Op::read);
    if (is_lost(fault)) co_return lost();
    std::vector<chain::CallResult> results;
    for (const auto& each : reads) results.push_back(answer(each));
    co_return results;
}

Task<Result<std::expected<std::uint64_t, chain::Revert>>> FakeChain::estimate_gas(Call call,
                                                                                  Address) {
    using Estimate = std::expected<std::uint64_t, chain::Revert>;
    const auto fault = co_await arrive(Op::estimate_gas);
    if (is_lost(fault)) co_return lost();
    const auto done = answer(chain::Read::of(std::move(call)));
    if (!done) co_return Estimate(std::unexpected(done.error()));
    co_return Estimate(transfer_gas);
}

Task<Result<SendResult>> FakeChain::send(Bytes raw) {
    const auto fault = co_await arrive(Op::send);
    switch (fault.kind) {
        case Fault::Kind::no_answer:
            co_return lost();
        case Fault::Kind::no_answer_after:
            take(raw);
            co_return lost();
        case Fault::Kind::says:
            co_return fault.said;
        case Fault::Kind::says_after:
            take(raw);
            co_return fault.said;
        case Fault::Kind::none:
        case Fault::Kind::hidden:
            break;
    }
    co_return take(raw);
}

Task<Result<std::vector<std::optional<chain::Receipt>>>> FakeChain::receipts(
    std::vector<Bytes32> hashes) {
    const auto fault = co_await arrive(Op::receipts);
    if (is_lost(fault)) co_return lost();
    std::vector<std::optional<chain::Receipt>> out;
    for (const auto& hash : hashes) {
        out.emplace_back();
        if (fault.kind == Fault::Kind::hidden) continue;
        for (const auto& each : mined_) {
            const bool visible = clock_.steady_now() - each.at >= receipts_lag;
            if (each.receipt.hash != hash || !visible) continue;
            out.back() = each.receipt;
            if (falsify) falsify(*out.back());
        }
    }
    co_return out;
}

Task<Result<std::vector<chain::Log>>> FakeChain::logs(chain::LogFilter filter) {
    const auto fault = co_await arrive(Op::logs);
    if (is_lost(fault)) co_return lost();
    std::vector<chain::Log> out;
    if (filter.from_block > filter.to_block || fault.kind == Fault::Kind::hidden) co_return out;
    if (filter.to_block > height()) {
        co_return fail(Errc::rpc_failed, "block range extends beyond current head block");
    }
    std::map<std::uint64_t, std::uint64_t> next_index;
    for (const auto& [transaction, receipt, at] : mined_) {
        for (const auto& event : receipt.events) {
            const auto index = next_index[receipt.block_number]++;
            const bool in_range = receipt.block_number >= filter.from_block &&
                                  receipt.block_number <= filter.to_block;
            if (!in_range || !has_topics(filter, event) ||
                !is_any_of(filter.addresses, event.address))
                continue;
            out.push_back({receipt.block_number, receipt.block_hash, receipt.hash, index, event});
        }
    }
    co_return out;
}

}  // namespace farthing::testing
