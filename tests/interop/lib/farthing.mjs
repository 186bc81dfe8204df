// SPDX-License-Identifier: Apache-2.0
// Our own roles: writes their configuration into a temporary folder, starts them, stops them by pid.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { NETWORK } from "./chain.mjs";
import { PRICE, ROUTES } from "./origin.mjs";
import { runToEnd, startProcess } from "./processes.mjs";

const BINARY = resolve(
  process.env.FARTHING_BIN ?? fileURLToPath(new URL("../../../build/farthing", import.meta.url)),
);

export const haveFarthing = () => existsSync(BINARY);

/// The binary, or an error that says how to get it: a cell of the matrix never passes by being left out.
export function farthingBinary() {
  assert.ok(haveFarthing(), `${BINARY} is missing: build it with ./run build, or set FARTHING_BIN`);
  return BINARY;
}

// JSON strings of our inputs are TOML basic strings.
export const toml = JSON.stringify;

export const networkTable = (table, rpc) => `[[${table}]]
id = ${toml(NETWORK)}
rpc = ${toml(rpc)}
key = { env = "FARTHING_FACILITATOR_KEY" }
`;

const routeTables = (payTo) =>
  Object.entries(ROUTES)
    .map(
      ([path, { description, mimeType }]) => `
[[route]]
match = ${toml(`GET ${path}`)}
description = ${toml(description)}
mime_type = ${toml(mimeType)}
[[route.accepts]]
price = ${toml(PRICE)}
network = ${toml(NETWORK)}
pay_to = ${toml(payTo)}
`,
    )
    .join("");

function listening(role) {
  return (line) => {
    if (!line.startsWith("{")) return undefined;
    const event = JSON.parse(line);
    return event.event === "listening" && event.role === role ? event.url : undefined;
  };
}

/// Starts one role from a configuration text, `file` on disk. Stopping it must end it with exit code 0; after
/// `signal("SIGKILL")` call `gone()` instead.
export async function startRole(role, config, env) {
  const binary = farthingBinary();
  const folder = await mkdtemp(join(tmpdir(), `farthing-interop-${role}-`));
  const file = join(folder, `${role}.toml`);
  await writeFile(file, config);
  let child;
  try {
    child = await startProcess({
      name: `farthing ${role}`,
      command: binary,
      args: [role, "--config", file],
      env,
      ready: listening(role),
    });
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return {
    url: child.ready,
    pid: child.pid,
    file,
    output: child.output,
    stderr: child.stderr,
    signal: child.signal,
    ended: child.ended,
    async gone() {
      const end = await child.ended;
      await rm(folder, { recursive: true });
      return end;
    },
    async stop() {
      const { code, signal } = await child.stop();
      await rm(folder, { recursive: true });
      assert.equal(code, 0, `farthing ${role} ended with ${code ?? signal}\n${child.output()}`);
    },
  };
}

export async function startFarthingFacilitator({ rpc, account }) {
  const config = `listen = "127.0.0.1:0"\n${networkTable("network", rpc)}`;
  const role = await startRole("facilitator", config, { FARTHING_FACILITATOR_KEY: account.key });
  return { ...role, settler: account.address };
}

/// `facilitator` is `{url}` for a remote one, or `{rpc, account}` for the embedded one.
export async function startFarthingGateway({ originUrl, payTo, facilitator }) {
  const config = `listen = "127.0.0.1:0"
origin = ${toml(originUrl)}
[facilitator]
${facilitator.url ? `url = ${toml(facilitator.url)}` : networkTable("facilitator.network", facilitator.rpc)}
${routeTables(payTo)}`;
  const env = facilitator.account ? { FARTHING_FACILITATOR_KEY: facilitator.account.key } : {};
  return startRole("gateway", config, env);
}

/// Runs `farthing pay URL --json` and returns what it printed, parsed.
export async function farthingPay({ url, key, args = [] }) {
  const run = await runToEnd({
    name: "farthing pay",
    command: farthingBinary(),
    args: ["pay", url, "--json", ...args],
    env: { FARTHING_KEY: key },
  });
  const said = `farthing pay ended with ${run.code ?? run.signal}\n${run.stdout}\n${run.stderr}`;
  assert.equal(run.code, 0, said);
  return JSON.parse(run.stdout);
}
