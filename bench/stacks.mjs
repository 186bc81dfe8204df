// SPDX-License-Identifier: Apache-2.0
// The stacks that are compared: chain, our roles, the reference's.

import { chainView, USDC } from "../tests/interop/lib/chain.mjs";
import { startDevnet } from "../tests/interop/lib/devnet.mjs";
import { here, program, runForJson, saved, startFarthing, startNginx, startPeer } from "./harness.mjs";
import { BODY, DESCRIPTION, MIME_TYPE, NETWORK, PATH, PRICE, PRICE_ATOMIC } from "./peers/offer.mjs";

/// How many pay at once, and on how many connections.
export const PAYERS = 64;
/// Both sides look for receipts this often: it is the polling interval of the reference facilitator in tests/interop.
const POLL_INTERVAL = "25ms";
/// A warm verification stays warm for a whole row.
const STALENESS_MAX = "10m";
const EACH_PAYER_HOLDS = 10n * 10n ** 6n;

const toml = JSON.stringify;

/// A fresh chain with one funded account per payer. Returns `{rpc, accounts, view, payTo, stop}`.
export async function startChain() {
  const devnet = await startDevnet();
  try {
    const view = chainView(devnet.rpc, devnet.accounts[9].key);
    const { addresses } = await runForJson({
      name: "addresses of the payers",
      command: program("bench_sign_payments"),
      args: ["--addresses", "--payers", String(PAYERS)],
      deadlineMs: 10_000,
    });
    for (const address of addresses) await view.write("transfer", [address, EACH_PAYER_HOLDS]);
    return { ...devnet, view, payTo: view.freshAddress() };
  } catch (error) {
    await devnet.stop();
    throw error;
  }
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
  const config = `listen = "127.0.0.1:0"\n${networkTable("network", chain.rpc)}`;
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

/// `count` payments of that offer, all different, signed before the clock runs. `form` is header or verify.
export async function signedPayments({ offer, count, form }) {
  const required = await saved("required", offer.required);
  const out = await saved(`${form}.lines`, "");
  const args = ["--required", required, "--payers", PAYERS, "--count", count, "--form", form, "--out", out];
  const { signed } = await runForJson({
    name: "sign payments",
    command: program("bench_sign_payments"),
    args: args.map(String),
    deadlineMs: 60_000,
  });
  if (signed !== count) throw new Error(`signed ${signed} payments, wanted ${count}`);
  return out;
}

/// Sends each line of a file once, on PAYERS connections, for at most `seconds`.
export const sendOnce = ({ url, lines, sendAs, seconds }) =>
  runForJson({
    name: "load",
    command: program("bench_load_requests"),
    args: ["--url", url, "--lines", lines, "--send-as", sendAs, "--connections", PAYERS, "--seconds", seconds].map(String),
    deadlineMs: (seconds + 60) * 1000,
  });

/// wrk with one thread and as many connections as there are payers.
export const wrk = ({ url, seconds, script = "report.lua", args = [] }) =>
  runForJson({
    name: "wrk",
    command: "wrk",
    args: ["-t1", `-c${PAYERS}`, `-d${seconds}s`, "--latency", "--timeout", "20s", "-s", here(script), url, ...(args.length ? ["--", ...args] : [])],
    deadlineMs: (seconds + 20) * 1000,
  });
