// SPDX-License-Identifier: Apache-2.0
// The wallet over streamable HTTP: for agents with a token, and for nobody else on the machine or in its browser.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { connectHttp, makeToken, serveHttp } from "./lib/mcp.mjs";
import { answer } from "./lib/origin.mjs";
import { assertExit, errorOf } from "./lib/pay.mjs";
import { ask, startSeller } from "./lib/seller.mjs";
import { startShop } from "./lib/shop.mjs";
import { walletOf } from "./lib/wallet.mjs";

const FUNDS = 1_000_000n;

let world;
let goods;
let vendor;
before(async () => {
  let gateway;
  let origin;
  ({ world, origin, gateway, goods } = await startShop());
  origin.handlers["/goods"] = answer(PAID_MARKER);
  vendor = new URL(gateway.url).host;
});
after(() => world?.stop());

const walletFor = (t, pact) => walletOf(t, world.chain, FUNDS, pact);

/// A request as nobody's SDK would make it.
function send(url, { method = "POST", headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const HELLO = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
});
const LIST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });

test("two agents pay by their tokens, and each has what is its own", async (t) => {
  const wallet = await walletFor(t, ["--limit", "$0.05", "--ask-over", "$0.002", "--vendor", vendor]);
  const { url } = await serveHttp(t, wallet);
  const mail = await connectHttp(t, url, await makeToken(wallet, "mail"));
  const news = await connectHttp(t, url, await makeToken(wallet, "news"));
  assert.equal((await mail.call("fetch_paid_url", { url: goods })).said.content.text, PAID_MARKER);
  assert.equal((await news.call("fetch_paid_url", { url: goods })).said.money, "paid");
  const asked = await mail.call("fetch_paid_url", { url: goods });
  const { id } = asked.said.error.approval;
  assert.match((await news.call("request_approval", { id })).text, /nothing with this number/);
  assertExit(await wallet.asOperator(["approvals", "approve", String(id)]), 0);
  assert.equal((await mail.call("request_approval", { id, wait_seconds: 20 })).said.answer, "approved");
  assert.equal((await mail.call("fetch_paid_url", { url: goods })).said.money, "paid");
  assert.equal(FUNDS - (await world.chain.balanceOf(wallet.agent)), 3n * PRICE_ATOMIC);
  const agents = (await wallet.entries(["--kind", "decision"])).map(({ agent }) => agent);
  assert.deepEqual(agents, ["mail", "news", "mail", "mail"]);
  await mail.transport.terminateSession();
  await assert.rejects(mail.call("limits_left"), /Mcp-Session-Id: missing/, "the SDK has forgotten it as well");
});

test("an agent that opens many sessions makes room for itself, and no other one is put out", async (t) => {
  const wallet = await walletFor(t, ["--vendor", vendor]);
  const { url } = await serveHttp(t, wallet);
  const open = async (token) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const { status, headers: got } = await send(url, { headers, body: HELLO });
    assert.equal(status, 200);
    return { ...headers, "mcp-session-id": got["mcp-session-id"] };
  };
  const lists = async (headers) => (await send(url, { headers, body: LIST })).status;
  const quiet = await open(await makeToken(wallet, "quiet"));
  const token = await makeToken(wallet, "greedy");
  const first = await open(token);
  const others = [];
  for (let i = 0; i < 300; ++i) others.push(await open(token));
  assert.equal(await lists(quiet), 200);
  assert.equal(await lists(first), 404);
  assert.equal(await lists(others.at(-1)), 200);
});

test("a token that is revoked pays for nothing that is in hand", async (t) => {
  const wallet = await walletFor(t, ["--vendor", "127.0.0.1:*", "--limit", "$0.05"]);
  const { url } = await serveHttp(t, wallet);
  const mail = await connectHttp(t, url, await makeToken(wallet, "mail"));
  const seller = await startSeller({
    "/page": async (_, response) => {
      assertExit(await wallet.run(["wallet", "token", "revoke", "mail"]), 0);
      ask(response);
    },
  });
  t.after(seller.close);
  const { said } = await mail.call("fetch_paid_url", { url: `${seller.url}/page` });
  assert.equal(said.money, "nothing_paid");
  assert.equal(said.error.code, "api_key_invalid");
  assert.deepEqual(await wallet.entries(), []);
});

