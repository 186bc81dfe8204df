// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/eip712.hpp"

namespace farthing::eip712 {
namespace {

Bytes32 hash_domain(const Domain& domain) {
    std::string type = "EIP712Domain(string name";
    Bytes encoded(32);
    append(encoded, keccak256(std::string_view(domain.name)));
    if (domain.version) {
        type += ",string version";
        append(encoded, keccak256(std::string_view(*domain.version)));
    }
    if (domain.chain_id) {
        type += ",uint256 chainId";
        append(encoded, domain.chain_id->to_bytes());
    }
    if (domain.verifying_contract) {
        type += ",address verifyingContract";
        append(encoded, detail::encode_member(*domain.verifying_contract));
    }
    type += ")";
    const auto hash = keccak256(std::string_view(type));
    std::memcpy(encoded.data(), hash.data.data(), 32);
    return keccak256(ByteView(encoded));
}

}  // namespace

Bytes32 domain_separator(const Domain& domain) {
    // Payment after payment names the same token: the last answer saves four hashes.
    static thread_local std::optional<std::pair<Domain, Bytes32>> last;
    if (!last || last->first != domain) last.emplace(domain, hash_domain(domain));
    return last->second;
}

Bytes32 digest(const Bytes32& domain_separator, const Bytes32& struct_hash) {
    static constexpr std::array<std::uint8_t, 2> kPrefix{0x19, 0x01};
    return keccak256({ByteView(kPrefix), ByteView(domain_separator), ByteView(struct_hash)});
}

}  // namespace farthing::eip712
