// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/remote_signer.hpp"

#include <fmt/format.h>

#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"

namespace farthing::wallet {
namespace {

constexpr std::size_t kShownMax = 200;
constexpr std::size_t kAnswerMax = 4'096;

std::unexpected<Error> no_signature(std::string_view why) {
    return fail(Errc::rpc_failed, fmt::format("the signer gave no signature: {}", why));
}

}  // namespace

RemoteSigner::RemoteSigner(net::Client& client, const SignerConfig& config)
    : client_(client),
      url_(parse_private_url(config.url).value_or(net::Url{})),
      web3signer_(config.kind == "web3signer"),
      address_(config.address),
      timeout_(config.timeout) {}

Task<Result<Bytes>> RemoteSigner::sign(eip712::Signable what) {
    auto typed = what.typed();
    auto asking =
        web3signer_ ? ask_web3signer(std::move(typed.preimage)) : ask_rpc(std::move(typed.data));
    const auto text = co_await std::move(asking);
    if (!text) co_return fail(text.error());
    co_return check_signature(*text, what.digest, address_);
}

Task<Result<std::string>> RemoteSigner::ask_rpc(json::Object data) {
    net::JsonRpc rpc(client_, url_, timeout_);
    net::RpcCall call;
    call.method = "eth_signTypedData_v4";
    call.params.emplace_back(address_.to_checksum());
    call.params.emplace_back(std::move(data));
    const auto answer = co_await rpc.call(std::move(call));
    if (!answer) co_return fail(answer.error());
    if (!*answer) co_return no_signature(legible(answer->error().message, kShownMax));
    const auto* text = (*answer)->if_string();
    if (text == nullptr) co_return no_signature("its result is no text");
    co_return std::string(*text);
}

/// It hashes what it is given with Keccak-256 and signs that.
Task<Result<std::string>> RemoteSigner::ask_web3signer(Bytes preimage) {
    net::Request request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/json");
    request.body = json::to_text(json::Object{{"data", to_hex(preimage)}});
    auto answer = co_await client_.fetch(url_, std::move(request), timeout_);
    if (!answer) co_return fail(answer.error().error);
    if (answer->status != 200) co_return no_signature(fmt::format("status {}", answer->status));
    if (answer->body.size() > kAnswerMax) co_return no_signature("its answer is too long");
    co_return std::move(answer->body);
}

Result<Bytes> check_signature(std::string_view text, const Bytes32& digest,
                              const Address& address) {
    const auto wrong = [](std::string_view why) {
        return fail(Errc::invalid_signature, fmt::format("the signer's answer: {}", why));
    };
    const auto bytes = from_hex(text);
    if (!bytes) return wrong(bytes.error().detail);
    const auto signature = parse_signature(*bytes);
    if (!signature) return wrong(signature.error().detail);
    const auto key = recover(digest, *signature);
    if (!key) return wrong(key.error().detail);
    if (address_of(*key) != address) {
        return wrong(
            fmt::format("it is no signature of this payment by {}", address.to_checksum()));
    }
    return signature->to_bytes();
}

}  // namespace farthing::wallet
