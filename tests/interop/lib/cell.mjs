// SPDX-License-Identifier: Apache-2.0
// The cells of one stack: each client pays it once, and everything a paid cell must show is checked.

import { after, before, describe, test } from "node:test";
import {
  assertPaidOnce,
  assertReceipt,
  assertSaidByOurClient,
  assertServed,
  difference,
  snapshot,
} from "./checks.mjs";
import { CLIENTS } from "./clients.mjs";
import { PRICE_ATOMIC } from "./origin.mjs";
import { FACILITATORS, SERVERS, startWorldWith } from "./world.mjs";

const PATH = "/weather";
const PAYER_FUNDS = 10n * PRICE_ATOMIC;

/// Declares the cells `clients` x `server` x `facilitator`.
export function cells({ clients, server, facilitator }) {
  describe(`${SERVERS[server].title} with ${FACILITATORS[facilitator].title}`, () => {
    let world;
    let stack;
    before(async () => {
      const started = await startWorldWith((w) => w.addStack({ server, facilitator }));
      world = started.world;
      stack = started.built;
    });
    after(() => world?.stop());

    for (const name of clients) {
      const sentence = `${CLIENTS[name].title} pays ${SERVERS[server].title} once and is served once`;
      test(sentence, async (t) => {
        t.after(() => t.passed || t.diagnostic(world.output()));
        await payOnce({ client: CLIENTS[name], world, stack });
      });
    }
  });
}

async function payOnce({ client, world, stack }) {
  const { chain, rpc } = world;
  const { payTo, handlers, settler, url, facilitator } = stack;
  const { key, address: payer } = await chain.freshPayer(PAYER_FUNDS);
  const watched = { chain, payer, payTo, handlers, path: PATH };
  const callsBefore = { ...facilitator.calls };

  const earlier = await snapshot(watched);
  const result = await client.pay({ url: url + PATH, key, rpc });
  const later = await snapshot(watched);

  assertServed(result);
  assertPaidOnce(difference(earlier, later));
  const { receipt } = result;
  await assertReceipt({ chain, receipt, receiptNetwork: client.receiptNetwork, payer, payTo, settler });
  if (result.said) assertSaidByOurClient(result.said, { payTo });
  if (facilitator.calls) assertAskedOnce(callsBefore, facilitator.calls);
}

/// A reference facilitator counts its calls: one payment is one /verify and one /settle.
function assertAskedOnce(earlier, later) {
  for (const call of ["verify", "settle"]) {
    const asked = later[call] - earlier[call];
    if (asked !== 1) throw new Error(`/${call} was called ${asked} times for one payment`);
  }
}
