// SPDX-License-Identifier: Apache-2.0
// What the chain says that a wallet has, against what its ledger says.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { USDC } from "../interop/lib/chain.mjs";
import { encodeFunctionData, parseAbi } from "../interop/lib/packages.mjs";
import { answer } from "./lib/origin.mjs";
import { assertExit } from "./lib/pay.mjs";
import { startSeller } from "./lib/seller.mjs";
import { startShop } from "./lib/shop.mjs";
import { tellChain } from "./lib/till.mjs";
import { said, walletOf } from "./lib/wallet.mjs";

const FUNDS = 1_000_000n;

let world;
let chain;
let goods;
before(async () => {
  let origin;
  ({ world, origin, goods } = await startShop());
  chain = world.chain;
  origin.handlers["/goods"] = answer("the goods\n");
});
after(() => world?.stop());

async function walletFor(t, settings = "") {
  const wallet = await walletOf(t, chain, FUNDS, ["--limit", "$0.05", "--vendor", "127.0.0.1:*"]);
  await writeFile(`${wallet.folder}/wallet.toml`, settings);
  const look = async () => said(await wallet.run(["wallet", "reconcile", "--rpc", world.rpc]));
  const alerts = async () => (await wallet.entries(["--kind", "alert"])).map(({ name, text }) => [name, text]);
  return { ...wallet, look, alerts };
}

/// Moves money of an account whose key the test's chain can do without.
async function takeAway(from, amount) {
  const data = encodeFunctionData({
    abi: parseAbi(["function transfer(address to, uint256 value)"]),
    args: ["0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc", amount],
  });
  await tellChain(world.rpc, "anvil_setBalance", [from, "0xde0b6b3a7640000"]);
  await tellChain(world.rpc, "anvil_impersonateAccount", [from]);
  const hash = await tellChain(world.rpc, "eth_sendTransaction", [{ from, to: USDC, data }]);
  assert.equal((await chain.reader.waitForTransactionReceipt({ hash })).status, "success");
}

test("what was paid is expected, what came in is nobody's business, and what left behind the wallet's back is found", async (t) => {
  const wallet = await walletFor(t);
  assertExit(await wallet.pay(goods), 0);
  const [first] = (await wallet.look()).balances;
  assert.deepEqual([first.amount, first.asset, first.payer, first.expected], ["999000", USDC, wallet.agent, undefined]);

  assertExit(await wallet.pay(goods), 0);
  assertExit(await wallet.pay(goods), 0);
  const [paid] = (await wallet.look()).balances;
  assert.deepEqual([paid.amount, paid.expected, paid.missing], ["997000", "997000", undefined]);

  await chain.write("transfer", [wallet.agent, 500n]);
  const [more] = (await wallet.look()).balances;
  assert.deepEqual([more.amount, more.expected, more.missing], ["997500", "997000", undefined]);
  assert.deepEqual(await wallet.alerts(), []);

  assertExit(await wallet.pay(goods), 0);
  await takeAway(wallet.agent, 1n);
  const [less] = (await wallet.look()).balances;
  assert.deepEqual([less.amount, less.expected, less.missing], ["996499", "996500", "1"]);
  const [[name, text]] = await wallet.alerts();
  assert.equal(name, "reconciliation_difference");
  assert.match(text, new RegExp(`^\\$0\\.000001 USDC left ${wallet.agent} on eip155:84532 without this ledger: it has \\$0\\.996499 USDC at block \\d+`));

  const [same] = (await wallet.look()).balances;
  assert.deepEqual([same.amount, same.expected, same.missing], ["996499", "996499", undefined]);
  assert.equal((await wallet.alerts()).length, 1, "told once");
  const written = await wallet.entries(["--kind", "balance"]);
  assert.deepEqual(written.map(({ amount }) => amount), ["999000", "997000", "997500", "996499", "996499"]);
  assertExit(await wallet.run(["ledger", "verify"]), 0);
});

test("a payment that the chain took and nobody told of is settled, not missing", async (t) => {
  const wallet = await walletFor(t);
  assertExit(await wallet.pay(goods), 0);
  await wallet.look();
  const seller = await startSeller({
    "/page": async (_request, response, { payment }) => {
      const got = await fetch(goods, { headers: payment === undefined ? {} : { "payment-signature": payment } });
      const required = got.headers.get("payment-required");
      response.writeHead(payment === undefined ? 402 : 500, required ? { "payment-required": required } : {});
      response.end();
    },
  });
  t.after(seller.close);
  assertExit(await wallet.pay(`${seller.url}/page`), 0);
  assert.equal((await wallet.entries(["--reserved"])).length, 1);
  const { settled, balances } = await wallet.look();
  assert.equal(settled, 1);
  assert.deepEqual([balances[0].amount, balances[0].expected, balances[0].missing], ["998000", "998000", undefined]);
  assert.deepEqual(await wallet.alerts(), []);
});

test("a receipt of a payment that nobody executed: no snapshot until it cannot be executed any more", async (t) => {
  const wallet = await walletFor(t);
  const seller = await startSeller({});
  t.after(seller.close);
  assertExit(await wallet.pay(`${seller.url}/page`), 0);
  const [decision] = await wallet.entries(["--kind", "decision"]);
  const [waiting] = (await wallet.look()).balances;
  assert.equal(waiting.waitsFor, decision.seq);
  assert.deepEqual(await wallet.entries(["--kind", "balance"]), []);
  const snapshot = await tellChain(world.rpc, "evm_snapshot");
  try {
    await tellChain(world.rpc, "evm_increaseTime", [120]);
    await tellChain(world.rpc, "evm_mine");
    const [now] = (await wallet.look()).balances;
    assert.deepEqual([now.amount, now.waitsFor], [String(FUNDS), undefined]);
  } finally {
    await tellChain(world.rpc, "evm_revert", [snapshot]);
  }
});

test("a balance below balance_low is told when it gets there", async (t) => {
  const wallet = await walletFor(t, 'balance_low = "$0.999"\n');
  assertExit(await wallet.pay(goods), 0);
  await wallet.look();
  assert.deepEqual(await wallet.alerts(), []);
  assertExit(await wallet.pay(goods), 0);
  await wallet.look();
  await wallet.look();
  const alerts = await wallet.alerts();
  assert.deepEqual(alerts.map(([name]) => name), ["balance_low"]);
  assert.match(alerts[0][1], /has \$0\.998 USDC at block \d+$/);
});
