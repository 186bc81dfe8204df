// SPDX-License-Identifier: Apache-2.0
// When a payment is settled, how long anybody waits for it, and what the reference clients make of it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { CLIENTS } from "../interop/lib/clients.mjs";
import { networkTable, startRole } from "../interop/lib/farthing.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin } from "./lib/origin.mjs";
import { buy, buyUntilServed, receiptOf, signedPayment, tellChain } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

let world;
let origin;
let payTo;
let account;
let started = [];
before(async () => {
  const made = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    origin = await startScriptedOrigin({});
    w.defer(origin.close);
    account = w.nextGasAccount();
  });
  world = made.world;
});
after(() => world?.stop());
beforeEach(() => {
  origin.seen().splice(0);
  for (const path of ["/goods", "/first", "/later"]) origin.handlers[path] = answer(PAID_MARKER);
});
afterEach(async () => {
  await tellChain(world.rpc, "evm_setAutomine", [true]);
  await tellChain(world.rpc, "evm_mine");
  for (const each of started.reverse()) await each.stop();
  started = [];
});

async function startSelling(facilitator = { rpc: world.rpc, account }, how = {}) {
  const gateway = await startGateway({
    originUrl: origin.url,
    facilitator,
    routes: [
      route("GET /goods", payTo),
      route("GET /first", payTo, { more: 'settle = "before"' }),
      route("GET /later", payTo, { more: 'settle = "deferred"' }),
      `[deferred]\nsettle_window = "2s"\nper_payer = "$0.002"\n`,
    ],
    ...how,
  });
  started.push(gateway);
  return gateway;
}

describe("before", () => {
  test("a failing origin's answer comes with the receipt, and the same payment is served later", async () => {
    const gateway = await startSelling();
    const payment = await signedPayment(world.chain, payTo);
    origin.handlers["/first"] = answer("out of order", { status: 500 });
    const failed = await buy(`${gateway.url}/first`, payment);
    assert.equal(failed.status, 500);
    assert.equal(receiptOf(failed).success, true);
    assert.equal(await payment.spent(), PRICE_ATOMIC);
    origin.handlers["/first"] = answer(PAID_MARKER);
    const served = await buy(`${gateway.url}/first`, payment);
    assert.equal(served.text, PAID_MARKER);
    assert.equal(await payment.spent(), PRICE_ATOMIC);
  });
});

describe("deferred", () => {
  for (const name of ["ref_v2", "ref_v1"]) {
    test(`${CLIENTS[name].title} has the answer at once and no receipt, and is charged within the window`, async () => {
      const gateway = await startSelling();
      const payer = await world.chain.freshPayer(10n * PRICE_ATOMIC);
      await tellChain(world.rpc, "evm_setAutomine", [false]);
      const bought = await CLIENTS[name].pay({ url: `${gateway.url}/later`, key: payer.key, rpc: world.rpc });
      assert.equal(bought.status, 200);
      assert.equal(bought.body, PAID_MARKER);
      assert.equal(bought.receipt, null);
      await tellChain(world.rpc, "evm_setAutomine", [true]);
      await until("it is charged", async () => (await world.chain.balanceOf(payer.address)) === 9n * PRICE_ATOMIC);
    });
  }

  test("a gateway that is killed leaves its debts to the next", async (t) => {
    const gateway = await startSelling();
    const payment = await signedPayment(world.chain, payTo);
    assert.equal((await buy(`${gateway.url}/later`, payment)).status, 200);
    started = [];
    gateway.signal("SIGKILL");
    await gateway.ended;
    t.after(gateway.gone);
    assert.equal(await payment.spent(), 0n);
    const next = await startRole("gateway", await readConfig(gateway.file), { FARTHING_FACILITATOR_KEY: account.key });
    started.push(next);
    await until("it is charged", async () => (await payment.spent()) === PRICE_ATOMIC);
  });
});

/// The same gateway again, on the store beside the first one's file.
async function readConfig(file) {
  const text = await readFile(file, "utf8");
  return `store = ${JSON.stringify(file.replace(/\.toml$/, ".db"))}\n${text}`;
}

describe("how long anybody waits", () => {
  test("X-Request-Timeout bounds the wait, and the reference client survives settlement_pending", async (t) => {
    const gateway = await startSelling();
    const payer = await world.chain.freshPayer(10n * PRICE_ATOMIC);
    const { fetch } = globalThis;
    let header;
    t.after(() => (globalThis.fetch = fetch));
    globalThis.fetch = (input, init) => {
      const request = new Request(input, init);
      header = request.headers.get("PAYMENT-SIGNATURE") ?? header;
      if (request.url.startsWith(gateway.url)) request.headers.set("X-Request-Timeout", "2");
      return fetch(request);
    };
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    const began = Date.now();
    const open = await CLIENTS.ref_v2.pay({ url: `${gateway.url}/goods`, key: payer.key });
    assert.ok(Date.now() - began < 20_000, "not the gateway's own 30 s");
    assert.equal(open.status, 503);
    assert.equal(open.receipt.errorReason, "settlement_pending");
    await tellChain(world.rpc, "evm_setAutomine", [true]);
    await tellChain(world.rpc, "evm_mine");
    const served = await buyUntilServed(`${gateway.url}/goods`, { header });
    assert.equal(served.text, PAID_MARKER);
    assert.equal(await world.chain.balanceOf(payer.address), 9n * PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
  });

  test("it travels to a facilitator somewhere else, whose answer comes in time", async () => {
    const facilitator = await startRole(
      "facilitator",
      `listen = "127.0.0.1:0"\n${networkTable("network", world.rpc)}poll_interval = "20ms"\n`,
      { FARTHING_FACILITATOR_KEY: account.key },
    );
    started.push(facilitator);
    const gateway = await startSelling({ url: facilitator.url });
    const payment = await signedPayment(world.chain, payTo);
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    const open = await buy(`${gateway.url}/goods`, payment, { headers: { "X-Request-Timeout": "4" } });
    assert.equal(open.status, 503);
    const receipt = receiptOf(open);
    assert.equal(receipt.errorReason, "settlement_pending");
    assert.doesNotMatch(receipt.errorMessage ?? "", /timed_out/, "said by the facilitator, not by our own deadline");
    await tellChain(world.rpc, "evm_setAutomine", [true]);
    await tellChain(world.rpc, "evm_mine");
    await buyUntilServed(`${gateway.url}/goods`, payment);
    assert.equal(await payment.spent(), PRICE_ATOMIC);
  });
});
