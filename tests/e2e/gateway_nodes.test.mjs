// SPDX-License-Identifier: Apache-2.0
// What outlives a gateway that is killed, and two gateways that are one: whoever settled, a payment buys one answer of
// the origin, and is charged once.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { networkTable, startRole, toml } from "../interop/lib/farthing.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin } from "./lib/origin.mjs";
import { startPostgres } from "./lib/postgres.mjs";
import { collect } from "./lib/raw.mjs";
import { buy, buyUntilServed, receiptOf, requiredOf, signedPayment, startBuying, tellChain } from "./lib/till.mjs";
import { gate, until } from "./lib/wait.mjs";

/// More than the sockets of both ends hold: an answer that nobody reads is not delivered.
const LARGE = PAID_MARKER.repeat(Math.ceil((16 << 20) / PAID_MARKER.length));

let world;
let origin;
let payTo;
let account;
let postgres;
let folder;
let facilitator;
let gateways = [];
before(async () => {
  const started = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    origin = await startScriptedOrigin({});
    w.defer(origin.close);
    account = w.nextGasAccount();
    postgres = await startPostgres();
    w.defer(postgres.close);
  });
  world = started.world;
  folder = await mkdtemp(join(tmpdir(), "farthing-nodes-"));
  facilitator = await startRole(
    "facilitator",
    `listen = "127.0.0.1:0"\n${networkTable("network", world.rpc)}poll_interval = "20ms"\n`,
    { FARTHING_FACILITATOR_KEY: account.key },
  );
});
after(async () => {
  await facilitator?.stop();
  await world?.stop();
  if (folder) await rm(folder, { recursive: true });
});
beforeEach(() => {
  origin.seen().splice(0);
  origin.handlers["/goods"] = answer(PAID_MARKER);
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.stop();
  gateways = [];
});

async function start(store, { embedded = false } = {}) {
  const gateway = await startGateway({
    originUrl: origin.url,
    facilitator: embedded ? { rpc: world.rpc, account } : { url: facilitator.url },
    top: `store = ${toml(store)}`,
    routes: [route("GET /goods", payTo)],
  });
  gateways.push(gateway);
  return gateway;
}
const at = (gateway) => `${gateway.url}/goods`;

async function kill(gateway) {
  gateways = gateways.filter((each) => each !== gateway);
  gateway.signal("SIGKILL");
  await gateway.gone();
}

/// The origin answers when the test says so. Returns `{called, release}`.
function holdGoods() {
  const [called, release] = [gate(), gate()];
  origin.handlers["/goods"] = async (request, response) => {
    called.open();
    await release.promise;
    answer(PAID_MARKER)(request, response);
  };
  return { called, release };
}

/// It is settled, and its answer is on its way to somebody who does not read.
async function settledAndNotDelivered(gateway, payment) {
  origin.handlers["/goods"] = answer(LARGE);
  const { answer: arriving } = startBuying(at(gateway), payment);
  const response = await arriving;
  response.on("error", () => {});
  assert.equal(response.statusCode, 200);
  assert.equal(await payment.used(), true, "it is settled");
  return response;
}

async function assertSoldOnce(payment, served, text) {
  assert.equal(served.status, 200, served.text);
  assert.ok(served.text === text, "the answer that was bought");
  assert.equal(receiptOf(served).success, true);
  assert.equal(await payment.spent(), PRICE_ATOMIC);
  assert.equal(origin.runs("/goods"), 1, "the handler ran once");
}

