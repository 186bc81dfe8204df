// SPDX-License-Identifier: Apache-2.0
// A gateway through its life: told to stop, told to read its file again, and beside a facilitator that is killed.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import http from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { NETWORK, USDC } from "../interop/lib/chain.mjs";
import { networkTable, startRole, toml } from "../interop/lib/farthing.mjs";
import { listen } from "../interop/lib/http.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { startScriptedFacilitator } from "../interop/lib/scripted_facilitator.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { gatewayToml, route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin } from "./lib/origin.mjs";
import { collect, send } from "./lib/raw.mjs";
import { buy, buyUntilServed, receiptOf, requiredOf, signedPayment, startBuying, tellChain } from "./lib/till.mjs";
import { gate, until } from "./lib/wait.mjs";

let world;
let origin;
let payTo;
let account;
before(async () => {
  const started = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    origin = await startScriptedOrigin({});
    w.defer(origin.close);
    account = w.nextGasAccount();
  });
  world = started.world;
});
after(() => world?.stop());
beforeEach(() => {
  origin.seen().splice(0);
  origin.handlers["/goods"] = answer(PAID_MARKER);
});

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

const embedded = () => ({ originUrl: origin.url, facilitator: { rpc: world.rpc, account }, routes: [route("GET /goods", payTo)] });

async function assertSoldOnce(payment, served) {
  assert.equal(served.status, 200, served.text);
  assert.equal(served.text, PAID_MARKER);
  assert.equal(receiptOf(served).success, true);
  assert.equal(await payment.spent(), PRICE_ATOMIC);
  assert.equal(origin.runs("/goods"), 1, "the handler ran once");
}

describe("told to stop", () => {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    test(`${signal} with a payment in flight: it is finished first, nobody new is let in, and the end is 0`, async () => {
      const gateway = await startGateway(embedded());
      const { called, release } = holdGoods();
      const payment = await signedPayment(world.chain, payTo);
      const { answer: arriving } = startBuying(`${gateway.url}/goods`, payment);
      await called.promise;
      gateway.signal(signal);
      await until("nobody new is let in", () => send(`${gateway.url}/free`).then(() => false, () => true));
      release.open();
      await assertSoldOnce(payment, await collect(await arriving));
      const { code } = await gateway.gone();
      assert.equal(code, 0, gateway.output());
    });
  }

  test("a second signal does not wait for what is in flight", async () => {
    const gateway = await startGateway(embedded());
    const { called, release } = holdGoods();
    const payment = await signedPayment(world.chain, payTo);
    const { answer: arriving } = startBuying(`${gateway.url}/goods`, payment);
    await called.promise;
    gateway.signal("SIGINT");
    await until("nobody new is let in", () => send(`${gateway.url}/free`).then(() => false, () => true));
    gateway.signal("SIGINT");
    const end = await gateway.gone();
    assert.equal(end.signal, "SIGINT");
    await assert.rejects(arriving);
    release.open();
    assert.equal(await payment.spent(), 0n);
  });

  test("SIGTERM with nothing in hand, but idle connections: it ends at once", async () => {
    const gateway = await startGateway(embedded());
    const idle = await fetch(`${gateway.url}/free`);
    await idle.text();
    const began = Date.now();
    gateway.signal("SIGTERM");
    const { code } = await gateway.gone();
    assert.equal(code, 0, gateway.output());
    assert.ok(Date.now() - began < 5_000, "no grace is waited out");
  });
});

