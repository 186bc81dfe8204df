// SPDX-License-Identifier: Apache-2.0
// Tokens and contract wallets that lie, burn gas or change their mind, against a facilitator that never saw them: no
// success without its events, no more of the operator's gas than the cap, and honest payments beside them settle.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { chainView, USDC, walletOn } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { settle, settled, signPayment, startFacilitator, verify } from "./lib/facilitator.mjs";
import { tellChain } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

const AMOUNT = 1_000n;
const FUNDS = 10_000n;
const GAS_MAX = 500_000n; // gas_limit_max, unless set otherwise

let devnet;
let chain;
let deployer;
let facilitator;
let usdc;

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
  deployer = walletOn(devnet.rpc, devnet.accounts[2].key);
  usdc = { address: USDC, abi: (await artifact("DevUsdc")).abi };
  facilitator = await startFacilitator(devnet, { top: `settle_timeout = "20s"` });
});
after(async () => {
  await facilitator?.stop();
  await devnet?.stop();
});

const rpc = (method, params) => tellChain(devnet.rpc, method, params);

const artifact = async (name) =>
  JSON.parse(await readFile(new URL(`../../contracts/artifacts/${name}.json`, import.meta.url), "utf8"));

async function deploy(name, args = []) {
  const { abi, bytecode } = await artifact(name);
  const hash = await deployer.deployContract({ abi, bytecode, args });
  const { contractAddress: address } = await deployer.waitForTransactionReceipt({ hash });
  return { address, abi };
}

async function call(contract, functionName, args = [], wallet = deployer) {
  const { request } = await wallet.simulateContract({ ...contract, functionName, args, account: wallet.account });
  const hash = await wallet.writeContract(request);
  const { status } = await wallet.waitForTransactionReceipt({ hash });
  assert.equal(status, "success", functionName);
}

/// A signed payment in a new token of that kind, and what its payee got.
async function tokenPayment(name) {
  const token = await deploy(name);
  const payer = await chain.freshPayer(0n);
  const payTo = chain.freshAddress();
  await call(token, "mint", [payer.address, FUNDS]);
  const payment = await signPayment({ key: payer.key, payTo, amount: AMOUNT, token: token.address });
  const received = () =>
    chain.reader.readContract({ ...token, functionName: "balanceOf", args: [payTo] });
  return { token, payment, received, arm: () => call(token, "arm", [true]) };
}

/// A signed payment in USDC from a new contract wallet of that kind.
async function walletPayment(name) {
  const owner = await chain.freshPayer(0n);
  const wallet = await deploy(name, [owner.address]);
  await chain.write("transfer", [wallet.address, FUNDS]);
  const payTo = chain.freshAddress();
  const payment = await signPayment({ key: owner.key, payTo, amount: AMOUNT, from: wallet.address });
  return { payment, received: () => chain.balanceOf(payTo) };
}

async function honestPayment() {
  const payer = await chain.freshPayer(FUNDS);
  const payTo = chain.freshAddress();
  const payment = await signPayment({ key: payer.key, payTo, amount: AMOUNT });
  return { payment, payer, received: () => chain.balanceOf(payTo) };
}

/// What the facilitator's key paid for while `work` ran: the gas of its own transactions.
async function gasSpent(work) {
  const from = devnet.accounts[0].address;
  const first = (await chain.reader.getBlockNumber({ cacheTime: 0 })) + 1n;
  const result = await work();
  const last = await chain.reader.getBlockNumber({ cacheTime: 0 });
  const gas = [];
  for (let number = first; number <= last; number++) {
    const { transactions } = await chain.reader.getBlock({ blockNumber: number, includeTransactions: true });
    for (const each of transactions) {
      if (each.from.toLowerCase() !== from.toLowerCase()) continue;
      gas.push((await chain.receipt(each.hash)).gasUsed);
    }
  }
  return { ...result, gas };
}

/// Settles the hostile payment between honest ones, which all succeed. Returns its answer.
async function settleAmongHonest(hostile) {
  const honest = [];
  for (let i = 0; i < 4; i++) honest.push(await honestPayment());
  const [answer, ...others] = await Promise.all(
    [hostile, ...honest].map(({ payment }) => settled(facilitator, payment, 30_000)),
  );
  for (const other of others) assert.equal(other.success, true, JSON.stringify(other));
  for (const each of honest) assert.equal(await each.received(), AMOUNT);
  return answer;
}

