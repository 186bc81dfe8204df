// SPDX-License-Identifier: Apache-2.0
// The local proxy, with programs that know nothing of payments: curl, Python's urllib, Node's fetch.

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { after, before, beforeEach, describe, test } from "node:test";
import { listen } from "../interop/lib/http.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { runToEnd } from "../interop/lib/processes.mjs";
import { makeCertificate } from "./lib/certificate.mjs";
import { makeFolder } from "./lib/files.mjs";
import { answer } from "./lib/origin.mjs";
import { route } from "./lib/gateway.mjs";
import { startShop } from "./lib/shop.mjs";
import { makeWallet, said } from "./lib/wallet.mjs";
import { ask, newToken, startDaemon } from "./lib/wallet_daemon.mjs";

const FUNDS = 1_000_000n;
const BIG = 5_000_000;

let world;
let chain;
let origin;
let goods;
let gateway;
let wallet;
let daemon;
let token;
before(async () => {
  ({ world, origin, gateway, goods } = await startShop({
    more: (payTo) => [route("POST /orders", payTo), route("GET /dear", payTo, { price: "$0.02" }), route("GET /big", payTo)],
  }));
  chain = world.chain;
  wallet = await makeWallet(chain, FUNDS);
  await wallet.pact(["--limit", "$0.5", "--vendor", new URL(gateway.url).host]);
  token = await newToken(wallet, "programs");
  daemon = await startDaemon(wallet);
});
after(async () => {
  await daemon?.stop();
  await wallet?.remove();
  await world?.stop();
});
beforeEach(() => {
  origin.handlers["/goods"] = answer(PAID_MARKER);
});

/// What nothing of the caller's environment may decide.
const CLEAN = { http_proxy: undefined, HTTP_PROXY: undefined, https_proxy: undefined, no_proxy: undefined, NO_PROXY: undefined, all_proxy: undefined };
const asProxy = () => `http://agent:${token}@${daemon.host}`;

async function run(command, args, env = {}) {
  return runToEnd({ name: command, command, args, env: { ...CLEAN, ...env } });
}

async function pays(times, work, { agent } = wallet) {
  const before = await chain.balanceOf(agent);
  await work();
  assert.equal(before - (await chain.balanceOf(agent)), BigInt(times) * PRICE_ATOMIC);
}

function assertGot(ended, text) {
  assert.deepEqual([ended.code, ended.stdout], [0, text], ended.stderr);
}

describe("curl", () => {
  test("by http_proxy", () =>
    pays(1, async () => assertGot(await run("curl", ["-sS", goods], { http_proxy: asProxy() }), PAID_MARKER)));

  test("by a URL in the path, the token as a password", () =>
    pays(1, async () => assertGot(await run("curl", ["-sS", "-u", `agent:${token}`, `${daemon.url}/${goods}`]), PAID_MARKER)));

  test("a body is sent with the payment, and what is ours stays here", () =>
    pays(1, async () => {
      origin.handlers["/orders"] = (request, response, seen) => answer(`got ${seen.body}`)(request, response);
      const own = ["-H", `Farthing-Token: ${token}`, "-H", "Farthing-Task: orders", "-H", "Farthing-Reason: two of them"];
      const args = ["-sS", ...own, "-H", "Authorization: Bearer the-sellers", "-d", "two please"];
      assertGot(await run("curl", [...args, `${daemon.url}/${gateway.url}/orders`]), "got two please");
      const { headers } = origin.seen("/orders").at(-1);
      assert.equal(headers.authorization, "Bearer the-sellers");
      assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith("farthing-")), []);
      const decision = (await wallet.entries(["--kind", "decision"])).at(-1);
      assert.deepEqual([decision.agent, decision.task, decision.reason], ["programs", "orders", "two of them"]);
    }));

  test("a long answer comes whole", () =>
    pays(1, async () => {
      origin.handlers["/big"] = answer("x".repeat(BIG));
      const ended = await run("sh", ["-c", `curl -sS "$1" | wc -c`, "sh", `${gateway.url}/big`], { http_proxy: asProxy() });
      assert.equal(Number(ended.stdout), BIG, ended.stderr);
    }));

  test("a tunnel is not dug, and the words say what to do", () =>
    pays(0, async () => {
      const ended = await run("curl", ["-sSv", "https://api.example/"], { https_proxy: asProxy() });
      assert.notEqual(ended.code, 0);
      assert.match(ended.stderr, /405/);
      const raw = await run("sh", ["-c", `printf 'CONNECT api.example:443 HTTP/1.1\\r\\nHost: api.example:443\\r\\n\\r\\n' | curl -sS --max-time 5 telnet://"$1"`, "sh", daemon.host]);
      assert.match(raw.stdout, /\/https:\/\/host\/path/);
    }));
});