describe("told to read its file again", () => {
  const priceAt = async (gateway) => requiredOf(await send(`${gateway.url}/goods`)).accepts[0].amount;
  const priced = (price) => gatewayToml({ ...embedded(), routes: [route("GET /goods", payTo, { price })] });

  test("SIGHUP takes a good file over, keeps the old one when the new is bad, and says why", async (t) => {
    const gateway = await startGateway(embedded());
    t.after(gateway.stop);
    assert.equal(await priceAt(gateway), "1000");

    await writeFile(gateway.file, priced("$0.002"));
    gateway.signal("SIGHUP");
    await until("the new price is asked", async () => (await priceAt(gateway)) === "2000");

    const bad = [
      { text: 'listen = "127.0.0.1:0"\nroute = [\n', says: /:\d+:\d+: / },
      { text: priced("$0.003") + "\ncolour = 1\n", says: /colour: unknown key/ },
      { text: priced("free"), says: /price: expected a price such as/ },
    ];
    for (const { text, says } of bad) {
      const said = gateway.stderr().length;
      await writeFile(gateway.file, text);
      gateway.signal("SIGHUP");
      await until("it says why", () => says.test(gateway.stderr().slice(said)));
      assert.equal(await priceAt(gateway), "2000", "the old one stays");
    }

    await writeFile(gateway.file, priced("$0.004"));
    gateway.signal("SIGHUP");
    await until("a good file is taken over after bad ones", async () => (await priceAt(gateway)) === "4000");
  });

  test("an asset that would stop the start stops the reload: nobody is offered what nobody can pay", async (t) => {
    const asset = (name) => `[[asset]]
network = ${toml(NETWORK)}
address = ${toml(USDC)}
name = ${toml(name)}
version = "2"
symbol = "USDC"
decimals = 6
`;
    const gateway = await startGateway(embedded());
    t.after(gateway.stop);
    await writeFile(gateway.file, priced("$0.002") + asset("USD Coin"));
    gateway.signal("SIGHUP");
    await until("it says why", () => /"config_rejected".*DOMAIN_SEPARATOR/.test(gateway.stderr()));
    assert.equal(await priceAt(gateway), "1000", "the old one stays");
    assert.doesNotMatch(gateway.stderr(), /config_reloaded/);
    await writeFile(gateway.file, priced("$0.003") + asset("USDC"));
    gateway.signal("SIGHUP");
    await until("the right name is taken over", async () => (await priceAt(gateway)) === "3000");
  });

  test("what a remote facilitator does not settle is not taken over, and nor is anything while it does not answer", async (t) => {
    const facilitator = await startScriptedFacilitator();
    t.after(facilitator.close);
    const settings = (routes) => ({ originUrl: origin.url, facilitator: { url: facilitator.url }, routes });
    const gateway = await startGateway(settings([route("GET /goods", payTo)]));
    t.after(gateway.stop);
    const elsewhere = gatewayToml(settings([route("GET /goods", payTo, { price: "$0.002" })])).replaceAll(NETWORK, "eip155:8453");
    await writeFile(gateway.file, elsewhere);
    gateway.signal("SIGHUP");
    await until("it says why", () => /"config_rejected".*does not settle exact on eip155:8453/.test(gateway.stderr()));
    await facilitator.close();
    await writeFile(gateway.file, gatewayToml(settings([route("GET /goods", payTo, { price: "$0.002" })])));
    gateway.signal("SIGHUP");
    await until("it says why", () => /"config_rejected".*facilitator: /.test(gateway.stderr()));
    assert.equal(await priceAt(gateway), "1000", "the old one stays");
  });

  test("a second SIGHUP while the first is looked into waits for it, and the file as it is then counts", async (t) => {
    let asked = 0;
    let most = 0;
    const waiting = [];
    const answerAll = () => waiting.splice(0).forEach((respond) => respond());
    const facilitator = await listen(
      http.createServer((_request, response) => {
        asked += 1;
        waiting.push(() => response.end(JSON.stringify({ kinds: [{ x402Version: 2, scheme: "exact", network: NETWORK }], extensions: [], signers: {} })));
        most = Math.max(most, waiting.length);
        if (asked === 1) answerAll();
      }),
    );
    t.after(facilitator.close);
    const at = (price) => gatewayToml({ originUrl: origin.url, facilitator: { url: facilitator.url }, routes: [route("GET /goods", payTo, { price })] });
    const gateway = await startGateway({ originUrl: origin.url, facilitator: { url: facilitator.url }, routes: [route("GET /goods", payTo)] });
    let stopped = false;
    t.after(() => stopped || gateway.stop());
    await writeFile(gateway.file, at("$0.002"));
    gateway.signal("SIGHUP");
    await until("the first asks the facilitator", () => asked === 2);
    assert.equal(await priceAt(gateway), "1000", "it sells on meanwhile");
    await writeFile(gateway.file, at("$0.003"));
    gateway.signal("SIGHUP");
    answerAll();
    await until("the first is taken over", async () => (await priceAt(gateway)) === "2000");
    await until("the second asks", () => asked === 3);
    answerAll();
    await until("the second is taken over", async () => (await priceAt(gateway)) === "3000");
    assert.equal(most, 1, "one after the other");
    // One that is still being looked into does not hold up the end.
    gateway.signal("SIGHUP");
    await until("the third asks", () => asked === 4);
    stopped = true;
    const began = Date.now();
    await gateway.stop();
    assert.ok(Date.now() - began < 4_000, "no answer is waited for");
  });

  test("a payment in flight is finished at the price it was made for", async (t) => {
    const gateway = await startGateway(embedded());
    t.after(gateway.stop);
    const { called, release } = holdGoods();
    const payment = await signedPayment(world.chain, payTo);
    const { answer: arriving } = startBuying(`${gateway.url}/goods`, payment);
    await called.promise;
    await writeFile(gateway.file, priced("$0.002"));
    gateway.signal("SIGHUP");
    await until("the new price is asked", async () => (await priceAt(gateway)) === "2000");
    release.open();
    await assertSoldOnce(payment, await collect(await arriving));
  });

  test("the file itself is left as it was", async (t) => {
    const gateway = await startGateway(embedded());
    t.after(gateway.stop);
    const before = await readFile(gateway.file, "utf8");
    gateway.signal("SIGHUP");
    await until("it answers", () => send(`${gateway.url}/goods`).then(({ status }) => status === 402));
    assert.equal(await readFile(gateway.file, "utf8"), before);
  });
});

