// SPDX-License-Identifier: Apache-2.0
// What a service does with a file, a key or a node that is not good: it says which field and why, and does not start.
// What comes over the wire is in bad_wire.test.mjs, key files in keystore.test.mjs.

import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { NETWORK } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { listen } from "../interop/lib/http.mjs";
import { makeFolder } from "./lib/files.mjs";
import { assertExit, errorOf, farthing, onTerminal } from "./lib/pay.mjs";
import { PAY_TO } from "./lib/seller.mjs";

let devnet;
let folder;
before(async () => {
  folder = await makeFolder();
  devnet = await startDevnet();
});
after(async () => {
  await devnet?.stop();
  await folder?.remove();
});

/// A file that would start, in parts that a case replaces.
const GOOD = {
  listen: 'listen = "127.0.0.1:0"',
  origin: 'origin = "http://127.0.0.1:9"',
  top: "",
  id: `id = "${NETWORK}"`,
  rpc: 'rpc = "RPC"',
  key: 'key = { env = "FARTHING_FACILITATOR_KEY" }',
  network: "",
  match: 'match = "GET /weather"',
  price: 'price = "$0.001"',
  payTo: `pay_to = "${PAY_TO}"`,
  route: "",
};

/// As `network`: the same [[network]] a second time.
const AGAIN = Symbol("again");

function textOf(role, changes) {
  const part = { ...GOOD, ...changes };
  const table = role === "facilitator" ? "[[network]]" : "[[facilitator.network]]";
  const again = part.network === AGAIN ? `${table}\n${part.id}\n${part.rpc}\n${part.key}` : part.network;
  const network = [part.id, part.rpc, part.key, again].join("\n");
  if (role === "facilitator") return `${part.listen}\n${part.top}\n[[network]]\n${network}\n`;
  const route = [part.match, part.route, "[[route.accepts]]", part.price, `network = "${NETWORK}"`, part.payTo];
  return [part.listen, part.origin, part.top, "[[facilitator.network]]", network, "[[route]]", ...route, ""].join("\n");
}

async function start(role, changes, { env = {}, args = [], run = farthing } = {}) {
  const text = (changes.whole ?? textOf(role, changes)).replaceAll("RPC", changes.at ?? devnet.rpc);
  const file = await folder.write(`${role}.toml`, text);
  const given = { FARTHING_FACILITATOR_KEY: devnet.accounts[0].key, ...env };
  return run([role, "--config", file, ...args], { env: given, deadlineMs: 15_000 });
}

/// It ended by itself, said why in one JSON line, and never said that it listens.
function assertRefused(run, { exit, code, says }) {
  assertExit(run, exit);
  assert.equal(run.stdout, "", "it never said that it listens");
  const error = errorOf(run);
  if (code) assert.equal(error.code, code);
  assert.match(error.detail, says);
  return error;
}

