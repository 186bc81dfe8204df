// SPDX-License-Identifier: Apache-2.0
// Finding paid services: facilitators' discovery lists, by the command and by the wallet's tool. The reference packages
// have a client for them and no server: the one here serves the documented shape, which their client reads as well.

import assert from "node:assert/strict";
import http from "node:http";
import { before, after, test } from "node:test";
import { NETWORK, NETWORK_V1, USDC } from "../interop/lib/chain.mjs";
import { listen } from "../interop/lib/http.mjs";
import { bazaarClient } from "../interop/lib/mcp_packages.mjs";
import { connectStdio } from "./lib/mcp.mjs";
import { assertExit, errorOf, farthing, onTerminal } from "./lib/pay.mjs";
import { offer } from "./lib/seller.mjs";
import { makeWallet } from "./lib/wallet.mjs";

const service = (path, changes = {}) => ({
  resource: `https://api.example${path}`,
  type: "http",
  x402Version: 2,
  accepts: [offer()],
  lastUpdated: "2026-11-21T00:00:00.000Z",
  description: "Weather for any place",
  ...changes,
});

const LISTED = [
  service("/weather", { serviceName: "Sky", tags: ["weather"], extensions: { bazaar: { info: { input: { type: "http", method: "GET" } } } } }),
  service("/dear", { description: "Weather, by hand", accepts: [offer({ amount: "2000000" })] }),
  service("/other-chain", { description: "Weather at sea", accepts: [offer({ network: "eip155:8453", asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", extra: { name: "USD Coin", version: "2" } })] }),
  service("/old", {
    description: "Weather as it was",
    x402Version: 1,
    lastUpdated: 1763683200,
    accepts: [{ scheme: "exact", network: NETWORK_V1, maxAmountRequired: "500", resource: "https://api.example/old", description: "", mimeType: "", payTo: offer().payTo, maxTimeoutSeconds: 60, asset: USDC, extra: { name: "USDC", version: "2" } }],
  }),
  service("/tool", { type: "mcp", description: "Weather \u001b[2Jtool\u202e", extensions: { bazaar: { info: { input: { type: "mcp", toolName: "forecast" } } } } }),
  service("/broken", { accepts: "none" }),
  service("/maps", { description: "Maps" }),
];

/// Serves the lists; without `search` only the one to page through. `seen` has what was asked.
async function startLists({ items = LISTED, search = true, status = 200, page = 3 } = {}) {
  const seen = [];
  const server = await listen(
    http.createServer((request, response) => {
      const url = new URL(request.url, "http://list");
      seen.push(`${url.pathname}${url.search}`);
      const reply = (code, body) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (status !== 200) return reply(status, { error: "no" });
      if (url.pathname === "/base/discovery/search" && search) {
        const words = url.searchParams.get("query").toLowerCase();
        const resources = items.filter(({ description }) => description.toLowerCase().includes(words));
        return reply(200, { x402Version: 2, resources, pagination: null });
      }
      if (url.pathname === "/base/discovery/resources") {
        const offset = Number(url.searchParams.get("offset") ?? 0);
        const part = items.slice(offset, offset + page);
        return reply(200, { x402Version: 2, items: part, pagination: { limit: page, offset, total: items.length } });
      }
      return reply(404, { error: "not found" });
    }),
  );
  return { url: `${server.url}/base`, seen, close: server.close };
}

let lists;
let listOnly;
before(async () => {
  lists = await startLists();
  listOnly = await startLists({ search: false });
});
after(() => Promise.all([lists?.close(), listOnly?.close()]));

async function discover(args, ...facilitators) {
  const run = await farthing(["discover", ...args, ...facilitators.flatMap(({ url }) => ["--facilitator", url])]);
  return { ...run, found: run.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line)) };
}
const paths = (found) => found.map(({ resource }) => resource.replace("https://api.example", ""));

test("what a search finds, with its prices, from either kind of list; nothing unreadable, nothing unseen", async () => {
  for (const facilitator of [lists, listOnly]) {
    const { found, code, stderr } = await discover(["weather"], facilitator);
    assert.equal(code, 0, stderr);
    assert.deepEqual(paths(found), ["/weather", "/dear", "/other-chain", "/old", "/tool"]);
    const [first, , , old, tool] = found;
    assert.deepEqual(first.prices, [{ price: "$0.001 USDC", network: NETWORK, payable: true }]);
    assert.deepEqual([first.name, first.method, first.tags], ["Sky", "GET", ["weather"]]);
    assert.deepEqual([old.prices[0].price, old.prices[0].network, old.updated], ["$0.0005 USDC", NETWORK, "1763683200"]);
    assert.deepEqual([tool.type, tool.tool, tool.description], ["mcp", "forecast", "Weather ?[2Jtool?"]);
  }
  assert.ok(listOnly.seen.includes("/base/discovery/resources?limit=100&offset=3"), listOnly.seen.join("\n"));
});

test("by price and network", async () => {
  assert.deepEqual(paths((await discover(["weather", "--max-price", "$0.001"], lists)).found), ["/weather", "/other-chain", "/old", "/tool"]);
  assert.deepEqual(paths((await discover(["weather", "--network", "base"], lists)).found), ["/other-chain"]);
  assert.ok(lists.seen.at(-1).includes("network=eip155%3A8453"), lists.seen.at(-1));
  assert.deepEqual((await discover(["sun & moon?"], lists)).found, []);
  assert.ok(lists.seen.at(-1).includes("query=sun%20%26%20moon%3F"));
  assert.equal((await discover(["weather", "--max-price", "much"], lists)).code, 2);
});

test("several lists are merged, and one that fails is a warning", async (t) => {
  const down = await startLists({ status: 500 });
  t.after(down.close);
  const run = await discover(["weather"], lists, down, listOnly);
  assert.equal(run.code, 0);
  assert.equal(run.found.length, 5);
  assert.deepEqual(run.found[0].facilitators, [lists, listOnly].map(({ url }) => new URL(url).host));
  assert.match(run.stderr, /it answered 500/);
  const none = await discover(["weather"], down);
  assertExit(none, 4);
  assert.equal(errorOf(none).code, "facilitator_failed");
});

test("for people it is a list to read", async () => {
  const { stdout, code } = await onTerminal(["discover", "weather", "--facilitator", lists.url]);
  assert.equal(code, 0);
  assert.match(stdout, /https:\/\/api\.example\/weather {2}http\r\n {4}Sky\r\n {4}Weather for any place\r\n {4}\$0\.001 USDC on eip155:84532\r\n/);
  assert.match(stdout, /mcp, tool forecast/);
});

test("a hostile list costs no more than its share", async (t) => {
  const many = Array.from({ length: 400 }, (_, i) => service(`/weather${i}`, { description: "weather ".repeat(200) }));
  const long = await startLists({ items: many });
  const endless = await startLists({ items: many, search: false, page: 1 });
  t.after(long.close);
  t.after(endless.close);
  const { found } = await discover(["weather", "--limit", "100"], long);
  assert.equal(found.length, 100);
  assert.ok(found.every(({ description }) => description.length <= 500));
  await discover(["weather", "--limit", "100"], endless);
  assert.ok(endless.seen.length <= 6, "a few pages, whatever it says of more");
});

test("the reference client reads the same lists the same way", async () => {
  const { bazaar } = bazaarClient(lists.url).extensions;
  const { resources } = await bazaar.search({ query: "weather" });
  assert.deepEqual(paths(resources).filter((path) => path !== "/broken"), paths((await discover(["weather"], lists)).found));
  const listed = await bazaar.listResources({ limit: 3, offset: 0 });
  assert.equal(listed.items.length, 3);
});

test("the wallet's tool finds the same, as data", async (t) => {
  const wallet = await makeWallet(undefined, 0n);
  t.after(wallet.remove);
  await wallet.pact([]);
  const { call } = await connectStdio(t, wallet, ["--facilitator", lists.url]);
  const found = await call("discover_services", { query: "weather", max_price: "$0.001", network: NETWORK });
  assert.deepEqual(paths(found.said.services), ["/weather", "/old", "/tool"]);
  assert.ok(!found.text.split(" begins]\n")[0].includes("Weather"));
  const bare = await connectStdio(t, wallet);
  assert.match((await bare.call("discover_services", { query: "weather" })).text, /knows no facilitator/);
});