describe("Python", () => {
  const program = `
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode(), end="")
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode(), end="")
`;
  test("by http_proxy", () =>
    pays(1, async () => assertGot(await run("python3", ["-c", program, goods], { http_proxy: asProxy() }), PAID_MARKER)));

  test("what is refused is said in JSON, with what to do", () =>
    pays(0, async () => {
      const ended = await run("python3", ["-c", program, `${gateway.url}/dear`], { http_proxy: asProxy() });
      const [, status, text] = /^(\d+) (.*)$/s.exec(ended.stdout);
      assert.equal(status, "403");
      const { error } = JSON.parse(text);
      assert.deepEqual([error.code, error.kind, error.decision.condition], ["not_allowed", "refused", "per_request"]);
      assert.match(error.next, /nothing was paid/);
    }));
});

describe("Node", () => {
  const program = `
const response = await fetch(process.argv[1], { headers: { "farthing-token": process.env.TOKEN } });
process.stdout.write(await response.text());
`;
  test("by a URL in the path", () =>
    pays(1, async () => {
      const args = ["--input-type=module", "-e", program, `${daemon.url}/${goods}`];
      assertGot(await run(process.execPath, args, { TOKEN: token }), PAID_MARKER);
    }));

  test("a card instead of a token: once, and with its vendor", () =>
    pays(1, async () => {
      const card = said(await wallet.run(["card", "new", "--max", "0.01", "--vendor", new URL(gateway.url).host])).token;
      const args = (url) => ["--input-type=module", "-e", program, `${daemon.url}/${url}`];
      assertGot(await run(process.execPath, args(goods), { TOKEN: card }), PAID_MARKER);
      const again = await run(process.execPath, args(goods), { TOKEN: card });
      assert.equal(JSON.parse(again.stdout).error.decision.code, "card_used");
      const elsewhere = await run(process.execPath, args(`${origin.url}/goods`), { TOKEN: card });
      assert.equal(JSON.parse(elsewhere.stdout).error.code, "not_allowed");
    }));
});

