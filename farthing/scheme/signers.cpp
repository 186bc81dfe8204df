// SPDX-License-Identifier: Apache-2.0
#include "farthing/scheme/signers.hpp"

#include <algorithm>

namespace farthing::scheme {

Result<Address> Signers::signer_of(const Bytes32& digest, const Signature& signature) {
    if (groups_.empty()) groups_.resize(groups_max_);
    // A digest is a hash already.
    auto& group = groups_[std::hash<Bytes32>{}(digest) % groups_.size()];
    for (const auto& place : group) {
        if (place.taken && place.digest == digest && place.signature == signature) {
            return place.signer;
        }
    }
    ++recoveries_;
    FARTHING_TRY(const auto key, recover(digest, signature));
    std::ranges::move_backward(group.begin(), group.end() - 1, group.end());
    group.front() = {digest, signature, address_of(key), true};
    return group.front().signer;
}

}  // namespace farthing::scheme
