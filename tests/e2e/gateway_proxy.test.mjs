// SPDX-License-Identifier: Apache-2.0
// The gateway as a reverse proxy: what is free passes as if it were not there, what is paid passes only for payment, and
// no header of either side says more than it should. Spellings of paths are in gateway_paths.test.mjs.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin, streaming } from "./lib/origin.mjs";
import { peakMemory } from "./lib/proc.mjs";
import { collect, open, send, statuses, talk } from "./lib/raw.mjs";
import { buy, receiptOf, requiredOf, signedPayment } from "./lib/till.mjs";
import { gate, until } from "./lib/wait.mjs";

const MEGABYTE = 1 << 20;
const LARGE = 50 * MEGABYTE;
const GROWTH_MAX = 12 * MEGABYTE;

let world;
let origin;
let gateway; // trusts nobody
let inner; // behind a proxy it trusts, with pages of other origins
let payTo;
before(async () => {
  const started = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    origin = await startScriptedOrigin({
      "/free": answer("free", { headers: { "cache-control": "public, max-age=60" } }),
      "/goods": answer(PAID_MARKER, { headers: { "cache-control": "public, max-age=60, s-maxage=600", etag: '"1"' } }),
    });
    w.defer(origin.close);
    const routes = [route("GET /goods", payTo), route("POST /order", payTo)];
    const common = { originUrl: origin.url, routes };
    gateway = await startGateway({ ...common, facilitator: { rpc: w.rpc, account: w.nextGasAccount() } });
    w.defer(gateway.stop);
    inner = await startGateway({
      ...common,
      facilitator: { rpc: w.rpc, account: w.nextGasAccount() },
      top: 'trusted_proxies = ["127.0.0.1"]',
      cors: 'allow_origins = ["https://app.example"]\nallow_headers = ["X-Own"]',
    });
    w.defer(inner.stop);
  });
  world = started.world;
});
after(() => world?.stop());

const lastSeen = (path) => origin.seen(path).at(-1);

