// SPDX-License-Identifier: Apache-2.0
// What a gateway and a facilitator answer to requests that are broken, oversized or meant to be read in two ways. Each
// gets one refusal, nobody behind the gateway is asked, nothing moves, and the next client is served.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { startFarthingFacilitator } from "../interop/lib/farthing.mjs";
import { craftPayload, encodeHeader, requirements } from "../interop/lib/craft.mjs";
import { PAID_MARKER } from "../interop/lib/origin.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin } from "./lib/origin.mjs";
import { isRunning } from "./lib/proc.mjs";
import { send, statuses, talk } from "./lib/raw.mjs";
import { decodeHeader } from "./lib/seller.mjs";

const DEEP = "[".repeat(10_000) + "]".repeat(10_000);
const HUGE = String(2n ** 256n);
const WRONG_AMOUNTS = ["1e3", "-1", "0x10", HUGE, "01", " 1000", "1000.0", ""];

let world;
let origin;
let gateway;
let facilitator;
let payTo;
let payer;
before(async () => {
  const started = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    origin = await startScriptedOrigin({ "/weather": answer(PAID_MARKER), "/free": answer("free") });
    w.defer(origin.close);
    const rpc = w.rpc;
    facilitator = await startFarthingFacilitator({ rpc, account: w.nextGasAccount() });
    w.defer(facilitator.stop);
    gateway = await startGateway({
      originUrl: origin.url,
      facilitator: { rpc, account: w.nextGasAccount() },
      routes: [route("GET /weather", payTo)],
    });
    w.defer(gateway.stop);
    payer = await w.chain.freshPayer(100_000n);
  });
  world = started.world;
});
after(() => world?.stop());

/// Whatever was sent before, the next client is served, and nothing was sold.
afterEach(async () => {
  assert.ok(isRunning(gateway.pid), "the gateway runs");
  const free = await send(`${gateway.url}/free`);
  assert.deepEqual([free.status, free.text], [200, "free"]);
  const health = await send(`${facilitator.url}/healthz`);
  assert.equal(health.status, 200);
  assert.equal(origin.runs("/weather"), 0, "the origin was not asked for the goods");
  assert.equal(await world.chain.balanceOf(payTo), 0n, "nothing moved");
});

const weather = (headers) => send(`${gateway.url}/weather`, { headers });
const requiredError = ({ headers }) => decodeHeader(headers["payment-required"]).error;

