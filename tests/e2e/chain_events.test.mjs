// SPDX-License-Identifier: Apache-2.0
// What a real chain does to a facilitator: blocks that stop, fees that rise above the transaction's and above the
// ceiling, a crowd on one key, and a batch in which one payment goes bad after it was sent.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { chainView, USDC } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { BATCH } from "./lib/batch.mjs";
import { metric, settle, settled, signPayment, startFacilitator, verify } from "./lib/facilitator.mjs";
import { tellChain } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

const AMOUNT = 1_000n;
const GWEI = 10n ** 9n;

let devnet;
let chain;
let facilitator;

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
});
after(() => devnet.stop());

beforeEach(() => rpc("evm_setAutomine", [true]));
afterEach(async () => {
  await rpc("evm_setAutomine", [true]);
  await mineAt(1n);
  await facilitator?.stop();
  facilitator = undefined;
});

const rpc = (method, params = []) => tellChain(devnet.rpc, method, params);
const mine = () => rpc("evm_mine");
/// One block with this base fee, in gwei. Without it a base fee falls by an eighth with each empty block.
async function mineAt(gwei) {
  await rpc("anvil_setNextBlockBaseFeePerGas", [hex(gwei * GWEI)]);
  await mine();
}
const stopMining = () => rpc("evm_setAutomine", [false]);
const pooled = async () => Number((await rpc("txpool_status")).pending);
const hex = (value) => `0x${value.toString(16)}`;
const said = (event) => facilitator.stderr().includes(`"event":"${event}"`);

async function start(network = "", timeout = "30s") {
  facilitator = await startFacilitator(devnet, { top: `settle_timeout = "${timeout}"`, network });
}

async function newPayment() {
  const payer = await chain.freshPayer(10n * AMOUNT);
  const payTo = chain.freshAddress();
  const payment = await signPayment({ key: payer.key, payTo, amount: AMOUNT });
  return { ...payment, payer: payer.address, received: () => chain.balanceOf(payTo) };
}

async function newPayments(count) {
  const payments = [];
  for (let i = 0; i < count; i++) payments.push(await newPayment());
  return payments;
}

/// The transactions of the facilitator's key since block `first`, in the order of the chain.
async function transactionsSince(first) {
  const from = devnet.accounts[0].address.toLowerCase();
  const last = await chain.reader.getBlockNumber({ cacheTime: 0 });
  const found = [];
  for (let blockNumber = first; blockNumber <= last; blockNumber++) {
    const { transactions } = await chain.reader.getBlock({ blockNumber, includeTransactions: true });
    found.push(...transactions.filter((each) => each.from.toLowerCase() === from));
  }
  return found;
}

const isBatch = ({ to }) => to.toLowerCase() === BATCH;

function assertContiguous(transactions) {
  const nonces = transactions.map(({ nonce }) => nonce);
  assert.deepEqual(nonces, nonces.map((_, i) => nonces[0] + i));
}

describe("a reorganisation", () => {
  test("takes a settled payment away: it is sent again, and used up as before", async () => {
    await start();
    const payment = await newPayment();
    const answer = await settle(facilitator, payment);
    assert.equal(answer.success, true);
    assert.equal(await payment.received(), AMOUNT);
    await stopMining();
    await rpc("anvil_reorg", [1, []]);
    assert.equal(await payment.received(), 0n, "the chain has taken it back");
    await rpc("evm_setAutomine", [true]);
    await until("it is there again", async () => (await mine(), (await payment.received()) > 0n), 60_000);
    assert.equal(await payment.received(), AMOUNT);
    const again = await settle(facilitator, payment);
    assert.equal(again.success, false);
    assert.equal(again.errorReason, "invalid_exact_evm_nonce_already_used");
  });
});

describe("blocks", () => {
  test("that stop: pending with its transaction, and settled by the same when they come again", async () => {
    await start("", "300ms");
    const payment = await newPayment();
    await stopMining();
    const pending = await settle(facilitator, payment);
    assert.equal(pending.success, false);
    assert.equal(pending.errorReason, "settlement_pending");
    assert.match(pending.transaction, /^0x[0-9a-f]{64}$/);
    assert.equal((await verify(facilitator, payment)).isValid, true, "what is on its way is good");
    assert.equal((await settle(facilitator, payment)).transaction, pending.transaction);
    assert.equal(await metric(facilitator, "farthing_settlement_payments_in_hand"), 1);
    await mine();
    const answer = await settled(facilitator, payment);
    assert.equal(answer.success, true);
    assert.equal(answer.transaction, pending.transaction);
    assert.equal(await payment.received(), AMOUNT);
    assert.equal(await metric(facilitator, "farthing_settlement_payments_in_hand"), 0);
  });
});