describe("what streams through", () => {
  test("an event stream: the first event is there before the second is made", async () => {
    const second = gate();
    origin.handlers["/events"] = async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n");
      await second.promise;
      response.end("data: two\n\n");
    };
    const { request, answer: arriving } = open(`${gateway.url}/events`);
    request.end();
    const response = await arriving;
    response.setEncoding("utf8");
    const pieces = response[Symbol.asyncIterator]();
    assert.equal((await pieces.next()).value, "data: one\n\n");
    second.open();
    assert.equal((await pieces.next()).value, "data: two\n\n");
    assert.equal((await pieces.next()).done, true);
  });

  test("an upload: its first piece reaches the origin before the last is sent", async () => {
    const first = gate();
    origin.handlers["/upload"] = streaming(async (request, response) => {
      let text = "";
      for await (const piece of request) {
        text += piece;
        first.open(text);
      }
      response.end(text);
    });
    const { request, answer: arriving } = open(`${gateway.url}/upload`, { method: "POST" });
    request.write("one ");
    assert.equal(await first.promise, "one ");
    request.end("two");
    assert.equal((await collect(await arriving)).text, "one two");
    assert.equal(lastSeen("/upload").headers["transfer-encoding"], "chunked");
  });

  const block = randomBytes(MEGABYTE);
  const digestOfLarge = (() => {
    const hash = createHash("sha256");
    for (let i = 0; i < LARGE / MEGABYTE; ++i) hash.update(block);
    return hash.digest("hex");
  })();
  async function* large() {
    for (let i = 0; i < LARGE / MEGABYTE; ++i) yield block;
  }
  async function digestOf(stream) {
    const hash = createHash("sha256");
    for await (const piece of stream) hash.update(piece);
    return hash.digest("hex");
  }
  async function pour(stream, into) {
    for await (const piece of stream) {
      if (!into.write(piece)) await new Promise((resolve) => into.once("drain", resolve));
    }
    into.end();
  }

  test("50 MiB down and 50 MiB up, of known length and in chunks, without growing by it", async () => {
    origin.handlers["/down"] = (request, response) => {
      response.writeHead(200, request.url.endsWith("chunked") ? {} : { "content-length": LARGE });
      return pour(large(), response);
    };
    origin.handlers["/up"] = streaming(async (request, response) => response.end(await digestOf(request)));
    await send(`${gateway.url}/free`);
    const before = peakMemory(gateway.pid);
    for (const how of ["chunked", "length"]) {
      const down = open(`${gateway.url}/down?${how}`);
      down.request.end();
      const arriving = await down.answer;
      assert.equal(arriving.headers["content-length"], how === "length" ? String(LARGE) : undefined);
      assert.equal(await digestOf(arriving), digestOfLarge);

      const headers = how === "length" ? { "content-length": LARGE } : {};
      const up = open(`${gateway.url}/up`, { method: "PUT", headers });
      await pour(large(), up.request);
      assert.equal((await collect(await up.answer)).text, digestOfLarge);
    }
    const grown = peakMemory(gateway.pid) - before;
    assert.ok(grown < GROWTH_MAX, `grew by ${(grown / MEGABYTE).toFixed(1)} MiB`);
  });

  test("a client that reads nothing holds the origin back, not the gateway's memory", async () => {
    let written = 0;
    origin.handlers["/flood"] = async (_request, response) => {
      response.writeHead(200);
      const gone = new Promise((resolve) => response.once("close", () => resolve(true)));
      for (let i = 0; i < LARGE / MEGABYTE; ++i) {
        written += block.length;
        if (response.write(block)) continue;
        const drained = new Promise((resolve) => response.once("drain", () => resolve(false)));
        if (await Promise.race([gone, drained])) return;
      }
    };
    const before = peakMemory(gateway.pid);
    const { request, answer: arriving } = open(`${gateway.url}/flood`);
    request.end();
    const response = await arriving;
    let seen = -1;
    await until("the origin is held back", () => {
      const same = seen === written;
      seen = written;
      return same && new Promise((resolve) => setTimeout(() => resolve(seen === written), 200));
    });
    assert.ok(written < LARGE, "it did not all fit somewhere");
    assert.ok(peakMemory(gateway.pid) - before < GROWTH_MAX);
    response.destroy();
  });

  test("a body that breaks off does not look complete", async () => {
    origin.handlers["/breaks"] = (_request, response) => {
      response.writeHead(200);
      response.write("half", () => response.destroy());
    };
    await assert.rejects(send(`${gateway.url}/breaks`), /aborted|hang up|ECONNRESET/);
  });

  test("answers without bodies keep none, and old clients get an end", async () => {
    origin.handlers["/none"] = (_request, response) => response.writeHead(204).end();
    origin.handlers["/same"] = (_request, response) => response.writeHead(304, { etag: '"1"' }).end();
    assert.equal((await send(`${gateway.url}/none`)).status, 204);
    assert.equal((await send(`${gateway.url}/same`)).status, 304);
    origin.handlers["/chunks"] = (_request, response) => {
      response.write("in ");
      response.end("pieces");
    };
    const { text, closed } = await talk(gateway.url, "GET /chunks HTTP/1.0\r\nHost: x\r\n\r\n");
    assert.ok(closed);
    assert.match(text, /\r\n\r\nin pieces$/);
    assert.doesNotMatch(text, /transfer-encoding/i);
  });

  test("a client that waits for 100 is told to go on", async () => {
    origin.handlers["/echo"] = (_request, response, { body }) => response.end(body);
    const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    const waiting = await talk(gateway.url, head, { enough: (said) => said.includes("100 Continue") });
    assert.deepEqual(statuses(waiting.text), [100]);
    const { text } = await talk(gateway.url, `${head}hello`);
    assert.match(text, /hello$/);
  });

  test("many requests share few connections to the origin", async () => {
    await send(`${gateway.url}/free`);
    const before = origin.connections();
    for (let i = 0; i < 30; ++i) assert.equal((await send(`${gateway.url}/free`)).text, "free");
    assert.ok(origin.connections() - before <= 1, `${origin.connections() - before} new connections`);
  });
});

