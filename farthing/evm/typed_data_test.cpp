// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/typed_data.hpp"

#include <doctest/doctest.h>

#include "farthing/evm/eip3009.hpp"

using namespace farthing;

TEST_CASE("typed data: what is shown is what is signed") {
    const eip712::Domain domain{"USDC", "2", U256(84532), Address{}};
    TransferWithAuthorization message;
    message.value = U256(1000);
    message.valid_before = U256(1'800'000'060);
    const auto signable = eip712::signable(domain, message);
    CHECK(signable.digest == eip712::digest(domain, message));
    const auto typed = signable.typed();
    CHECK(keccak256(ByteView(typed.preimage)) == signable.digest);
    CHECK(typed.preimage.size() == 66);
    constexpr auto kZero = "0x0000000000000000000000000000000000000000";
    constexpr auto kZero32 = "0x0000000000000000000000000000000000000000000000000000000000000000";
    const auto wanted = fmt::format(
        R"({{"types":{{"EIP712Domain":[{{"name":"name","type":"string"}},{{"name":"version","type":"string"}},)"
        R"({{"name":"chainId","type":"uint256"}},{{"name":"verifyingContract","type":"address"}}],)"
        R"("TransferWithAuthorization":[{{"name":"from","type":"address"}},{{"name":"to","type":"address"}},)"
        R"({{"name":"value","type":"uint256"}},{{"name":"validAfter","type":"uint256"}},)"
        R"({{"name":"validBefore","type":"uint256"}},{{"name":"nonce","type":"bytes32"}}]}},)"
        R"("primaryType":"TransferWithAuthorization","domain":{{"name":"USDC","version":"2","chainId":84532,)"
        R"("verifyingContract":"{0}"}},"message":{{"from":"{0}","to":"{0}","value":"1000","validAfter":"0",)"
        R"("validBefore":"1800000060","nonce":"{1}"}}}})",
        kZero, kZero32);
    CHECK(json::to_text(typed.data) == wanted);
}

TEST_CASE("typed data: a domain shows the members that it has") {
    CHECK(json::to_text(eip712::domain_type({"A", {}, {}, {}})) ==
          R"([{"name":"name","type":"string"}])");
    const eip712::Domain large{"A", {}, U256::max(), {}};
    CHECK(eip712::domain_data(large).at("chainId").is_string());
}
