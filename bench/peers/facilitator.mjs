// SPDX-License-Identifier: Apache-2.0
// The reference facilitator over HTTP, the one the interop tests use: facilitator.mjs RPC ADDRESS, its key in
// FACILITATOR_KEY.

import "../../tests/interop/lib/node18.mjs";
import { startFacilitatorV2 } from "../../tests/interop/lib/reference_facilitator.mjs";

const [rpc, address] = process.argv.slice(2);
const facilitator = await startFacilitatorV2({ rpc, account: { address, key: process.env.FACILITATOR_KEY } });
process.once("SIGTERM", () => facilitator.stop().then(() => process.exit(0)));
console.log(JSON.stringify({ event: "listening", url: facilitator.url }));