/// The answer is a refusal with this code, nothing was paid to the payee that the answer denies, and the gas is bounded.
async function assertFails(hostile, { code, transactions }) {
  const { answer, gas } = await gasSpent(async () => ({ answer: await settled(facilitator, hostile.payment) }));
  assert.equal(answer.status, 200);
  assert.equal(answer.success, false, JSON.stringify(answer));
  assert.equal(answer.errorReason, code, JSON.stringify(answer));
  assert.equal(gas.length, transactions, `${gas.length} transactions`);
  for (const each of gas) assert.ok(each <= GAS_MAX, `${each} gas`);
  return answer;
}

describe("a token", () => {
  test("that says no by returning false: its transaction succeeds, the settlement does not", async () => {
    const hostile = await tokenPayment("FalseToken");
    await hostile.arm();
    await assertFails(hostile, { code: "invalid_exact_evm_transfer_event_mismatch", transactions: 1 });
    assert.equal(await hostile.received(), 0n);
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.errorReason, "invalid_exact_evm_transfer_event_mismatch");
  });

  test("that logs the use and moves nothing: no success", async () => {
    const hostile = await tokenPayment("SilentToken");
    await hostile.arm();
    assert.equal((await verify(facilitator, hostile.payment)).isValid, true, "nothing shows it yet");
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.errorReason, "invalid_exact_evm_transfer_event_mismatch");
    assert.equal(await hostile.received(), 0n);
  });

  test("that keeps a fee: the payee got less than was signed, which is no success", async () => {
    const hostile = await tokenPayment("FeeToken");
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.success, false);
    assert.equal(answer.errorReason, "invalid_exact_evm_transfer_event_mismatch");
    assert.match(answer.transaction, /^0x[0-9a-f]{64}$/, "the payee's 990 can be looked up");
    assert.equal(await hostile.received(), 990n);
    const again = await settle(facilitator, hostile.payment);
    assert.equal(again.errorReason, "invalid_exact_evm_nonce_already_used");
  });

  test("that reverts when asked: refused before any gas", async () => {
    const hostile = await tokenPayment("LateRevertToken");
    await hostile.arm();
    const verdict = await verify(facilitator, hostile.payment);
    assert.equal(verdict.isValid, false);
    assert.equal(verdict.invalidReason, "invalid_exact_evm_transaction_simulation_failed");
    await assertFails(hostile, { code: "invalid_exact_evm_transaction_simulation_failed", transactions: 0 });
  });

  test("that changes its mind after the transaction was sent: failed, and nothing moved", async () => {
    const hostile = await tokenPayment("LateRevertToken");
    await rpc("evm_setAutomine", [false]);
    try {
      const asking = settled(facilitator, hostile.payment);
      await until("it is in the pool", async () => Number((await rpc("txpool_status")).pending) === 1);
      // bool armed is the first slot.
      await rpc("anvil_setStorageAt", [hostile.token.address, `0x${"00".repeat(32)}`, `0x${"00".repeat(31)}01`]);
      await rpc("evm_mine");
      const answer = await asking;
      assert.equal(answer.success, false);
      assert.equal(answer.errorReason, "invalid_exact_evm_transaction_failed");
      assert.match(answer.errorMessage, /LateRevertToken: changed its mind|reverted/);
      assert.equal(await hostile.received(), 0n);
    } finally {
      await rpc("evm_setAutomine", [true]);
    }
  });

  test("that burns all the gas of its transaction: one transaction, within the cap", async () => {
    const hostile = await tokenPayment("BurningToken");
    assert.equal((await verify(facilitator, hostile.payment)).isValid, true, "no question shows it");
    await assertFails(hostile, { code: "invalid_exact_evm_transaction_failed", transactions: 1 });
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.success, false);
    assert.equal(await hostile.received(), 0n);
  });

  test("that takes the same authorisation again: it is settled once", async () => {
    const hostile = await tokenPayment("ReplayToken");
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.success, true, JSON.stringify(answer));
    assert.equal(await hostile.received(), AMOUNT);
    await assertFails(hostile, { code: "invalid_exact_evm_nonce_already_used", transactions: 0 });
    assert.equal(await hostile.received(), AMOUNT);
  });
});