describe("HEAD", () => {
  test("of a paid page asks for payment like GET, without a body", async () => {
    const [head, get] = [await send(`${gateway.url}/goods`, { method: "HEAD" }), await send(`${gateway.url}/goods`)];
    assert.deepEqual([head.status, get.status], [402, 402]);
    assert.deepEqual(requiredOf(head).accepts, requiredOf(get).accepts);
    assert.equal(head.text, "");
    assert.equal(head.headers["content-length"], get.headers["content-length"]);
    assert.equal(origin.runs("/goods"), 0);
  });

  test("paid for is served like GET, without a body, and settled", async () => {
    const payment = await signedPayment(world.chain, payTo);
    const served = await buy(`${gateway.url}/goods`, payment, { method: "HEAD" });
    assert.deepEqual([served.status, served.text], [200, ""]);
    assert.equal(served.headers.etag, '"1"');
    assert.equal(receiptOf(served).success, true);
    assert.equal(await payment.spent(), PRICE_ATOMIC);
  });
});

describe("headers to the origin", () => {
  test("those of one connection stay on it", async () => {
    const headers = {
      Connection: "keep-alive, X-Only-Here",
      "Keep-Alive": "timeout=5",
      "X-Only-Here": "1",
      TE: "trailers",
      "Proxy-Authorization": "Basic c2VjcmV0",
      "Proxy-Connection": "keep-alive",
      Upgrade: "websocket",
      "X-Goes-On": "2",
    };
    await send(`${gateway.url}/free`, { headers });
    const seen = lastSeen("/free").headers;
    for (const gone of ["keep-alive", "x-only-here", "te", "proxy-authorization", "proxy-connection", "upgrade"]) {
      assert.equal(seen[gone], undefined, gone);
    }
    assert.equal(seen["x-goes-on"], "2");
    assert.equal(seen.host, new URL(origin.url).host);
  });

  test("payments, and other names for path and method, never get there", async () => {
    const headers = {
      "PAYMENT-SIGNATURE": "money",
      "X-PAYMENT": "money",
      PAYMENT_SIGNATURE: "money",
      "X-HTTP-Method-Override": "DELETE",
      "X-Original-URL": "/goods",
      "X-Rewrite-URL": "/goods",
      SCRIPT_NAME: "/free",
      "Script-Name": "/free",
      PATH_INFO: "/goods",
      "X-Accel-Mapping": "/=/goods",
      REMOTE_USER: "admin",
    };
    await send(`${gateway.url}/free`, { headers });
    const names = Object.keys(lastSeen("/free").headers);
    assert.deepEqual(names.filter((name) => /payment|override|original|rewrite|script|path|accel|_/.test(name)), []);
    const payment = await signedPayment(world.chain, payTo);
    assert.equal((await buy(`${gateway.url}/goods`, payment)).status, 200);
    assert.ok(!JSON.stringify(lastSeen("/goods").rawHeaders).includes(payment.header.slice(0, 40)));
  });

  const claims = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Real-IP": "203.0.113.7",
  };

  test("a stranger cannot say whom it asks for", async () => {
    await send(`${gateway.url}/free`, { headers: { ...claims, Forwarded: "for=203.0.113.7;proto=https" } });
    const seen = lastSeen("/free").headers;
    assert.equal(seen["x-forwarded-for"], "127.0.0.1");
    assert.equal(seen["x-forwarded-proto"], "http");
    assert.equal(seen["x-forwarded-host"], new URL(gateway.url).host);
    assert.equal(seen["x-real-ip"], undefined);
    assert.doesNotMatch(seen.forwarded, /203\.0\.113\.7|https/);
    const { resource } = requiredOf(await send(`${gateway.url}/goods?a=1`, { headers: claims }));
    assert.equal(resource.url, `${gateway.url}/goods?a=1`);
  });

  test("a trusted proxy can", async () => {
    await send(`${inner.url}/free`, { headers: claims });
    const seen = lastSeen("/free").headers;
    assert.equal(seen["x-forwarded-for"], "203.0.113.7, 127.0.0.1");
    assert.equal(seen["x-forwarded-proto"], "https");
    assert.equal(seen["x-forwarded-host"], "shop.example");
    const { resource } = requiredOf(await send(`${inner.url}/goods`, { headers: claims }));
    assert.equal(resource.url, "https://shop.example/goods");
  });

  test("a body of a paid request arrives as it was sent", async () => {
    origin.handlers["/order"] = (_request, response, { body }) => response.end(body);
    const body = randomBytes(100_000);
    for (const headers of [{ "content-length": body.length }, { "transfer-encoding": "chunked" }]) {
      const payment = await signedPayment(world.chain, payTo);
      const paying = { ...headers, "PAYMENT-SIGNATURE": payment.header };
      const { request, answer: arriving } = open(`${gateway.url}/order`, { method: "POST", headers: paying });
      request.end(body);
      const served = await collect(await arriving);
      assert.equal(served.status, 200, served.text.slice(0, 200));
      assert.deepEqual(served.body, body);
      assert.equal(await payment.spent(), PRICE_ATOMIC);
    }
  });
});