for (const [who, how] of [["an embedded facilitator", { embedded: true }], ["a facilitator somewhere else", {}]]) {
  describe(`a gateway with ${who}, killed and started again`, () => {
    test("between settlement and delivery: the same payment gets the answer that was kept, with its receipt", async () => {
      const store = join(folder, `${how.embedded ? "embedded" : "remote"}.db`);
      const first = await start(store, how);
      const payment = await signedPayment(world.chain, payTo);
      await settledAndNotDelivered(first, payment);
      await kill(first);
      const second = await start(store, how);
      await assertSoldOnce(payment, await buy(at(second), payment), LARGE);
      const again = await buy(at(second), payment);
      assert.equal(again.status, 402);
      assert.equal(requiredOf(again).error, "invalid_exact_evm_nonce_already_used");
    });

    test("during the settlement: the next one settles first, and asks the origin nothing", async (t) => {
      const store = join(folder, `${how.embedded ? "embedded" : "remote"}-during.db`);
      const first = await start(store, how);
      const payment = await signedPayment(world.chain, payTo);
      await tellChain(world.rpc, "evm_setAutomine", [false]);
      t.after(() => tellChain(world.rpc, "evm_setAutomine", [true]));
      const { answer: arriving } = startBuying(at(first), payment);
      await until("it is sent", async () => Number((await tellChain(world.rpc, "txpool_status")).pending) > 0);
      await kill(first);
      await assert.rejects(arriving);
      const second = await start(store, how);
      await tellChain(world.rpc, "evm_setAutomine", [true]);
      await tellChain(world.rpc, "evm_mine");
      await assertSoldOnce(payment, await buyUntilServed(at(second), payment), PAID_MARKER);
    });
  });
}

/// What a payment that was sold buys at `gateway`, once the other has written down that it was: the buyer has his
/// answer a moment before that.
async function buyAfter(gateway, payment) {
  let answer;
  await until("it is out of hand", async () => (answer = await buy(at(gateway), payment)).status !== 409);
  return answer;
}

describe("two gateways on one PostgreSQL", () => {
  test("a payment that bought something at one buys nothing at the other", async () => {
    const [first, second] = [await start(postgres.address), await start(postgres.address)];
    const payment = await signedPayment(world.chain, payTo);
    await assertSoldOnce(payment, await buy(at(first), payment), PAID_MARKER);
    assert.equal((await buyAfter(second, payment)).status, 402);
    assert.equal(origin.runs("/goods"), 1);
  });

  test("one payment at both at once: one sells, the other says that it is in hand", async () => {
    const [first, second] = [await start(postgres.address), await start(postgres.address)];
    const payment = await signedPayment(world.chain, payTo);
    const { called, release } = holdGoods();
    const { answer: arriving } = startBuying(at(first), payment);
    await called.promise;
    const refused = await buy(at(second), payment);
    assert.equal(refused.status, 409, refused.text);
    release.open();
    await assertSoldOnce(payment, await collect(await arriving), PAID_MARKER);
    assert.equal((await buyAfter(second, payment)).status, 402);
  });

  test("a crowd with one payment each, at both: each buys once", async () => {
    const [first, second] = [await start(postgres.address), await start(postgres.address)];
    const payments = [];
    for (let i = 0; i < 8; i++) payments.push(await signedPayment(world.chain, payTo));
    const answers = await Promise.all(
      payments.flatMap((each) => [first, second, first, second].map((gateway) => buy(at(gateway), each))),
    );
    for (let i = 0; i < payments.length; i++) {
      const statuses = answers.slice(4 * i, 4 * i + 4).map((each) => each.status);
      assert.equal(statuses.filter((each) => each === 200).length, 1, `${statuses}`);
      assert.ok(statuses.every((each) => [200, 402, 409].includes(each)), `${statuses}`);
      assert.equal(await payments[i].spent(), PRICE_ATOMIC);
    }
    assert.equal(origin.runs("/goods"), payments.length);
  });

  test("one is killed between settlement and delivery: the other hands out what was bought, within seconds", async () => {
    const [first, second] = [await start(postgres.address), await start(postgres.address)];
    const payment = await signedPayment(world.chain, payTo);
    await settledAndNotDelivered(first, payment);
    assert.equal((await buy(at(second), payment)).status, 409, "it is in hand as long as its gateway lives");
    await kill(first);
    await assertSoldOnce(payment, await buyUntilServed(at(second), payment, 20_000), LARGE);
  });

  test("the store stops: nothing is sold and nobody is told to pay anew; it comes back: it is sold", async () => {
    const gateway = await start(postgres.address);
    const payment = await signedPayment(world.chain, payTo);
    await postgres.stop("SIGQUIT");
    const refused = await buy(at(gateway), payment);
    assert.equal(refused.status, 503, refused.text);
    assert.equal(origin.runs("/goods"), 0);
    assert.equal(await payment.spent(), 0n);
    await postgres.start();
    await assertSoldOnce(payment, await buyUntilServed(at(gateway), payment, 20_000), PAID_MARKER);
  });
});