const BOTH = ["gateway", "facilitator"];
const fileCases = [
  {
    name: "broken TOML, by line and column",
    roles: BOTH,
    change: { whole: 'listen = "127.0.0.1:0"\n\nrpc == 1\n' },
    says: /\.toml:3:6: /,
  },
  { name: "a key given twice, by line and column", roles: BOTH, change: { top: 'listen = "127.0.0.1:1"' }, says: /\.toml:\d+:\d+: .*listen/ },
  { name: "an unknown key", roles: BOTH, change: { network: "colour = 1" }, says: /network\[0\]\.colour: unknown key/ },
  { name: "an unknown key at the top", roles: BOTH, change: { top: "lissten = 1" }, says: /\.lissten: unknown key/ },
  { name: "a misspelt key, by line and column, with the one that was meant", roles: BOTH, change: { rpc: 'rcp = "RPC"' }, says: /\.toml:\d+:1: .*network\[0\]\.rcp: unknown key, did you mean "rpc"\?/ },
  { name: "a number where text belongs", roles: BOTH, change: { listen: "listen = 8402" }, says: /\.toml:1:1: \.listen: expected a string/ },
  { name: "a duration without a unit", roles: BOTH, change: { network: 'rpc_timeout = "10"' }, says: /\.rpc_timeout: expected a duration such as "250ms"/ },
  { name: "a negative number", roles: BOTH, change: { network: "gas_limit_max = -1" }, says: /\.gas_limit_max: expected a whole number/ },
  { name: "a number in scientific notation", roles: BOTH, change: { network: "gas_limit_max = 1e6" }, says: /gas_limit_max: a fraction is not a setting/ },
  { name: "a missing member", roles: BOTH, change: { rpc: "" }, says: /\.rpc: missing/ },
  { name: "an address to listen on that is none", roles: BOTH, change: { listen: 'listen = "everywhere"' }, says: /listen: .*expected/ },
  { name: "a network that is no EVM chain", roles: ["facilitator"], change: { id: 'id = "solana:mainnet"' }, says: /network\[0\]\.id: expected an eip155 network/ },
  { name: "a node's URL that is none", roles: BOTH, change: { rpc: 'rpc = "127.0.0.1:8545"' }, says: /network\[0\]\.rpc: URL: expected/ },
  { name: "the same network twice", roles: BOTH, change: { network: AGAIN }, says: /network\[1\]\.id: eip155:84532 is there twice/ },
  { name: "no network", roles: ["facilitator"], change: { whole: 'listen = "127.0.0.1:0"\n' }, says: /\.network: missing/ },
  { name: "no route", roles: ["gateway"], change: { whole: 'origin = "http://127.0.0.1:9"\nroute = []\n[facilitator]\nurl = "http://127.0.0.1:9"' }, says: /route: expected at least one/ },
  { name: "a route without a price", roles: ["gateway"], change: { price: "" }, says: /route\[0\]\.accepts\[0\]\.price: missing/ },
  { name: "a price in scientific notation", roles: ["gateway"], change: { price: 'price = "1e-3"' }, says: /\.price: expected a price such as "\$0\.001"/ },
  { name: "a negative price", roles: ["gateway"], change: { price: 'price = "-1"' }, says: /\.price: expected a price such as/ },
  { name: "a price as a number", roles: ["gateway"], change: { price: "price = 1" }, says: /\.price: expected a string such as "\$0\.001"/ },
  { name: "a price of less than one unit", roles: ["gateway"], change: { price: 'price = "$0.0000001"' }, says: /\.price: is zero in the 6 decimals of USDC/ },
  { name: "a price of 2^256 units", roles: ["gateway"], change: { price: `price = { amount = "${2n ** 256n}", asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e" }` }, says: /\.price\.amount: expected at most 2\^256-1/ },
  { name: "a mistyped payee", roles: ["gateway"], change: { payTo: 'pay_to = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6a65"' }, says: /\.pay_to: the EIP-55 checksum does not fit/ },
  { name: "no payee", roles: ["gateway"], change: { payTo: "" }, says: /\.pay_to: missing/ },
  { name: "a pattern that can never match", roles: ["gateway"], change: { match: 'match = "GET weather"' }, says: /route\[0\]\.match: expected a path that begins with/ },
  { name: "a misspelt method", roles: ["gateway"], change: { match: 'match = "GTE /echo/2"' }, says: /\.toml:\d+:1: route\[0\]\.match: unknown method "GTE", did you mean GET\? Known: GET, HEAD/ },
  { name: "another language's pattern", roles: ["gateway"], change: { match: 'match = "GET /echo/{id}/x"' }, says: /route\[0\]\.match: '\{' has no meaning here: write :name or \[name\] for one segment/ },
  { name: "the same route twice", roles: ["gateway"], change: { route: '[[route]]\nmatch = "get /weather/"' }, says: /route\[1\]\.match: the same as route\[0\]|route\[0\]: no price/ },
  { name: "an origin with a path", roles: ["gateway"], change: { origin: 'origin = "http://127.0.0.1:9/api"' }, says: /origin: expected scheme, host and port only/ },
  { name: "a proxy to trust that is no network", roles: ["gateway"], change: { top: 'trusted_proxies = ["10.0.0.0/33"]' }, says: /trusted_proxies\[0\]: expected a prefix length/ },
];

describe("a file that is not good", () => {
  for (const { name, roles, change, says } of fileCases) {
    for (const role of roles) {
      test(`${role}: ${name}`, async () => {
        const error = assertRefused(await start(role, change), { exit: 2, code: "invalid_config", says });
        assert.ok(error.detail.includes(`${role}.toml`), `the file is named: ${error.detail}`);
      });
    }
  }

  test("--check-config says the same as starting would, and good of a good one", async () => {
    const says = /\.colour: unknown key/;
    const bad = await start("gateway", { network: "colour = 1" }, { args: ["--check-config"] });
    assertRefused(bad, { exit: 2, code: "invalid_config", says });
    for (const role of BOTH) {
      const good = await start(role, {}, { args: ["--check-config"] });
      assertExit(good, 0);
      assert.match(good.stdout, /\.toml: good\n$/);
    }
  });

  test("a file that is not there is named", async () => {
    for (const role of BOTH) {
      const run = await farthing([role, "--config", folder.path("nowhere.toml")]);
      assert.notEqual(run.code, 0);
      assert.match(errorOf(run).detail, /nowhere\.toml: No such file or directory/);
    }
  });

  test("on a terminal the error is a sentence, not JSON", async () => {
    const run = await start("gateway", { network: "colour = 1" }, { run: onTerminal });
    assertExit(run, 2);
    assert.match(run.stdout, /^farthing: invalid_config: .*\.colour: unknown key\r\n$/);
  });
});