describe("https, by a URL in the path", () => {
  let folder;
  let certificate;
  let front;
  let buyer;
  before(async () => {
    folder = await makeFolder();
    certificate = makeCertificate(folder);
    front = await startFront(certificate.tls);
    buyer = await makeWallet(chain, FUNDS);
    const { host, port } = new URL(front.url);
    await buyer.pact(["--limit", "$0.5", "--vendor", host, "--vendor", `localhost:${port}`]);
    buyer.token = await newToken(buyer, "programs");
  });
  after(async () => {
    await front?.close();
    await buyer?.remove();
    await folder?.remove();
  });
  beforeEach(() => front.seen.splice(0));

  /// The gateway behind TLS. `seen` is what was asked there.
  async function startFront(tls) {
    const seen = [];
    const server = https.createServer(tls, (request, response) => {
      const { method, url: path, headers } = request;
      seen.push({ method, path, headers });
      const { hostname, port } = new URL(gateway.url);
      const onward = http.request({ hostname, port, method, path, headers, agent: false }, (got) => {
        response.writeHead(got.statusCode, got.headers);
        got.pipe(response);
      });
      onward.on("error", () => response.destroy());
      request.pipe(onward);
    });
    const { url, close } = await listen(server);
    return { url: url.replace("http:", "https:"), close, seen };
  }

  async function daemonOf(t, args) {
    const { url, stop } = await startDaemon(buyer, args);
    t.after(stop);
    return url;
  }
  const get = (daemonUrl, url) => ask(daemonUrl, { path: `/${url}`, headers: { "farthing-token": buyer.token } });

  /// Refused for the certificate, before anything went out.
  async function assertNotTrusted(daemonUrl, url) {
    await pays(0, async () => {
      const { status, body } = await get(daemonUrl, url);
      assert.equal(status, 502, JSON.stringify(body));
      assert.deepEqual([body.error.code, body.error.kind], ["connection_failed", "unavailable"]);
      assert.match(body.error.detail, /certificate/i);
      assert.ok(body.error.detail.includes(new URL(url).host), body.error.detail);
      assert.ok(!JSON.stringify(body).includes(buyer.token));
    }, buyer);
    assert.deepEqual(front.seen, []);
    assert.equal((await buyer.entries(["--reserved"])).length, 0);
  }

  test("with a certificate that is trusted: paid once, and the token stays here", async (t) => {
    const url = await daemonOf(t, ["--ca-file", certificate.file]);
    await pays(1, async () => {
      assertGot(await run("curl", ["-sS", "-u", `agent:${buyer.token}`, `${url}/${front.url}/goods?q=1`]), PAID_MARKER);
    }, buyer);
    assert.deepEqual(front.seen.map(({ method, path }) => `${method} ${path}`), ["GET /goods?q=1", "GET /goods?q=1"]);
    assert.deepEqual(front.seen.map(({ headers }) => "payment-signature" in headers), [false, true]);
    for (const { headers } of front.seen) {
      assert.equal(headers.host, new URL(front.url).host);
      assert.equal(headers.authorization, undefined);
      assert.ok(!JSON.stringify(headers).includes(buyer.token));
    }
    const decisions = await buyer.entries(["--kind", "decision"]);
    assert.deepEqual(decisions.map(({ verdict, url }) => [verdict, url]), [["allow", `${front.url}/goods?q=1`]]);
  });

  test("with one that is not: said so, and nothing is asked or paid", async (t) =>
    assertNotTrusted(await daemonOf(t, []), `${front.url}/goods`));

  test("with one that is, of another name: the same", async (t) =>
    assertNotTrusted(await daemonOf(t, ["--ca-file", certificate.file]), `${front.url.replace("127.0.0.1", "localhost")}/goods`));
});

describe("no open relay", () => {
  test("without a token nothing goes anywhere", () =>
    pays(0, async () => {
      const before = origin.connections();
      const free = `${origin.url}/goods`;
      assert.equal((await ask(daemon.url, { path: `/${free}` })).status, 401);
      assert.equal((await ask(daemon.url, { path: free })).status, 407);
      const wrong = `Basic ${Buffer.from(`agent:${token.replace(/.$/, "x")}`).toString("base64")}`;
      assert.equal((await ask(daemon.url, { path: free, headers: { "proxy-authorization": wrong } })).status, 407);
      assert.equal((await ask(daemon.url, { path: `/${free}`, headers: { "farthing-token": token, origin: "https://evil.example" } })).status, 403);
      assert.equal(origin.connections(), before);
    }));

  test("what is free is passed on as it is", () =>
    pays(0, async () => {
      origin.handlers["/free"] = answer("not here, but there", { status: 404, headers: { "x-own": "yes" } });
      const { status, headers, body } = await ask(daemon.url, { path: `/${origin.url}/free`, headers: { "farthing-token": token } });
      assert.deepEqual([status, headers["x-own"], body], [404, "yes", "not here, but there"]);
    }));
});
