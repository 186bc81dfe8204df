// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/typed_data.hpp"

namespace farthing::eip712 {
namespace {

/// Numbers that every JSON reader reads exactly.
constexpr std::uint64_t kSafeMax = (1ULL << 53U) - 1;

json::Object member(std::string_view name, std::string_view type) {
    return {{"name", name}, {"type", type}};
}

}  // namespace

json::Array domain_type(const Domain& domain) {
    json::Array out{member("name", "string")};
    if (domain.version) out.push_back(member("version", "string"));
    if (domain.chain_id) out.push_back(member("chainId", "uint256"));
    if (domain.verifying_contract) out.push_back(member("verifyingContract", "address"));
    return out;
}

json::Object domain_data(const Domain& domain) {
    json::Object out{{"name", domain.name}};
    if (domain.version) out.emplace("version", *domain.version);
    if (domain.chain_id) {
        const auto small = domain.chain_id->to_u64();
        if (small && *small <= kSafeMax) {
            out.emplace("chainId", *small);
        } else {
            out.emplace("chainId", domain.chain_id->to_decimal());
        }
    }
    if (domain.verifying_contract) {
        out.emplace("verifyingContract", domain.verifying_contract->to_checksum());
    }
    return out;
}

Bytes preimage(const Bytes32& domain_separator, const Bytes32& struct_hash) {
    Bytes out{0x19, 0x01};
    append(out, domain_separator);
    append(out, struct_hash);
    return out;
}

}  // namespace farthing::eip712
