// SPDX-License-Identifier: Apache-2.0
// Row 2: POST /verify of valid payments. Warm: a pool that was verified before. Known payers: every payment is new, and
// signed to begin after its payer was first seen, so that the chain need not be asked. Cold: every payment is new, and
// signed as the reference clients do.

import { withBusy, withStack } from "../harness.mjs";
import { profiled } from "../profile.mjs";
import * as stacks from "../stacks.mjs";

const WARM_POOL = 1000;
const COLD_POOL = 40_000;
const FRESH_POOL = 40_000;
const REFERENCE_POOL = 4_000;
const WARM_UP_SECONDS = 1;
const SECONDS = 5;

function allGood({ name, log }, { sent, ok, failures }) {
  if (ok !== sent) throw new Error(`${name}: ${ok} of ${sent} verified: ${JSON.stringify(failures)}\n${log()}`);
}

async function sendAll(facilitator, lines) {
  const result = await stacks.sendOnce({ url: `${facilitator.url}/verify`, lines, sendAs: "body", seconds: SECONDS });
  allGood(facilitator, result);
  return result;
}

const roundAndRound = (facilitator, bodies, seconds) =>
  stacks.wrk({ url: `${facilitator.url}/verify`, seconds, script: "verify.lua", args: [bodies] });

async function warm(facilitator, bodies) {
  await roundAndRound(facilitator, bodies, WARM_UP_SECONDS);
  const result = await withBusy([facilitator], () => roundAndRound(facilitator, bodies, SECONDS));
  if (result.broken > 0 || result.refused > 0) {
    throw new Error(`${facilitator.name}: ${result.refused} of ${result.requests} not verified, ${result.broken} broken`);
  }
  return { ...result, perSecond: result.requests / result.seconds };
}

/// Every payer is seen, and once more after the chain went on: then the follower knows them all.
async function fresh({ chain, offer, pool }) {
  return withStack(async (stack) => {
    const facilitator = stack.add(await stacks.startFacilitator({ chain }));
    await sendAll(facilitator, pool);
    const validAfter = await stacks.chainSecond(chain);
    await sendAll(facilitator, pool);
    return eachOnce(facilitator, await stacks.signedPayments({ offer, count: FRESH_POOL, form: "verify", validAfter }));
  });
}

async function eachOnce(facilitator, lines) {
  const result = await withBusy([facilitator], () => sendAll(facilitator, lines));
  return { ...result, perSecond: result.ok / result.seconds };
}

export async function verify(chain) {
  const offer = stacks.offerTo(chain);
  const bodies = (count) => stacks.signedPayments({ offer, count, form: "verify" });
  const pool = await bodies(WARM_POOL);
  const ours = await withStack(async (stack) => {
    const facilitator = stack.add(await stacks.startFacilitator({ chain }));
    const coldResult = await eachOnce(facilitator, await bodies(COLD_POOL));
    await sendAll(facilitator, pool);
    const warmResult = await warm(facilitator, pool);
    const profile = await profiled(facilitator, (seconds) => roundAndRound(facilitator, pool, seconds));
    return { warm: warmResult, cold: coldResult, profile };
  });
  ours.fresh = await fresh({ chain, offer, pool });
  const reference = await withStack(async (stack) => {
    const facilitator = stack.add(await stacks.startReferenceFacilitator({ chain }));
    return { warm: await warm(facilitator, pool), cold: await eachOnce(facilitator, await bodies(REFERENCE_POOL)) };
  });
  return { ours, reference };
}