describe("headers to the client", () => {
  test("those of the origin's connection stay on it", async () => {
    origin.handlers["/hops"] = (request) =>
      request.socket.end(
        "HTTP/1.1 200 OK\r\nConnection: close, X-Inside\r\nX-Inside: 1\r\nKeep-Alive: timeout=9\r\n" +
          "Upgrade: h2c\r\nX-Outside: 2\r\nContent-Length: 2\r\n\r\nok",
      );
    const { headers, text } = await send(`${gateway.url}/hops`);
    assert.equal(text, "ok");
    assert.deepEqual([headers["x-inside"], headers.upgrade, headers["x-outside"]], [undefined, undefined, "2"]);
    assert.notEqual(headers["keep-alive"], "timeout=9");
  });

  test("several cookies stay several", async () => {
    origin.handlers["/cookies"] = (_request, response) => response.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end();
    const { headers } = await send(`${gateway.url}/cookies`);
    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
  });

  test("caches: a 402 is not stored, a paid answer is private, a free one is the origin's business", async () => {
    assert.equal((await send(`${gateway.url}/goods`)).headers["cache-control"], "no-store");
    assert.equal((await send(`${gateway.url}/free`)).headers["cache-control"], "public, max-age=60");
    const payment = await signedPayment(world.chain, payTo);
    const directives = (await buy(`${gateway.url}/goods`, payment)).headers["cache-control"].split(", ").sort();
    assert.deepEqual(directives, ["max-age=60", "private"]);
  });

  test("pages of other origins can read what they need to pay, and may ask where they are allowed", async () => {
    const exposed = ({ headers }) => headers["access-control-expose-headers"].split(", ");
    const unpaid = await send(`${gateway.url}/goods`);
    assert.ok(exposed(unpaid).includes("PAYMENT-REQUIRED"));
    const payment = await signedPayment(world.chain, payTo);
    const paid = await buy(`${inner.url}/goods`, payment, { headers: { Origin: "https://app.example" } });
    assert.ok(exposed(paid).includes("PAYMENT-RESPONSE"));
    assert.equal(paid.headers["access-control-allow-origin"], "https://app.example");

    const preflight = (from) =>
      send(`${inner.url}/goods`, {
        method: "OPTIONS",
        headers: { Origin: from, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "payment-signature" },
      });
    const allowed = await preflight("https://app.example");
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers["access-control-allow-origin"], "https://app.example");
    assert.match(allowed.headers["access-control-allow-headers"], /PAYMENT-SIGNATURE.*X-Own/);
    const stranger = await preflight("https://evil.example");
    assert.equal(stranger.headers["access-control-allow-origin"], undefined);
  });

  test("a v1 client finds its offer in the body of the 402", async () => {
    const { text } = await send(`${gateway.url}/goods?a=1`);
    const { x402Version, error, accepts } = JSON.parse(text);
    assert.deepEqual({ x402Version, error }, { x402Version: 1, error: "X-PAYMENT header is required" });
    const [{ network, maxAmountRequired, resource }] = accepts;
    assert.deepEqual([network, maxAmountRequired, resource], ["base-sepolia", "1000", `${gateway.url}/goods`]);
  });
});

describe("a request to nobody in particular", () => {
  test("OPTIONS * and a Host that is a trick get no goods", async () => {
    const star = await send(gateway.url, { method: "OPTIONS", target: "*" });
    assert.equal(star.status, 400);
    const { hostname, port } = new URL(gateway.url);
    const tricked = await new Promise((resolve, reject) => {
      const request = http.request({ hostname, port, path: "/goods", headers: { host: "evil.example" } }, (response) =>
        resolve(collect(response)),
      );
      request.on("error", reject);
      request.end();
    });
    assert.equal(tricked.status, 402);
    assert.equal(requiredOf(tricked).resource.url, "http://evil.example/goods");
  });
});