describe("beside a facilitator that is killed", () => {
  let facilitator;
  let gateway;
  let goods;

  async function startFacilitator(listen = "127.0.0.1:0") {
    const config = `listen = "${listen}"\n${networkTable("network", world.rpc)}poll_interval = "20ms"\n`;
    facilitator = await startRole("facilitator", config, { FARTHING_FACILITATOR_KEY: account.key });
  }
  async function kill() {
    facilitator.signal("SIGKILL");
    await facilitator.gone();
  }
  const restart = () => startFacilitator(new URL(facilitator.url).host);

  before(async () => {
    account = world.nextGasAccount();
    await startFacilitator();
    gateway = await startGateway({
      originUrl: origin.url,
      facilitator: { url: facilitator.url },
      routes: [route("GET /goods", payTo)],
      settle: 'timeout = "1s"',
    });
    goods = `${gateway.url}/goods`;
  });
  after(async () => {
    await gateway?.stop();
    await facilitator?.stop();
  });

  test("before verification: 502, the origin is not asked, and the payment buys when it is back", async () => {
    const payment = await signedPayment(world.chain, payTo);
    await kill();
    const failed = await buy(goods, payment);
    assert.equal(failed.status, 502, failed.text);
    assert.equal(requiredOf(failed), undefined);
    assert.equal(origin.runs("/goods"), 0);
    await restart();
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });

  test("between verification and settlement: asked to come again, and served once without a second run", async () => {
    origin.handlers["/goods"] = async (request, response) => {
      await kill();
      answer(PAID_MARKER)(request, response);
    };
    const payment = await signedPayment(world.chain, payTo);
    const failed = await buy(goods, payment);
    assert.ok([502, 503].includes(failed.status), failed.text);
    assert.match(failed.headers["retry-after"], /^\d+$/);
    assert.equal(requiredOf(failed), undefined, "never told to pay again");
    assert.ok(!failed.text.includes(PAID_MARKER));
    await restart();
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });

  test("after it sent the transaction: the payer is never told to pay again, whatever the new one knows", async (t) => {
    const payment = await signedPayment(world.chain, payTo);
    await tellChain(world.rpc, "evm_setAutomine", [false]);
    t.after(() => tellChain(world.rpc, "evm_setAutomine", [true]));
    const { answer: arriving } = startBuying(goods, payment);
    await until("the transaction is in the pool", async () => {
      const { pending } = await tellChain(world.rpc, "txpool_status");
      return Number(pending) === 1;
    });
    await kill();
    const open = await collect(await arriving);
    assert.equal(open.status, 503, open.text);
    assert.equal(receiptOf(open).errorReason, "settlement_pending");
    await tellChain(world.rpc, "evm_mine");
    await restart();
    const again = await buy(goods, payment);
    assert.notEqual(again.status, 402, "the money moved: it must not be asked for again");
    assert.equal(await payment.spent(), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
  });
});
