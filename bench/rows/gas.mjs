// SPDX-License-Identifier: Apache-2.0
// Row 6: gas that one payment costs the facilitator, alone and in batches, through the real program on a chain of its
// own. All pay one payee who has some money already, as in a shop: each payer once, or one payer again and again.

import { chainView } from "../../tests/interop/lib/chain.mjs";
import { startDevnet } from "../../tests/interop/lib/devnet.mjs";
import { settled, signPayment, startFacilitator } from "../../tests/e2e/lib/facilitator.mjs";
import { tellChain } from "../../tests/e2e/lib/till.mjs";
import { until } from "../../tests/e2e/lib/wait.mjs";
import { withStack } from "../harness.mjs";

const BATCHES = [10, 50, 100];
const AMOUNT = 1_000n;
const DEADLINE_MS = 60_000;

/// One that goes alone, and while it waits for its block `size` that go together. Returns the gas of both.
async function measure(chain, size, onePayer) {
  const rpc = (method, params = []) => tellChain(chain.rpc, method, params);
  const pooled = (count) =>
    until(`${count} transactions wait`, async () => Number((await rpc("txpool_status")).pending) === count, DEADLINE_MS);
  return withStack(async (stack) => {
    const network = `batch_max = ${size}\nbatch_wait = "2s"\nbatch_gas_max = 25000000`;
    const facilitator = stack.add(await startFacilitator(chain, { top: `store = "memory"`, network }));
    const payments = [];
    const funds = AMOUNT * BigInt(2 * size + 2);
    let payer;
    for (let i = 0; i <= size; i++) {
      if (!onePayer || !payer) payer = await chain.view.freshPayer(funds);
      const { key } = payer;
      payments.push(await signPayment({ key, payTo: chain.payTo, amount: AMOUNT }));
    }
    await rpc("evm_setAutomine", [false]);
    const [first, ...others] = payments;
    const asking = [settled(facilitator, first, DEADLINE_MS)];
    await pooled(1);
    for (const each of others) asking.push(settled(facilitator, each, DEADLINE_MS));
    await pooled(2);
    await rpc("evm_mine");
    await rpc("evm_setAutomine", [true]);
    const answers = await Promise.all(asking);
    const bad = answers.find(({ success }) => !success);
    if (bad) throw new Error(`gas: a payment was not settled: ${JSON.stringify(bad)}`);
    const hashes = new Set(answers.map(({ transaction }) => transaction));
    if (hashes.size !== 2) throw new Error(`gas: ${size} payments went in ${hashes.size - 1} transactions`);
    const [alone, batch] = await Promise.all([...hashes].map((hash) => chain.view.receipt(hash)));
    return { alone: Number(alone.gasUsed), each: Number(batch.gasUsed) / size };
  });
}

export const gas = () =>
  withStack(async (stack) => {
    const devnet = stack.add(await startDevnet());
    const view = chainView(devnet.rpc, devnet.accounts[1].key);
    const chain = { ...devnet, view, payTo: view.freshAddress() };
    await view.write("transfer", [chain.payTo, AMOUNT]);
    const rows = [];
    for (const onePayer of [false, true]) {
      for (const size of BATCHES) rows.push({ size, onePayer, ...(await measure(chain, size, onePayer)) });
    }
    return rows;
  });
