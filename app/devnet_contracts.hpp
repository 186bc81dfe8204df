// SPDX-License-Identifier: Apache-2.0
// Runtime bytecode of the development chain's contracts, 0x hex. Made by the build from
// contracts/artifacts.
#pragma once

namespace farthing::devnet {

extern const char* const kDevUsdcCode;
extern const char* const kDevUsdcProxyCode;
extern const char* const kDevPermit2Code;
extern const char* const kMulticall3Code;

}  // namespace farthing::devnet
