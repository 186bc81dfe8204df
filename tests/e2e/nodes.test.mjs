// SPDX-License-Identifier: Apache-2.0
// Two facilitators on one PostgreSQL, with one key between them: they settle as one, and each payment once, while
// nodes and the database come and go.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { toml } from "../interop/lib/farthing.mjs";
import { settle, settled, signPayment, startFacilitator, verify } from "./lib/facilitator.mjs";
import { startPostgres } from "./lib/postgres.mjs";
import { tellChain } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

const AMOUNT = 1_000n;
const LOAD = 40;
const DEADLINE = 60_000;

let devnet;
let chain;
let postgres;
let nodes = [];

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
  postgres = await startPostgres();
});
after(async () => {
  await postgres?.close();
  await devnet?.stop();
});
afterEach(async () => {
  for (const node of nodes) await node.stop();
  nodes = [];
});

const rpc = (method, params = []) => tellChain(devnet.rpc, method, params);

async function start() {
  const top = `store = ${toml(postgres.address)}\nsettle_timeout = "20s"`;
  const node = await startFacilitator(devnet, { top });
  nodes.push(node);
  return node;
}

async function kill(node) {
  nodes = nodes.filter((each) => each !== node);
  node.signal("SIGKILL");
  await node.gone();
}

async function newPayments(count) {
  const payments = [];
  for (let i = 0; i < count; i++) {
    const payer = await chain.freshPayer(10n * AMOUNT);
    const payTo = chain.freshAddress();
    const payment = await signPayment({ key: payer.key, payTo, amount: AMOUNT });
    payments.push({ ...payment, received: () => chain.balanceOf(payTo) });
  }
  return payments;
}

/// What came of each, an answer that did not come included.
const askAll = (payments, nodeOf) =>
  Promise.all(payments.map((each, i) => settle(nodeOf(i), each).catch((error) => ({ success: false, lost: String(error) }))));

/// Until the chain has all of them, asking this node for what is open.
async function assertAllSettleOnce(node, payments) {
  for (const each of payments) {
    const paid = async () => (await each.received()) > 0n;
    let last;
    const ask = async () => (last = await settle(node, each).catch(String));
    const moved = until("the money has moved", async () => (await paid()) || (await ask(), paid()), DEADLINE);
    await moved.catch((error) => assert.fail([error, JSON.stringify(last), ...nodes.map((one) => one.output())].join("\n")));
    assert.equal(await each.received(), AMOUNT, "once");
  }
}

describe("two facilitators on one store", () => {
  test("the node without the key settles through the other, and a replay there is the same payment", async () => {
    const [first, second] = [await start(), await start()];
    for (const [node, other] of [[first, second], [second, first]]) {
      const [payment] = await newPayments(1);
      const answer = await settle(node, payment);
      assert.equal(answer.success, true, JSON.stringify(answer));
      assert.equal(await payment.received(), AMOUNT);
      const replay = await settle(other, payment);
      assert.equal(replay.success, false);
      assert.equal(replay.errorReason, "invalid_exact_evm_nonce_already_used");
      assert.equal((await verify(other, payment)).isValid, false);
    }
  });

  test("payments over one balance, verified on both at once: as many are good as the balance pays for", async () => {
    const [first, second] = [await start(), await start()];
    const payer = await chain.freshPayer(3n * AMOUNT);
    const payTo = chain.freshAddress();
    const payments = [];
    for (let i = 0; i < 10; i++) payments.push(await signPayment({ key: payer.key, payTo, amount: AMOUNT }));
    const verdicts = await Promise.all(payments.map((each, i) => verify(i % 2 ? first : second, each)));
    const good = payments.filter((_, i) => verdicts[i].isValid);
    assert.equal(good.length, 3, JSON.stringify(verdicts));
    for (const { isValid, invalidReason } of verdicts) assert.ok(isValid || invalidReason.endsWith("insufficient_balance"), invalidReason);
    // Whichever node is asked, they settle, and nothing stays held.
    for (const [i, each] of good.entries()) assert.equal((await settled(i % 2 ? second : first, each, DEADLINE)).success, true);
    assert.equal(await chain.balanceOf(payTo), 3n * AMOUNT);
  });

  test("one payment at both at once is one transaction", async () => {
    const [first, second] = [await start(), await start()];
    const payments = await newPayments(10);
    await Promise.all([askAll(payments, () => first), askAll(payments, () => second)]);
    for (const each of payments) assert.equal(await each.received(), AMOUNT);
    const open = postgres.sql("SELECT COUNT(*) FROM intents WHERE state = 'open'");
    assert.equal(open, "0");
  });

  test("the node that has the key is killed under load: the other takes over within seconds, and nothing is lost", async () => {
    const [first, second] = [await start(), await start()];
    const payments = await newPayments(LOAD);
    await rpc("evm_setAutomine", [false]);
    const asked = askAll(payments, (i) => (i % 2 ? first : second));
    await until("some are in the pool", async () => Number((await rpc("txpool_status")).pending) > 0);
    await kill(first);
    await rpc("evm_setAutomine", [true]);
    await rpc("evm_mine");
    await asked;
    await assertAllSettleOnce(second, payments);
    const [fresh] = await newPayments(1);
    assert.equal((await settled(second, fresh, DEADLINE)).success, true);
  });

  test("the database is stopped and started again under load: nothing is lost and nothing is paid twice", async () => {
    const [first, second] = [await start(), await start()];
    const payments = await newPayments(LOAD);
    const asked = askAll(payments, (i) => (i % 2 ? first : second));
    await postgres.stop("SIGQUIT");
    const during = await settle(first, (await newPayments(1))[0]);
    assert.equal(during.success, false, "nothing is promised without the store");
    await postgres.start();
    await asked;
    await assertAllSettleOnce(second, payments);
  });
});
