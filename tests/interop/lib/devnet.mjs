// SPDX-License-Identifier: Apache-2.0
// The development chain: `farthing devnet`. Where the binary is not built, the same chain is put together here, so
// that the reference-only baseline can run without it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestClient, encodeFunctionData, http, parseAbi, publicActions, walletActions } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { pad, toHex } from "viem/utils";
import { CHAIN_ID, USDC } from "./chain.mjs";
import { farthingBinary, haveFarthing } from "./farthing.mjs";
import { startProcess } from "./processes.mjs";

/// Returns `{rpc, accounts: [{address, key}], stop()}`, and `pid` where it is our own.
export const startDevnet = () => (haveFarthing() ? startOurDevnet() : startPlainDevnet());

async function startOurDevnet() {
  const child = await startProcess({
    name: "farthing devnet",
    command: farthingBinary(),
    args: ["devnet", "--port", "0", "--json"],
    env: { PATH: `${BINARIES}:${process.env.PATH}` },
    ready: (line) => {
      if (!line.startsWith("{")) return undefined;
      const event = JSON.parse(line);
      return event.event === "devnet_ready" ? event : undefined;
    },
  });
  const { rpc, chainId, usdc, accounts } = child.ready;
  if (chainId !== CHAIN_ID || usdc !== USDC || accounts.length < 10) {
    await child.stop();
    throw new Error(`farthing devnet announced something else: ${JSON.stringify(child.ready)}`);
  }
  return { rpc, accounts, pid: child.pid, stop: () => stopOurDevnet(child, rpc) };
}

/// SIGTERM ends it with exit code 0 and takes the chain with it.
async function stopOurDevnet(child, rpc) {
  const { code, signal } = await child.stop();
  assert.equal(code, 0, `farthing devnet ended with ${code ?? signal}\n${child.output()}`);
  await assert.rejects(fetch(rpc), `the chain at ${rpc} outlived farthing devnet`);
}

const MNEMONIC = "test test test test test test test test test test test junk";
const ARTIFACTS = fileURLToPath(new URL("../../../contracts/artifacts", import.meta.url));
const BINARIES = fileURLToPath(new URL("../node_modules/.bin", import.meta.url));
const USDC_CODE = "0xf1a7000000000000000000000000000000000022";
const CONTRACTS = {
  DevUsdc: USDC_CODE,
  DevUsdcProxy: USDC,
  Multicall3: "0xcA11bde05977b3631167028862bE2a173976CA11",
  DevPermit2: "0x000000000022D473030F116dDEE9F6B43aC78BA3",
};
/// Where the proxy keeps whose code it runs and who may change that: see contracts/src/DevUsdcProxy.sol.
const PROXY_SLOTS = {
  "0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3": USDC_CODE,
  "0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b": "0xf1a70000000000000000000000000000000000ad",
};
const MINTED = 1_000_000n * 10n ** 6n;

/// The native program itself, no launcher: the pid that is stopped is anvil's.
export function anvilProgram() {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("@foundry-rs/anvil-linux-amd64/package.json")), "bin", "anvil");
}

async function startPlainDevnet() {
  const child = await startProcess({
    name: "anvil",
    command: anvilProgram(),
    args: ["--port", "0", "--chain-id", String(CHAIN_ID), "--mnemonic", MNEMONIC, "--no-request-size-limit"],
    ready: (line) => line.match(/^Listening on (127\.0\.0\.1:\d+)$/)?.[1],
  });
  const rpc = `http://${child.ready}`;
  const accounts = Array.from({ length: 10 }, (_, addressIndex) => {
    const account = mnemonicToAccount(MNEMONIC, { addressIndex });
    return { address: account.address, key: toHex(account.getHdKey().privateKey) };
  });
  await installContracts(rpc, accounts);
  return { rpc, accounts, stop: child.stop };
}

async function installContracts(rpc, accounts) {
  const client = createTestClient({ mode: "anvil", chain: baseSepolia, transport: http(rpc), pollingInterval: 25 })
    .extend(publicActions)
    .extend(walletActions);
  for (const [name, address] of Object.entries(CONTRACTS)) {
    const artifact = JSON.parse(await readFile(join(ARTIFACTS, `${name}.json`), "utf8"));
    await client.setCode({ address, bytecode: artifact.deployedBytecode });
  }
  for (const [index, address] of Object.entries(PROXY_SLOTS)) {
    await client.setStorageAt({ address: USDC, index, value: pad(address) });
  }
  const abi = parseAbi(["function initialize(address)", "function mint(address to, uint256 amount)"]);
  const owner = accounts[0].address;
  const call = async (functionName, args) => {
    const data = encodeFunctionData({ abi, functionName, args });
    const hash = await client.sendTransaction({ account: owner, to: USDC, data });
    const receipt = await client.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`${functionName} reverted`);
  };
  await call("initialize", [owner]);
  for (const { address } of accounts) await call("mint", [address, MINTED]);
}
