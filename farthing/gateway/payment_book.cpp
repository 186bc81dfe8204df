// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/payment_book.hpp"

#include "farthing/crypto/keccak.hpp"

namespace farthing::gateway {

std::size_t bytes_of(const Waiting& waiting) {
    if (!waiting.answer) return 0;
    const auto& [headers, body] =
        std::tie(waiting.answer->response.headers, waiting.answer->response.body);
    auto bytes = sizeof(OriginAnswer) + body.size();
    for (const auto& [name, value] : headers) bytes += name.size() + value.size();
    return bytes;
}

Bytes32 print_of(std::string_view method, std::string_view target, std::string_view body) {
    // Neither a method nor a target has a line break, so no two requests run into each other.
    std::string text;
    text.reserve(method.size() + target.size() + body.size() + 2);
    text.append(method).append("\n").append(target).append("\n").append(body);
    return keccak256(text);
}

PaymentBook::Ticket PaymentBook::enter(const scheme::PaymentKey& key, Time now) {
    expire(now);
    const auto [slot, is_new] = slots_.try_emplace(key);
    if (is_new) return {this, slot, Standing::fresh};
    if (slot->second.state == State::in_hand) return {nullptr, slot, Standing::in_hand};
    if (slot->second.state == State::used) return {nullptr, slot, Standing::used};
    Ticket ticket(this, slot, Standing::waiting);
    ticket.end_ = Ticket::End::wait;
    ticket.end_waiting_ = std::move(*slot->second.waiting);
    ticket.end_time_ = slot->second.until - limits_.kept_for;
    kept_bytes_ -= bytes_of(*ticket.end_waiting_);
    waiting_order_.erase(slot->second.place);
    slot->second = Slot{};
    return ticket;
}

void PaymentBook::expire(Time now) {
    for (auto* order : {&waiting_order_, &used_order_}) {
        while (!order->empty() && slots_.at(order->front()).until <= now) drop_oldest(*order);
    }
}

void PaymentBook::drop_oldest(Order& order) {
    const auto slot = slots_.find(order.front());
    if (slot->second.waiting) kept_bytes_ -= bytes_of(*slot->second.waiting);
    order.pop_front();
    slots_.erase(slot);
}

void PaymentBook::put_waiting(Slots::iterator slot, Waiting waiting, Time now) {
    while (waiting_order_.size() >= limits_.entries_max) drop_oldest(waiting_order_);
    auto& to = slot->second;
    to.state = State::waiting;
    to.until = now + limits_.kept_for;
    to.waiting = std::make_unique<Waiting>(std::move(waiting));
    // One that will not fit must not push out the others.
    if (bytes_of(*to.waiting) > limits_.kept_bytes_max) to.waiting->answer.reset();
    to.place = waiting_order_.insert(waiting_order_.end(), slot->first);
    kept_bytes_ += bytes_of(*to.waiting);
    shrink();
}

/// Answers go before the records of their payments: without the answer the origin is asked again,
/// without the record the payer would be told to pay again.
void PaymentBook::shrink() {
    for (auto each = waiting_order_.begin();
         kept_bytes_ > limits_.kept_bytes_max && each != waiting_order_.end(); ++each) {
        auto& waiting = *slots_.at(*each).waiting;
        kept_bytes_ -= bytes_of(waiting);
        waiting.answer.reset();
    }
}

void PaymentBook::put_used(Slots::iterator slot, Time now) {
    while (used_order_.size() >= limits_.entries_max) drop_oldest(used_order_);
    slot->second.state = State::used;
    slot->second.until = now + limits_.used_for;
    slot->second.place = used_order_.insert(used_order_.end(), slot->first);
}

PaymentBook::Ticket::Ticket(Ticket&& other) noexcept
    : book_(std::exchange(other.book_, nullptr)),
      slot_(other.slot_),
      standing_(other.standing_),
      end_(other.end_),
      end_waiting_(std::move(other.end_waiting_)),
      end_time_(other.end_time_) {}

PaymentBook::Ticket::~Ticket() {
    if (book_ == nullptr) return;
    switch (end_) {
        case End::forget:
            book_->slots_.erase(slot_);
            break;
        case End::wait:
            book_->put_waiting(slot_, std::move(*end_waiting_), end_time_);
            break;
        case End::use:
            book_->put_used(slot_, end_time_);
            break;
    }
}

void PaymentBook::Ticket::keep(Waiting waiting, Time now) {
    end_ = End::wait;
    end_waiting_ = std::move(waiting);
    end_time_ = now;
}

void PaymentBook::Ticket::use(Time now) {
    end_ = End::use;
    end_waiting_.reset();
    end_time_ = now;
}

void PaymentBook::Ticket::forget() {
    end_ = End::forget;
    end_waiting_.reset();
}

}  // namespace farthing::gateway