describe("a secret that is not good", () => {
  const secret = `0x${"a1".repeat(32)}`;
  const cases = [
    { name: "not in the environment", env: { FARTHING_FACILITATOR_KEY: undefined }, says: /FARTHING_FACILITATOR_KEY is not set/ },
    { name: "empty in the environment", env: { FARTHING_FACILITATOR_KEY: "" }, says: /FARTHING_FACILITATOR_KEY is empty/ },
    { name: "no key in the environment", env: { FARTHING_FACILITATOR_KEY: secret.slice(0, -2) }, says: /key.*expected 0x and 64 hex digits/ },
    { name: "in the file itself", change: { key: `key = "${secret}"` }, says: /network\[0\]\.key: expected/ },
    { name: "from two places", change: { key: 'key = { env = "A", file = "b" }' }, says: /key.*exactly one of them/ },
    { name: "in a file that is not there", change: { key: 'key = { file = "/nowhere/key" }' }, says: /key.*\/nowhere\/key: No such file/ },
  ];
  for (const role of BOTH) {
    for (const { name, env, change = {}, says } of cases) {
      test(`${role}: ${name}`, async () => {
        const run = await start(role, change, { env });
        assertRefused(run, { exit: 2, code: "invalid_config", says });
        assert.ok(!run.stderr.includes("a1a1a1"), "the secret is not repeated");
      });
    }
  }

  test("--check-config finds a key from two places and a file that is not there", async () => {
    const bad = cases.filter(({ change }) => change?.key && !change.key.includes(secret));
    assert.equal(bad.length, 2);
    for (const role of BOTH) {
      for (const { change, says } of bad) {
        assertRefused(await start(role, change, { args: ["--check-config"] }), { exit: 2, code: "invalid_config", says });
      }
    }
  });

  test("a key from a file works, and never shows in --print-config", async () => {
    const file = await folder.write("key", `${devnet.accounts[0].key}\n`);
    for (const role of BOTH) {
      const run = await start(role, { key: `key = { file = "${file}" }` }, { args: ["--print-config"] });
      assertExit(run, 0);
      assert.ok(run.stdout.includes(file), run.stdout);
      assert.ok(!run.stdout.includes(devnet.accounts[0].key.slice(2)), "no key");
    }
  });
});

describe("a node that is not good", () => {
  test("one that is not there", async () => {
    const gone = await listen(http.createServer());
    await gone.close();
    for (const role of BOTH) {
      const run = await start(role, { at: gone.url });
      assertRefused(run, { exit: 4, says: new RegExp(`${NETWORK}.*does not answer: .*${new URL(gone.url).host}`) });
    }
  });

  test("one that takes connections and never answers", async () => {
    const silent = net.createServer((socket) => socket.on("error", () => {}));
    const { url, close } = await listenQuietly(silent);
    const runs = await Promise.all(
      BOTH.map((role) => start(role, { at: url, network: 'rpc_timeout = "300ms"' })),
    );
    await close();
    for (const run of runs) assertRefused(run, { exit: 4, says: new RegExp(`${NETWORK}.*does not answer`) });
  });

  const answers = [
    { name: "one that answers with a web page", body: "<html>welcome</html>" },
    { name: "one that answers half of it", body: '{"jsonrpc":"2.0","id":1,"res' },
    { name: "one that answers 10,000 levels deep", body: "[".repeat(10_000) + "]".repeat(10_000) },
    { name: "one that answers another question", body: '{"jsonrpc":"2.0","id":999,"result":"0x14a34"}' },
  ];
  for (const { name, body } of answers) {
    test(name, async () => {
      const server = await listen(http.createServer((_request, response) => response.end(body)));
      const run = await start("facilitator", { at: server.url });
      await server.close();
      assertRefused(run, { exit: 4, says: new RegExp(NETWORK) });
    });
  }

  test("one of another chain: the message says which, and what to change", async () => {
    for (const role of BOTH) {
      const changes = { id: 'id = "eip155:8453"', payTo: `pay_to = "${PAY_TO}"` };
      const text = textOf(role, changes).replaceAll(`network = "${NETWORK}"`, 'network = "eip155:8453"');
      const run = await start(role, { whole: text });
      assertRefused(run, {
        exit: 2,
        code: "invalid_config",
        says: /eip155:8453: the node at rpc is on eip155:84532: change id or rpc/,
      });
    }
  });

  test("a token whose domain is not what the chain says: the message says what to set", async () => {
    const asset = `[[asset]]
network = "${NETWORK}"
address = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
name = "Not A Token"
version = "1"
symbol = "NOT"
decimals = 6
`;
    const run = await start("facilitator", { network: asset });
    assertRefused(run, { exit: 2, code: "invalid_config", says: /NOT .*DOMAIN_SEPARATOR.*name.*version/ });
  });
});

describe("a port that is in use", () => {
  test("is named, and the one who has it is left alone", async () => {
    const owner = await listen(http.createServer((_request, response) => response.end("mine")));
    const { host } = new URL(owner.url);
    for (const role of BOTH) {
      const run = await start(role, { listen: `listen = "${host}"` });
      assertRefused(run, { exit: 4, says: new RegExp(`${host}.*in use`, "i") });
    }
    assert.equal(await (await fetch(owner.url)).text(), "mine");
    await owner.close();
  });

  test("devnet says the same and how to choose another", async () => {
    const owner = await listen(http.createServer());
    const { port } = new URL(owner.url);
    const run = await farthing(["devnet", "--port", port]);
    await owner.close();
    assertRefused(run, { exit: 4, says: new RegExp(`port ${port} is in use: choose another with --port`) });
  });
});

/// A bare TCP server on a free port.
async function listenQuietly(server) {
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const socket of sockets) socket.destroy();
      }),
  };
}
