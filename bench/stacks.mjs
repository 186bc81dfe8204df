// SPDX-License-Identifier: Apache-2.0
// The stacks that are compared: chain, our roles, the reference's.

import { chainView, USDC } from "../tests/interop/lib/chain.mjs";
import { startDevnet } from "../tests/interop/lib/devnet.mjs";
import { here, program, readText, runForJson, saved, startFarthing, startNginx, startPeer } from "./harness.mjs";
import { reference } from "./peers/packages.mjs";
import { BODY, DESCRIPTION, MIME_TYPE, NETWORK, PATH, PRICE, PRICE_ATOMIC } from "./peers/offer.mjs";

/// How many pay at once, and on how many connections.
export const PAYERS = 64;
/// Both sides look for receipts this often: it is the polling interval of the reference facilitator in tests/interop.
const POLL_INTERVAL = "25ms";
/// A warm verification stays warm for a whole row.
const STALENESS_MAX = "10m";
const EACH_PAYER_HOLDS = 10n * 10n ** 6n;
/// Of `balanceOf` in contracts/src/DevUsdc.sol.
const BALANCE_SLOT = 3;

const toml = JSON.stringify;
const { concat, keccak256, pad, toHex } = reference("viem");

/// A fresh chain with one funded account per payer. Returns `{rpc, accounts, view, payTo, stop}`.
export async function startChain({ payers = PAYERS } = {}) {
  const devnet = await startDevnet();
  try {
    const view = chainView(devnet.rpc, devnet.accounts[9].key);
    const out = await saved("addresses", "");
    await runForJson({
      name: "addresses of the payers",
      command: program("bench_sign_payments"),
      args: ["--addresses", "--payers", String(payers), "--out", out],
      deadlineMs: 30_000,
    });
    const addresses = (await readText(out)).trimEnd().split("\n");
    await fund(devnet.rpc, addresses);
    if ((await view.balanceOf(addresses.at(-1))) !== EACH_PAYER_HOLDS) throw new Error("the payers were not funded");
    return { ...devnet, view, payTo: view.freshAddress() };
  } catch (error) {
    await devnet.stop();
    throw error;
  }
}

/// Written into the token's storage: a block for each of thousands would take minutes, and drive the chain's clock ahead.
async function fund(rpc, addresses) {
  const AT_ONCE = 2000;
  const balance = toHex(EACH_PAYER_HOLDS, { size: 32 });
  for (let from = 0; from < addresses.length; from += AT_ONCE) {
    const calls = addresses.slice(from, from + AT_ONCE).map((address) => {
      const slot = keccak256(concat([pad(address), toHex(BALANCE_SLOT, { size: 32 })]));
      return { method: "anvil_setStorageAt", params: [USDC, slot, balance] };
    });
    await batch(rpc, calls);
  }
}

async function batch(rpc, calls) {
  const body = JSON.stringify(calls.map((call, id) => ({ jsonrpc: "2.0", id, ...call })));
  const response = await fetch(rpc, { method: "POST", headers: { "content-type": "application/json" }, body });
  const wrong = (await response.json()).find(({ error }) => error);
  if (wrong) throw new Error(`${calls[0].method}: ${wrong.error.message}`);
}

/// The second that the chain has reached, once our own clock has reached it too and the chain has gone on: what is good from
/// then on is good.
export async function chainSecond(chain) {
  const { timestamp } = await chain.view.reader.getBlock();
  const ahead = (Number(timestamp) + 1) * 1000 - Date.now();
  if (ahead > 0) await new Promise((later) => setTimeout(later, ahead));
  await batch(chain.rpc, [{ method: "anvil_mine", params: ["0x1"] }]);
  return Number(timestamp);
}

const networkTable = (table, rpc) => `[[${table}]]
id = ${toml(NETWORK)}
rpc = ${toml(rpc)}
key = { env = "FARTHING_FACILITATOR_KEY" }
poll_interval = ${toml(POLL_INTERVAL)}
staleness_max = ${toml(STALENESS_MAX)}
`;

const keyOf = (account) => ({ FARTHING_FACILITATOR_KEY: account.key });

