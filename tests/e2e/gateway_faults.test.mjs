// SPDX-License-Identifier: Apache-2.0
// A gateway in front of an origin that fails and behind clients that go away or come twice: nothing is sold unpaid, and
// nothing is taken for nothing. A chain that fails is in gateway_chain.test.mjs.

import assert from "node:assert/strict";
import net from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer } from "./lib/origin.mjs";
import { collect, send } from "./lib/raw.mjs";
import { startShop } from "./lib/shop.mjs";
import { buy, buyUntilServed, receiptOf, requiredOf, signedPayment, startBuying } from "./lib/till.mjs";
import { gate, until } from "./lib/wait.mjs";

const BODY_MAX = 100_000;

let world;
let origin;
let gateway;
let payTo;
let goods;
before(async () => {
  ({ world, payTo, origin, gateway, goods } = await startShop({
    more: (to) => [route("POST /order", to)],
    limits: `origin_response_timeout = "400ms"
origin_read_timeout = "400ms"
response_body_bytes_max = ${BODY_MAX}
`,
  }));
});
after(() => world?.stop());
beforeEach(() => {
  origin.seen().splice(0);
  origin.handlers["/goods"] = answer(PAID_MARKER);
});

/// The origin ran once and the price moved once, for this payment.
async function assertSoldOnce(payment, served) {
  assert.equal(served.status, 200, served.text);
  assert.equal(served.text, PAID_MARKER);
  assert.equal(receiptOf(served).success, true);
  assert.equal(await payment.spent(), PRICE_ATOMIC);
  assert.equal(origin.runs("/goods"), 1, "the handler ran once");
}

async function assertNothingTaken(payment) {
  assert.equal(await payment.spent(), 0n, "nothing was taken");
  assert.equal(await payment.used(), false, "the authorisation is still good");
}

describe("an origin that fails", () => {
  const half = (response, headers) => {
    response.writeHead(200, headers);
    response.write(PAID_MARKER, () => response.destroy());
  };
  const cases = [
    { name: "hangs", handler: () => {}, status: 504 },
    { name: "resets", handler: (request) => request.socket.resetAndDestroy(), status: 502 },
    { name: "closes without a word", handler: (request) => request.socket.destroy(), status: 502 },
    { name: "sends half a body of known length", handler: (_, response) => half(response, { "content-length": 1000 }), status: 502 },
    { name: "sends half a body in chunks", handler: (_, response) => half(response, {}), status: 502 },
    {
      name: "stops in the middle of a body",
      handler: (_, response) => {
        response.writeHead(200, { "content-length": 1000 });
        response.write(PAID_MARKER);
      },
      status: 504,
    },
    { name: "sends a body over the limit", handler: answer(PAID_MARKER + "x".repeat(BODY_MAX)), status: 502 },
    {
      name: "sends more than it announced",
      handler: (request) => request.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 99\r\n\r\n${PAID_MARKER}`),
      status: 502,
    },
    { name: "speaks no HTTP", handler: (request) => request.socket.end(`220 ${PAID_MARKER}\r\n`), status: 502 },
  ];
  for (const { name, handler, status } of cases) {
    test(`${name}: ${status}, nothing leaks and nothing is taken`, async () => {
      origin.handlers["/goods"] = handler;
      const payment = await signedPayment(world.chain, payTo);
      const failed = await buy(goods, payment);
      assert.equal(failed.status, status, failed.text);
      assert.ok(!failed.text.includes(PAID_MARKER), "none of the origin's body");
      assert.equal(receiptOf(failed), undefined);
      assert.equal(requiredOf(failed), undefined);
      assert.match(JSON.parse(failed.text).error, /^the origin/);
      assert.ok(!failed.text.includes(new URL(origin.url).port), "our insides stay ours");
      await assertNothingTaken(payment);
    });
  }

  test("answers 500: the client gets that, and nothing is taken", async () => {
    origin.handlers["/goods"] = answer("out of order", { status: 500, headers: { "x-reason": "fire" } });
    const payment = await signedPayment(world.chain, payTo);
    const failed = await buy(goods, payment);
    assert.deepEqual([failed.status, failed.text, failed.headers["x-reason"]], [500, "out of order", "fire"]);
    assert.equal(receiptOf(failed), undefined);
    await assertNothingTaken(payment);
  });

  test("and works again: the payment it failed for still buys", async () => {
    origin.handlers["/goods"] = (request) => request.socket.resetAndDestroy();
    const payment = await signedPayment(world.chain, payTo);
    assert.equal((await buy(goods, payment)).status, 502);
    origin.handlers["/goods"] = answer(PAID_MARKER);
    origin.seen().splice(0);
    await assertSoldOnce(payment, await buy(goods, payment));
  });

  test("lies about the payment: its receipt and offer never reach the client", async () => {
    origin.handlers["/goods"] = answer(PAID_MARKER, {
      headers: { "PAYMENT-RESPONSE": "forged", "X-PAYMENT-RESPONSE": "forged", "PAYMENT-REQUIRED": "forged" },
    });
    const payment = await signedPayment(world.chain, payTo);
    const served = await buy(goods, payment);
    await assertSoldOnce(payment, served);
    assert.equal(served.headers["x-payment-response"], undefined);
    assert.equal(served.headers["payment-required"], undefined);
  });

  test("is not there at all: 502 for paid and free requests", async () => {
    const gone = net.createServer();
    await new Promise((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const originUrl = `http://127.0.0.1:${gone.address().port}`;
    await new Promise((resolve) => gone.close(resolve));
    const lonely = await startGateway({
      originUrl,
      facilitator: { rpc: world.rpc, account: world.nextGasAccount() },
      routes: [route("GET /goods", payTo)],
    });
    try {
      const payment = await signedPayment(world.chain, payTo);
      assert.equal((await buy(`${lonely.url}/goods`, payment)).status, 502);
      assert.equal((await send(`${lonely.url}/free`)).status, 502);
      await assertNothingTaken(payment);
    } finally {
      await lonely.stop();
    }
  });
});

