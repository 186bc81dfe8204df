// SPDX-License-Identifier: Apache-2.0
// `farthing deploy-batch` on a chain that does not have the contract, and a facilitator before and after.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { networkTable } from "../interop/lib/farthing.mjs";
import { BATCH, batchArtifact, MULTICALL3, removeBatchContract, settleTogether } from "./lib/batch.mjs";
import { signPayment, startFacilitator } from "./lib/facilitator.mjs";
import { makeFolder } from "./lib/files.mjs";
import { assertExit, errorOf, farthing } from "./lib/pay.mjs";
import { tellChain } from "./lib/till.mjs";

const AMOUNT = 1_000n;
const DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C";

let devnet;
let chain;
let folder;
let config;
let code;

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
  folder = await makeFolder();
  config = await folder.write("facilitator.toml", networkTable("network", devnet.rpc));
  code = (await batchArtifact()).deployedBytecode;
});
after(async () => {
  await folder?.remove();
  await devnet?.stop();
});

const payer = () => devnet.accounts[5];
const deploy = (...args) =>
  farthing(["deploy-batch", "--config", config, ...args], { env: { FARTHING_FACILITATOR_KEY: payer().key } });
const codeThere = () => tellChain(devnet.rpc, "eth_getCode", [BATCH, "latest"]);
const spent = () => tellChain(devnet.rpc, "eth_getTransactionCount", [payer().address, "latest"]);

/// Through which contract a facilitator that starts now sends a batch.
async function carrier() {
  const facilitator = await startFacilitator(devnet);
  try {
    const payments = [];
    for (let i = 0; i < 4; i++) {
      const { key } = await chain.freshPayer(10n * AMOUNT);
      payments.push(await signPayment({ key, payTo: chain.freshAddress(), amount: AMOUNT }));
    }
    const answers = await settleTogether({ rpc: devnet.rpc, facilitator }, payments);
    for (const answer of answers) assert.equal(answer.success, true, JSON.stringify(answer));
    const { to } = await chain.reader.getTransaction({ hash: answers[1].transaction });
    return to.toLowerCase();
  } finally {
    await facilitator.stop();
  }
}

test("the development chain has it", async () => {
  assert.equal(await codeThere(), code);
  assert.equal(await carrier(), BATCH);
  const run = await deploy();
  assertExit(run, 0);
  assert.match(run.stdout, /is deployed already/);
  assert.equal(await spent(), "0x0");
});

test("where it is not, batches go through Multicall3; once deployed, through it", async () => {
  await removeBatchContract(devnet.rpc);
  assert.equal(await carrier(), MULTICALL3);

  const dry = await deploy("--dry-run");
  assertExit(dry, 0);
  assert.match(dry.stdout, /^eip155:84532: 0x01Da3874AEC4FAFFfba21D4Cc2E9DBc01e103B68 wants \d+ gas, at most \d+ wei, of 0x/);
  assert.ok(dry.stdout.includes(payer().address));
  assert.equal(await codeThere(), "0x");

  const run = await deploy("--network", "eip155:84532");
  assertExit(run, 0);
  assert.match(run.stdout, /deployed\n$/);
  assert.equal(await codeThere(), code);
  assert.equal(await spent(), "0x1");
  assert.equal(await carrier(), BATCH);
});

test("other code at its address is not called", async () => {
  await tellChain(devnet.rpc, "anvil_setCode", [BATCH, `${code}00`]);
  assert.equal(await carrier(), MULTICALL3);
  await tellChain(devnet.rpc, "anvil_setCode", [BATCH, code]);
});

test("what cannot be done is said", async () => {
  const unknown = await deploy("--network", "eip155:1");
  assertExit(unknown, 2);
  assert.match(errorOf(unknown).detail, /no such network/);
  const deployer = await tellChain(devnet.rpc, "eth_getCode", [DEPLOYER, "latest"]);
  await removeBatchContract(devnet.rpc);
  await tellChain(devnet.rpc, "anvil_setCode", [DEPLOYER, "0x"]);
  const absent = await deploy();
  assert.notEqual(absent.code, 0);
  assert.match(errorOf(absent).detail, /deployer 0x4e59b44847b379578588920cA78FbF26c0B4956C is not on this chain/);
  await tellChain(devnet.rpc, "anvil_setCode", [DEPLOYER, deployer]);
});
