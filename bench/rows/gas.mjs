// SPDX-License-Identifier: Apache-2.0
// Row 6: gas that one payment costs the facilitator, alone and in batches, through the real program on a chain of its
// own, through our batch contract and beside it through Multicall3. All pay one payee who has some money already, as in
// a shop: each payer once, or one payer again and again.

import { chainView } from "../../tests/interop/lib/chain.mjs";
import { startDevnet } from "../../tests/interop/lib/devnet.mjs";
import { BATCH, MULTICALL3, settleTogether } from "../../tests/e2e/lib/batch.mjs";
import { signPayment, startFacilitator } from "../../tests/e2e/lib/facilitator.mjs";
import { withStack } from "../harness.mjs";

const BATCHES = [10, 50, 100];
const AMOUNT = 1_000n;
const DEADLINE_MS = 60_000;
const CONTRACTS = { auto: BATCH, multicall3: MULTICALL3 };

/// One that goes alone, and while it waits for its block `size` that go together. Returns the gas of both.
async function measure(chain, size, onePayer, contract) {
  return withStack(async (stack) => {
    const network = `batch_max = ${size}\nbatch_wait = "2s"\nbatch_gas_max = 25000000\nbatch_contract = "${contract}"`;
    const facilitator = stack.add(await startFacilitator(chain, { top: `store = "memory"`, network }));
    const payments = [];
    const funds = AMOUNT * BigInt(2 * size + 2);
    let payer;
    for (let i = 0; i <= size; i++) {
      if (!onePayer || !payer) payer = await chain.view.freshPayer(funds);
      const { key } = payer;
      payments.push(await signPayment({ key, payTo: chain.payTo, amount: AMOUNT }));
    }
    const answers = await settleTogether({ rpc: chain.rpc, facilitator, deadlineMs: DEADLINE_MS }, payments);
    const bad = answers.find(({ success }) => !success);
    if (bad) throw new Error(`gas: a payment was not settled: ${JSON.stringify(bad)}`);
    const hashes = new Set(answers.map(({ transaction }) => transaction));
    if (hashes.size !== 2) throw new Error(`gas: ${size} payments went in ${hashes.size - 1} transactions`);
    const [alone, batch] = await Promise.all([...hashes].map((hash) => chain.view.receipt(hash)));
    if (batch.to.toLowerCase() !== CONTRACTS[contract]) throw new Error(`gas: a batch went through ${batch.to}`);
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
      for (const size of BATCHES) {
        const ours = await measure(chain, size, onePayer, "auto");
        const multicall3 = await measure(chain, size, onePayer, "multicall3");
        rows.push({ size, onePayer, ...ours, multicall3: multicall3.each });
      }
    }
    return rows;
  });