describe("a client that goes away", () => {
  test("while the origin works: it is charged, and the same payment gets the answer without a second run", async () => {
    const [called, release] = [gate(), gate()];
    origin.handlers["/goods"] = async (request, response) => {
      called.open();
      await release.promise;
      answer(PAID_MARKER)(request, response);
    };
    const payment = await signedPayment(world.chain, payTo);
    const { request } = startBuying(goods, payment);
    await called.promise;
    request.destroy();
    release.open();
    await until("the payment settles", () => payment.used());
    await assertSoldOnce(payment, await buyUntilServed(goods, payment));
  });

  test("before its body has come: nothing is asked of the origin and nothing is taken", async () => {
    origin.handlers["/order"] = answer(PAID_MARKER);
    const payment = await signedPayment(world.chain, payTo);
    const { hostname, port } = new URL(gateway.url);
    const socket = net.connect(Number(port), hostname);
    const head = `POST /order HTTP/1.1\r\nHost: x\r\nPAYMENT-SIGNATURE: ${payment.header}\r\nContent-Length: 100\r\n\r\nhalf`;
    await new Promise((resolve) => socket.write(head, resolve));
    const over = new Promise((resolve) => socket.once("close", resolve));
    socket.end();
    socket.resume();
    await over;
    assert.equal((await send(`${gateway.url}/free`)).status, 404, "the gateway serves on");
    assert.equal(origin.runs("/order"), 0);
    await assertNothingTaken(payment);
  });
});

describe("one payment, several requests", () => {
  test("at once: one gets the goods, the other is asked to wait", async () => {
    const [called, release] = [gate(), gate()];
    origin.handlers["/goods"] = async (request, response) => {
      called.open();
      await release.promise;
      answer(PAID_MARKER)(request, response);
    };
    const payment = await signedPayment(world.chain, payTo);
    const first = startBuying(goods, payment);
    await called.promise;
    const second = await buy(goods, payment);
    assert.equal(second.status, 409);
    assert.match(second.headers["retry-after"], /^\d+$/);
    assert.equal(requiredOf(second), undefined, "not told to pay again");
    assert.ok(!second.text.includes(PAID_MARKER));
    release.open();
    await assertSoldOnce(payment, await collect(await first.answer));
  });

  test("one after the other: the second is refused as used", async () => {
    const payment = await signedPayment(world.chain, payTo);
    await assertSoldOnce(payment, await buy(goods, payment));
    const replayed = await buy(goods, payment);
    assert.equal(replayed.status, 402);
    assert.equal(requiredOf(replayed).error, "invalid_exact_evm_nonce_already_used");
    assert.ok(!replayed.text.includes(PAID_MARKER));
    assert.equal(await payment.spent(), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
  });

  test("twenty at once, for as many pages: exactly one is served", async () => {
    const payment = await signedPayment(world.chain, payTo);
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => buy(`${goods}?page=${i % 7}`, payment)));
    const served = all.filter(({ status }) => status === 200);
    assert.equal(served.length, 1, all.map(({ status }) => status).join(" "));
    await assertSoldOnce(payment, served[0]);
  });
});
