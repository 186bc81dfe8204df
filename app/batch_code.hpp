// SPDX-License-Identifier: Apache-2.0
// What puts our batch contract on a chain, 0x hex: its init code. Made by the build from
// contracts/artifacts.
#pragma once

namespace farthing::app {

extern const char* const kBatchInitCode;

}  // namespace farthing::app
