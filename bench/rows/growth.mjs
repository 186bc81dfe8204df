// SPDX-License-Identifier: Apache-2.0
// How POST /verify grows with connections and with payers: the same payments again, and new ones of payers whose chain
// state is known. A table of its own.

import { withBusy, withStack } from "../harness.mjs";
import * as stacks from "../stacks.mjs";

const CONNECTIONS = [1, 16, 64, 256];
const PAYERS = [10, 1_000, 10_000];
const PAYERS_OF_CONNECTIONS = 1_000;
const SECONDS = 2;
const FRESH = 15_000;
const QUESTIONS_MAX = 60;
const FIRST_SIGHT_SECONDS = 60;

/// Requests to the node until now.
async function asked(facilitator) {
  const text = await (await fetch(`${facilitator.url}/metrics`)).text();
  const counts = [...text.matchAll(/^farthing_rpc_requests_total(?:\{.*\})? (\S+)$/gm)];
  return counts.reduce((sum, [, value]) => sum + Number(value), 0);
}

async function sendAll(facilitator, lines, connections, seconds, all) {
  const url = `${facilitator.url}/verify`;
  const result = await stacks.sendOnce({ url, lines, sendAs: "body", seconds, connections });
  const { sent, ok, failures } = result;
  if (all && sent < all) throw new Error(`growth: ${sent} of ${all} sent in ${seconds} s`);
  if (ok !== sent) throw new Error(`growth: ${ok} of ${sent} verified: ${JSON.stringify(failures)}\n${facilitator.log()}`);
  return { ...result, perSecond: ok / result.seconds };
}

async function again(facilitator, lines, connections) {
  const url = `${facilitator.url}/verify`;
  const result = await stacks.wrk({ url, seconds: SECONDS, script: "verify.lua", args: [lines], connections });
  if (result.refused > 0 || result.broken > 0) throw new Error(`growth: ${JSON.stringify(result)}\n${facilitator.log()}`);
  return { ...result, perSecond: result.requests / result.seconds };
}

/// A facilitator that has seen every payer once, and what to ask it.
async function withKnown({ chain, payers }, measure) {
  return withStack(async (stack) => {
    const facilitator = stack.add(await stacks.startFacilitator({ chain }));
    const offer = stacks.offerTo(chain);
    const count = Math.max(payers, 1_000);
    const known = await stacks.signedPayments({ offer, count, form: "verify", payers });
    await sendAll(facilitator, known, stacks.PAYERS, FIRST_SIGHT_SECONDS, count);
    const validAfter = await stacks.chainSecond(chain);
    // Who was first seen while the follower was asking is asked about once more.
    await sendAll(facilitator, known, stacks.PAYERS, FIRST_SIGHT_SECONDS, count);
    return measure(async (connections) => {
      const warm = await withBusy([facilitator], () => again(facilitator, known, connections));
      const fresh = await stacks.signedPayments({ offer, count: FRESH, form: "verify", payers, validAfter });
      const before = await asked(facilitator);
      const result = await withBusy([facilitator], () => sendAll(facilitator, fresh, connections, SECONDS));
      const questions = (await asked(facilitator)) - before;
      // What is left is the look at the head and the events, a few times a second.
      if (questions > QUESTIONS_MAX) throw new Error(`growth: the node was asked ${questions} times`);
      return { warm, fresh: result };
    });
  });
}

export async function growth() {
  return withStack(async (stack) => {
    const chain = stack.add(await stacks.startChain({ payers: Math.max(...PAYERS) }));
    const connections = await withKnown({ chain, payers: PAYERS_OF_CONNECTIONS }, async (measured) => {
      const rows = [];
      for (const each of CONNECTIONS) rows.push({ connections: each, ...(await measured(each)) });
      return rows;
    });
    const payers = [];
    for (const each of PAYERS) {
      const row = await withKnown({ chain, payers: each }, (measured) => measured(stacks.PAYERS));
      payers.push({ payers: each, ...row });
    }
    return { connections, payers };
  });
}
