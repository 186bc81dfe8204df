// SPDX-License-Identifier: Apache-2.0
// A chain that stops answering while a payment is in hand. The payer is never told "pay again": the same payment gets the
// goods once the chain is back, the money moves once and the handler runs once.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { answer } from "./lib/origin.mjs";
import { assertExit, pay } from "./lib/pay.mjs";
import { childrenOf, freeze, thaw } from "./lib/proc.mjs";
import { collect } from "./lib/raw.mjs";
import { startShop } from "./lib/shop.mjs";
import { buy, buyUntilServed, receiptOf, requiredOf, signedPayment, startBuying, tellChain } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

const FUNDS = 10_000n;

let world;
let origin;
let gateway;
let payTo;
let goods;
let chainPid;
before(async () => {
  ({ world, payTo, origin, gateway, goods } = await startShop({
    settle: 'settle_patience = "400ms"',
    rpcTimeout: "1s",
  }));
  [chainPid] = childrenOf(world.devnet.pid);
});
after(() => world?.stop());
beforeEach(() => {
  origin.seen().splice(0);
  origin.handlers["/goods"] = answer(PAID_MARKER);
});

/// Whatever a test did to the chain is undone after it.
function mendAfter(t) {
  t.after(async () => {
    thaw(chainPid);
    await tellChain(world.rpc, "evm_setAutomine", [true]);
    await tellChain(world.rpc, "evm_mine");
  });
}

/// The origin stops the chain before it answers: the payment is verified and nothing is sent yet.
function freezeBeforeSettlement() {
  origin.handlers["/goods"] = async (request, response) => {
    await freeze(chainPid);
    answer(PAID_MARKER)(request, response);
  };
}

/// The chain takes the transaction of the next payment, and stops before it is mined.
async function freezeAfterBroadcast() {
  await until("the transaction is in the pool", async () => {
    const { pending } = await tellChain(world.rpc, "txpool_status");
    return Number(pending) === 1;
  });
  await freeze(chainPid);
}

async function wake() {
  thaw(chainPid);
  await tellChain(world.rpc, "evm_setAutomine", [true]);
  await tellChain(world.rpc, "evm_mine");
}

async function assertSoldOnce(payment, served) {
  assert.equal(served.status, 200, served.text);
  assert.equal(served.text, PAID_MARKER);
  assert.equal(receiptOf(served).success, true);
  assert.equal(await payment.spent(), PRICE_ATOMIC);
  assert.equal(origin.runs("/goods"), 1, "the handler ran once");
}

/// Nothing is released, and nobody is told to pay again.
function assertComeAgain(answered) {
  assert.ok([502, 503].includes(answered.status), `${answered.status} ${answered.text}`);
  assert.match(answered.headers["retry-after"], /^\d+$/);
  assert.equal(answered.headers["cache-control"], "no-store");
  assert.equal(requiredOf(answered), undefined, "never told to pay again");
  assert.ok(!answered.text.includes(PAID_MARKER), "the goods are held back");
}

/// The 503 of a payment whose fate is open. Returns its transaction.
function assertPending(answered) {
  assertComeAgain(answered);
  assert.equal(answered.status, 503, answered.text);
  const { success, errorReason, transaction } = receiptOf(answered);
  assert.deepEqual({ success, errorReason }, { success: false, errorReason: "settlement_pending" });
  assert.match(JSON.parse(answered.text).message, /same payment again/);
  return transaction;
}

describe("after the transaction was sent", () => {
  test("a chain that does not mine: the 503 names the transaction, and the goods come with it", async (t) => {
    mendAfter(t);
    const payment = await signedPayment(world.chain, payTo);
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    const transaction = assertPending(await buy(goods, payment));
    assert.match(transaction, /^0x[0-9a-f]{64}$/);
    assert.equal(assertPending(await buy(goods, payment)), transaction, "asking again sends nothing new");
    await tellChain(world.rpc, "evm_mine");
    const served = await buyUntilServed(goods, payment);
    await assertSoldOnce(payment, served);
    assert.equal(receiptOf(served).transaction, transaction);
  });

  test("a chain that hangs: 503 settlement_pending, and after it woke the same payment gets the goods", async (t) => {
    mendAfter(t);
    const payment = await signedPayment(world.chain, payTo);
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    const { answer: arriving } = startBuying(goods, payment);
    await freezeAfterBroadcast();
    assertPending(await collect(await arriving));
    assertPending(await buy(goods, payment));
    await wake();
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });

  test("the payment that waits buys nothing but the request it was made for", async (t) => {
    mendAfter(t);
    const payment = await signedPayment(world.chain, payTo);
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    assertPending(await buy(goods, payment));
    const other = await buy(`${goods}?other=1`, payment);
    assert.equal(other.status, 409);
    assert.ok(!other.text.includes(PAID_MARKER));
    await wake();
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });

  test("a payer who never comes back has paid once all the same", async (t) => {
    mendAfter(t);
    const payment = await signedPayment(world.chain, payTo);
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    assertPending(await buy(goods, payment));
    await wake();
    await until("the payment settles", () => payment.used());
    assert.equal(await payment.spent(), PRICE_ATOMIC);
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });
});

describe("between verification and settlement", () => {
  test("a chain that hangs: come again, nothing was sent, and the same payment gets the goods", async (t) => {
    mendAfter(t);
    freezeBeforeSettlement();
    const payment = await signedPayment(world.chain, payTo);
    assertComeAgain(await buy(goods, payment));
    assertComeAgain(await buy(goods, payment));
    thaw(chainPid);
    assert.equal(await payment.spent(), 0n, "nothing was sent");
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });
});

describe("before verification", () => {
  test("a chain that hangs: the origin is not asked, and the payment is still good", async (t) => {
    mendAfter(t);
    const payment = await signedPayment(world.chain, payTo);
    await freeze(chainPid);
    const failed = await buy(goods, payment);
    assert.ok([502, 503].includes(failed.status), failed.text);
    assert.equal(requiredOf(failed), undefined);
    assert.equal(origin.runs("/goods"), 0);
    thaw(chainPid);
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });
});

describe("farthing pay survives without help, and pays once", () => {
  /// Pays while `breakChain(t)` breaks it, and wakes the chain once the gateway has answered `ending`.
  async function payThrough(breakChain, ending) {
    const { key, address } = await world.chain.freshPayer(FUNDS);
    const said = gateway.stderr().length;
    await breakChain();
    const running = pay([goods, "--json"], { key });
    await until(`the gateway answers ${ending}`, () => gateway.stderr().slice(said).includes(`"ending":"${ending}"`));
    await wake();
    const run = await running;
    assertExit(run, 0);
    const { body, receipt } = JSON.parse(run.stdout);
    assert.deepEqual({ body, receipt }, { body: PAID_MARKER, receipt: "verified" });
    assert.equal(FUNDS - (await world.chain.balanceOf(address)), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
  }

  test("a chain that takes its transaction and does not mine it", async (t) => {
    mendAfter(t);
    await payThrough(() => tellChain(world.rpc, "evm_setAutomine", [false]), "pending");
  });

  test("a chain that hangs before anything was sent", async (t) => {
    mendAfter(t);
    await payThrough(freezeBeforeSettlement, "facilitator_failed");
  });
});
