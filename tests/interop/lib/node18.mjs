// SPDX-License-Identifier: Apache-2.0
// Node 18, which Debian 12 has, keeps Web Crypto out of the globals; the reference packages look for it there.
// Import this before them.

import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
