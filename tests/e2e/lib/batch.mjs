// SPDX-License-Identifier: Apache-2.0
// Payments that go together in one transaction, and the contracts that carry them.

import { readFile } from "node:fs/promises";
import { settled } from "./facilitator.mjs";
import { tellChain } from "./till.mjs";
import { until } from "./wait.mjs";

export const MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11";
/// Where CREATE2 puts contracts/src/Batch.sol.
export const BATCH = "0x01da3874aec4fafffba21d4cc2e9dbc01e103b68";

export const batchArtifact = async () =>
  JSON.parse(await readFile(new URL("../../../contracts/artifacts/Batch.json", import.meta.url), "utf8"));

/// The chain as it is where nobody has deployed the batch contract.
export async function removeBatchContract(rpc) {
  await tellChain(rpc, "anvil_setCode", [BATCH, "0x"]);
  await tellChain(rpc, "anvil_setNonce", [BATCH, "0x0"]);
}

/// Asks for the first payment, which flies alone, and for the others while it waits for its block; `whileTheyFly` comes
/// between their transaction and its block. Returns the answers in the order of the payments.
export async function settleTogether({ rpc, facilitator, deadlineMs = 60_000, whileTheyFly = async () => {} }, payments) {
  const say = (method, params = []) => tellChain(rpc, method, params);
  const pooled = (count) =>
    until(`${count} transactions wait`, async () => Number((await say("txpool_status")).pending) === count, deadlineMs);
  await say("evm_setAutomine", [false]);
  try {
    const [first, ...others] = payments;
    const asking = [settled(facilitator, first, deadlineMs)];
    await pooled(1);
    for (const each of others) asking.push(settled(facilitator, each, deadlineMs));
    await pooled(2);
    await whileTheyFly();
    await say("evm_mine");
    await say("evm_setAutomine", [true]);
    return await Promise.all(asking);
  } finally {
    await say("evm_setAutomine", [true]);
  }
}
