// SPDX-License-Identifier: Apache-2.0
// A request's body that did not come whole: the client's doing.
#pragma once

#include "farthing/base/error.hpp"

namespace farthing::net {

/// The status of the answer to an error of BodyReader.
[[nodiscard]] inline int status_of_body_fault(const Error& fault) {
    switch (fault.code) {
        case Errc::timed_out:
            return 408;
        case Errc::too_large:
            return 413;
        default:
            return 400;
    }
}

}  // namespace farthing::net