describe("USDC", () => {
  const ownerOf = () => chain.reader.readContract({ ...usdc, functionName: "owner" });
  const asOwner = async (functionName, args) => {
    const owner = await ownerOf();
    const { key } = devnet.accounts.find(({ address }) => address.toLowerCase() === owner.toLowerCase());
    await call(usdc, functionName, args, walletOn(devnet.rpc, key));
  };

  test("paused: refused before any gas, and settles once it runs again", async () => {
    const { payment, received } = await honestPayment();
    await asOwner("pause");
    try {
      const verdict = await verify(facilitator, payment);
      assert.equal(verdict.isValid, false);
      assert.match(verdict.invalidMessage, /paused/);
      await assertFails({ payment }, { code: "invalid_exact_evm_transaction_simulation_failed", transactions: 0 });
    } finally {
      await asOwner("unpause");
    }
    assert.equal((await settled(facilitator, payment)).success, true);
    assert.equal(await received(), AMOUNT);
  });

  test("with a deny-listed payer: refused before any gas, others are not", async () => {
    const hostile = await honestPayment();
    await asOwner("blacklist", [hostile.payer.address]);
    const verdict = await verify(facilitator, hostile.payment);
    assert.equal(verdict.isValid, false);
    assert.match(verdict.invalidMessage, /blacklisted/);
    await assertFails(hostile, { code: "invalid_exact_evm_transaction_simulation_failed", transactions: 0 });
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.success, false);
    assert.equal(await hostile.received(), 0n);
  });

  test("that lists a payer after his transaction was sent: his fails, those beside it settle", async () => {
    const listed = await honestPayment();
    const others = [await honestPayment(), await honestPayment()];
    await rpc("evm_setAutomine", [false]);
    try {
      const asking = [listed, ...others].map(({ payment }) => settled(facilitator, payment, 30_000));
      await until("they are in the pool", async () => Number((await rpc("txpool_status")).pending) >= 1);
      const owner = await ownerOf();
      const data = `0xf9f92be4${listed.payer.address.slice(2).toLowerCase().padStart(64, "0")}`;
      // Pays more for its gas: it comes first in the block.
      const fee = `0x${(100n * 10n ** 9n).toString(16)}`;
      await rpc("eth_sendTransaction", [
        { from: owner, to: USDC, data, maxFeePerGas: fee, maxPriorityFeePerGas: fee, gas: "0x30d40" },
      ]);
      await rpc("evm_mine");
      await rpc("evm_setAutomine", [true]);
      const [refused, ...answers] = await Promise.all(asking);
      assert.equal(refused.success, false, JSON.stringify(refused));
      for (const answer of answers) assert.equal(answer.success, true, JSON.stringify(answer));
      assert.equal(await listed.received(), 0n);
      for (const each of others) assert.equal(await each.received(), AMOUNT);
    } finally {
      await rpc("evm_setAutomine", [true]);
    }
  });
});

describe("a contract wallet", () => {
  test("whose isValidSignature burns all gas: refused by the cap before any gas of ours", async () => {
    const hostile = await walletPayment("GreedyWallet");
    await assertFails(hostile, { code: "invalid_exact_evm_transaction_failed", transactions: 0 });
    assert.equal(await hostile.received(), 0n);
  });

  test("that burns it in the transaction only: one transaction, within the cap", async () => {
    const hostile = await walletPayment("SlyWallet");
    assert.equal((await verify(facilitator, hostile.payment)).isValid, true, "no question shows it");
    await assertFails(hostile, { code: "invalid_exact_evm_transaction_failed", transactions: 1 });
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.success, false);
    assert.equal(await hostile.received(), 0n);
  });

  test("that says yes first and no in the transaction: failed, and nothing moved", async () => {
    const hostile = await walletPayment("FickleWallet");
    assert.equal((await verify(facilitator, hostile.payment)).isValid, true, "no question shows it");
    await assertFails(hostile, { code: "invalid_exact_evm_transaction_failed", transactions: 1 });
    const answer = await settleAmongHonest(hostile);
    assert.equal(answer.success, false);
    assert.equal(await hostile.received(), 0n);
  });
});
