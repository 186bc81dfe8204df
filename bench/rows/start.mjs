// SPDX-License-Identifier: Apache-2.0
// Row 5: from the start of the process to its first answer, a 402; and what it takes on disk.

import { stat } from "node:fs/promises";
import { FARTHING, withStack } from "../harness.mjs";
import * as stacks from "../stacks.mjs";

const OUR_STARTS = 9;
const REFERENCE_STARTS = 3;

async function medianStart(times, start) {
  const took = [];
  for (let i = 0; i < times; ++i) {
    await withStack(async (stack) => {
      const began = performance.now();
      const server = stack.add(await start());
      await stacks.offerOf(server);
      took.push(performance.now() - began);
    });
  }
  return took.sort((a, b) => a - b)[Math.floor(times / 2)];
}

export const start = (chain) =>
  withStack(async (outer) => {
    const origin = outer.add(await stacks.startOrigin());
    const facilitator = outer.add(await stacks.startReferenceFacilitator({ chain }));
    const ours = await medianStart(OUR_STARTS, () => stacks.startGateway({ chain, origin: origin.url }));
    const reference = await medianStart(REFERENCE_STARTS, () =>
      stacks.startReferenceServer("express", { chain, facilitator }),
    );
    const bytes = { ours: (await stat(FARTHING)).size, node: (await stat(process.execPath)).size };
    return { ours, reference, bytes };
  });
