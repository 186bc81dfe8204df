// SPDX-License-Identifier: Apache-2.0
// A shop of a test's own: a chain, an origin that does what the test says, and a gateway in front of it.

import { startWorldWith } from "../../interop/lib/world.mjs";
import { route, startGateway } from "./gateway.mjs";
import { startScriptedOrigin } from "./origin.mjs";

/// It sells `GET /goods` and what is in `more(payTo)`; the other members are those of `startGateway`.
export async function startShop({ more = () => [], ...settings } = {}) {
  let shop;
  const { world } = await startWorldWith(async (w) => {
    const payTo = w.chain.freshAddress();
    const origin = await startScriptedOrigin({});
    w.defer(origin.close);
    const gateway = await startGateway({
      originUrl: origin.url,
      facilitator: { rpc: w.rpc, account: w.nextGasAccount() },
      routes: [route("GET /goods", payTo), ...more(payTo)],
      ...settings,
    });
    w.defer(gateway.stop);
    shop = { payTo, origin, gateway, goods: `${gateway.url}/goods` };
  });
  return { world, ...shop };
}
