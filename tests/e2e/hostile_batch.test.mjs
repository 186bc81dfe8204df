// SPDX-License-Identifier: Apache-2.0
// A payer in a batch whose code appears (EIP-7702) between the simulation and the block, and burns all gas it is given:
// through our contract the others settle in the same transaction and no more burns than the limit of one payment;
// through Multicall3 the whole transaction's gas burns, and still nobody loses a payment.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { BATCH, MULTICALL3, settleTogether } from "./lib/batch.mjs";
import { signPayment, startFacilitator } from "./lib/facilitator.mjs";
import { tellChain } from "./lib/till.mjs";

const AMOUNT = 1_000n;
const COUNT = 12;
// A payment to a new account is simulated at about 100,000 gas, and is given a quarter more.
const CAP = 105_000n;
const BURNER = "0xdead00000000000000000000000000000000fe00";
const DELEGATED = `0xef0100${BURNER.slice(2)}`;

let devnet;
let chain;

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
  // INVALID: takes all gas of its call.
  await tellChain(devnet.rpc, "anvil_setCode", [BURNER, "0xfe"]);
});
after(() => devnet?.stop());

async function newPayment() {
  const payer = await chain.freshPayer(10n * AMOUNT);
  const payTo = chain.freshAddress();
  const payment = await signPayment({ key: payer.key, payTo, amount: AMOUNT });
  return { payment, payer: payer.address, received: () => chain.balanceOf(payTo) };
}

/// One batch; the payers at `hostile` get their code while it flies. Returns the answers and the batch's receipt.
async function fly(facilitator, contract, hostile) {
  const all = [];
  for (let i = 0; i <= COUNT; i++) all.push(await newPayment());
  const block = await chain.reader.getBlockNumber({ cacheTime: 0 });
  const whileTheyFly = async () => {
    for (const i of hostile) await tellChain(devnet.rpc, "anvil_setCode", [all[i].payer, DELEGATED]);
  };
  const how = { rpc: devnet.rpc, facilitator, whileTheyFly };
  const answers = await settleTogether(how, all.map(({ payment }) => payment));
  const { transactions } = await chain.reader.getBlock({ blockNumber: block + 1n, includeTransactions: true });
  const batches = transactions.filter(({ to }) => to.toLowerCase() === contract);
  assert.equal(batches.length, 1, `one batch through ${contract}`);
  for (const [i, each] of all.entries()) {
    const bad = hostile.includes(i);
    assert.equal(answers[i].success, !bad, JSON.stringify(answers[i]));
    assert.equal(await each.received(), bad ? 0n : AMOUNT);
  }
  return { answers, batch: batches[0], receipt: await chain.receipt(batches[0].hash) };
}

const without = (list, places) => list.filter((_, i) => !places.includes(i));

test("our contract: the others settle in the same transaction, one limit burns for each", async () => {
  const facilitator = await startFacilitator(devnet);
  try {
    const good = await fly(facilitator, BATCH, []);
    for (const hostile of [[1], [3, 7], [COUNT]]) {
      const { answers, batch, receipt } = await fly(facilitator, BATCH, hostile);
      for (const answer of without(answers, [0, ...hostile])) assert.equal(answer.transaction, batch.hash);
      const burnt = receipt.gasUsed - good.receipt.gasUsed;
      assert.ok(burnt > 0n, "the code was asked");
      assert.ok(burnt <= CAP * BigInt(hostile.length), `${burnt} gas more than without`);
    }
  } finally {
    await facilitator.stop();
  }
});

test("Multicall3: the gas of the batch burns, the others settle alone", async () => {
  const facilitator = await startFacilitator(devnet, { network: `batch_contract = "multicall3"` });
  try {
    const good = await fly(facilitator, MULTICALL3, []);
    for (const answer of good.answers.slice(1)) assert.equal(answer.transaction, good.batch.hash);
    const { answers, batch, receipt } = await fly(facilitator, MULTICALL3, [1]);
    assert.ok(receipt.gasUsed > (batch.gas * 9n) / 10n, `${receipt.gasUsed} of ${batch.gas}`);
    for (const answer of without(answers, [0, 1])) assert.notEqual(answer.transaction, batch.hash);
  } finally {
    await facilitator.stop();
  }
});