describe("fees", () => {
  test("that rise above the transaction's: a version that offers more replaces it, and it is paid once", async () => {
    await start(`replace_after = "300ms"`);
    const payment = await newPayment();
    await stopMining();
    const asking = settled(facilitator, payment);
    await until("it is in the pool", async () => (await pooled()) === 1);
    await until("a version with higher fees was taken", async () => {
      await mineAt(100n);
      return (await metric(facilitator, "farthing_settlement_transactions_replaced_total")) > 0;
    });
    await until("it is mined", async () => {
      await mineAt(50n);
      return (await payment.received()) > 0n;
    });
    const answer = await asking;
    assert.equal(answer.success, true, JSON.stringify(answer));
    assert.equal(await payment.received(), AMOUNT);
    const { maxFeePerGas } = await chain.reader.getTransaction({ hash: answer.transaction });
    assert.ok(maxFeePerGas > 50n * GWEI, `${maxFeePerGas}`);
  });

  test("above the ceiling: nothing more is offered, and it settles when they fall", async () => {
    await start(`replace_after = "200ms"\nmax_fee_gwei = 20`);
    const payment = await newPayment();
    await stopMining();
    const asking = settled(facilitator, payment);
    await until("it is in the pool", async () => (await pooled()) === 1);
    await until(
      "it is said",
      async () => {
        await mineAt(300n);
        return said("fee_ceiling_reached");
      },
      30_000,
    );
    assert.equal(await payment.received(), 0n);
    await until(
      "it is mined",
      async () => {
        await mineAt(1n);
        return (await payment.received()) > 0n;
      },
      30_000,
    );
    const answer = await asking;
    assert.equal(answer.success, true, JSON.stringify(answer));
    const { maxFeePerGas } = await chain.reader.getTransaction({ hash: answer.transaction });
    assert.ok(maxFeePerGas <= 20n * GWEI, `${maxFeePerGas}`);
  });
});

describe("a crowd on one key", () => {
  const CROWD = 200;

  for (const [name, network] of [
    ["each alone", "batch_max = 1"],
    ["in batches", ""],
  ]) {
    test(`${name}: 200 at once, contiguous nonces, none lost, none paid twice`, async () => {
      await start(network, "60s");
      const payments = await newPayments(CROWD);
      const first = (await chain.reader.getBlockNumber({ cacheTime: 0 })) + 1n;
      await rpc("evm_setAutomine", [false]);
      await rpc("evm_setIntervalMining", [1]);
      try {
        const answers = await Promise.all(payments.map((each) => settled(facilitator, each, 90_000)));
        for (const answer of answers) assert.equal(answer.success, true, JSON.stringify(answer));
        for (const each of payments) assert.equal(await each.received(), AMOUNT);
        const transactions = await transactionsSince(first);
        assertContiguous(transactions);
        const hashes = new Set(transactions.map(({ hash }) => hash));
        for (const { transaction } of answers) assert.ok(hashes.has(transaction), transaction);
        if (network) {
          assert.equal(transactions.length, CROWD);
          assert.equal(new Set(answers.map(({ transaction }) => transaction)).size, CROWD);
        } else {
          assert.ok(transactions.filter(isBatch).length > 0, "the batch contract was called");
          assert.ok(transactions.length <= CROWD / 10, `${transactions.length} transactions`);
        }
        assert.equal(await metric(facilitator, "farthing_settlement_nonce_conflicts_total"), 0);
      } finally {
        await rpc("evm_setIntervalMining", [0]);
      }
    });
  }
});

describe("a batch", () => {
  test("with one payment that goes bad after it was sent: that one fails, the others settle in it", async () => {
    await start();
    const [first, bad, ...good] = await newPayments(12);
    const from = (await chain.reader.getBlockNumber({ cacheTime: 0 })) + 1n;
    await stopMining();
    const asking = [settled(facilitator, first)];
    await until("one flies alone", async () => (await pooled()) === 1);
    for (const each of [bad, ...good]) asking.push(settled(facilitator, each));
    await until("the others fly together", async () => (await pooled()) === 2);
    const owner = await ownerOfUsdc();
    const fee = hex(100n * GWEI);
    const data = `0xf9f92be4${bad.payer.slice(2).toLowerCase().padStart(64, "0")}`; // blacklist(address)
    await rpc("eth_sendTransaction", [
      { from: owner, to: USDC, data, maxFeePerGas: fee, maxPriorityFeePerGas: fee, gas: "0x30d40" },
    ]);
    await rpc("evm_mine");
    await rpc("evm_setAutomine", [true]);
    const [firstAnswer, badAnswer, ...answers] = await Promise.all(asking);
    assert.equal(firstAnswer.success, true);
    assert.equal(badAnswer.success, false, JSON.stringify(badAnswer));
    const batches = (await transactionsSince(from)).filter(isBatch);
    assert.equal(batches.length, 1);
    for (const answer of answers) {
      assert.equal(answer.success, true, JSON.stringify(answer));
      assert.equal(answer.transaction, batches[0].hash);
    }
    assert.equal(await bad.received(), 0n);
    for (const each of [first, ...good]) assert.equal(await each.received(), AMOUNT);
  });

  async function ownerOfUsdc() {
    const result = await rpc("eth_call", [{ to: USDC, data: "0x8da5cb5b" }, "latest"]); // owner()
    return `0x${result.slice(-40)}`;
  }
});
