// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a seller on a real socket that follows a script, and a key that
// counts its signatures.
#pragma once

#include <atomic>
#include <deque>
#include <string>
#include <vector>

#include "farthing/base/base64.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/net/test_peer.hpp"
#include "farthing/wallet/payer.hpp"

namespace farthing::wallet::test {

constexpr auto kHash = "0x89c91c789e57059b17285e7ba1716a1f5ff4c5dace0ea5a5135f26158d0421b9";
constexpr auto kUsdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
constexpr auto kPayTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

/// A key everybody knows: the first account of development chains.
class CountingSigner final : public Signer {
  public:
    CountingSigner() : local_(key()) {}
    [[nodiscard]] Address address() const override { return local_.address(); }
    Task<Result<Bytes>> sign(eip712::Signable what) override {
        ++count;
        digests.push_back(what.digest);
        co_return co_await local_.sign(std::move(what));
    }
    [[nodiscard]] AtHand at_hand() const override {
        if (is_elsewhere) return {};
        return [this](const Bytes32& digest) {
            ++count;
            digests.push_back(digest);
            return local_.at_hand()(digest);
        };
    }
    bool is_elsewhere = false;
    mutable std::atomic<int> count = 0;  ///< at hand it signs on other threads
    mutable std::vector<Bytes32> digests;

  private:
    static PrivateKey key() {
        return make_key(bytes32_from_hex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7"
                                         "bf4f2ff80")
                            .value())
            .value();
    }
    LocalSigner local_;
};

/// A request as the seller got it.
struct Got {
    std::string head;  ///< request line and headers
    std::string body;
    [[nodiscard]] std::string header(std::string_view name) const {
        for (std::size_t at = head.find("\r\n"); at != std::string::npos;
             at = head.find("\r\n", at + 2)) {
            const auto line =
                std::string_view(head).substr(at + 2, head.find("\r\n", at + 2) - at - 2);
            const auto colon = line.find(':');
            if (colon == std::string_view::npos) continue;
            if (net::equal_no_case(line.substr(0, colon), name)) {
                return std::string(line.substr(colon + 2));
            }
        }
        return "";
    }
    [[nodiscard]] std::string payment() const {
        const auto v2 = header("PAYMENT-SIGNATURE");
        return v2.empty() ? header("X-PAYMENT") : v2;
    }
    [[nodiscard]] std::string line() const { return head.substr(0, head.find("\r\n")); }
};

/// What the seller does with a request.
struct Reply {
    std::string bytes;   ///< sent as they are; empty: the connection ends without an answer
    bool hangs = false;  ///< no answer, and the connection stays open
};

/// Answers the requests in the order they come, one connection each; a request beyond the script
/// gets a 599, which no test expects.
class Seller {
  public:
    Seller(Loop& loop, std::vector<Reply> replies)
        : replies_(replies.begin(), replies.end()),
          peer_(loop, [this](net::test::Wire& wire, int) { return serve(wire); }) {}

    [[nodiscard]] net::Url url(const std::string& target = "/paid") const {
        return peer_.url(target);
    }
    [[nodiscard]] std::string origin() const { return origin_; }
    void then(Reply reply) { replies_.push_back(std::move(reply)); }
    Task<> stop() { return peer_.stop(); }

    std::vector<Got> got;

  private:
    Task<> serve(net::test::Wire& wire) {
        Got request;
        request.head = co_await wire.read_to("\r\n\r\n");
        if (const auto length = request.header("Content-Length"); !length.empty()) {
            request.body = co_await wire.read_bytes(std::stoul(length));
        }
        got.push_back(request);
        Reply reply{"HTTP/1.1 599 Unscripted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"};
        if (!replies_.empty()) {
            reply = std::move(replies_.front());
            replies_.pop_front();
        }
        // Until the client gives up.
        if (reply.hangs) co_await wire.read_all();
        co_await wire.send(reply.bytes);
        wire.close();
    }

