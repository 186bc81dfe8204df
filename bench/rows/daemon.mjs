// SPDX-License-Identifier: Apache-2.0
// What the wallet's daemon adds to a request, one after the other: free ones, and paid ones of a seller that answers at once.

import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { USDC } from "../../tests/interop/lib/chain.mjs";
import { privateKeyToAccount } from "../../tests/interop/lib/packages.mjs";
import { runToEnd } from "../../tests/interop/lib/processes.mjs";
import { FARTHING, folder, startFarthingWallet, withStack } from "../harness.mjs";

const FREE_REQUESTS = 2_000;
const PAID_REQUESTS = 600;
const BODY = "a forecast\n";
const PASSWORD = "only a benchmark";
const OPERATOR_KEY = `0x${"11".repeat(32)}`;
const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const TRANSACTION = `0x${"22".repeat(32)}`;

const header = (value) => Buffer.from(JSON.stringify(value)).toString("base64");
const REQUIRED = header({
  x402Version: 2,
  error: "Payment required",
  resource: { url: "http://127.0.0.1/paid" },
  accepts: [
    {
      scheme: "exact",
      network: "eip155:84532",
      amount: "10",
      asset: USDC,
      payTo: PAY_TO,
      maxTimeoutSeconds: 60,
      extra: { name: "USDC", version: "2" },
    },
  ],
});

/// Takes any payment for good.
async function startSeller() {
  const server = http.createServer((request, response) => {
    const payment = request.headers["payment-signature"];
    if (request.url === "/free") return response.end(BODY);
    if (payment === undefined) {
      response.writeHead(402, { "payment-required": REQUIRED, "content-length": 2 }); // as Express and Hono do
      return response.end("{}");
    }
    response.setHeader("payment-response", header({ success: true, transaction: TRANSACTION, network: "eip155:84532" }));
    response.end(BODY);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((done) => (server.close(done), server.closeAllConnections())),
  };
}

async function farthing(args, env = {}) {
  const all = { FARTHING_PASSWORD: PASSWORD, ...env };
  const run = await runToEnd({ name: `farthing ${args[0]}`, command: FARTHING, args, env: all });
  if (run.code !== 0) throw new Error(`farthing ${args.join(" ")}: ${run.stderr}`);
  return JSON.parse(run.stdout.split("\n")[0]);
}

async function makeWallet(vendor, wallet) {
  const operator = privateKeyToAccount(OPERATOR_KEY).address;
  await farthing(["wallet", "init", "--wallet", wallet, "--operator", operator, "--light"]);
  const pact = ["--limit", "$1", "--per-request", "$0.01", "--network", "eip155:84532", "--vendor", vendor];
  await farthing(["pact", "new", "--wallet", wallet, ...pact]);
  await farthing(["pact", "sign", "--wallet", wallet], { FARTHING_OPERATOR_KEY: OPERATOR_KEY });
  const { token } = await farthing(["wallet", "token", "new", "bench", "--wallet", wallet]);
  return token;
}

/// What the disk takes to make a few kilobytes durable.
function syncOfTheDisk() {
  const file = openSync(`${folder}/sync`, "w");
  const took = Array.from({ length: 200 }, () => {
    writeSync(file, Buffer.alloc(4096));
    const began = performance.now();
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  return median(took);
}

const median = (took) => took.sort((a, b) => a - b)[Math.floor(took.length / 2)];

const get = (agent, url, path, headers) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const request = http.get({ host: hostname, port, path, headers, agent }, (response) => {
      let body = "";
      response.on("data", (piece) => (body += piece));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    request.on("error", reject);
  });

async function good(request) {
  const { status, body } = await request;
  if (status !== 200 || body !== BODY) throw new Error(`${status}: ${body}`);
}

/// Both by turns, so that whatever else the machine does meets both.
async function compare(times, direct, through) {
  const took = { direct: [], through: [] };
  for (let i = 0; i < times; ++i) {
    for (const [name, work] of [["direct", direct], ["through", through]]) {
      const began = performance.now();
      await work();
      took[name].push(performance.now() - began);
    }
  }
  const out = { direct: median(took.direct), through: median(took.through) };
  return { ...out, added: out.through - out.direct };
}

const measure = (wallet) =>
  withStack(async (stack) => {
    const seller = stack.add(await startSeller());
    const token = await makeWallet(new URL(seller.url).host, wallet);
    const served = stack.add(await startFarthingWallet(wallet, { FARTHING_PASSWORD: PASSWORD }));
    const agent = new http.Agent({ keepAlive: true });
    stack.add({ stop: () => agent.destroy() });
    const ask = (path, headers) => get(agent, seller.url, path, headers);
    const through = (path) => good(get(agent, served.url, `/${seller.url}${path}`, { "farthing-token": token }));
    const payDirectly = async () => {
      await ask("/paid");
      await good(ask("/paid", { "payment-signature": REQUIRED }));
    };
    return {
      free: await compare(FREE_REQUESTS, () => good(ask("/free")), () => through("/free")),
      paid: await compare(PAID_REQUESTS, payDirectly, () => through("/paid")),
    };
  });

export async function daemon() {
  const { free, paid } = await measure(`${folder}/wallet`);
  const inMemory = await mkdtemp("/dev/shm/farthing-bench-");
  try {
    const { paid: paidInMemory } = await measure(`${inMemory}/wallet`);
    return { free, paid: { ...paid, sync: syncOfTheDisk() }, paidInMemory };
  } finally {
    await rm(inMemory, { recursive: true });
  }
}