describe("sizes", () => {
  const head = (host, lines) => `GET /weather HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`;
  const cases = [
    { name: "a header of 1 MiB", lines: `PAYMENT-SIGNATURE: ${"A".repeat(1 << 20)}\r\n`, status: 431 },
    { name: "a header name of 1 MiB", lines: `${"A".repeat(1 << 20)}: 1\r\n`, status: 431 },
    { name: "ten thousand headers", lines: "A: 1\r\n".repeat(10_000), status: 431 },
  ];
  for (const { name, lines, status } of cases) {
    test(`${name}: ${status} from both services`, async () => {
      for (const { url } of [gateway, facilitator]) {
        const { text, closed } = await talk(url, head(new URL(url).host, lines));
        assert.deepEqual(statuses(text), [status]);
        assert.ok(closed);
      }
    });
  }

  test("a target of 1 MiB: 414 from both services", async () => {
    for (const { url } of [gateway, facilitator]) {
      const { text } = await talk(url, `GET /${"a".repeat(1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.deepEqual(statuses(text), [414]);
    }
  });

  test("a payment header as large as allowed is read, not cut off", async () => {
    const padded = await craftPayload({ key: payer.key, payTo });
    padded.payload.authorization.value = "1";
    padded.padding = "x".repeat(40_000);
    const refused = await weather({ "PAYMENT-SIGNATURE": encodeHeader(padded) });
    assert.equal(refused.status, 402);
    assert.notEqual(requiredError(refused), "Payment required", "it was read");
  });

  test("a body of 1 MiB to the facilitator: 413", async () => {
    for (const path of ["/verify", "/settle"]) {
      const refused = await send(facilitator.url + path, { method: "POST", body: `"${"a".repeat(1 << 20)}"` });
      assert.equal(refused.status, 413);
      assert.match(JSON.parse(refused.text).error, /too_large/);
    }
  });
});

describe("requests that two servers could read differently", () => {
  const smuggled = "GET /weather HTTP/1.1\r\nHost: x\r\n\r\n";
  const post = (lines, body = "") => `POST PATH HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`;
  const cases = [
    { name: "a length and chunks", bytes: post(`Content-Length: ${smuggled.length + 5}\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${smuggled}`) },
    { name: "chunks and a length", bytes: post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${smuggled}`) },
    { name: "two lengths that differ", bytes: post(`Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n`, smuggled) },
    { name: "two lengths that agree", bytes: post("Content-Length: 1\r\nContent-Length: 1\r\n", `a${smuggled}`) },
    { name: "two lengths in one", bytes: post("Content-Length: 1, 1\r\n", `a${smuggled}`) },
    { name: "a length with a sign", bytes: post("Content-Length: +1\r\n", `a${smuggled}`) },
    { name: "a negative length", bytes: post("Content-Length: -1\r\n", smuggled) },
    { name: "a length in hex", bytes: post("Content-Length: 0x1\r\n", `a${smuggled}`) },
    { name: "a length of 2^256", bytes: post(`Content-Length: ${HUGE}\r\n`, smuggled) },
    { name: "an encoding that is not chunked", bytes: post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${smuggled}`) },
    { name: "chunked that is not last", bytes: post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${smuggled}`) },
    { name: "a space before the colon", bytes: post("Transfer-Encoding : chunked\r\n", `0\r\n\r\n${smuggled}`) },
    { name: "lines that end without CR", bytes: "GET /free HTTP/1.1\nHost: x\n\n" },
    { name: "one line that ends without CR", bytes: "GET /free HTTP/1.1\r\nHost: x\nX: 1\r\n\r\n" },
    { name: "a folded header", bytes: "GET /free HTTP/1.1\r\nHost: x\r\nA: 1\r\n b: 2\r\n\r\n" },
    { name: "a NUL in a header", bytes: "GET /free HTTP/1.1\r\nHost: x\r\nA: 1\0b\r\n\r\n" },
    { name: "a bare CR in a header", bytes: "GET /free HTTP/1.1\r\nHost: x\r\nA: 1\rB: 2\r\n\r\n" },
    { name: "two spaces in the request line", bytes: "GET  /free HTTP/1.1\r\nHost: x\r\n\r\n" },
    { name: "no Host", bytes: "GET /free HTTP/1.1\r\n\r\n" },
    { name: "two Hosts", bytes: "GET /free HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" },
    { name: "a Host that is none", bytes: "GET /free HTTP/1.1\r\nHost: x/../y\r\n\r\n" },
    { name: "a chunk size that is none", bytes: post("Transfer-Encoding: chunked\r\n", `0x5\r\nhello\r\n0\r\n\r\n${smuggled}`) },
    { name: "a chunk that ends without CR LF", bytes: post("Transfer-Encoding: chunked\r\n", `5\r\nhelloX0\r\n\r\n${smuggled}`) },
    { name: "a chunk size beyond 2^64", bytes: post("Transfer-Encoding: chunked\r\n", `1${"0".repeat(16)}5\r\nhello\r\n0\r\n\r\n${smuggled}`) },
    { name: "another protocol", bytes: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" },
    { name: "HTTP/2 without asking", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", allowed: [400, 501, 505] },
    { name: "a tunnel", bytes: "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n", allowed: [400, 501] },
  ];
  for (const { name, bytes, allowed = [400, 501] } of cases) {
    test(`${name}: one refusal, and the connection is closed`, async () => {
      for (const [{ url }, path] of [[gateway, "/free"], [facilitator, "/verify"]]) {
        const { text, closed } = await talk(url, bytes.replace("POST PATH", `POST ${path}`));
        const said = statuses(text);
        assert.equal(said.length, 1, text);
        assert.ok(allowed.includes(said[0]), text);
        assert.ok(closed);
      }
    });
  }

  test("two requests in one packet are two requests", async () => {
    const one = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const { text } = await talk(gateway.url, one("/free") + one("/weather"), {
      enough: (said) => statuses(said).length === 2,
    });
    assert.deepEqual(statuses(text), [200, 402]);
  });
});

describe("payment headers the gateway cannot take", () => {
  const unreadable = [
    { name: "no base64", header: () => "%%%" },
    { name: "base64url", header: () => "eyJ4Ijoi-_8ifQ" },
    { name: "JSON 10,000 levels deep", header: () => Buffer.from(DEEP).toString("base64") },
    { name: "no JSON", header: () => Buffer.from("pay me").toString("base64") },
    {
      name: "duplicate keys",
      header: async () => {
        const text = JSON.stringify(await craftPayload({ key: payer.key, payTo }));
        return Buffer.from(text.replace('"x402Version":2', '"x402Version":2,"x402Version":2')).toString("base64");
      },
    },
    {
      name: "duplicate keys inside the authorisation",
      header: async () => {
        const text = JSON.stringify(await craftPayload({ key: payer.key, payTo }));
        return Buffer.from(text.replace('"value":"1000"', '"value":"1","value":"1000"')).toString("base64");
      },
    },
    { name: "version 3", header: () => encodeHeader({ x402Version: 3, payload: {}, accepted: {} }) },
  ];
  for (const { name, header } of unreadable) {
    test(`${name}: 402, as if there were none`, async () => {
      const refused = await weather({ "PAYMENT-SIGNATURE": await header() });
      assert.equal(refused.status, 402);
      assert.equal(requiredError(refused), "Payment required");
      assert.equal(refused.headers["payment-response"], undefined);
    });
  }

  for (const wrong of WRONG_AMOUNTS) {
    test(`an accepted amount of "${wrong.slice(0, 20)}" is none of ours`, async () => {
      const payload = await craftPayload({ key: payer.key, payTo, accepted: { amount: wrong } });
      const refused = await weather({ "PAYMENT-SIGNATURE": encodeHeader(payload) });
      assert.equal(refused.status, 402);
      assert.equal(requiredError(refused), "No matching payment requirements");
    });

    test(`an authorised value of "${wrong.slice(0, 20)}" is no payment`, async () => {
      const payload = await craftPayload({ key: payer.key, payTo });
      payload.payload.authorization.value = wrong;
      const refused = await weather({ "PAYMENT-SIGNATURE": encodeHeader(payload) });
      assert.equal(refused.status, 402);
      assert.equal(requiredError(refused), "unsupported_payload_type");
    });
  }

  test("several payment headers, or ones that disagree: 400 that says so", async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(async () => encodeHeader(await craftPayload({ key: payer.key, payTo }))),
    );
    const twice = await weather({ "PAYMENT-SIGNATURE": [one, one] });
    const disagreeing = await weather({ "PAYMENT-SIGNATURE": one, "X-PAYMENT": other });
    const halfBroken = await weather({ "PAYMENT-SIGNATURE": one, "X-PAYMENT": "%%%" });
    for (const { refused, says } of [
      { refused: twice, says: /PAYMENT-SIGNATURE is there more than once/ },
      { refused: disagreeing, says: /PAYMENT-SIGNATURE and X-PAYMENT differ/ },
      { refused: halfBroken, says: /PAYMENT-SIGNATURE and X-PAYMENT differ/ },
    ]) {
      assert.equal(refused.status, 400);
      assert.match(JSON.parse(refused.text).error, says);
      assert.equal(refused.headers["payment-response"], undefined);
    }
  });
});

