// SPDX-License-Identifier: Apache-2.0
// Row 3: paid requests from start to end: 402 known, payment signed beforehand, verify, handler, settle, receipt. Each
// contestant has a fresh chain; what moved on it is read afterwards and must agree with what the payers were told.

import { peakMemory, residentMemory, withBusy, withStack } from "../harness.mjs";
import { PATH, PRICE_ATOMIC } from "../peers/offer.mjs";
import { profiled } from "../profile.mjs";
import * as stacks from "../stacks.mjs";

const SECONDS = 10;
const OUR_POOL = 30_000;
const REFERENCE_POOL = 5_000;
const OTHER_CONNECTIONS = [16, 256];
/// Of `memory`, after a warm-up in which everything bounded fills.
const MEMORY_MINUTES = 10;
const MEMORY_POOL = 60_000;

async function pay({ chain, server, processes, pool, connections, seconds = SECONDS }) {
  const lines = await stacks.signedPayments({ offer: await stacks.offerOf(server), count: pool, form: "header" });
  const before = await chain.view.balanceOf(chain.payTo);
  const result = await withBusy(processes, () =>
    stacks.sendOnce({ url: server.url + PATH, lines, sendAs: "header", seconds, connections }),
  );
  if (result.sent >= pool) throw new Error(`the pool of ${pool} payments was used up: make it larger`);
  const moved = ((await chain.view.balanceOf(chain.payTo)) - before) / PRICE_ATOMIC;
  return { ...result, moved: Number(moved), perSecond: result.ok / result.seconds };
}

const onFreshChain = (run) =>
  withStack(async (stack) => run(stack, stack.add(await stacks.startChain())));

const ours = () =>
  onFreshChain(async (stack, chain) => {
    const origin = stack.add(await stacks.startOrigin());
    const gateway = stack.add(await stacks.startGateway({ chain, origin: origin.url }));
    const result = await pay({ chain, server: gateway, processes: [gateway], pool: OUR_POOL });
    const memory = peakMemory(gateway);
    const growth = [];
    for (const connections of OTHER_CONNECTIONS) {
      growth.push({ connections, ...(await pay({ chain, server: gateway, processes: [gateway], pool: OUR_POOL, connections })) });
    }
    if (result.moved !== result.ok) {
      throw new Error(`${result.ok} payers have a receipt, and ${result.moved} payments moved\n${gateway.log()}`);
    }
    const profile = await profiled(gateway, (seconds) =>
      pay({ chain, server: gateway, processes: [gateway], pool: OUR_POOL, seconds }),
    );
    return { ...result, memory, growth, profile };
  });

const theirs = () =>
  onFreshChain(async (stack, chain) => {
    const facilitator = stack.add(await stacks.startReferenceFacilitator({ chain }));
    const server = stack.add(await stacks.startReferenceServer("express", { chain, facilitator }));
    const processes = [server, facilitator];
    const result = await pay({ chain, server, processes, pool: REFERENCE_POOL });
    return { ...result, memory: peakMemory(server) + peakMemory(facilitator) };
  });

export const paid = async () => ({ ours: await ours(), reference: await theirs() });

/// What the gateway holds, minute by minute, while it is paid all the time.
export const memory = () =>
  onFreshChain(async (stack, chain) => {
    const origin = stack.add(await stacks.startOrigin());
    const gateway = stack.add(await stacks.startGateway({ chain, origin: origin.url }));
    const minutes = [];
    for (let minute = 1; minute <= MEMORY_MINUTES; minute++) {
      const part = await pay({ chain, server: gateway, processes: [gateway], pool: MEMORY_POOL, seconds: 60 });
      minutes.push({ minute, memory: residentMemory(gateway), ...part });
    }
    return minutes;
  });