test("strangers are turned away before anything is read", async (t) => {
  const wallet = await walletFor(t, ["--vendor", vendor]);
  const { url } = await serveHttp(t, wallet);
  const { port } = new URL(url);
  const token = await makeToken(wallet, "mail");
  const good = {
    host: `127.0.0.1:${port}`,
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const status = async (changes, { method, body = HELLO, to = url } = {}) => {
    const headers = Object.fromEntries(Object.entries({ ...good, ...changes }).filter(([, value]) => value !== undefined));
    const { status: got, text } = await send(to, { method, headers, body: method === "GET" ? undefined : body });
    assert.ok(!text.includes(token), "no answer repeats a token");
    return got;
  };
  const cases = [
    ["as it should be", 200, {}],
    ["by another name of this machine", 200, { host: `localhost:${port}` }],
    ["a page of another site", 403, { origin: "https://evil.example" }],
    ["a page without an origin", 403, { origin: "null" }],
    ["another port of this machine", 403, { origin: "http://127.0.0.1:1" }],
    ["a name that was bound to us", 403, { host: `evil.example:${port}` }],
    ["the same without a port", 403, { host: "evil.example" }],
    ["no token", 401, { authorization: undefined }],
    ["another token", 401, { authorization: `Bearer ${token.slice(0, -1)}${token.endsWith("0") ? 1 : 0}` }],
    ["a token that names a file", 401, { authorization: `Bearer farthing-agent-../../key-${"0".repeat(64)}` }],
    ["another scheme", 401, { authorization: `Basic ${token}` }],
    ["a form", 415, { "content-type": "text/plain" }],
    ["who takes no JSON", 406, { accept: "text/html" }],
    ["a stream", 405, {}, { method: "GET" }],
    ["a preflight", 405, {}, { method: "OPTIONS" }],
    ["another path", 404, {}, { to: url.replace("/mcp", "/") }],
    ["no session", 400, {}, { body: LIST }],
    ["an unknown session", 404, { "mcp-session-id": "0".repeat(64) }, { body: LIST }],
    ["no JSON", 400, {}, { body: "{" }],
    ["too much", 413, {}, { body: " ".repeat(1_100_000) }],
  ];
  for (const [name, expected, changes, how] of cases) assert.equal(await status(changes, how), expected, name);

  const { headers } = await send(url, { headers: good, body: HELLO });
  const session = { "mcp-session-id": headers["mcp-session-id"] };
  assert.equal(await status(session, { body: LIST }), 200);
  assert.equal(await status({ ...session, "mcp-protocol-version": "2025-11-25" }, { body: LIST }), 200);
  assert.equal(await status({ ...session, "mcp-protocol-version": "1999-01-01" }, { body: LIST }), 400);
  assert.equal(await status(session, { body: JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }) }), 202);
  const other = `Bearer ${await makeToken(wallet, "other")}`;
  assert.equal(await status({ ...session, authorization: other }, { body: LIST }), 404, "another agent's session");
  for (let i = 0; i < 70; ++i) assert.equal(await status({}), 200, "sessions make room for new ones");
  assert.equal(await status(session, { body: LIST }), 404, "and the oldest has gone");
});

test("it listens on this machine only, and to a proxy's name when it is told", async (t) => {
  const wallet = await walletFor(t, []);
  const run = await wallet.run(["mcp", "--listen", "0.0.0.0:0"]);
  assertExit(run, 2);
  assert.match(errorOf(run).detail, /expected a loopback address/);
  const { url } = await serveHttp(t, wallet, ["--host", "wallet.example"]);
  const headers = {
    host: "wallet.example",
    authorization: `Bearer ${await makeToken(wallet, "mail")}`,
    "content-type": "application/json",
  };
  assert.equal((await send(url, { headers, body: HELLO })).status, 200);
});