/// Our gateway with the facilitator inside it.
export function startGateway({ chain, origin }) {
  const config = `listen = "127.0.0.1:0"
origin = ${toml(origin)}
[facilitator]
${networkTable("facilitator.network", chain.rpc)}
[[route]]
match = ${toml(`GET ${PATH}`)}
description = ${toml(DESCRIPTION)}
mime_type = ${toml(MIME_TYPE)}
[[route.accepts]]
price = ${toml(PRICE)}
network = ${toml(NETWORK)}
pay_to = ${toml(chain.payTo)}
`;
  return startFarthing("gateway", config, keyOf(chain.accounts[0]));
}

export function startFacilitator({ chain }) {
  const config = `listen = "127.0.0.1:0"\n${networkTable("network", chain.rpc)}recheck_after = ${toml(STALENESS_MAX)}\n`;
  return startFarthing("facilitator", config, keyOf(chain.accounts[0]));
}

export function startReferenceFacilitator({ chain }) {
  const { address, key } = chain.accounts[1];
  return startPeer("facilitator", [chain.rpc, address], { FACILITATOR_KEY: key });
}

/// `kind` is express or hono.
export const startReferenceServer = (kind, { chain, facilitator }) =>
  startPeer(kind, [facilitator.url, chain.payTo], {});

/// Where our gateway forwards to: nginx with a fixed answer, on the cores of everything else.
export const startOrigin = () =>
  startNginx("origin", `location = ${PATH} { return 200 '${BODY}'; }`, { measured: false });

/// The 402 of a server, whole. Fails unless it is one that can be paid.
export async function offerOf(server) {
  const response = await fetch(server.url + PATH);
  const required = response.headers.get("payment-required");
  if (response.status !== 402 || !required) {
    throw new Error(`${server.name} answered ${response.status} without PAYMENT-REQUIRED\n${server.log()}`);
  }
  return { required, headers: [...response.headers], body: await response.text() };
}

/// What a facilitator is asked about, where no server made an offer.
export const offerTo = (chain) => ({
  required: Buffer.from(
    JSON.stringify({
      x402Version: 2,
      resource: { url: `http://127.0.0.1:8402${PATH}`, description: DESCRIPTION, mimeType: MIME_TYPE },
      accepts: [
        {
          scheme: "exact",
          network: NETWORK,
          amount: String(PRICE_ATOMIC),
          asset: USDC,
          payTo: chain.payTo,
          maxTimeoutSeconds: 300,
          extra: { name: "USDC", version: "2" },
        },
      ],
    }),
  ).toString("base64"),
});

/// `count` payments of that offer, all different, signed before the clock runs, the payers taking turns. `form` is header
/// or verify.
export async function signedPayments({ offer, count, form, payers = PAYERS, validAfter = 0 }) {
  const required = await saved("required", offer.required);
  const out = await saved(`${form}.lines`, "");
  const args = ["--required", required, "--payers", payers, "--count", count, "--form", form, "--out", out];
  args.push("--valid-after", validAfter);
  const { signed } = await runForJson({
    name: "sign payments",
    command: program("bench_sign_payments"),
    args: args.map(String),
    deadlineMs: 60_000,
  });
  if (signed !== count) throw new Error(`signed ${signed} payments, wanted ${count}`);
  return out;
}

/// Sends each line of a file once, for at most `seconds`.
export const sendOnce = ({ url, lines, sendAs, seconds, connections = PAYERS }) =>
  runForJson({
    name: "load",
    command: program("bench_load_requests"),
    args: ["--url", url, "--lines", lines, "--send-as", sendAs, "--connections", connections, "--seconds", seconds].map(String),
    deadlineMs: (seconds + 60) * 1000,
  });

/// wrk with one thread.
export const wrk = ({ url, seconds, script = "report.lua", args = [], connections = PAYERS }) =>
  runForJson({
    name: "wrk",
    command: "wrk",
    args: ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "20s", "-s", here(script), url, ...(args.length ? ["--", ...args] : [])],
    deadlineMs: (seconds + 20) * 1000,
  });