describe("bodies the facilitator cannot take", () => {
  const ask = (path, body) =>
    send(facilitator.url + path, { method: "POST", headers: { "content-type": "application/json" }, body });
  const good = async () => ({
    x402Version: 2,
    paymentPayload: await craftPayload({ key: payer.key, payTo }),
    paymentRequirements: requirements(payTo),
  });

  const broken = [
    { name: "10,000 levels deep", body: async () => DEEP, says: /nested deeper|too_large/ },
    { name: "10,000 levels deep inside a payload", body: async () => JSON.stringify(await good()).replace('"x402Version":2,"payload"', `"deep":${DEEP},"x402Version":2,"payload"`), says: /nested deeper|too_large/ },
    { name: "with duplicate keys", body: async () => JSON.stringify(await good()).replace('"amount":"1000"', '"amount":"1","amount":"1000"'), says: /amount/ },
    { name: "of half an object", body: async () => JSON.stringify(await good()).slice(0, -20), says: /invalid_json/ },
    { name: "that is no JSON", body: async () => "verify, please", says: /invalid_json/ },
    { name: "that is empty", body: async () => "", says: /./ },
    { name: "that is not UTF-8", body: async () => Buffer.from([0x22, 0xff, 0xfe, 0x22]), says: /invalid_json/ },
  ];
  for (const { name, body, says } of broken) {
    test(`JSON ${name}: 400 that says why`, async () => {
      for (const path of ["/verify", "/settle"]) {
        const refused = await ask(path, await body());
        assert.ok([400, 413].includes(refused.status), refused.text);
        assert.match(JSON.parse(refused.text).error, says);
      }
    });
  }

  for (const wrong of [...WRONG_AMOUNTS, 1000]) {
    const shown = JSON.stringify(wrong).slice(0, 20);
    test(`a required amount of ${shown}: 400 that names the field`, async () => {
      const body = await good();
      body.paymentRequirements.amount = wrong;
      for (const path of ["/verify", "/settle"]) {
        const refused = await ask(path, JSON.stringify(body));
        assert.equal(refused.status, 400, refused.text);
        assert.match(JSON.parse(refused.text).error, /\.paymentRequirements\.amount: /);
      }
    });

    test(`an authorised value of ${shown}: refused, naming the field`, async () => {
      const body = await good();
      body.paymentPayload.payload.authorization.value = wrong;
      const verdict = JSON.parse((await ask("/verify", JSON.stringify(body))).text);
      assert.deepEqual([verdict.isValid, verdict.invalidReason], [false, "unsupported_payload_type"]);
      assert.match(verdict.invalidMessage, /\.payload\.authorization\.value: /);
      const outcome = JSON.parse((await ask("/settle", JSON.stringify(body))).text);
      assert.deepEqual([outcome.success, outcome.errorReason, outcome.transaction], [false, "unsupported_payload_type", ""]);
    });
  }

  test("another method, another path: 405 and 404 that say what there is", async () => {
    const wrongMethod = await send(`${facilitator.url}/verify`);
    assert.deepEqual([wrongMethod.status, JSON.parse(wrongMethod.text).error], [405, "expected POST"]);
    const wrongPath = await ask("/pay", "{}");
    assert.equal(wrongPath.status, 404);
    assert.match(JSON.parse(wrongPath.text).error, /POST \/verify, POST \/settle/);
  });
});