    std::deque<Reply> replies_;
    net::test::Peer peer_;
    std::string origin_ = peer_.origin();  ///< known after the seller has gone, too
};

/// A whole answer.
inline Reply answer(int status, const std::vector<std::string>& headers = {},
                    const std::string& body = "") {
    auto text = "HTTP/1.1 " + std::to_string(status) + " X\r\nConnection: close\r\n";
    for (const auto& each : headers) text += each + "\r\n";
    return {text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body};
}

/// The connection ends after the request has been read.
inline Reply lost() { return {}; }
inline Reply hang() { return {.bytes = {}, .hangs = true}; }

/// An offer of 0.001 USDC on Base Sepolia, with members that no specification knows.
inline json::Object entry(std::string_view amount = "1000") {
    return {{"scheme", "exact"},
            {"network", "eip155:84532"},
            {"amount", amount},
            {"asset", kUsdc},
            {"payTo", kPayTo},
            {"maxTimeoutSeconds", 60},
            {"extra", json::Object{{"name", "USDC"}, {"version", "2"}, {"note", 7}}},
            {"unheardOf", json::Array{1, nullptr}}};
}

inline json::Object required(json::Array accepts) {
    return {
        {"x402Version", 2},
        {"error", "Payment required"},
        {"resource", json::Object{{"url", "http://seller/paid"}, {"more", true}}},
        {"accepts", std::move(accepts)},
        {"extensions", json::Object{{"bazaar", json::Object{{"info", json::Object{{"a", 1}}}}}}}};
}

inline std::string encoded(const json::Object& object) {
    return to_base64(json::to_text(json::Value(object)));
}

inline Reply offer(json::Object one = entry()) {
    return answer(402, {"PAYMENT-REQUIRED: " + encoded(required({std::move(one)}))}, "{}");
}

inline Reply refusal(std::string_view reason) {
    auto again = required({entry()});
    again["error"] = reason;
    return answer(402, {"PAYMENT-REQUIRED: " + encoded(again)}, "{}");
}

inline json::Object settled() {
    return {{"success", true},
            {"transaction", kHash},
            {"network", "eip155:84532"},
            {"payer", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"}};
}

inline std::string receipt_header(const json::Object& receipt = settled()) {
    return "PAYMENT-RESPONSE: " + encoded(receipt);
}

inline Reply paid(const std::string& body = "goods") {
    return answer(200, {receipt_header()}, body);
}

inline json::Object pending() {
    return {{"success", false},
            {"errorReason", "settlement_pending"},
            {"transaction", kHash},
            {"network", "eip155:84532"}};
}

/// A payer with quick repetitions, and what it is tested with.
struct Buyer {
    net::test::Bench bench;
    CountingSigner signer;
    AssetTable assets = AssetTable::built_in();
    Treasury* treasury = nullptr;
    PayerConfig config = [] {
        PayerConfig quick;
        quick.backoff = std::chrono::milliseconds(1);
        quick.pending_wait = std::chrono::milliseconds(50);
        return quick;
    }();

    /// Asks the seller, and stops the sellers.
    Result<PaidResponse> pay(std::vector<Seller*> sellers, net::Request request = {},
                             Sink* sink = nullptr) {
        const auto client = net::Client::make(bench.env, bench.loop, {});
        Payer payer(bench.env, *client, signer, assets, config, nullptr, treasury);
        auto url = sellers.front()->url();
        auto task = sink == nullptr ? payer.request(std::move(url), std::move(request))
                                    : payer.download(std::move(url), std::move(request), *sink);
        return bench.run(ended(std::move(task), std::move(sellers)));
    }

    template <class T>
    static Task<T> ended(Task<T> task, std::vector<Seller*> sellers) {
        auto out = co_await std::move(task);
        for (auto* each : sellers) co_await each->stop();
        co_return out;
    }
};

}  // namespace farthing::wallet::test
