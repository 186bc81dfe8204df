// SPDX-License-Identifier: Apache-2.0
// The faucet: money of a development chain for a wallet with a key of its own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { anvilProgram } from "../interop/lib/devnet.mjs";
import { farthingBinary } from "../interop/lib/farthing.mjs";
import { startProcess } from "../interop/lib/processes.mjs";
import { errorOf } from "./lib/pay.mjs";
import { said, walletOf } from "./lib/wallet.mjs";

let devnet;
let chain;
before(async () => {
  devnet = await startProcess({
    name: "farthing devnet",
    command: farthingBinary(),
    args: ["devnet", "--port", "0", "--json"],
    ready: (line) => (line.includes("devnet_ready") ? JSON.parse(line) : undefined),
  });
  chain = chainView(devnet.ready.rpc, devnet.ready.accounts[0].key);
});
after(() => devnet?.stop());

async function refused(wallet, args, part) {
  const run = await wallet.run(["wallet", "fund", ...args]);
  assert.notEqual(run.code, 0);
  assert.equal(run.stdout, "");
  assert.ok(errorOf(run).detail.includes(part), run.stderr);
}

test("a new wallet has what it was given, and can be given more", async (t) => {
  const wallet = await walletOf(t, chain, 0n);
  const there = ["--rpc", devnet.ready.rpc];
  const given = said(await wallet.run(["wallet", "fund", ...there, "--amount", "$0.05"]));
  assert.equal(given.address, wallet.agent);
  assert.equal(given.amount, "50000");
  assert.equal(await chain.balanceOf(wallet.agent), 50_000n);
  said(await wallet.run(["wallet", "fund", ...there]));
  assert.equal(await chain.balanceOf(wallet.agent), 10_050_000n);
});

test("only on this machine, only a sensible amount, and only where a chain gives money away", async (t) => {
  const wallet = await walletOf(t, chain, 0n);
  await refused(wallet, ["--rpc", "http://192.0.2.1:8545"], "--rpc: expected a development chain on this machine");
  for (const amount of ["0", "$1000001", "lots", "-1", "0.0000001"]) {
    await refused(wallet, ["--rpc", devnet.ready.rpc, "--amount", amount], "--amount:");
  }
  await refused(wallet, ["--rpc", "http://127.0.0.1:1"], "no chain answers there");
  const bare = await startProcess({
    name: "anvil",
    command: anvilProgram(),
    args: ["--port", "0", "--chain-id", "84532"],
    ready: (line) => line.match(/^Listening on (127\.0\.0\.1:\d+)$/)?.[1],
  });
  t.after(bare.stop);
  await refused(wallet, ["--rpc", `http://${bare.ready}`], "only a chain of `farthing devnet` gives money away");
});
